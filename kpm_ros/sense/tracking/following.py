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

"""Looking for hands or bodies only where they are, and now and then everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.tracking.region import ImageWindow, region_window, search_tiles, window_around
from kpm_ros.sense.tracking.tracker import Found, TrackerConfig

Detection = TypeVar("Detection", bound=Found)

SEARCH_EVERY_NS = 100_000_000
"""While something is missing, another part of the region is searched this often."""
LINGER_NS = 500_000_000
"""What was lost is expected where it was for this long."""
MOVED = 0.7
"""Two windows that share less than this show the detector what it follows in other places."""


class Detector(Protocol[Detection]):
    """Finds hands or bodies in one picture after another."""

    def detect(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Detection]:
        """Give what is found in an RGB picture, as it is if the picture is not mirrored."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


class MakeDetector(Protocol[Detection]):
    """Makes a detector."""

    def __call__(self, *, single_pictures: bool = False) -> Detector[Detection]:
        """`single_pictures` searches each picture anew instead of following through a video."""
        ...


class FixedRegion(Generic[Detection]):
    """Looks in one part of the picture, always the same."""

    def __init__(self, detector: Detector[Detection], region: Sequence[float]) -> None:
        """Take the region as left, top, right, bottom, in fractions of the picture."""
        self._detector = detector
        self._region = region

    def detect(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Detection]:
        """Give what is found in the region, in coordinates of the whole picture."""
        window = region_window(self._region, (image.shape[1], image.shape[0]))
        return _detect_in(self._detector, window, image, stamp_ns)

    def close(self) -> None:
        """Free the detector."""
        self._detector.close()


class FollowingRegion(Generic[Detection]):
    """Looks around where things last were, which finds those that are small in the picture.

    A second detector, which starts afresh on every picture, searches the whole region and then its
    parts, one at a time, while something is missing.
    """

    def __init__(
        self,
        detector: Detector[Detection],
        make_searcher: Callable[[], Detector[Detection]],
        region: Sequence[float],
        most: int,
    ) -> None:
        """Follow up to so many; the searcher is only made once it is needed."""
        self._detector = detector
        self._make_searcher = make_searcher
        self._searcher: Detector[Detection] | None = None
        self._region = region
        self._most = most
        self._size = (0, 0)
        self._window = ImageWindow(0, 0, 1, 1)
        self._seen = 0
        self._complete_ns = 0
        self._searched_ns = 0
        self._searches = 0

    def detect(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Detection]:
        """Give what is found in the region, in coordinates of the whole picture."""
        size = (image.shape[1], image.shape[0])
        bounds = region_window(self._region, size)
        if size != self._size:
            self._size, self._window = size, bounds
        found = _detect_in(self._detector, self._window, image, stamp_ns)
        if len(found) < self._most and abs(stamp_ns - self._searched_ns) >= SEARCH_EVERY_NS:
            self._searched_ns = stamp_ns
            found = max(found, self._search(bounds, image, stamp_ns), key=len)
        self._move(found, bounds, image, stamp_ns)
        return found

    def close(self) -> None:
        """Free the detectors."""
        self._detector.close()
        if self._searcher is not None:
            self._searcher.close()

    def _search(
        self, bounds: ImageWindow, image: NDArray[np.uint8], stamp_ns: int
    ) -> list[Detection]:
        if self._searcher is None:
            self._searcher = self._make_searcher()
        places = search_tiles(bounds)
        place = places[self._searches % len(places)]
        self._searches += 1
        return _detect_in(self._searcher, place, image, stamp_ns)

    def _move(
        self, found: list[Detection], bounds: ImageWindow, image: NDArray[np.uint8], stamp_ns: int
    ) -> None:
        """Put the window where they are now, for the next picture."""
        if len(found) >= self._seen:
            self._seen, self._complete_ns = len(found), stamp_ns
        elif 0 <= stamp_ns - self._complete_ns < LINGER_NS:
            return
        else:
            self._seen = len(found)
        before = self._window
        places = [detection.points for detection in found]
        self._window = window = (
            window_around(places, self._size, bounds, before) if places else bounds
        )
        resized = (window.width, window.height) != (before.width, before.height)
        if resized or window.overlap(before) < MOVED:
            # The detector looks for a thing where it was in the picture before. In another window
            # that is elsewhere, and would cost the next picture; it may find that out on this one.
            _detect_in(self._detector, window, image, stamp_ns)


Looking = FixedRegion[Detection] | FollowingRegion[Detection]
"""What looks for hands or bodies."""


def make_looking(
    make: MakeDetector[Detection], config: TrackerConfig, most: int
) -> Looking[Detection]:
    """Make what looks for up to `most` hands or bodies, in the part that the config says."""
    if config.follow:
        return FollowingRegion(make(), lambda: make(single_pictures=True), config.region, most)
    return FixedRegion(make(), config.region)


def _detect_in(
    detector: Detector[Detection], window: ImageWindow, image: NDArray[np.uint8], stamp_ns: int
) -> list[Detection]:
    size = (image.shape[1], image.shape[0])
    if (window.width, window.height) == size:
        return detector.detect(image, stamp_ns)
    return [
        replace(detection, points=window.to_picture(detection.points, size))
        for detection in detector.detect(window.cut(image), stamp_ns)
    ]
