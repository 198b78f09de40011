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

"""Reach: how far each finger is stretched at every place around the hand, looked up in a table.

The choice of fingers asks thousands of times whether a hand could hold some keys; solving for joint
angles each time would be slow. The table also knows about what angles to start from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.anatomy.reach import Finger
from kpm_ros.simulate.products import Array

_STEP_M = 0.008
_HALF_WIDTH_M = np.array([0.080, 0.048, 0.040])
_TOLERATED_M = 0.012
"""Stretch is 1 for a tip that stays this far from where it is wanted."""
_AT_REST, _AT_LIMIT = 0.5, 0.95
"""Stretch of a finger whose joints are all at rest, and of one that has a joint at its limit."""


class ReachTable:
    """For each finger and place of its tip in the hand's frame: stretch, and joint angles."""

    def __init__(self, fingers: Sequence[Finger], around: Array) -> None:
        """Fill it for a box about one place (3) for each finger."""
        half = np.ceil(_HALF_WIDTH_M / _STEP_M).astype(np.int64)
        self._size = 2 * half + 1
        self._corner = around - half * _STEP_M
        lines = [np.arange(size) * _STEP_M for size in self._size]
        box = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 3)
        self._values = np.stack(
            [
                _table(finger, corner + box)
                for finger, corner in zip(fingers, self._corner, strict=True)
            ]
        ).reshape(-1, 5)

    def stretch(self, fingers: NDArray[np.int64], points: Array) -> Array:
        """How far fingers (...) are stretched with their tips at points (..., 3).

        Above 1 it cannot get there; outside the table it cannot either.
        """
        values, outside = self._look_up(fingers.ravel(), points.reshape(-1, 3))
        return np.asarray((values[:, 4] + outside / _TOLERATED_M).reshape(fingers.shape))

    def angles(self, finger: int, points: Array) -> Array:
        """About which joint angles (n, 4) put one finger's tip at points (n, 3)."""
        return self._look_up(np.full(len(points), finger), points)[0][:, :4]

    def _look_up(self, finger: NDArray[np.int64], points: Array) -> tuple[Array, Array]:
        """Values (n, 5) between the table's places, and how far outside of it points are (n).

        Trilinear. SciPy's map_coordinates takes one column at a time, which takes longer, and its
        last bits differ, on which the choice of a finger can hang.
        """
        place = (points - self._corner[finger]) / _STEP_M
        inside = np.clip(place, 0.0, self._size - 1.000001)
        outside = np.linalg.norm(place - inside, axis=1) * _STEP_M
        left = inside.astype(np.int64)
        part = inside - left
        x, y, z = self._size
        first = ((finger * x + left[:, 0]) * y + left[:, 1]) * z + left[:, 2]
        values = np.zeros((len(points), 5))
        for corner in range(8):
            bits = np.array([corner >> 2, corner >> 1, corner]) & 1
            weight = np.where(bits, part, 1.0 - part).prod(axis=1)
            row = first + (bits[0] * y + bits[1]) * z + bits[2]
            values += weight[:, None] * self._values[row]
        return values, outside


def _table(finger: Finger, points: Array) -> Array:
    """Joint angles and stretch at each point: (n, 5)."""
    angles, miss = finger.reach(points)
    low, high = finger.ranges.T
    side = np.where(angles > finger.rest, high - finger.rest, finger.rest - low)
    used = np.abs(angles - finger.rest) / np.maximum(side, 1e-9)
    within = _AT_REST + (_AT_LIMIT - _AT_REST) * np.minimum(used.max(axis=1), 1.0)
    beyond = _AT_LIMIT + (1.0 - _AT_LIMIT) * miss / _TOLERATED_M
    stretch = np.where(miss > 1e-4, beyond, within)
    return np.concatenate([angles, stretch[:, None]], axis=1)
