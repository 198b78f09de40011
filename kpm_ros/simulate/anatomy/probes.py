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

"""What the muscles of an anatomical hand answer to, measured: held keys, spreads and passages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.pianokpm.published import MUSCLES
from kpm_ros.simulate.anatomy.body import PLACE, Body
from kpm_ros.simulate.anatomy.corrections import Corrections
from kpm_ros.simulate.anatomy.periodic import SmoothMotion
from kpm_ros.simulate.anatomy.posture import AnatomicalHand
from kpm_ros.simulate.anatomy.statics import CHANNELS, Activations, AnatomicalMuscles
from kpm_ros.simulate.hand import FINGERS
from kpm_ros.simulate.person import Person

Array = NDArray[np.float64]

OWN_FINGER = dict(zip(MUSCLES, (4, 0, 1, 2, 2, 3), strict=True))
"""The finger that each channel's muscle moves: 0 = thumb."""
SPREAD_JOINT = dict(
    zip(
        MUSCLES,
        (
            ("mcp5_abduction_r", -1.0),
            ("cmc_abduction_r", 1.0),
            ("mcp2_abduction_r", 1.0),
            ("mcp3_abduction_r", 1.0),
            ("mcp3_abduction_r", -1.0),
            ("mcp4_abduction_r", -1.0),
        ),
        strict=True,
    )
)
"""The joint by which each channel's muscle spreads its finger, and to which side."""
_STRAIGHT_INDEX_RAD = {"mcp2_flexion_r": 0.2, "pm2_flexion_r": 0.1, "md2_flexion_r": 0.07}
_PALM_M = np.array([0.9, -0.02])
_TOUCHING_N = 0.5


class Probe:
    """One person's hand and muscles, to be asked questions."""

    def __init__(
        self, person: Person | None = None, corrections: Corrections | None = None
    ) -> None:
        """Build the hand, and lay it on five neighbouring white keys."""
        self.body = Body(person or Person(), corrections)
        self.muscles = AnatomicalMuscles(self.body.person, self.body)
        hand = AnatomicalHand(self.body)
        palm = np.array([[*_PALM_M, hand.height_m]])
        self.on_keys: Array = hand.posture(palm, palm[:, None] + hand.natural)[0]

    def channels(self, found: Activations) -> Array:
        """Take the published channels out of all muscles; 0 where the model lacks the muscle."""
        columns = [CHANNELS[name] for name in MUSCLES]
        out = np.zeros((len(found.activation), len(MUSCLES)))
        for k, muscle in enumerate(columns):
            if muscle in self.muscles.muscle_names:
                out[:, k] = found.activation[:, self.muscles.muscle_names.index(muscle)]
        return out

    def press(self, finger: int, newtons: Array) -> Activations:
        """Hold one key with each of these forces."""
        force = np.zeros((len(newtons), FINGERS))
        force[:, finger] = newtons
        return self.muscles.still(np.tile(self.on_keys, (len(newtons), 1)), force)

    def spread(self, channel: str, radians: Array) -> Activations:
        """Hold a channel's finger spread by so much to its side, all other joints relaxed."""
        return self.muscles.still(self._spread(channel, radians), np.zeros((len(radians), FINGERS)))

    def outward_strength(self, radians: Array) -> Array:
        """Most that a straight index finger spread by so much can push outwards, in newton metres.

        All that the first dorsal interosseous and its neighbour can do, less what the spread takes.
        """
        names = self.body.joint_names
        joint = names.index("mcp2_abduction_r")
        muscles = [self.body.muscle_names.index(name) for name in ("RI2_r", "LU_RB2_r")]
        posture = self._spread("1DI", radians)
        for name, angle in _STRAIGHT_INDEX_RAD.items():
            posture[:, PLACE + names.index(name)] = angle
        zero = np.zeros_like(posture)
        demand = self.muscles.mechanics.demand(
            SmoothMotion(posture, zero, zero), np.zeros((len(radians), FINGERS))
        )
        return np.asarray(demand.arms[:, joint, muscles].sum(axis=1) - demand.torque[:, joint])

    def responses(self, newtons: float) -> Array:
        """Rise of each channel (rows) when each finger (columns) holds a key."""
        ladder = [self.channels(self.press(f, np.array([0.0, newtons]))) for f in range(FINGERS)]
        return np.stack([found[1] - found[0] for found in ladder], axis=1)

    def _spread(self, channel: str, radians: Array) -> Array:
        """Relaxed postures but for one finger's spread."""
        name, side = SPREAD_JOINT[channel]
        posture = np.tile(self.on_keys, (len(radians), 1))
        for other, _ in SPREAD_JOINT.values():
            posture[:, PLACE + self.body.joint_names.index(other)] = 0.0
        posture[:, PLACE + self.body.joint_names.index(name)] = side * np.asarray(radians)
        return posture


class ActivationSummary(NamedTuple):
    """What the muscles did while a piece was played."""

    residual_share: float
    """Mean of what muscles left over of the torques, relative to them, while keys are touched."""
    mean: Array
    """Mean activation of every muscle."""
    high: Array
    """The activation that every muscle exceeds 5 percent of the time."""
    pinned: Array
    """Part of the time that each muscle is within one hundredth of nothing or everything."""


def summarise_activation(found: Activations, force: Array) -> ActivationSummary:
    """Sum up what muscles did while fingers pushed with these forces (n, 5)."""
    busy = force.max(axis=1) > _TOUCHING_N
    left, asked = np.abs(found.residual[busy]).sum(), np.abs(found.torque[busy]).sum()
    activation = found.activation
    pinned = (activation < 0.001) | (activation > 0.99)
    return ActivationSummary(
        float(left / asked),
        activation.mean(axis=0),
        np.quantile(activation, 0.95, axis=0),
        pinned.mean(axis=0),
    )
