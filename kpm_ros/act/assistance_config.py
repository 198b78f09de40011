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

"""How an exoskeleton assists: gains from muscles to joints, limits and waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kpm_ros.act.freshness import FreshnessRules
from kpm_ros.act.muscle_weights import require_names
from kpm_ros.core.settings import ConfigurationError, check_number, setting

GAIN_LIMIT = 100.0
"""Nm per unit of effort; nothing worn on a finger wants more, so more is a slip of the pen."""


def illustrative_gain() -> dict[str, dict[str, float]]:
    """Gains that push each finger the way its muscle pulls; tried on a SIMULATED pianist only.

    Positive is away from the middle finger, and for the middle finger towards the thumb.
    `bench/assist.py` tells what they are worth there.
    """
    return {
        "thumb_abduction": {"PB": 0.15},
        "index_abduction": {"1DI": 0.1},
        "middle_abduction": {"2DI": 0.12, "3DI": -0.12},
        "ring_abduction": {"4DI": 0.25},
        "little_abduction": {"ADM": 0.5},
    }


@dataclass(frozen=True)
class AssistanceConfig(FreshnessRules):
    """How effort becomes torque, and how carefully. A wrong value is refused in words."""

    gain: Mapping[str, Mapping[str, float]] = field(default_factory=illustrative_gain)
    """Nm per unit of effort, {joint: {muscle: gain}}; a joint without muscles stays at zero."""
    joint_order: Sequence[str] = ()
    """Joints in the order of the command; empty = those of `gain`, in its order."""
    deadband: float = setting(
        0.03, "effort up to here, in its unit, moves nothing", least=0.0, most=1e6, live=True
    )
    """Smoothed effort."""
    caution: float = setting(
        0.0,
        "how much of the interval that effort/info tells is taken off effort before it is acted "
        "on: 0 = none, 1 = what is surely there is acted on; needs a model that tells intervals",
        least=0.0,
        most=1.0,
        live=True,
    )
    """Assistance is never more by it."""
    late_inputs: bool = setting(
        False,
        "whether effort is acted on while a camera view is late (POSE_STALE), or the piano is "
        "(CHANNELS_MISSING with HELD); else torque goes to zero meanwhile, as soon as two frames "
        "are missing at 30 a second, or three at 60, or 50 ms of key motion",
        live=True,
    )
    max_torque_nm: float = setting(
        0.3, "no joint gets more torque", least=0.001, most=50.0, live=True
    )
    max_torque_rate_nm_s: float = setting(
        3.0, "no joint's torque changes faster", least=0.01, most=1000.0, live=True
    )
    ramp_down_s: float = setting(
        0.02,
        "time from a fault that is known, or from being disarmed, to no torque at all",
        least=0.001,
        most=1.0,
        live=True,
    )
    valid_s: float = setting(
        0.05,
        "how long a drive may follow a command: then it goes to zero by itself",
        least=0.005,
        most=0.5,
        live=True,
    )
    """Whoever sends has been held up for longer begins again from zero."""
    smoothing_s: float = setting(
        0.03, "time constant of the smoothing", least=0.0, most=1.0, live=True
    )
    recover_s: float = setting(
        0.25,
        "how long effort must be good before it is acted on again",
        least=0.0,
        most=10.0,
        live=True,
    )
    """Without a break."""
    enabled_ramp_s: float = setting(1.0, "time to full assistance", least=0.0, most=60.0, live=True)
    """From nothing, once it begins."""

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
                check_number(what, value, least=-GAIN_LIMIT, most=GAIN_LIMIT)
        super().__post_init__()
        if self.deadband >= self.max_effort:
            raise ConfigurationError(
                f"deadband is {self.deadband:g}, but effort beyond max_effort, "
                f"{self.max_effort:g}, is never acted on: nothing would ever move"
            )

    @property
    def joints(self) -> tuple[str, ...]:
        """Joints in the order of the command."""
        return tuple(self.joint_order or self.gain)

    @property
    def time_to_zero_s(self) -> float:
        """Longest time from the last effort sample's arrival to zero torque, whatever came before.

        The first command asked for after this time is zero.
        """
        return self.timeout_s + self.ramp_down_s
