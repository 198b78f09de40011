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

"""The hand: where its landmarks are when palm and fingertips are where they are.

`HandModel` is what the rest of the simulator asks of a hand. `KinematicHand` is the simplest one
that keeps every bone's length and puts fingertips exactly on keys: a stiff palm that does not turn,
and five fingers of three bones each, bending in a plane.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.sense.samples import HAND
from kpm_ros.simulate.person import Person

FINGER_NAMES = ("thumb", "index", "middle", "ring", "little")
"""Fingers are in this order everywhere."""
FINGERS = len(FINGER_NAMES)
HAND_SKELETON = find_skeleton(HAND)
"""Whose points the simulated landmarks are."""
(WRIST,) = HAND_SKELETON.role("root")
FINGER_POINTS = [HAND_SKELETON.role(name) for name in FINGER_NAMES]
"""Each finger's points from its root to its tip."""


class HandModel(Protocol):
    """A right hand, led by the point of its middle knuckle (the palm) and its fingertips.

    What it is led to is a posture: a row of numbers that follow each other smoothly in time when
    palm and tips do, and from which all of the hand follows.
    """

    natural: NDArray[np.float64]
    """(fingers, 3): where a relaxed tip is relative to the palm while keys are at rest below it."""
    height_m: float
    """How far the palm is above the white keys in a five-finger position."""
    spread_touch_m: NDArray[np.float64]
    """(fingers, 3): how far from the usual point each touches a key when fully spread."""

    limits: NDArray[np.float64]
    """(d, 2): between which values each number of a posture stays."""

    def stretch(
        self,
        palm: NDArray[np.float64],
        fingers: NDArray[np.int64],
        tips: NDArray[np.float64],
        bent_rad: float = 0.0,
    ) -> NDArray[np.float64]:
        """How far each of some fingers (..., k) is stretched, 1 = as far as it goes: (..., k).

        `palm` is (..., 3) and `tips`, where those fingers are to be, (..., k, 3). The wrist is
        `bent_rad` further down than it is held usually, if it bends at all.
        """

    def posture(
        self,
        palm: NDArray[np.float64],
        tips: NDArray[np.float64],
        bent_rad: NDArray[np.float64] | float = 0.0,
    ) -> NDArray[np.float64]:
        """(n, d): the posture that puts palm (n, 3) and tips (n, fingers, 3) there, or near it."""

    def landmarks(self, posture: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, points, 3) in metres, in the skeleton's order, of postures (n, d)."""


_BONES_M = np.array(
    [
        [0.046, 0.033, 0.028],
        [0.045, 0.026, 0.021],
        [0.050, 0.030, 0.022],
        [0.046, 0.029, 0.021],
        [0.037, 0.022, 0.019],
    ]
)
_ROOT_M = np.array(
    [
        [-0.028, -0.050, -0.022],
        [-0.022, -0.002, -0.002],
        [0.000, 0.000, 0.000],
        [0.020, -0.006, -0.005],
        [0.037, -0.012, -0.012],
    ]
)
_WRIST_M = np.array([0.000, -0.090, -0.010])
_TIP_X_M = np.array([-0.047, -0.0235, 0.0, 0.0235, 0.047])
_TIP_Y_M = np.array([0.010, 0.035, 0.040, 0.035, 0.014])
_PALM_Y_M = -0.022
_PALM_Z_M = 0.045
_LAST_BEND = np.array([1.0, 2 / 3, 2 / 3, 2 / 3, 2 / 3])
"""The last joint bends with the one before it; of the fingers, by two thirds of it."""
_KNUCKLE_SIDE = np.array([[-0.6, -0.3, 0.8], [0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]])
"""To which side the knuckles stick out when a finger bends."""
_MOST_BENT_RAD = 2.0
_ANGLES = 400


