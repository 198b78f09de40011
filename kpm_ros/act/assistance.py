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

import numpy as np
from numpy.typing import ArrayLike

from kpm_ros.act.arming import Arming, ArmingRules, Cause, Fault
from kpm_ros.act.assistance_command import AssistanceCommand, AssistanceState
from kpm_ros.act.assistance_config import AssistanceConfig
from kpm_ros.act.safety import EffortGuard, GuardState, Now
from kpm_ros.act.slew_limiter import SlewLimiter
from kpm_ros.act.smoothing import Smoother
from kpm_ros.act.torque_map import TorqueMap
from kpm_ros.core.flags import INVALID_SIDE
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.stream_kinds import SIDES
from kpm_ros.models.intervals import Intervals

STANDSTILL_S = 0.2
"""How long the clock of the stamps may show the same before it counts as stopped. One that a bag's
player sets stands still between its steps, of 25 ms by default."""

INHIBIT_S = 1.0
"""How long nothing is acted on after something came that made effort doubtful."""


class Assistance:
    """Turns effort into bounded torques; starts disarmed. To be driven from one thread.

    It reads no clock: every call says what time it is. `command` must be called on, also when no
    effort comes, for time passes only from call to call. The clock of the stamps decides what is
    too old to act on, and may do what it likes: how fast and for how long torque moves goes by the
    steady clock alone.

    >>> from kpm_ros.act.safety import Now
    >>> assistance = Assistance(AssistanceConfig(gain={"index_abduction": {"1DI": 0.2}}))
    >>> assistance.describe(["ADM", "1DI"], meaning="of one model")
    >>> def commands(begin_ms, end_ms, effort=True):
    ...     for time_ns in range(begin_ms * 1_000_000, end_ms * 1_000_000, 2_000_000):
    ...         if effort:
    ...             assistance.push_effort([time_ns], [[0.0, 0.53]], [0], Now(time_ns, time_ns))
    ...         command = assistance.command(Now(time_ns, time_ns))
    ...     return command
    >>> commands(0, 500).state.value
    'disarmed'
    >>> assistance.arm(Now(500_000_000, 500_000_000), by="the operator")
    >>> command = commands(500, 2000)
    >>> command.state.value, command.torque_nm.round(3).tolist()
    ('active', [0.1])

    Without effort torque goes to zero, and the command says why.

    >>> command = commands(2000, 2100, effort=False)
    >>> command.state.value, command.torque_nm.tolist(), command.reason
    ('withheld', [0.0], 'no effort for 100 ms')
    """

    def __init__(self, config: AssistanceConfig, arming: Arming | None = None) -> None:
        """Know nothing of the effort yet: `describe` says what it means."""
        self.config = config
        self.arming = arming or Arming(ArmingRules())
        self.guard = EffortGuard(
            0,
            config.timeout_s,
            config.max_age_s,
            config.max_effort,
            late_inputs=config.late_inputs,
        )
        self._meaning: Hashable = None
        self._torques: TorqueMap | None = None
        self._smoother = Smoother(0, config.smoothing_s, config.timeout_s)
        self._slew = SlewLimiter(len(config.joints), config.max_torque_rate_nm_s)
        self._share = 0.0
        self._now: Now | None = None
        self._clock_ns = self._moved_ns = 0
        """What the clock of the stamps last showed, and since when, by the steady clock."""
        self._standing_s = 0.0
        self._muted_until_ns = dict.fromkeys(SIDES, 0)
        self._inhibit_reason = ""
        self._inhibited_until_ns = 0

    def describe(
        self, muscles: Sequence[str], meaning: Hashable, intervals: Intervals | None = None
    ) -> None:
        """Say in which order the muscles of all effort to come are, and what it is.

        Joints are mapped to them by name, anew each time; torque goes to zero in the stated time
        and effort must be good for `recover_s` again. Where the meaning is another than before, it
        is disarmed as well: who is assisted must want that. Refused, ValueError, and nothing is
        acted on, when a muscle that a gain names is not among them, or intervals are needed.
        """
        known, self._meaning = self._meaning, meaning
        self._torques, self._share = None, 0.0
        self._muted_until_ns = dict.fromkeys(SIDES, 0)
        now = self._now or Now(0, 0)
        if known not in (None, meaning):
            reason = "effort has another meaning than before: arm again to accept it"
            self.arming.disarm(now, Cause.DESCRIPTION, reason)
        try:
            torques = TorqueMap(self.config, muscles, intervals)
        except ValueError as error:
            self.guard.expect(0, str(error))
            self.arming.disarm(now, Cause.DESCRIPTION, str(error))
            raise
        self.guard.expect(len(muscles), "the effort stream has begun anew; no effort since")
        self._smoother = Smoother(len(muscles), self.config.smoothing_s, self.config.timeout_s)
        self._torques = torques

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
        known = self._torques
        if known is not None:
            self._torques = TorqueMap(config, known.muscles, known.intervals)
        self.config = config
        self.guard.limit(config.timeout_s, config.max_age_s, config.max_effort)
        self.guard.late_inputs = config.late_inputs
        self._smoother.retime(config.smoothing_s, config.timeout_s)
        self._slew.rate_per_s = config.max_torque_rate_nm_s

    @property
    def armed(self) -> bool:
        """Whether assistance acts as soon as nothing is at fault."""
        return self.arming.armed

    def arm(self, now: Now, by: str, others: Sequence[Fault] = ()) -> None:
        """Begin to assist, by a ramp, unless it does; a NotHealthyError says what is missing.

        `others`: what is at fault beside effort and its clock.
        """
        if not self.armed:
            self.arming.arm(now, by, self.missing(now, others))
            self._share = 0.0

    def missing(self, now: Now, others: Sequence[Fault] = ()) -> list[Fault]:
        """List what keeps it from being armed at this instant."""
        found = [*others, *self._faults(now)]
        wait_s = self.config.recover_s
        if not found and self.guard.good_for_s(now) < wait_s:
            found.append(Fault(Cause.EFFORT_STALE, f"effort must be good for {wait_s:g} s on end"))
        return found

    def disarm(self, now: Now, by: str) -> None:
        """Go to zero in the stated time and stay there until somebody arms."""
        self.arming.disarm(now, Cause.OPERATOR, f"disarmed by {by}")

    def stop(self, now: Now, cause: Cause = Cause.STOP, reason: str = "stopped") -> None:
        """Drop to zero at once and stay there until somebody arms."""
        self.arming.disarm(now, cause, reason)
        self._share = 0.0
        self._slew.zero()

    def push_effort(
        self, stamps_ns: ArrayLike, effort: ArrayLike, flags: ArrayLike, now: Now
    ) -> None:
        """Take effort samples (n,), (n, muscles), (n,) that came in at this time.

        Where one of two hands is invalid, joints that its muscles move go to zero by the bounded
        rate, until it has been valid for `recover_s`; the other hand's go on.
        """
        if self._torques is None:
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

    def command(self, now: Now, others: Sequence[Fault] = ()) -> AssistanceCommand:
        """Give the torques to apply from this instant on.

        `others`: what is at fault beside effort and its clock.
        """
        elapsed_s = self._elapse(now)
        faults = [*others, *self._faults(now)]
        if self.armed and elapsed_s > self.config.valid_s:
            # The drive has gone to zero meanwhile: to go on from here would be a jump.
            reason = f"no command could be sent for {elapsed_s * 1000:.0f} ms"
            self.guard.inhibit("held up", reason)
            self._slew.zero()
            faults.append(Fault(Cause.HELD_UP, reason))
        if self._standing_s > STANDSTILL_S:
            self._slew.zero()
        state, reason = self._decide(now, faults)
        if state is not AssistanceState.ACTIVE or self._torques is None:
            self._share = 0.0
            torque = self._slew.release(elapsed_s, self.config.ramp_down_s)
            return AssistanceCommand(np.array(torque), state, reason)
        self._grow_share(elapsed_s)
        if self._share < 1.0:
            state, reason = AssistanceState.RAMPING, "assistance is ramping up"
        torque = self._slew.step(self._target(self._torques, now), elapsed_s)
        return AssistanceCommand(np.array(torque), state, reason)

    def _elapse(self, now: Now) -> float:
        """Seconds since the last command by the steady clock; note if the other one moves."""
        last = self._now or now
        steady_ns = max(now.steady_ns, last.steady_ns)
        if self._now is None or now.clock_ns != self._clock_ns:
            self._clock_ns, self._moved_ns = now.clock_ns, steady_ns
        self._now = Now(now.clock_ns, steady_ns)
        self._standing_s = (steady_ns - self._moved_ns) / NS_PER_S
        return (steady_ns - last.steady_ns) / NS_PER_S

    def _faults(self, now: Now) -> list[Fault]:
        """List what is wrong with effort, or with its clock, at this instant."""
        found = []
        if self._standing_s > STANDSTILL_S:
            reason = f"the clock has stood still for {self._standing_s:.1f} s"
            found.append(Fault(Cause.CLOCK, reason))
        report = self.guard.check(now)
        if now.steady_ns < self._inhibited_until_ns:
            found.append(Fault(Cause.DOUBT, self._inhibit_reason))
        elif report.state is GuardState.INVALID:
            found.append(Fault(Cause.EFFORT_INVALID, report.reason))
        elif report.state is not GuardState.READY:
            found.append(Fault(Cause.EFFORT_STALE, report.reason))
        return found

    def _decide(self, now: Now, faults: Sequence[Fault]) -> tuple[AssistanceState, str]:
        if not self.arming.judge(now, faults):
            armed = self.arming.armed
            state = AssistanceState.WITHHELD if armed else AssistanceState.DISARMED
            return state, self.arming.reason
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

    def _target(self, torques: TorqueMap, now: Now) -> list[float]:
        """Torque that the smoothed effort asks for, but none of a hand that is not valid."""
        wanted = [self._share * torque for torque in torques.wanted(self._smoother.value)]
        for side, until_ns in self._muted_until_ns.items():
            if now.steady_ns < until_ns:
                for joint in torques.of_side[side]:
                    wanted[joint] = 0.0
        return wanted
