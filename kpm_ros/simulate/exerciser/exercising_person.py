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

"""What makes one simulated exerciser differ from another: body, muscles, electrodes and habits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from kpm_ros.simulate.person import rounded

SURFACE_MUSCLES = (
    "LQuad",
    "LHam",
    "LLat",
    "LBicep",
    "LTricep",
    "RQuad",
    "RHam",
    "RLat",
    "RBicep",
    "RTricep",
)
"""Muscles that an electrode can be on: the released data's eight, and the triceps of each arm."""


class Range(NamedTuple):
    """What one trait is in most people, and the bounds that nobody exceeds."""

    usual: float
    spread: float
    """Standard deviation; of a trait that is a factor, of its logarithm."""
    least: float
    most: float
    is_factor: bool = False


RANGES: Mapping[str, Range] = MappingProxyType(
    {
        # The body.
        "height_m": Range(1.70, 0.09, 1.50, 1.95),
        "body_mass_index": Range(23.5, 2.8, 18.5, 32.0),
        "leg_length": Range(1.0, 0.025, 0.94, 1.06, True),
        "arm_length": Range(1.0, 0.025, 0.94, 1.06, True),
        "shoulder_width": Range(1.0, 0.05, 0.88, 1.12, True),
        "hip_width": Range(1.0, 0.05, 0.88, 1.12, True),
        "thigh_length": Range(1.0, 0.02, 0.95, 1.05, True),
        "shank_length": Range(1.0, 0.02, 0.95, 1.05, True),
        "foot_length": Range(1.0, 0.03, 0.92, 1.08, True),
        "upper_arm_length": Range(1.0, 0.02, 0.95, 1.05, True),
        "forearm_length": Range(1.0, 0.02, 0.95, 1.05, True),
        "head_size": Range(1.0, 0.02, 0.95, 1.05, True),
        # Muscles and electrodes.
        "strength": Range(1.0, 0.18, 0.65, 1.5, True),
        "leg_strength": Range(1.0, 0.08, 0.8, 1.25, True),
        "arm_strength": Range(1.0, 0.08, 0.8, 1.25, True),
        "stiffening": Range(1.0, 0.35, 0.4, 2.2, True),
        "cocontraction": Range(0.035, 0.012, 0.015, 0.07),
        "electromechanical_delay_s": Range(0.045, 0.009, 0.030, 0.065),
        "activation_time_s": Range(0.018, 0.0025, 0.014, 0.024),
        "crosstalk": Range(0.06, 0.02, 0.02, 0.12),
        # Habits.
        "pace": Range(1.0, 0.14, 0.7, 1.4, True),
        "depth": Range(1.0, 0.12, 0.72, 1.25, True),
        "jerkiness": Range(1.0, 0.25, 0.6, 1.7, True),
        "regularity": Range(1.0, 0.3, 0.5, 1.8, True),
        "asymmetry": Range(0.0, 0.05, -0.12, 0.12),
        "stance_width": Range(1.0, 0.14, 0.7, 1.4, True),
        "toe_out_rad": Range(0.14, 0.08, 0.0, 0.35),
        "trunk_lean_rad": Range(0.02, 0.06, -0.10, 0.16),
        "arm_bend": Range(1.0, 0.15, 0.7, 1.35, True),
        "guard_height": Range(1.0, 0.18, 0.6, 1.4, True),
        "fatigue": Range(0.06, 0.04, 0.0, 0.18),
    }
)
"""Every trait that is a number, as it is drawn for each person."""

SHARE_SPREAD, GAIN_SPREAD = 0.10, 0.30
"""Standard deviation of the logarithms of `muscle_share` and `emg_gain_uv`."""
USUAL_GAIN_UV = 400.0
GRAVITY = 9.81


@dataclass(frozen=True, slots=True)
class ExercisingPerson:
    """One simulated exerciser; the defaults are an average adult. `RANGES` says what can be."""

    height_m: float = 1.70
    body_mass_index: float = 23.5
    """Mass in kg over the square of the height in m."""
    leg_length: float = 1.0
    """Of thigh and shank, relative to others of this height; the trunk makes up for it."""
    arm_length: float = 1.0
    shoulder_width: float = 1.0
    hip_width: float = 1.0
    thigh_length: float = 1.0
    """Of this segment alone, relative to what is usual with this height and leg length."""
    shank_length: float = 1.0
    foot_length: float = 1.0
    upper_arm_length: float = 1.0
    forearm_length: float = 1.0
    head_size: float = 1.0

    strength: float = 1.0
    """Of two people who do the same, the stronger one uses less of their maximum."""
    leg_strength: float = 1.0
    """Of the legs alone, relative to the rest of this person."""
    arm_strength: float = 1.0
    stiffening: float = 1.0
    """How much antagonists join in when a limb works, relative to the usual."""
    cocontraction: float = 0.035
    """Effort of every muscle at rest, as a fraction of its maximum."""
    electromechanical_delay_s: float = 0.045
    """By how much the muscle's electricity is ahead of the movement."""
    activation_time_s: float = 0.018
    """Time constant of each of the two stages by which activation follows its drive."""
    crosstalk: float = 0.06
    """Fraction of each neighbouring muscle's signal that an electrode picks up."""
    muscle_share: tuple[float, ...] = (1.0,) * len(SURFACE_MUSCLES)
    """Activation that each muscle takes for the same work, relative to an average one."""
    emg_gain_uv: tuple[float, ...] = (USUAL_GAIN_UV,) * len(SURFACE_MUSCLES)
    """Root mean square of each electrode's signal at full activation."""

    pace: float = 1.0
    """How fast, relative to the usual."""
    depth: float = 1.0
    """How deep, high or far, relative to the usual."""
    jerkiness: float = 1.0
    """Above 1, movements start and stop abruptly; below 1, they flow."""
    regularity: float = 1.0
    """Above 1, one repetition is more like the other."""
    asymmetry: float = 0.0
    """By how much the right side moves further than the left."""
    stance_width: float = 1.0
    toe_out_rad: float = 0.14
    trunk_lean_rad: float = 0.02
    """Forward, whatever they do."""
    arm_bend: float = 1.0
    """How far arms are bent and held off the trunk, relative to the usual."""
    guard_height: float = 1.0
    """How high fists are held before a punch or kick, relative to the usual."""
    fatigue: float = 0.06
    """Which part of depth and pace is lost in a minute."""
    right_handed: bool = True

    @property
    def mass_kg(self) -> float:
        """Of the whole body."""
        return self.body_mass_index * self.height_m**2

    @property
    def weight_n(self) -> float:
        """Of the whole body."""
        return GRAVITY * self.mass_kg

    @classmethod
    def from_seed(cls, seed: int) -> ExercisingPerson:
        """Draw a person; the same seed is the same person."""
        draw = np.random.default_rng([seed, 0x80D1])
        traits = {name: rounded(_drawn(each, draw)) for name, each in RANGES.items()}
        count = len(SURFACE_MUSCLES)
        share = np.exp(draw.normal(0.0, SHARE_SPREAD, count))
        gain = USUAL_GAIN_UV * np.exp(draw.normal(0.0, GAIN_SPREAD, count))
        return cls(
            **traits,
            muscle_share=tuple(rounded(value) for value in share),
            emg_gain_uv=tuple(rounded(value) for value in gain),
            right_handed=bool(draw.random() < 0.9),
        )


def _drawn(trait: Range, draw: np.random.Generator) -> float:
    off = draw.normal(0.0, trait.spread)
    value = trait.usual * np.exp(off) if trait.is_factor else trait.usual + off
    return float(np.clip(value, trait.least, trait.most))
