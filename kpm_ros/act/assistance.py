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

"""Effort to joint torques of a hand exoskeleton, zero whenever anything is in doubt."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kpm_ros.act.assistance_config import AssistanceConfig
from kpm_ros.act.muscle_weights import require_known_muscles, require_names
from kpm_ros.act.safety import NS_PER_S, EffortGuard, GuardReport, GuardState, Now
from kpm_ros.act.slew_limiter import SlewLimiter
from kpm_ros.act.smoothing import Smoother
from kpm_ros.core.flags import INVALID_SIDE
from kpm_ros.core.hands import side_of
from kpm_ros.core.stream_kinds import SIDES

STANDSTILL_S = 0.2
"""How long the clock of the stamps may show the same before it counts as stopped. One that a bag's
player sets stands still between its steps, of 25 ms by default."""

INHIBIT_S = 1.0
"""How long nothing is acted on after something came that made effort doubtful."""


class AssistanceState(str, Enum):
    """What assistance is doing."""

    STOPPED = "stopped"
    """Zero at once, until enabled again."""
    DISABLED = "disabled"
    """At zero, or on the bounded way there."""
    WITHHELD = "withheld"
    """Enabled, but effort is not fit to act on: at zero, or on the bounded way there."""
    RECOVERING = "recovering"
    """Enabled, and effort is good, but not for long enough yet: as withheld."""
    RAMPING = "ramping"
    """Assisting with a growing share."""
    ACTIVE = "active"
    """Assisting."""


@dataclass(frozen=True, slots=True)
class AssistanceCommand:
    """Torque of each joint, with the reason why it is what it is."""

    torque_nm: NDArray[np.float64]
    state: AssistanceState
    reason: str


class Assistance:
    """Turns effort into bounded torques; starts disabled. To be driven from one thread.

    It reads no clock: every call says what time it is. `command` must be called on, also when no
    effort comes, for time passes only from call to call. The clock of the stamps decides what is
    too old to act on, and may do what it likes: how fast and for how long torque moves goes by the
    steady clock alone.

    >>> from kpm_ros.act.safety import Now
    >>> assistance = Assistance(AssistanceConfig(gain={"index_abduction": {"1DI": 0.2}}))
    >>> assistance.describe(["ADM", "1DI"], meaning="of one model")
    >>> assistance.enable(Now(0, 0)).state.value
    'withheld'
    >>> for time_ns in range(2_000_000, 2_000_000_000, 2_000_000):
    ...     now = Now(time_ns, time_ns)
    ...     assistance.push_effort([time_ns], [[0.0, 0.58]], [0], now)
    ...     command = assistance.command(now)
    >>> command.state.value, command.torque_nm.round(3).tolist()
    ('active', [0.1])

    Without effort torque goes to zero, and the command says why.

    >>> for silent_ns in range(2_000_000, 200_000_000, 2_000_000):
    ...     command = assistance.command(Now(time_ns + silent_ns, time_ns + silent_ns))
    >>> command.state.value, command.torque_nm.tolist(), command.reason
    ('withheld', [0.0], 'no effort for 198 ms')
    """

    def __init__(self, config: AssistanceConfig) -> None:
        """Know nothing of the effort yet: `describe` says what it means."""
        self.config = config
        self.guard = EffortGuard(0, config.timeout_s, config.max_age_s, config.max_effort)
        self._meaning: Hashable = None
        self._muscles: tuple[str, ...] = ()
        self._gains: list[list[tuple[int, float]]] = []
        self._smoother = Smoother(0, config.smoothing_s, config.timeout_s)
        self._slew = SlewLimiter(len(config.joints), config.max_torque_rate_nm_s)
        self._idle = [0.0] * len(config.joints)
        self._mode = AssistanceState.DISABLED
        self._mode_reason = AssistanceState.DISABLED.value
        self._share = 0.0
        self._now: Now | None = None
        self._clock_ns = self._moved_ns = 0
        """What the clock of the stamps last showed, and since when, by the steady clock."""
        self._standing_s = 0.0
        self._muted_until_ns = dict.fromkeys(SIDES, 0)
        self._of_side: dict[str, list[int]] = {side: [] for side in SIDES}
        self._inhibit_reason = ""
        self._inhibited_until_ns = 0

    def describe(self, muscles: Sequence[str], meaning: Hashable) -> None:
        """Say in which order the muscles of all effort to come are, and what it is.

        Joints are mapped to them by name, anew each time; torque goes by the bounded ramp to zero
        and effort must be good for `recover_s` again. Where the meaning is another than before,
        assistance is disabled as well: who is assisted must want that. Refused, ValueError, and
        nothing is acted on, when a muscle that a gain names is not among them.
        """
        known, self._meaning = self._meaning, meaning
        self._gains, self._share = [], 0.0
        self._muted_until_ns = dict.fromkeys(SIDES, 0)
        if known not in (None, meaning) and self._mode is AssistanceState.ACTIVE:
            self._mode = AssistanceState.DISABLED
            self._mode_reason = "effort has another meaning than before: enable again to accept it"
        try:
            gains = self._mapped(self.config, muscles)
        except ValueError as error:
            self.guard.expect(0, str(error))
            raise
        self.guard.expect(len(muscles), "the effort stream has begun anew; no effort since")
        self._smoother = Smoother(len(muscles), self.config.smoothing_s, self.config.timeout_s)
        self._gains, self._muscles = gains, tuple(muscles)
        self._of_side = _joints_of_side(gains, muscles)

    def reconfigure(self, config: AssistanceConfig) -> None:
        """Go on by other gains, limits and waits, from the torque that there is.

        Torque comes within a lower limit at the bounded rate. Refused, ValueError, and nothing has
        changed, when the joints are others, or when a gain names a muscle that effort has not got.
        """
        if config.joints != self.config.joints:
            raise ValueError(
                f"the joints would be {', '.join(config.joints)}, but whoever follows the command "
                f"expects {', '.join(self.config.joints)}"
            )
        if self._gains:
            self._gains = self._mapped(config, self._muscles)
            self._of_side = _joints_of_side(self._gains, self._muscles)
        self.config = config
        self.guard.limit(config.timeout_s, config.max_age_s, config.max_effort)
        self._smoother.retime(config.smoothing_s, config.timeout_s)
        self._slew.rate_per_s = config.max_torque_rate_nm_s

    @property
    def enabled(self) -> bool:
        """Whether assistance acts as soon as effort is fit to be acted on."""
        return self._mode is AssistanceState.ACTIVE

    def enable(self, now: Now) -> AssistanceCommand:
        """Begin to assist, by a ramp and once effort has been good long enough; ends a stop."""
        self._switch(AssistanceState.ACTIVE)
        return self.command(now)

    def disable(self, now: Now) -> AssistanceCommand:
        """Go to zero by the bounded ramp and stay there; a stop remains a stop."""
        if self._mode is not AssistanceState.STOPPED:
            self._switch(AssistanceState.DISABLED)
        return self.command(now)

    def stop(self) -> AssistanceCommand:
        """Drop to zero at once and stay there until enabled again."""
        self._switch(AssistanceState.STOPPED)
        self._share = 0.0
        self._slew.zero()
        return AssistanceCommand(np.zeros(len(self._idle)), self._mode, self._mode_reason)

    def push_effort(
        self, stamps_ns: ArrayLike, effort: ArrayLike, flags: ArrayLike, now: Now
    ) -> None:
        """Take effort samples (n,), (n, muscles), (n,) that came in at this time.

        Where one of two hands is invalid, joints that its muscles move go to zero by the bounded
        rate, until it has been valid for `recover_s`; the other hand's go on.
        """
        if not self._gains:
            return
        admitted = self.guard.push_effort(stamps_ns, effort, flags, now)
        self._mute(admitted.flags, now)
        for stamp, sample in zip(admitted.stamps_ns, admitted.effort, strict=True):
            if sample is None:
                self._smoother.reset()
            else:
                self._smoother.push_sample(stamp, sample)

    def inhibit(self, reason: str, now: Now) -> None:
        """Take note of what makes effort unfit to act on: torque goes to zero for `INHIBIT_S`."""
        self.guard.inhibit("in doubt", reason)
        self._inhibit_reason = reason
        self._inhibited_until_ns = now.steady_ns + round(INHIBIT_S * NS_PER_S)

    def command(self, now: Now) -> AssistanceCommand:
        """Give the torques to apply from this instant on."""
        elapsed_s = self._elapse(now)
        state, reason = self._decide(self.guard.check(now), now)
        target = self._idle
        if self._standing_s > STANDSTILL_S:
            self._slew.zero()
        if state is AssistanceState.ACTIVE:
            self._grow_share(elapsed_s)
            target = self._target(now)
            if self._share < 1.0:
                state, reason = AssistanceState.RAMPING, "assistance is ramping up"
        else:
            self._share = 0.0
        return AssistanceCommand(np.array(self._slew.step(target, elapsed_s)), state, reason)

    def _mapped(
        self, config: AssistanceConfig, muscles: Sequence[str]
    ) -> list[list[tuple[int, float]]]:
        """Which muscle by its place, and with which gain, moves each joint."""
        require_names("muscles", muscles)
        place = {muscle: index for index, muscle in enumerate(muscles)}
        for joint, weights in config.gain.items():
            require_known_muscles(f"the gain of {joint!r}", weights, muscles)
        return [
            [(place[muscle], gain) for muscle, gain in config.gain[joint].items()]
            for joint in config.joints
        ]

    def _switch(self, mode: AssistanceState) -> None:
        self._mode, self._mode_reason = mode, mode.value

    def _elapse(self, now: Now) -> float:
        """Seconds since the last command by the steady clock; note if the other one moves."""
        last = self._now or now
        steady_ns = max(now.steady_ns, last.steady_ns)
        if self._now is None or now.clock_ns != self._clock_ns:
            self._clock_ns, self._moved_ns = now.clock_ns, steady_ns
        self._now = Now(now.clock_ns, steady_ns)
        self._standing_s = (steady_ns - self._moved_ns) / NS_PER_S
        return (steady_ns - last.steady_ns) / NS_PER_S

    def _decide(self, report: GuardReport, now: Now) -> tuple[AssistanceState, str]:
        if self._mode is not AssistanceState.ACTIVE:
            return self._mode, self._mode_reason
        if self._standing_s > STANDSTILL_S:
            reason = f"the clock has stood still for {self._standing_s:.1f} s"
            return AssistanceState.WITHHELD, reason
        if now.steady_ns < self._inhibited_until_ns:
            return AssistanceState.WITHHELD, self._inhibit_reason
        if report.state is not GuardState.READY:
            return AssistanceState.WITHHELD, report.reason
        if self.guard.good_for_s(now) < self.config.recover_s:
            wait_s = self.config.recover_s
            return AssistanceState.RECOVERING, f"effort must be good for {wait_s:g} s on end"
        return AssistanceState.ACTIVE, "assisting"

    def _mute(self, flags: Sequence[int], now: Now) -> None:
        """Note which hand must not be acted on, and until when at least."""
        for side, flag in INVALID_SIDE.items():
            if any(bits & flag for bits in flags):
                recover_ns = max(round(self.config.recover_s * NS_PER_S), 1)
                self._muted_until_ns[side] = now.steady_ns + recover_ns

    def _grow_share(self, elapsed_s: float) -> None:
        """Ramp up; as in the slew limiter, time in which nobody looked is none in which to grow."""
        ramp_s = self.config.enabled_ramp_s
        growth = min(elapsed_s, self._slew.max_growth_s) / ramp_s if ramp_s else 1.0
        self._share = min(1.0, self._share + growth)

    def _target(self, now: Now) -> list[float]:
        """Torque that the smoothed effort asks for, within what a joint may bear."""
        deadband, limit = self.config.deadband, self.config.max_torque_nm
        felt = [max(0.0, effort - deadband) for effort in self._smoother.value]
        wanted = (sum(felt[muscle] * gain for muscle, gain in row) for row in self._gains)
        torques = [self._share * min(max(torque, -limit), limit) for torque in wanted]
        for side, until_ns in self._muted_until_ns.items():
            if now.steady_ns < until_ns:
                for joint in self._of_side[side]:
                    torques[joint] = 0.0
        return torques


def _joints_of_side(
    gains: Sequence[Sequence[tuple[int, float]]], muscles: Sequence[str]
) -> dict[str, list[int]]:
    """Which joints some muscle of each hand moves."""
    sides = [side_of(muscle) for muscle in muscles]
    return {
        side: [k for k, row in enumerate(gains) if any(sides[muscle] == side for muscle, _ in row)]
        for side in SIDES
    }
