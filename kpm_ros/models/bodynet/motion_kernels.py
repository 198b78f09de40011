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

"""How fast a body's points move: a parabola through each point's last frames, at their true times.

Speed is the parabola's slope in the middle of the frames it goes through, and acceleration its
curvature. Frames that are older than the instants they stand for count where they were exposed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import compiled

Array = NDArray[np.float32]

_FEWEST = 0.05
"""Times that are spread less than this part of what is usual tell no acceleration, or no speed."""


@compiled
def follow(
    points: Array, ages: Array, frame_s: float, lengths: NDArray[np.int64], motion: Array
) -> None:
    """Fill in places, speeds and accelerations (n, 3, P, 3) of all points but the first ones.

    `points` (behind + n, P, 3) were exposed `ages` (behind + n,) before frames that are `frame_s`
    apart; `lengths` says through how many frames speed and acceleration are told.
    """
    count, many = len(motion), points.shape[1]
    behind = len(points) - count
    taps = np.empty(behind + 1, np.float32)
    for row in range(count):
        newest = row + behind
        motion[row, 0] = points[newest]
        for derivative in (1, 2):
            length = lengths[derivative - 1]
            first = newest + 1 - length
            fit(ages[first : newest + 1], frame_s, derivative, taps)
            for point in range(many):
                for axis in range(3):
                    total = np.float32(0)
                    for k in range(length):
                        total += taps[k] * points[first + k, point, axis]
                    motion[row, derivative, point, axis] = total


@compiled
def fit(ages: Array, frame_s: float, derivative: int, taps: Array) -> None:
    """Fill in what frames are multiplied by for a parabola's slope (1) or curvature (2)."""
    length = len(ages)
    middle = 0.0
    for k in range(length):
        middle += (k * frame_s - ages[k]) / length
    second = third = fourth = usual = usual_fourth = 0.0
    for k in range(length):
        at = k * frame_s - ages[k] - middle
        even = (k - 0.5 * (length - 1)) * frame_s
        second += at * at
        third += at * at * at
        fourth += at * at * at * at
        usual += even * even
        usual_fourth += even * even * even * even
    taps[:length] = 0
    if second < _FEWEST * usual:
        return
    lean = third / second
    rest = fourth - second * second / length - third * lean
    bent = rest >= _FEWEST * (usual_fourth - usual * usual / length)
    for k in range(length):
        at = k * frame_s - ages[k] - middle
        curve = (at * at - second / length - lean * at) / rest if bent else 0.0
        taps[k] = 2.0 * curve if derivative == 2 else at / second - curve * lean
