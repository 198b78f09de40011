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

"""What landmarks tell of a hand's shape, wherever the hand is and however large it appears."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.skeletons import Skeleton

Array = NDArray[np.float64]

LEAST_SIZE = 1e-6


class HandShape:
    """Bends between bones and distances of the tips, of any skeleton with a root and tips.

    Distances are parts of the way from the root to the middle of the palm's other points. Depth is
    not used: trackers guess it.

    >>> from kpm_ros.core.skeletons import find_skeleton
    >>> shape = HandShape(find_skeleton("mediapipe-hand"))
    >>> len(shape.names), shape.names[0], shape.names[-1]
    (33, 'bend thumb_cmc thumb_mcp', 'gap ring_tip little_tip')
    """

    def __init__(self, skeleton: Skeleton) -> None:
        """Work out what is measured; a SkeletonError names a role that is not there."""
        self._root = skeleton.role("root")[0]
        self._palm = [place for place in skeleton.role("palm") if place != self._root]
        tips = skeleton.role("tips")
        ends = {end: start for start, end in skeleton.bones}
        self._bends = [(ends[a], a, b) for a, b in skeleton.bones if a in ends]
        self._gaps = [(self._root, tip) for tip in tips] + list(combinations(tips, 2))
        names = skeleton.points
        self.names: tuple[str, ...] = (
            *(f"bend {names[at]} {names[to]}" for _, at, to in self._bends),
            *(f"gap {names[a]} {names[b]}" for a, b in self._gaps),
        )

    def measure(self, points: Array) -> Array:
        """Measure landmarks (n, points, 2 or more) in equal units: (n, names), bends in radians."""
        flat = np.asarray(points, np.float64)[..., :2]
        before, at, after = (flat[:, [bend[k] for bend in self._bends]] for k in range(3))
        first, second = at - before, after - at
        cross = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
        bends = np.arctan2(np.abs(cross), (first * second).sum(axis=-1))
        size = np.linalg.norm(flat[:, self._palm].mean(axis=1) - flat[:, self._root], axis=1)
        apart = [np.linalg.norm(flat[:, a] - flat[:, b], axis=1) for a, b in self._gaps]
        gaps = np.stack(apart, axis=1) / np.maximum(size, LEAST_SIZE)[:, None]
        return np.concatenate([bends, gaps], axis=1)
