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

"""Looking for hands only where they are, and now and then everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.hands.detection import Detection
from kpm_ros.sense.hands.mediapipe_hands import HandDetector
from kpm_ros.sense.hands.region import ImageWindow, region_window, search_tiles, window_around

SEARCH_EVERY_NS = 100_000_000
"""While a hand is missing, another part of the region is searched this often."""
LINGER_NS = 500_000_000
"""A hand that was lost is expected where it was for this long."""
MOVED = 0.7
"""Two windows that share less than this show the detector hands in other places."""


class FixedRegion:
    """Looks for hands in one part of the picture, always the same."""

    def __init__(self, detector: HandDetector, region: Sequence[float]) -> None:
        """Take the region as left, top, right, bottom, in fractions of the picture."""
        self._detector = detector
        self._region = region

    def detect(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Detection]:
        """Hands in the region, in coordinates of the whole picture."""
        window = region_window(self._region, (image.shape[1], image.shape[0]))
        return _detect_in(self._detector, window, image, stamp_ns)

    def close(self) -> None:
        """Free the detector."""
        self._detector.close()


class FollowingRegion:
    """Looks for hands around where they last were, which finds hands that are small in the picture.

    A second detector, which starts afresh on every picture, searches the whole region and then its
    parts, one at a time, while a hand is missing.
    """

    def __init__(
        self,
        detector: HandDetector,
        make_searcher: Callable[[], HandDetector],
        region: Sequence[float],
        hands: int,
    ) -> None:
        """Follow up to `hands` hands; the searcher is only made once it is needed."""
        self._detector = detector
        self._make_searcher = make_searcher
        self._searcher: HandDetector | None = None
        self._region = region
        self._hands = hands
        self._size = (0, 0)
        self._window = ImageWindow(0, 0, 1, 1)
        self._seen = 0
        self._complete_ns = 0
        self._searched_ns = 0
        self._searches = 0

    def detect(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Detection]:
        """Hands in the region, in coordinates of the whole picture."""
        size = (image.shape[1], image.shape[0])
        bounds = region_window(self._region, size)
        if size != self._size:
            self._size, self._window = size, bounds
        found = _detect_in(self._detector, self._window, image, stamp_ns)
        if len(found) < self._hands and abs(stamp_ns - self._searched_ns) >= SEARCH_EVERY_NS:
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
        """Put the window where the hands are now, for the next picture."""
        if len(found) >= self._seen:
            self._seen, self._complete_ns = len(found), stamp_ns
        elif 0 <= stamp_ns - self._complete_ns < LINGER_NS:
            return
        else:
            self._seen = len(found)
        before = self._window
        hands = [detection.points for detection in found]
        self._window = window = (
            window_around(hands, self._size, bounds, before) if hands else bounds
        )
        resized = (window.width, window.height) != (before.width, before.height)
        if resized or window.overlap(before) < MOVED:
            # The detector looks for a hand where it was in the picture before. In another window
            # that is elsewhere, and would cost the next picture; it may find that out on this one.
            _detect_in(self._detector, window, image, stamp_ns)


def _detect_in(
    detector: HandDetector, window: ImageWindow, image: NDArray[np.uint8], stamp_ns: int
) -> list[Detection]:
    size = (image.shape[1], image.shape[0])
    if (window.width, window.height) == size:
        return detector.detect(image, stamp_ns)
    return [
        replace(detection, points=window.to_picture(detection.points, size))
        for detection in detector.detect(window.cut(image), stamp_ns)
    ]
