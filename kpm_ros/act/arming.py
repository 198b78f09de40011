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

"""Whether a machine may be moved: armed by somebody while all is well, disarmed by what is not."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from kpm_ros.act.safety import Now
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.settings import CheckedSettings, ConfigurationError, check_choice, setting

REMEMBERED = 50
"""Times of arming and disarming, and breaks in between, that are kept to be told."""
TRACE = "trace: "
"""What lines begin with that tell these."""


class Cause(str, Enum):
    """What keeps a machine from being moved."""

    NEVER_ARMED = "never_armed"
    OPERATOR = "operator"
    STOP = "stop"
    DEACTIVATED = "deactivated"
    ENDED = "ended"
    """What was to be done is done."""
    DESCRIPTION = "description"
    """What the values that it is moved by mean has changed."""
    DEAD_MAN = "dead_man"
    """Whoever must hold a switch has let it go, or is not heard."""
    DRIVE = "drive"
    """The drive does not say that it does what it is told."""
    DOUBT = "doubt"
    """A second publisher, or messages that cannot be read."""
    CLOCK = "clock"
    HELD_UP = "held_up"
    """The sender had no time to send."""
    EFFORT_INVALID = "effort_invalid"
    EFFORT_STALE = "effort_stale"


HEALING = (
    Cause.DRIVE,
    Cause.DOUBT,
    Cause.CLOCK,
    Cause.HELD_UP,
    Cause.EFFORT_INVALID,
    Cause.EFFORT_STALE,
)
"""What may be over without anybody's doing. After all else somebody must arm."""


class Fault(NamedTuple):
    """Something that is not as it must be."""

    cause: Cause
    reason: str


@dataclass(frozen=True)
class ArmingRules(CheckedSettings):
    """After what, and for how long, a machine that was armed goes on by itself."""

    heals: list[str] = setting(
        [Cause.EFFORT_INVALID.value, Cause.EFFORT_STALE.value, Cause.HELD_UP.value],
        "causes after which torque comes back by itself once they are over; after any other "
        "somebody must arm again",
        live=True,
    )
    heal_within_s: float = setting(
        10.0, "after a longer break somebody must arm again", least=0.0, most=3600.0, live=True
    )

    def __post_init__(self) -> None:
        """Refuse a cause that does not exist, or is somebody's doing."""
        super().__post_init__()
        for cause in self.heals:
            check_choice("an entry of heals", cause, [each.value for each in HEALING])


class NotHealthyError(ConfigurationError):
    """A machine cannot be armed; the message says what is missing."""


class Turn(NamedTuple):
    """One time that a machine was armed or disarmed, or was held up and went on."""

    clock_ns: int
    what: str
    by: str
    """Who or what."""

    def __str__(self) -> str:
        """Say it in a sentence."""
        return f"{self.what} by {self.by}"


ARMED, DISARMED, WITHHELD, WENT_ON = "armed", "disarmed", "withheld", "went on"


class Arming:
    """Disarmed until somebody arms while nothing is at fault; any fault is judged by its cause.

    >>> arming = Arming(ArmingRules())
    >>> silent = [Fault(Cause.EFFORT_STALE, "no effort for 60 ms")]
    >>> try:
    ...     arming.arm(Now(0, 0), "exo/enable", silent)
    ... except NotHealthyError as error:
    ...     print(error)
    cannot be armed: no effort for 60 ms
    >>> arming.arm(Now(0, 0), "exo/enable", [])
    >>> arming.judge(Now(0, 0), silent), arming.armed  # this heals
    (False, True)
    >>> arming.judge(Now(0, 0), [Fault(Cause.DEAD_MAN, "the dead-man switch is released")])
    False
    >>> arming.armed, arming.cause.value
    (False, 'dead_man')
    """

    def __init__(self, rules: ArmingRules) -> None:
        """Be disarmed."""
        self.rules = rules
        self.armed = False
        self.fault: Fault | None = Fault(Cause.NEVER_ARMED, "nobody has armed yet")
        """Why nothing moves; None while nothing is at fault."""
        self.armed_by = ""
        self.turns: deque[Turn] = deque(maxlen=REMEMBERED)
        self._breaks: deque[Turn] = deque(maxlen=REMEMBERED)
        self.disarmed = 0
        """Times that it was disarmed."""
        self._broken_ns: int | None = None
        """Since when, by the steady clock, it has been armed but must not move."""

    @property
    def cause(self) -> Cause | None:
        """Why nothing moves, by one word."""
        return self.fault.cause if self.fault else None

    @property
    def reason(self) -> str:
        """The same in a sentence."""
        return self.fault.reason if self.fault else ""

    @property
    def trace(self) -> list[Turn]:
        """Everything that is remembered, the oldest first."""
        return sorted([*self.turns, *self._breaks], key=lambda turn: turn.clock_ns)

    def arm(self, now: Now, by: str, faults: Sequence[Fault]) -> None:
        """Let the machine be moved from now on; a NotHealthyError says what is missing first."""
        if faults:
            missing = "; ".join(fault.reason for fault in faults)
            raise NotHealthyError(f"cannot be armed: {missing}")
        self.turns.append(Turn(now.clock_ns, ARMED, by))
        self.armed, self.armed_by = True, by
        self.fault = self._broken_ns = None

    def disarm(self, now: Now, cause: Cause, reason: str) -> None:
        """Let nothing be moved until somebody arms; the first cause is the one that is told."""
        if not self.armed:
            if cause is Cause.STOP:
                self.fault = Fault(cause, reason)
            return
        self.armed, self.fault, self._broken_ns = False, Fault(cause, reason), None
        self.disarmed += 1
        self.turns.append(Turn(now.clock_ns, DISARMED, f"{cause.value}: {reason}"))

    def judge(self, now: Now, faults: Sequence[Fault]) -> bool:
        """Say whether the machine may be moved; disarm for what does not heal, or lasts."""
        if not self.armed:
            return False
        for fault in faults:
            if fault.cause.value not in self.rules.heals:
                self.disarm(now, *fault)
                return False
        if not faults:
            if self.fault is not None:
                self._breaks.append(
                    Turn(now.clock_ns, WENT_ON, f"itself: {self.fault.cause.value} is over")
                )
            self.fault = self._broken_ns = None
            return True
        self.fault = faults[0]
        if self._broken_ns is None:
            self._broken_ns = now.steady_ns
            self._breaks.append(
                Turn(now.clock_ns, WITHHELD, f"{self.fault.cause.value}: {self.reason}")
            )
        lasted_s = (now.steady_ns - self._broken_ns) / NS_PER_S
        if lasted_s > self.rules.heal_within_s:
            self.disarm(now, self.fault.cause, f"{self.fault.reason}, after {lasted_s:.0f} s")
        return False
