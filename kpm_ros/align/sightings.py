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

"""What every registered view saw of the hands at chosen instants, long enough after to know it."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.camera_model import Camera
from kpm_ros.sense.samples import LandmarkFrame

Floats = NDArray[np.float64]

KNOWN_AFTER_NS = 200_000_000
"""Frames and notes that are received later than this after they happened are not looked at."""
SETTLED_AFTER_NS = 300_000_000
"""Instants are looked at so long after: then the frame behind each is known, too."""
WIDEST_GAP_NS = 100_000_000
"""Frames further apart are not joined by a line."""
MOST_FRAMES = 512
IN_SIGHT = 0.5
"""Points that are less visible than this do not count as seen."""


class _Seen(NamedTuple):
    stamp_ns: int
    points: NDArray[np.floating[Any]] | None
    image_size: tuple[int, int]


class Sightings:
    """Frames of some views, read at past instants by straight lines between them."""

    def __init__(self, views: Iterable[str], points: int, sides: Sequence[str] = ("",)) -> None:
        """Start without any frame; `points` is how many a hand has, of each of these sides.

        An empty side is whichever hand is sent.
        """
        self._points = points
        self._sides = tuple(sides)
        self._frames: dict[tuple[str, str], deque[_Seen]] = {
            (view, side): deque(maxlen=MOST_FRAMES) for view in views for side in sides
        }

    def push(self, frame: LandmarkFrame, received_ns: int) -> None:
        """Take in a frame that came in time and goes on from the one before it."""
        side = frame.side if self._sides != ("",) else ""
        frames = self._frames.get((frame.view, side))
        if frames is None or received_ns - frame.stamp_ns > KNOWN_AFTER_NS:
            return
        if frames and frame.stamp_ns <= frames[-1].stamp_ns:
            return
        points = frame.points
        if points is not None and points.shape != (self._points, 3):
            return
        if points is not None and frame.visibility is not None:
            if frame.visibility.shape != (self._points,):
                return
            points = np.where(frame.visibility[:, None] >= IN_SIGHT, points, np.nan)
        frames.append(_Seen(frame.stamp_ns, points, frame.image_size))

    def image_size(self, view: str, until_ns: int) -> tuple[int, int]:
        """Size of a view's last picture up to an instant; zeros where it is not told."""
        kept = (seen for side in self._sides for seen in reversed(self._frames[view, side]))
        return next((seen.image_size for seen in kept if seen.stamp_ns <= until_ns), (0, 0))

    def at(self, view: str, stamps_ns: NDArray[np.int64], until_ns: int) -> Floats:
        """Points (n, points of all hands, 3) at instants; NaN where unseen.

        No frame after `until_ns` is used.
        """
        hands = [
            self._hand_at(self._frames[view, side], stamps_ns.tolist(), until_ns)
            for side in self._sides
        ]
        return np.concatenate(hands, axis=1) if len(hands) > 1 else hands[0]

    def _hand_at(self, kept: Iterable[_Seen], stamps_ns: list[int], until_ns: int) -> Floats:
        out = np.full((len(stamps_ns), self._points, 3), np.nan)
        frames = [seen for seen in kept if seen.stamp_ns <= until_ns]
        stamps = [seen.stamp_ns for seen in frames]
        for row, stamp_ns in enumerate(stamps_ns):
            place = bisect_left(stamps, stamp_ns)
            if not 0 < place < len(frames):
                continue
            before, after = frames[place - 1], frames[place]
            gap_ns = after.stamp_ns - before.stamp_ns
            if before.points is None or after.points is None or gap_ns > WIDEST_GAP_NS:
                continue
            share = (stamp_ns - before.stamp_ns) / gap_ns
            out[row] = before.points * (1 - share) + after.points * share
        return out

    def forget(self, before_ns: int) -> None:
        """Forget frames that no later instant needs."""
        for frames in self._frames.values():
            while frames and frames[0].stamp_ns < before_ns:
                frames.popleft()

    def reset(self) -> None:
        """Forget every frame."""
        for frames in self._frames.values():
            frames.clear()


def misses(first: Camera, first_slopes: Floats, second: Camera, second_slopes: Floats) -> Floats:
    """Signed distances in metres at which the rays of the same points pass each other."""
    ours, theirs = first.rays_at(first_slopes), second.rays_at(second_slopes)
    across = np.cross(ours, theirs)
    across /= np.sqrt((across * across).sum(axis=-1, keepdims=True))
    return np.asarray(across @ (second.position - first.position))
