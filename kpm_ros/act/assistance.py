"""Effort to joint torques of a hand exoskeleton, zero whenever anything is in doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kpm_ros.act.checks import require_known_muscles, require_names, require_number
from kpm_ros.act.safety import NS_PER_S, EffortGuard, GuardReport, GuardState, SlewLimiter
from kpm_ros.act.smoothing import Smoother

GAIN_LIMIT = 100.0
"""Nm per unit of effort; nothing worn on a finger wants more, so more is a slip of the pen."""

STANDSTILL_COMMANDS = 100
"""Commands asked for at one and the same instant before the clock counts as stopped."""


def illustrative_gain() -> dict[str, dict[str, float]]:
    """Small gains that push each finger the way its muscle pulls; not tuned on anybody.

    Positive is away from the middle finger, and for the middle finger towards the thumb.
    """
    return {
        "thumb_abduction": {"PB": 0.25},
        "index_abduction": {"1DI": 0.2},
        "middle_abduction": {"2DI": 0.15, "3DI": -0.15},
        "ring_abduction": {"4DI": 0.15},
        "little_abduction": {"ADM": 0.15},
    }


@dataclass(frozen=True)
class AssistanceConfig:
    """How effort becomes torque, and how carefully. A wrong value is refused in words."""

    gain: Mapping[str, Mapping[str, float]] = field(default_factory=illustrative_gain)
    """Nm per unit of effort, {joint: {muscle: gain}}; a joint without muscles stays at zero."""
    joint_order: Sequence[str] = ()
    """Joints in the order of the command; empty = those of `gain`, in its order."""
    deadband: float = 0.08
    """Effort up to here, smoothed, moves nothing."""
    max_torque_nm: float = 0.3
    max_torque_rate_nm_s: float = 3.0
    smoothing_s: float = 0.03
    timeout_s: float = 0.05
    """Silence after which effort is stale."""
    max_age_s: float = 0.3
    """Age of the instant described after which effort is stale."""
    recover_s: float = 0.25
    """How long effort must have been good without a break before it is acted on."""
    enabled_ramp_s: float = 1.0
    """Time from nothing to full assistance once it begins."""

    def __post_init__(self) -> None:
        """Refuse what no machine should be driven by."""
        require_names("joints", self.joints)
        for joint in self.joints:
            if joint not in self.gain:
                raise ValueError(f"the joint {joint!r} has no gain; give it at least an empty one")
        for joint, weights in self.gain.items():
            if joint not in self.joints:
                raise ValueError(f"gain is given for the joint {joint!r}, which is not a joint")
            for muscle, value in weights.items():
                what = f"the gain of {joint!r} from {muscle!r}"
                require_number(what, value, at_least=-GAIN_LIMIT, at_most=GAIN_LIMIT)
        for name in ("max_torque_nm", "max_torque_rate_nm_s", "timeout_s", "max_age_s"):
            require_number(name, getattr(self, name), above=0)
        for name in ("deadband", "smoothing_s", "recover_s", "enabled_ramp_s"):
            require_number(name, getattr(self, name), at_least=0)

    @property
    def joints(self) -> tuple[str, ...]:
        """Joints in the order of the command."""
        return tuple(self.joint_order or self.gain)

    @property
    def ramp_down_s(self) -> float:
        """Longest time from a known fault, or from being disabled, to zero torque."""
        return self.max_torque_nm / self.max_torque_rate_nm_s

    @property
    def time_to_zero_s(self) -> float:
        """Longest time from the last effort sample's arrival to zero torque, whatever came before.

        The first command asked for after this time is zero.
        """
        return self.timeout_s + self.ramp_down_s


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
    effort comes, for time passes only from call to call.
    """

    def __init__(self, config: AssistanceConfig, muscles: Sequence[str]) -> None:
        """`muscles`: names in the order of the effort that will be pushed."""
        require_names("muscles", muscles)
        for joint, weights in config.gain.items():
            require_known_muscles(f"the gain of {joint!r}", weights, muscles)
        self.config = config
        self.guard = EffortGuard(len(muscles), config.timeout_s, config.max_age_s)
        self._gains = [
            [(list(muscles).index(muscle), gain) for muscle, gain in config.gain[joint].items()]
            for joint in config.joints
        ]
        self._smoother = Smoother(len(muscles), config.smoothing_s, config.timeout_s)
        self._slew = SlewLimiter(len(self._gains), config.max_torque_rate_nm_s)
        self._idle = [0.0] * len(self._gains)
        self._mode = AssistanceState.DISABLED
        self._share = 0.0
        self._now_ns: int | None = None
        self._standstill = 0

    def enable(self, now_ns: int) -> AssistanceCommand:
        """Begin to assist, by a ramp and once effort has been good long enough; ends a stop."""
        self._mode = AssistanceState.ACTIVE
        return self.command(now_ns)

    def disable(self, now_ns: int) -> AssistanceCommand:
        """Go to zero by the bounded ramp and stay there; a stop remains a stop."""
        if self._mode is not AssistanceState.STOPPED:
            self._mode = AssistanceState.DISABLED
        return self.command(now_ns)

    def stop(self) -> AssistanceCommand:
        """Drop to zero at once and stay there until enabled again."""
        self._mode = AssistanceState.STOPPED
        self._share = 0.0
        self._slew.zero()
        return AssistanceCommand(np.zeros(len(self._idle)), self._mode, "stopped")

    def push(self, stamps_ns: ArrayLike, effort: ArrayLike, flags: ArrayLike, now_ns: int) -> None:
        """Take effort samples (n,), (n, muscles), (n,) that came in at `now_ns`."""
        admitted = self.guard.push(stamps_ns, effort, flags, now_ns)
        for stamp, sample in zip(admitted.stamps_ns, admitted.effort, strict=True):
            if sample is None:
                self._smoother.reset()
            else:
                self._smoother.push(stamp, sample)

    def command(self, now_ns: int) -> AssistanceCommand:
        """Give the torques to apply from this instant on."""
        elapsed_s = self._elapse(now_ns)
        state, reason = self._decide(self.guard.check(now_ns), now_ns)
        target = self._idle
        if self._standstill >= STANDSTILL_COMMANDS:
            # Without time there is no ramp, and a torque must not outlive its clock.
            self._slew.zero()
        if state is AssistanceState.ACTIVE:
            self._grow_share(elapsed_s)
            target = self._target()
            if self._share < 1.0:
                state, reason = AssistanceState.RAMPING, "assistance is ramping up"
        else:
            self._share = 0.0
        return AssistanceCommand(np.array(self._slew.step(target, elapsed_s)), state, reason)

    def _elapse(self, now_ns: int) -> float:
        """Seconds since the last command; a clock that stands still or runs back gives none."""
        last_ns = now_ns if self._now_ns is None else self._now_ns
        self._now_ns = now_ns
        self._standstill = 0 if now_ns > last_ns else self._standstill + 1
        return max(0, now_ns - last_ns) / NS_PER_S

    def _decide(self, report: GuardReport, now_ns: int) -> tuple[AssistanceState, str]:
        if self._mode is not AssistanceState.ACTIVE:
            return self._mode, self._mode.value
        if self._standstill >= STANDSTILL_COMMANDS:
            reason = f"the clock has stood still for {STANDSTILL_COMMANDS} commands"
            return AssistanceState.WITHHELD, reason
        if report.state is not GuardState.READY:
            return AssistanceState.WITHHELD, report.reason
        if self.guard.good_for_s(now_ns) < self.config.recover_s:
            wait_s = self.config.recover_s
            return AssistanceState.RECOVERING, f"effort must be good for {wait_s:g} s on end"
        return AssistanceState.ACTIVE, "assisting"

    def _grow_share(self, elapsed_s: float) -> None:
        """Ramp up; as in the slew limiter, a clock that leapt is not time in which to grow."""
        ramp_s = self.config.enabled_ramp_s
        growth = min(elapsed_s, self._slew.max_growth_s) / ramp_s if ramp_s else 1.0
        self._share = min(1.0, self._share + growth)

    def _target(self) -> list[float]:
        """Torque that the smoothed effort asks for, within what a joint may bear."""
        deadband, limit = self.config.deadband, self.config.max_torque_nm
        felt = [max(0.0, effort - deadband) for effort in self._smoother.value]
        wanted = (sum(felt[muscle] * gain for muscle, gain in row) for row in self._gains)
        return [self._share * min(max(torque, -limit), limit) for torque in wanted]
