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

"""A stick figure as a camera sees it, and a body's points as pictures need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.skeletons import Skeleton
from kpm_ros.core.stream_kinds import METRIC
from kpm_ros.core.streams import Landmarks
from kpm_ros.learn.pictures.body_outline import Region, placed
from kpm_ros.learn.pictures.effort_colours import LEFT_COLOUR, MIDDLE_COLOUR, RIGHT_COLOUR
from kpm_ros.learn.recordings.recording import TimeSeries

Points = NDArray[np.float64]
USUAL_ASPECT = 16 / 9
"""Width of a picture whose landmarks are fractions of it, in heights, where it is not known."""
MARGIN = 0.08
LONGEST_HOLD_S = 0.5
"""Beyond it, points that were last seen are not drawn any more."""


@dataclass(frozen=True, eq=False)
class Movement:
    """Points of one body over time, as a camera sees them: x to the picture's right, y down."""

    skeleton: Skeleton
    times_s: NDArray[np.float64]
    points: Points
    """(frames, points, 2), in one unit; NaN where nobody was seen."""

    @classmethod
    def of(cls, series: TimeSeries, begin_s: float = 0.0) -> Movement:
        """Take a recorded stream of landmarks, its times counted from `begin_s`."""
        made = cls.fractions_of(series, begin_s)
        metric = isinstance(series.stream, Landmarks) and series.stream.coordinates == METRIC
        return made if metric else made.scaled((USUAL_ASPECT, 1))

    @classmethod
    def fractions_of(cls, series: TimeSeries, begin_s: float = 0.0) -> Movement:
        """Take the numbers as they are: fractions of a picture's width and height, or metres."""
        stream = series.stream
        assert isinstance(stream, Landmarks)
        shape = (len(series), len(stream.skeleton), stream.dimensions)
        points = np.asarray(series.values, np.float64).reshape(shape)[..., :2]
        return cls(stream.skeleton, series.stamps_ns / 1e9 - begin_s, points)

    def scaled(self, factors: tuple[float, float]) -> Movement:
        """Multiply all x and all y."""
        return Movement(self.skeleton, self.times_s, self.points * factors)

    @cached_property
    def _seen(self) -> NDArray[np.intp]:
        return np.flatnonzero(np.isfinite(self.points).all(axis=(1, 2)))

    def at(self, time_s: float) -> Points | None:
        """Give the points at an instant: those last seen, or first seen just after it."""
        if not len(self._seen):
            return None
        times = self.times_s[self._seen]
        place = int(np.clip(np.searchsorted(times, time_s + 1e-6) - 1, 0, len(times) - 1))
        if abs(times[place] - time_s) > LONGEST_HOLD_S:
            return None
        return np.asarray(self.points[self._seen[place]])

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of all that is seen, with a margin, for a picture's axes."""
        if not len(self._seen):
            return -1, 1, 1, -1
        seen = self.points[self._seen].reshape(-1, 2)
        low, high = seen.min(axis=0), seen.max(axis=0)
        room = MARGIN * max(float((high - low).max()), 1e-6)
        return low[0] - room, high[0] + room, high[1] + room, low[1] - room


def bone_colours(skeleton: Skeleton) -> list[str]:
    """Colour each bone by its side."""
    left, right = ({pair[k] for pair in skeleton.mirror} for k in (0, 1))
    colours = []
    for bone in skeleton.bones:
        ends = set(bone)
        if ends & left and not ends & right:
            colours.append(LEFT_COLOUR)
        elif ends & right and not ends & left:
            colours.append(RIGHT_COLOUR)
        else:
            colours.append(MIDDLE_COLOUR)
    return colours


def faces_camera(skeleton: Skeleton, points: Points) -> bool:
    """Whether somebody is seen from the front: then their left is at the picture's right."""
    places = [_place(skeleton, f"{side}_shoulder") for side in ("left", "right")]
    if None in places:
        return True
    left, right = (points[place, 0] for place in places)
    return bool(left >= right)


def on_body(skeleton: Skeleton, points: Points, regions: Sequence[Region]) -> dict[Region, Points]:
    """Lay those muscles along a person's limbs that are on the side that is seen."""
    facing = faces_camera(skeleton, points)
    found = {}
    for region in regions:
        ends = [_place(skeleton, name) for name in region.bone]
        if region.view == ("front" if facing else "back") and None not in ends:
            first, second = (points[place] for place in ends)
            if np.hypot(*(second - first)) > 0:
                found[region] = placed(region, first, second, mirrored=not facing)
    return found


def _place(skeleton: Skeleton, name: str) -> int | None:
    return skeleton.points.index(name) if name in skeleton.points else None
