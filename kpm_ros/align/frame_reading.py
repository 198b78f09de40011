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

"""What one frame of a camera view says of a hand or body, once it has been looked through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.flags import Flag
from kpm_ros.core.streams import IMAGE, METRIC, Landmarks
from kpm_ros.sense.samples import LandmarkFrame

FARTHEST_OUT = 1.0
"""Landmarks further outside the picture than its own size are no landmarks."""
FARTHEST_M = 3.0
"""No landmark of a person is further from the root."""
DEEPEST = 100.0
"""Landmarks further from the root than this many image widths are no landmarks."""


@dataclass(frozen=True)
class Seen:
    """Of a frame no more than is needed: it may hold whatever its sender liked."""

    row: NDArray[np.float32] | None
    """The points, point by point; None where nobody was found."""
    processed_ns: int
    flags: int = 0
    """What is said of every instant for which the row is used."""

    def same_as(self, later: Seen) -> bool:
        """Whether a later frame has the same hand to the last bit.

        No camera sees a hand twice in the same place: such a frame shows a picture that stands
        still.
        """
        if self.row is None or later.row is None:
            return False
        # Nearly all differ in their first number, which is cheap to look at.
        return bool(self.row[0] == later.row[0] and (self.row == later.row).all())


def look_through(
    frame: LandmarkFrame,
    view: Landmarks,
    needed: Sequence[int],
    hidden_below: float,
    tells_visibility: bool = False,
) -> Seen | None:
    """Give what a frame says, or None where its points are impossible or not the view's.

    Where one of the `needed` points is less visible than `hidden_below`, that is flagged. With
    `tells_visibility` each point has a column more, which says how visible it is.
    """
    if frame.skeleton != view.skeleton.name:
        return None
    row: NDArray[np.float32] | None = None
    flags = 0
    if frame.points is not None:
        points = frame.metres if view.coordinates == METRIC else frame.points
        if points is None or points.ndim != 2 or len(points) != len(view.skeleton):
            return None
        if not view.dimensions <= points.shape[1] <= 3:
            return None
        points = points[:, : view.dimensions]
        if not can_be(points, view.coordinates):
            return None
        visibility = frame.visibility
        if visibility is not None:
            if visibility.shape != (len(view.skeleton),):
                return None
            in_sight = visibility[list(needed)] >= hidden_below
            flags = 0 if in_sight.all() else int(Flag.HIDDEN)
        if tells_visibility:
            told = np.ones(len(points)) if visibility is None else visibility
            points = np.concatenate((points, told[:, None]), axis=1)
        row = np.array(points, np.float32).reshape(-1)
    return Seen(row, frame.processed_ns, flags)


def can_be(points: NDArray[np.floating[Any]], coordinates: str = IMAGE) -> NDArray[np.bool_]:
    """Whether all of some points (..., points, dimensions) are where a tracker may see them."""
    if coordinates == METRIC:
        return np.asarray((np.abs(points) <= FARTHEST_M).all(axis=(-2, -1)))
    across = (np.abs(points[..., :2] - 0.5) <= 0.5 + FARTHEST_OUT).all(axis=(-2, -1))
    return np.asarray(across & (np.abs(points[..., 2:]) <= DEEPEST).all(axis=(-2, -1)))
