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

"""Joint angles of the anatomical hand, and the sixteen rotations by which others tell a pose.

MANO, and whatever is published in its terms, tells how the whole hand is turned and how fifteen
bones are, each from the bone before it; with no rotation its flat right hand points along -x, the
thumb's side along z and the back of the hand along y. Our hand's bones point where they do with all
joints at zero. Rotations are those by which bones leave such a flat hand; the two flat hands differ
by a few degrees of spread, which nobody's licence lets us take out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hand_motion import POINTS, ROTATIONS
from kpm_ros.motion.hand_kinematics import HandKinematics
from kpm_ros.motion.rotations import matrices, turns_of
from kpm_ros.simulate.anatomy.body import TO_PIANO
from kpm_ros.simulate.hand import FINGER_NAMES, FINGER_POINTS, WRIST

Array = NDArray[np.float64]

ROTATED_FINGERS = ("index", "middle", "little", "ring", "thumb")
"""In the order of their rotations, three each from the palm on."""
_PALM_BODY = "thirdmc_r"
_BODIES = {
    "thumb": ("firstmc_r", "proximal_thumb_r", "distal_thumb_r"),
    "index": ("2proxph_r", "midph2_r", "distph2_r"),
    "middle": ("3proxph_r", "midph3_r", "distph3_r"),
    "ring": ("4proxph_r", "midph4_r", "distph4_r"),
    "little": ("5proxph_r", "midph5_r", "distph5_r"),
}
_ROTATED_BODIES = (_PALM_BODY, *(body for name in ROTATED_FINGERS for body in _BODIES[name]))
_BEFORE = np.array([0, *(3 * f + j if j else 0 for f in range(5) for j in range(3))])
"""Which rotation each one goes on from."""
_FROM_MANO = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
"""MANO's axes in those of our model, whose x is distal, y radial and z dorsal."""


def rotations_of(
    joints: NDArray[np.floating[Any]],
    forearm: NDArray[np.floating[Any]] | None = None,
    hand: HandKinematics | None = None,
) -> NDArray[np.float32]:
    """Sixteen rotations (n, 16, 3) of a right hand's joint angles (n, 23), as axis times angle.

    The first is in the axes that `forearm` (n, 3) turns in.
    """
    hand = hand or HandKinematics()
    bodies = [int(hand.body.model.body(name).id) for name in _ROTATED_BODIES]
    known = np.isfinite(joints).all(axis=1)
    placed = hand.chain.place(np.where(known[:, None], joints, 0.0).astype(np.float64))
    still = hand.chain.place(np.zeros((1, joints.shape[1]))).rotation[bodies, ..., 0]
    # How each bone is turned from where it is in the flat hand, in MANO's axes.
    turned = placed.rotation[bodies].transpose(3, 0, 1, 2) @ still.transpose(0, 2, 1)
    turned = _FROM_MANO.T @ turned @ _FROM_MANO
    relative = turned[:, _BEFORE].transpose(0, 1, 3, 2) @ turned
    whole = TO_PIANO @ _FROM_MANO @ turned[:, 0]
    relative[:, 0] = whole if forearm is None else matrices(forearm) @ whole
    relative[~known] = np.nan
    return turns_of(relative).astype(np.float32)


def landmarks_of(
    place: NDArray[np.floating[Any]],
    rotations: NDArray[np.floating[Any]],
    hand: HandKinematics | None = None,
) -> Array:
    """Landmarks (n, 21, 3) of our right hand with its wrist at `place`, its bones so rotated.

    Rotations (n, 16, 3) may be such as no joint of ours can make: `inverse_kinematics.pose_hand`
    finds the nearest pose that it can.
    """
    hand = hand or HandKinematics()
    count = len(hand.body.joint_names)
    flat = hand.move(np.zeros((1, 3)), np.eye(3)[None], np.zeros((1, count))).points[0]
    # Of the flat hand in MANO's axes.
    flat = flat @ TO_PIANO @ _FROM_MANO
    bone = matrices(rotations)
    for rotated in range(1, ROTATIONS):
        bone[:, rotated] = bone[:, _BEFORE[rotated]] @ bone[:, rotated]
    points = np.empty((len(place), POINTS, 3))
    points[:, WRIST] = place
    for number, name in enumerate(ROTATED_FINGERS):
        before, turn = WRIST, bone[:, 0]
        for joint, point in enumerate(FINGER_POINTS[FINGER_NAMES.index(name)]):
            points[:, point] = points[:, before] + turn @ (flat[point] - flat[before])
            before = point
            turn = bone[:, min(1 + 3 * number + joint, ROTATIONS - 1)]
    return points
