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

"""Sensed key depth as a signal that can be read at any instant."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.arrivals import NEVER_NS, Arrival, Arrivals, Outcome
from kpm_ros.core.flags import Flag
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.sense.samples import KeyMotionChunk

MOST_SAMPLES = 20_000
"""Samples remembered: more than any wait lasts, few enough never to grow."""
HIGHEST_RATE_HZ = 20_000.0
LONGEST_CHUNK_S = 1.0
LONGEST_STEP = 1.5
"""Samples further apart than this many periods have lost some between them."""
NOT_SENSED = -1.0


class _Samples(NamedTuple):
    stamps_ns: NDArray[np.int64]
    depth: NDArray[np.float32]
    period_ns: float


class MotionStream:
    """Chunks of key depth, read by straight lines between samples at most `fresh_ns` apart."""

    def __init__(self, keys: int, first_note: int, wait_ns: int, fresh_ns: int) -> None:
        """Start without any chunk."""
        self._keys = keys
        self._first_note = first_note
        self._fresh_ns = fresh_ns
        self._chunks = Arrivals[_Samples](wait_ns, fresh_ns, MOST_SAMPLES)

    @property
    def known_ns(self) -> int:
        """Instant up to which chunks, not only the wait, have settled the depth."""
        return self._chunks.known_ns

    def push(self, chunk: KeyMotionChunk, received_ns: int) -> Outcome:
        """Take a chunk in; a repeat, or one whose shape, rate or depths are impossible, is refused.

        Keys that the piano does not have, or does not sense, read -1.
        """
        depth = chunk.depth
        samples = len(depth)
        if depth.ndim != 2 or not samples or not 0 < chunk.rate_hz <= HIGHEST_RATE_HZ:
            return Outcome.REFUSED
        offset = chunk.first_note - self._first_note
        low, high = max(0, offset), min(self._keys, offset + depth.shape[1])
        if low >= high or samples > LONGEST_CHUNK_S * chunk.rate_hz + 1:
            return Outcome.REFUSED
        if not ((depth >= NOT_SENSED) & (depth <= 2)).all():
            return Outcome.REFUSED
        if offset or depth.shape[1] != self._keys:
            placed = np.full((samples, self._keys), NOT_SENSED, np.float32)
            placed[:, low:high] = depth[:, low - offset : high - offset]
            depth = placed
        period_ns = NS_PER_S / chunk.rate_hz
        if period_ns > self._fresh_ns:
            return Outcome.REFUSED
        stamps_ns = chunk.stamp_ns + np.rint(np.arange(samples) * period_ns).astype(np.int64)
        return self._chunks.add(
            _Samples(stamps_ns, depth.astype(np.float32), period_ns),
            chunk.stamp_ns,
            int(stamps_ns[-1]),
            chunk.first_index,
            samples,
            received_ns,
        )

    @property
    def dropped(self) -> int:
        """Samples given up because more came than are kept."""
        return self._chunks.dropped

    def settled_until(self, now_ns: int) -> int:
        """Newest instant whose depth nothing to come can change any more."""
        return self._chunks.settled_until(now_ns)

    def read(
        self, stamps_ns: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.int64]]:
        """Depth (n, keys), flags (n,) and age of the newest sample at increasing instants.

        The age is that of a sample at or before the instant; immense when there is none.
        """
        count = len(stamps_ns)
        depth = np.full((count, self._keys), NOT_SENSED, np.float32)
        flags = np.zeros(count, np.uint8)
        age_ns = stamps_ns - NEVER_NS
        if len(self._chunks):
            for part, chunks in self._chunks.usable(stamps_ns):
                self._read_part(stamps_ns[part], chunks, depth[part], flags[part], age_ns[part])
            while self._chunks.spent(int(stamps_ns[-1]), keep=1):
                self._chunks.pop_oldest()
        return depth, flags, age_ns

    def reset(self) -> None:
        """Forget every chunk."""
        self._chunks.clear()

    def _read_part(
        self,
        stamps_ns: NDArray[np.int64],
        chunks: list[Arrival[_Samples]],
        depth: NDArray[np.float32],
        flags: NDArray[np.uint8],
        age_ns: NDArray[np.int64],
    ) -> None:
        """Fill in what is asked for at instants that share the same chunks."""
        used = _around(chunks, int(stamps_ns[0]), int(stamps_ns[-1]))
        if not used or used[0].stamp_ns > stamps_ns[-1]:
            return
        knots, rows = _joined(used)
        before = np.searchsorted(knots, stamps_ns, side="right") - 1
        found = before >= 0
        after = np.minimum(before + 1, len(knots) - 1)
        gap_ns = knots[after] - knots[before]
        age = stamps_ns - knots[before]
        on_line = (gap_ns > 0) & (gap_ns <= self._fresh_ns)
        weight = np.where(on_line, age / np.maximum(gap_ns, 1), 0)
        share = weight.astype(np.float32)[:, None]
        depth[found] = (rows[before] * (1 - share) + rows[after] * share)[found]
        bridged = gap_ns > LONGEST_STEP * used[-1].item.period_ns
        flags[found & (age > 0) & (~on_line | bridged)] = Flag.HELD
        age_ns[found] = age[found]


def _around(
    chunks: list[Arrival[_Samples]], first_ns: int, last_ns: int
) -> list[Arrival[_Samples]]:
    """Those that hold the samples just before, between and just after two instants."""
    earlier = sum(chunk.stamp_ns <= first_ns for chunk in chunks)
    until_last = sum(chunk.stamp_ns <= last_ns for chunk in chunks)
    return chunks[max(0, earlier - 1) : until_last + 1]


def _joined(
    chunks: list[Arrival[_Samples]],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """All samples in a row; where chunks overlap, the later one counts."""
    if len(chunks) == 1:
        return chunks[0].item.stamps_ns, chunks[0].item.depth
    stamps, rows = [], []
    for chunk, following in zip(chunks, [*chunks[1:], None], strict=True):
        own, depth = chunk.item.stamps_ns, chunk.item.depth
        if following is not None and chunk.end_ns >= following.stamp_ns:
            keep = int(np.searchsorted(own, following.stamp_ns))
            own, depth = own[:keep], depth[:keep]
        stamps.append(own)
        rows.append(depth)
    return np.concatenate(stamps), np.concatenate(rows)
