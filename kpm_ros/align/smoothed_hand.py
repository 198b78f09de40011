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

"""A hand in space without the trembling of trackers, for models that have not met so much of it.

Each camera adds errors of its own to every point, and they differ from frame to frame. A model of
pictures that was trained in one room takes the trembling of another one's points for movement.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.space import HandAt, HandInSpace
from kpm_ros.core.grid import NS_PER_S

STEP_NS = NS_PER_S // 250
"""Between the instants at which the hand is read: multiples of it, whenever samples are due."""


class SmoothedHand:
    """A hand's points as means over a window around each instant, its middle weighing most.

    A sample waits for the second half of its window. What is smoothed follows from instants alone,
    not from how many of them are asked for at a time.
    """

    def __init__(self, hand: HandInSpace, half_s: float) -> None:
        """Smooth a hand over so much time to each side."""
        self._hand = hand
        self._half_ns = max(round(half_s * NS_PER_S), STEP_NS)
        self._kept: HandAt | None = None
        self._first = 0
        """Which multiple of the step the kept ones begin with."""
        self._asked: tuple[tuple[int, int], HandAt] | None = None

    @property
    def wait_ns(self) -> int:
        """How long a grid sample waits, at present."""
        return self._hand.wait_ns + self._half_ns

    @property
    def known_ns(self) -> int:
        """Instant up to which frames, not only the wait, have settled the points."""
        return self._hand.known_ns - self._half_ns

    def settled_until(self, now_ns: int) -> int:
        """Newest instant whose points nothing to come can change any more."""
        return self._hand.settled_until(now_ns) - self._half_ns

    def at(self, stamps_ns: NDArray[np.int64]) -> HandAt:
        """Points at increasing, settled instants; those of the call before may be asked for again.

        Age, flags, and whether there is a hand at all, are those of the nearest instant read.
        """
        asked = (int(stamps_ns[0]), len(stamps_ns))
        if self._asked is None or self._asked[0] != asked:
            self._asked = (asked, self._smoothed(stamps_ns))
        return self._asked[1]

    def reset(self) -> None:
        """Forget every frame."""
        self._hand.reset()
        self._kept = self._asked = None

    def _smoothed(self, stamps_ns: NDArray[np.int64]) -> HandAt:
        begin = -((self._half_ns - stamps_ns) // STEP_NS)
        first, last = int(begin[0]), (int(stamps_ns[-1]) + self._half_ns) // STEP_NS
        read = self._read(first, last)
        # As many for each sample, one after the other, so that sums are the same in any company.
        ticks = begin[:, None] + np.arange(2 * self._half_ns // STEP_NS + 1)
        apart_ns = np.abs(ticks * STEP_NS - stamps_ns[:, None])
        place = np.minimum(ticks, last) - first
        weights = 1 + np.cos(np.pi * np.minimum(apart_ns / self._half_ns, 1.0))
        weights *= read.found[place]
        sums = np.maximum(weights.sum(axis=1), np.finfo(np.float64).tiny)
        weights /= sums[:, None]
        near = np.take_along_axis(place, apart_ns.argmin(axis=1)[:, None], axis=1)[:, 0]
        return HandAt(
            (weights[..., None, None] * read.points[place]).sum(axis=1),
            read.age_s[near],
            read.spread_m[near],
            read.found[near],
            read.flags[near],
        )

    def _read(self, first: int, last: int) -> HandAt:
        """Read the hand up to a multiple of the step, and keep it from another one on."""
        parts, begin = [], first
        if self._kept is not None and first <= self._first + len(self._kept.points):
            parts = [HandAt._make(values[first - self._first :] for values in self._kept)]
            begin += len(parts[0].points)
        if begin <= last:
            parts.append(self._hand.at(np.arange(begin, last + 1) * STEP_NS))
        self._kept = HandAt(*map(np.concatenate, zip(*parts, strict=True)))
        self._first = first
        return self._kept