class KinematicHand:
    """A stiff palm and five three-bone fingers; its posture is palm and tips, row by row."""

    def __init__(self, person: Person) -> None:
        """Scale an average hand to this person."""
        size = person.hand_size
        self._bones = _BONES_M * size
        self._root = _ROOT_M * size
        self._wrist = _WRIST_M * size
        self.height_m = _PALM_Z_M * (0.6 + 0.4 * size)
        self.spread_touch_m = np.zeros((FINGERS, 3))
        self.limits = np.repeat([[-np.inf, np.inf]], 3 * (1 + FINGERS), axis=0)
        palm_y = _PALM_Y_M - 0.070 * (size - 1) + 0.005 * person.curvature
        self.natural = np.stack(
            [_TIP_X_M, _TIP_Y_M - palm_y, np.full(FINGERS, -self.height_m)], axis=1
        )
        side = _KNUCKLE_SIDE / np.linalg.norm(_KNUCKLE_SIDE, axis=1, keepdims=True)
        self._side = side
        self._straight = self._bones.sum(axis=1)
        bend = np.linspace(_MOST_BENT_RAD, 0.0, _ANGLES)
        self._bend = bend
        reach = [self._chain(finger, bend)[2] for finger in range(FINGERS)]
        self._reach = np.array([np.hypot(*tip) for tip in reach])

    def _chain(
        self, finger: int, bend: NDArray[np.float64]
    ) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]:
        """Two joints and the tip of a finger bent by `bend`, in its plane, first bone ahead."""
        first, middle, last = self._bones[finger]
        whole = bend * (1 + _LAST_BEND[finger])
        joint1 = (np.full_like(bend, first), np.zeros_like(bend))
        joint2 = (joint1[0] + middle * np.cos(bend), -middle * np.sin(bend))
        tip = (joint2[0] + last * np.cos(whole), joint2[1] - last * np.sin(whole))
        return joint1, joint2, tip

    def stretch(
        self,
        palm: NDArray[np.float64],
        fingers: NDArray[np.int64],
        tips: NDArray[np.float64],
        bent_rad: float = 0.0,
    ) -> NDArray[np.float64]:
        """How far fingers are stretched: the distance to be bridged over their full length."""
        reach = tips - (palm[..., None, :] + self._root[fingers])
        return np.asarray(np.linalg.norm(reach, axis=-1) / self._straight[fingers])

    def posture(
        self,
        palm: NDArray[np.float64],
        tips: NDArray[np.float64],
        bent_rad: NDArray[np.float64] | float = 0.0,
    ) -> NDArray[np.float64]:
        """(n, 18): palm and tips as they are."""
        return np.concatenate([palm[:, None], tips], axis=1).reshape(len(palm), -1)

    def landmarks(self, posture: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bend every finger so that its tip is where it shall be, or as near as its bones allow."""
        points = posture.reshape(len(posture), 1 + FINGERS, 3)
        palm, tips = points[:, 0], points[:, 1:]
        out = np.empty((len(palm), len(HAND_SKELETON), 3))
        out[:, WRIST] = palm + self._wrist
        for finger in range(FINGERS):
            root = palm + self._root[finger]
            joints = self._joints(finger, tips[:, finger] - root)
            knuckle, *beyond = FINGER_POINTS[finger]
            out[:, knuckle] = root
            for place, joint in zip(beyond, joints, strict=True):
                out[:, place] = root + joint
        return out

    def _joints(self, finger: int, reach: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Place two joints and the tip, relative to the root, for a tip wanted at `reach`."""
        distance = np.linalg.norm(reach, axis=1)
        ahead = reach / np.maximum(distance, 1e-9)[:, None]
        along = (ahead * self._side[finger]).sum(axis=1, keepdims=True)
        side = self._side[finger] - along * ahead
        side /= np.maximum(np.linalg.norm(side, axis=1), 1e-9)[:, None]
        bend = np.interp(distance, self._reach[finger], self._bend)
        chain = self._chain(finger, bend)
        tip_x, tip_y = chain[2]
        length = np.hypot(tip_x, tip_y)
        cos, sin = tip_x / length, tip_y / length
        return tuple(
            (x * cos + y * sin)[:, None] * ahead + (y * cos - x * sin)[:, None] * side
            for x, y in chain
        )
