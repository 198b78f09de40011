# Copyright 2026 The kpm_ros authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""The last look at commands, at the drive: what is fresh, in order and of one sender, or zero."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kpm_ros.act.assistance_config import AssistanceConfig, illustrative_gain
from kpm_ros.act.muscle_weights import require_names
from kpm_ros.act.safety import Now
from kpm_ros.act.sender import SILENT_NS
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.settings import CheckedSettings, ConfigurationError, setting


@dataclass(frozen=True)
class RelayRules(CheckedSettings):
    """What a drive has, and which commands it may get."""

    joints: list[str] = setting(
        list(illustrative_gain()), "joints that the drive has, in the order that it takes them"
    )
    max_torque_nm: float = setting(
        AssistanceConfig.max_torque_nm,
        "a command with more torque is refused whole",
        least=0.001,
        most=50.0,
    )
    max_age_s: float = setting(
        0.1,
        "age, by the host's clock, at which a command is refused; 0 = not looked at, for senders "
        "whose clock is another",
        least=0.0,
        most=5.0,
    )
    longest_valid_s: float = setting(
        0.1, "no command holds for longer, whatever it says", least=0.005, most=1.0
    )
    follow_simulated_time: bool = setting(
        False, "whether commands that were decided by /clock are followed: no machine should"
    )

    def __post_init__(self) -> None:
        """Refuse joints that cannot be told apart."""
        super().__post_init__()
        try:
            require_names("joints", self.joints)
        except ValueError as error:
            raise ConfigurationError(str(error)) from None


class TimedCommand(NamedTuple):
    """A command with whom it is of and how long it holds."""

    sender: tuple[bytes, int]
    """Publisher and session."""
    sequence: int
    stamp_ns: int
    valid_s: float
    simulated_time: bool
    joints: Sequence[str]
    torque_nm: Sequence[float]


class Relay:
    """Hands commands on while they hold; after any break, from the next command of zero on.

    >>> relay = Relay(RelayRules(joints=["index"]))
    >>> def command(sequence, torque, at_ms):
    ...     stamp_ns = at_ms * 1_000_000
    ...     return TimedCommand((b"exo", 1), sequence, stamp_ns, 0.05, False, ["index"], [torque])
    >>> for sequence, torque in enumerate([0.0, 0.1]):
    ...     relay.push(command(sequence, torque, at_ms=2), Now(2_000_000, 2_000_000))
    >>> relay.output(Now(50_000_000, 50_000_000))
    [0.1]
    >>> relay.output(Now(60_000_000, 60_000_000)), relay.reason
    ([0.0], 'no command for 58 ms')
    """

    def __init__(self, rules: RelayRules) -> None:
        """Give zero until a sender is followed."""
        self.rules = rules
        self.reason = "no command has come yet"
        """Why the drive gets zero; empty while it is moved."""
        self.sender: tuple[bytes, int] | None = None
        self.sequence = 0
        """Of the newest command that was taken."""
        self.late = 0
        """Commands that came twice, or after a later one."""
        self.refused = 0
        self._torque = [0.0] * len(rules.joints)
        self._heard_ns = self._holds_until_ns = self._rivals_until_ns = 0

    @property
    def following(self) -> bool:
        """Whether the drive gets what the sender says."""
        return not self.reason

    def push(self, command: TimedCommand, now: Now) -> None:
        """Take a command that came in at this time."""
        refusal = self._refusal(command, now.clock_ns)
        if refusal:
            self.refuse(refusal)
            return
        if command.sender != self.sender:
            if self.sender is not None and now.steady_ns - self._heard_ns < SILENT_NS:
                self._rivals_until_ns = now.steady_ns + SILENT_NS
                self._break_off("a second publisher sends commands")
                return
            self.sender = command.sender
            self._break_off("another sender's first command must be zero")
        elif command.sequence <= self.sequence:
            self.late += 1
            return
        self.sequence, self._heard_ns = command.sequence, now.steady_ns
        valid_s = min(command.valid_s, self.rules.longest_valid_s)
        self._holds_until_ns = now.steady_ns + round(valid_s * NS_PER_S)
        if self.reason and now.steady_ns >= self._rivals_until_ns and not any(command.torque_nm):
            self.reason = ""
        if self.following:
            given = dict(zip(command.joints, command.torque_nm, strict=True))
            self._torque = [given.get(joint, 0.0) for joint in self.rules.joints]

    def refuse(self, reason: str) -> None:
        """Take note of something that must not have come: the drive gets zero."""
        self.refused += 1
        self._break_off(reason)

    def output(self, now: Now) -> list[float]:
        """Give what the drive gets at this instant."""
        if self.following and now.steady_ns > self._holds_until_ns:
            silent_ms = (now.steady_ns - self._heard_ns) / 1e6
            self._break_off(f"no command for {silent_ms:.0f} ms")
        return self._torque

    def _break_off(self, reason: str) -> None:
        self.reason = reason
        self._torque = [0.0] * len(self.rules.joints)

    def _refusal(self, command: TimedCommand, clock_ns: int) -> str:
        """Why a command must not reach the drive; empty if it may."""
        rules = self.rules
        age_s = (clock_ns - command.stamp_ns) / NS_PER_S
        if rules.max_age_s and abs(age_s) > rules.max_age_s:
            return f"a command was decided {age_s:.3g} s ago"
        if not (math.isfinite(command.valid_s) and command.valid_s > 0):
            return f"a command is valid for {command.valid_s:g} s"
        if command.simulated_time and not rules.follow_simulated_time:
            return "commands are decided by /clock: a replay moves no machine"
        return self._unfit_torque(command.joints, command.torque_nm)

    def _unfit_torque(self, joints: Sequence[str], torque_nm: Sequence[float]) -> str:
        known, most = self.rules.joints, self.rules.max_torque_nm
        lacking = [joint for joint in joints if joint not in known]
        if lacking:
            return f"the drive lacks the joint {', '.join(lacking)}; it has {', '.join(known)}"
        if len(torque_nm) != len(joints) or len(set(joints)) < len(joints):
            return f"{len(torque_nm)} torques came for {', '.join(joints)}"
        for joint, torque in zip(joints, torque_nm, strict=True):
            if not abs(torque) <= most:
                return f"{joint} would get {torque:g} Nm, beyond {most:g}"
        return ""
