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

"""Movements of hands, for tests."""

from __future__ import annotations

import numpy as np

from kpm_ros.core.hand_motion import HandMotion, OneHandMotion
from kpm_ros.core.hands import mirrored
from kpm_ros.motion.hand_kinematics import HandKinematics
from kpm_ros.simulate.anatomy.passive import rest_angles

SWING_RAD = 0.4


def tapping(seconds: float = 1.0, rate_hz: float = 60.0, sides: tuple[str, ...] = ("right",)):
    """Relaxed hands over the keys whose index fingers bend and stretch once a second."""
    hand = HandKinematics()
    names = hand.body.joint_names
    count = round(seconds * rate_hz)
    joints = np.repeat(rest_angles(names)[None], count, axis=0)
    turn = 2 * np.pi * np.arange(count) / rate_hz
    joints[:, names.index("mcp2_flexion_r")] += SWING_RAD * np.sin(turn)
    place = np.tile([0.75, 0.0, 0.06], (count, 1))
    points = hand.move(place, np.tile(np.eye(3), (count, 1, 1)), joints).points
    hands = {}
    for side in sides:
        left = side == "left"
        hands[side] = OneHandMotion(
            np.ones(count, bool),
            landmarks=(mirrored(points) if left else points).astype(np.float32),
            place=(mirrored(place) if left else place).astype(np.float32),
            joints=joints.astype(np.float32),
        )
    return HandMotion(rate_hz, hands, simulated=True, title="tapping")
