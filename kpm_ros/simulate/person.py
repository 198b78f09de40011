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

"""What makes one simulated pianist differ from another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kpm_ros.models.pianokpm.published import MUSCLES


@dataclass(frozen=True, slots=True)
class Person:
    """One simulated pianist's hand, manner and electrodes; the defaults are an average hand."""

    hand_size: float = 1.0
    """Length of every bone relative to an average adult hand (wrist to middle tip 0.19 m)."""
    strength: float = 1.0
    """Of two people striking equally loud, the stronger one uses less of their maximum."""
    lift_m: float = 0.012
    """How far fingers that do not play stay above the keys."""
    curvature: float = 0.0
    """-1 = flat fingers .. 1 = strongly curved ones."""
    cocontraction: float = 0.04
    """Effort of every muscle at rest, as a fraction of its maximum."""
    electromechanical_delay_s: float = 0.040
    """By how much the muscle's electricity is ahead of the movement."""
    activation_time_s: float = 0.018
    """Time constant of each of the two stages by which activation follows its drive."""
    muscle_share: tuple[float, ...] = (1.0,) * len(MUSCLES)
    """Activation that each muscle takes for the same work, relative to an average one."""
    emg_gain_uv: tuple[float, ...] = (350.0,) * len(MUSCLES)
    """Root mean square of each electrode's signal at full activation."""
    crosstalk: float = 0.06
    """Fraction of each neighbouring muscle's signal that an electrode picks up."""

    palm_dip_m: float = 0.003
    """How far the palm falls into the keys with the loudest strikes."""
    enslaving: float = 1.0
    """How much fingers that do not play are taken along, relative to the average."""
    wrist_extension_rad: float = 0.15
    """How far the wrist hangs below the line of the hand's back, as an angle."""
    wrist_deviation_rad: float = 0.05
    """How far the hand is turned to the little finger's side."""

    @classmethod
    def from_seed(cls, seed: int) -> Person:
        """Draw a person; the same seed is the same person."""
        draw = np.random.default_rng([seed, 0x9E50])
        share = np.exp(draw.normal(0.0, 0.10, len(MUSCLES)))
        gain = 350.0 * np.exp(draw.normal(0.0, 0.35, len(MUSCLES)))
        return cls(
            hand_size=rounded(np.clip(draw.normal(1.0, 0.05), 0.90, 1.12)),
            strength=rounded(np.clip(np.exp(draw.normal(0.0, 0.15)), 0.7, 1.4)),
            lift_m=rounded(draw.uniform(0.006, 0.018)),
            curvature=rounded(draw.uniform(-1.0, 1.0)),
            cocontraction=rounded(draw.uniform(0.02, 0.08)),
            electromechanical_delay_s=rounded(draw.uniform(0.030, 0.060)),
            activation_time_s=rounded(draw.uniform(0.014, 0.022)),
            muscle_share=tuple(rounded(value) for value in share),
            emg_gain_uv=tuple(rounded(value) for value in gain),
            crosstalk=rounded(draw.uniform(0.03, 0.10)),
            palm_dip_m=rounded(draw.uniform(0.0, 0.006)),
            enslaving=rounded(draw.uniform(0.4, 1.6)),
            wrist_extension_rad=rounded(draw.uniform(0.06, 0.28)),
            wrist_deviation_rad=rounded(draw.uniform(-0.03, 0.12)),
        )


def rounded(value: float) -> float:
    """Leave away the digits in which CPUs differ: a person is the same on all of them."""
    return float(f"{value:.9g}")
