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

"""How often a camera's frames come, and how long they take: from what the frames say themselves.

Both are medians over the last frames, so that a lost frame or one slow look changes nothing. Only
stamps, and the instants at which the tracker said it was done, are used: when a frame arrived says
nothing about the camera, and would be another in a replay.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from itertools import pairwise
from statistics import median_high, median_low

REMEMBERED = 31
"""Frames that are looked back on: a second of a usual webcam, half of one at 60 a second."""
FEWEST_GAPS = 12
"""Fewer gaps between frames than this say nothing yet."""


def usual_gap_ns(stamps_ns: Sequence[int]) -> int:
    """Median gap between frames, given their stamps in order; 0 = too few to tell."""
    recent = stamps_ns[-REMEMBERED:]
    gaps = [after - before for before, after in pairwise(recent)]
    return median_low(gaps) if len(gaps) >= FEWEST_GAPS else 0


class Cadence:
    """The usual gap and delay of the frames that have come so far, in whatever order."""

    def __init__(self) -> None:
        """Start without any frame."""
        self.gap_ns = 0
        """From one frame to the next; 0 = not known yet."""
        self.delay_ns = 0
        """From a frame's exposure until its hand was known; 0 where trackers do not say."""
        self._stamps_ns: list[int] = []
        self._delays_ns: list[int] = []

    def add(self, stamp_ns: int, processed_ns: int) -> None:
        """Take in one frame: when it was exposed, and when its hand was known."""
        insort(self._stamps_ns, stamp_ns)
        del self._stamps_ns[:-REMEMBERED]
        self._delays_ns.append(max(0, processed_ns - stamp_ns) if processed_ns else 0)
        del self._delays_ns[:-REMEMBERED]
        self.gap_ns = usual_gap_ns(self._stamps_ns)
        self.delay_ns = median_high(self._delays_ns)

    def clear(self) -> None:
        """Forget every frame."""
        self._stamps_ns.clear()
        self._delays_ns.clear()
        self.gap_ns = self.delay_ns = 0
