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

"""What makes one simulated exerciser's body differ from another."""

from __future__ import annotations

from dataclasses import dataclass

SURFACE_MUSCLES = (
    *("LQuad", "LHam", "LLat", "LBicep", "RQuad", "RHam", "RLat", "RBicep"),
    *("LTricep", "RTricep"),
)
"""Muscles that electrodes can be on: the published eight in their order, then the triceps."""


@dataclass(frozen=True, slots=True)
class BodyPerson:
    """One simulated exerciser's size, mass, strength and manner; the defaults are an average man.

    Lengths of segments are relative to what is usual at this stature. The trunk makes up for the
    legs and the head, so that the person stands as tall as `stature_m` says.
    """

    stature_m: float = 1.75
    mass_kg: float = 75.0
    thigh: float = 1.0
    shank: float = 1.0
    foot: float = 1.0
    upper_arm: float = 1.0
    forearm: float = 1.0
    head: float = 1.0
    hip_width: float = 1.0
    shoulder_width: float = 1.0

    leg_strength: float = 1.0
    """Of two people who move alike, the stronger one uses less of the maximum."""
    arm_strength: float = 1.0
    cocontraction: float = 0.02
    """Effort of every muscle at rest, as a fraction of its maximum."""
    stiffening: float = 1.0
    """How much more antagonists join in when a limb works, relative to the average habit."""
    electromechanical_delay_s: float = 0.050
    """By how much the muscle's electricity is ahead of its force."""
    activation_time_s: float = 0.025
    """Time constant of each of the two stages by which activation follows its drive."""
    muscle_share: tuple[float, ...] = (1.0,) * len(SURFACE_MUSCLES)
    """Activation that each surface muscle takes for the same work, relative to an average one."""
    sensor_gain: tuple[float, ...] = (350.0,) * len(SURFACE_MUSCLES)
    """Counts that each sensor shows at full activation."""
    crosstalk: float = 0.06
    """How much of what neighbouring muscles do reaches each sensor, at equal distance."""

    def __post_init__(self) -> None:
        """Refuse a body that nobody has."""
        for name, low, high in (("stature_m", 1.0, 2.5), ("mass_kg", 20.0, 250.0)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} is {value!r}, but people have {low:g} to {high:g}")
