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

"""Regularly sampled channels, sent in chunks, as a signal that can be read at any instant."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.arrivals import NEVER_NS, Arrival, Arrivals, Outcome
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import NS_PER_S

MOST_SAMPLES = 20_000
"""Samples remembered: more than any wait lasts, few enough never to grow."""
HIGHEST_RATE_HZ = 20_000.0
LONGEST_CHUNK_S = 1.0
MOST_PERIODS_APART = 1.5
"""Samples further apart than this many periods have lost some between them."""


class _Samples(NamedTuple):
    stamps_ns: NDArray[np.int64]
    rows: NDArray[np.float32]
    period_ns: float


class SampledStream:
    """Chunks of samples, read by straight lines between samples at most `fresh_ns` apart."""

    def __init__(self, wait_ns: int, fresh_ns: int) -> None:
        """Start without any chunk."""
        self.fresh_ns = fresh_ns
        """Samples further apart are not joined."""
        self._chunks = Arrivals[_Samples](wait_ns, fresh_ns, MOST_SAMPLES)

    @property
    def known_ns(self) -> int:
        """Instant up to which chunks, not only the wait, have settled the signal."""
        return self._chunks.known_ns

    @property
    def dropped(self) -> int:
        """Samples given up because more came than are kept."""
        return self._chunks.dropped

    def push(
        self,
        rows: NDArray[np.float32],
        stamp_ns: int,
        first_index: int,
        rate_hz: float,
        received_ns: int,
    ) -> Outcome:
        """Take a chunk (samples, channels) in; a repeat or an impossible rate is refused."""
        samples = len(rows)
        if rows.ndim != 2 or not samples or not 0 < rate_hz <= HIGHEST_RATE_HZ:
            return Outcome.REFUSED
        period_ns = NS_PER_S / rate_hz
        if samples > LONGEST_CHUNK_S * rate_hz + 1 or period_ns > self.fresh_ns:
            return Outcome.REFUSED
        stamps_ns = stamp_ns + np.rint(np.arange(samples) * period_ns).astype(np.int64)
        return self._chunks.add(
            _Samples(stamps_ns, rows.astype(np.float32), period_ns),
            stamp_ns,
            int(stamps_ns[-1]),
            first_index,
            samples,
            received_ns,
        )

    def wait_from(self, received_ns: int, wait_ns: int) -> None:
        """Wait this long for a chunk from now on."""
        self._chunks.wait_from(received_ns, wait_ns)

    def settled_until(self, now_ns: int) -> int:
        """Newest instant whose values nothing to come can change any more."""
        return self._chunks.settled_until(now_ns)

    def read(
        self, stamps_ns: NDArray[np.int64], values: NDArray[np.float32]
    ) -> tuple[NDArray[FlagBits], NDArray[np.int64]]:
        """Fill in values at increasing instants; give flags, and how old the values are.

        On a line between two samples they are of the instant itself; else of the sample before it.
        The age is immense when there is none, and the values are then left as they were.
        """
        flags = np.zeros(len(stamps_ns), FlagBits)
        age_ns = stamps_ns - NEVER_NS
        if len(self._chunks):
            for part, chunks in self._chunks.usable(stamps_ns):
                self._read_part(stamps_ns[part], chunks, values[part], flags[part], age_ns[part])
            while self._chunks.spent(int(stamps_ns[-1]), keep=1):
                self._chunks.pop_oldest()
        return flags, age_ns

    def reset(self) -> None:
        """Forget every chunk."""
        self._chunks.clear()

    def _read_part(
        self,
        stamps_ns: NDArray[np.int64],
        chunks: list[Arrival[_Samples]],
        values: NDArray[np.float32],
        flags: NDArray[FlagBits],
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
        on_line = (gap_ns > 0) & (gap_ns <= self.fresh_ns)
        weight = np.where(on_line, age / np.maximum(gap_ns, 1), 0)
        share = weight.astype(np.float32)[:, None]
        values[found] = (rows[before] * (1 - share) + rows[after] * share)[found]
        bridged = gap_ns > MOST_PERIODS_APART * used[-1].item.period_ns
        flags[found & (age > 0) & (~on_line | bridged)] = Flag.HELD
        age_ns[found] = np.where(on_line, 0, age)[found]


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
        return chunks[0].item.stamps_ns, chunks[0].item.rows
    stamps, rows = [], []
    for chunk, following in zip(chunks, [*chunks[1:], None], strict=True):
        own, kept_rows = chunk.item.stamps_ns, chunk.item.rows
        if following is not None and chunk.end_ns >= following.stamp_ns:
            keep = int(np.searchsorted(own, following.stamp_ns))
            own, kept_rows = own[:keep], kept_rows[:keep]
        stamps.append(own)
        rows.append(kept_rows)
    return np.concatenate(stamps), np.concatenate(rows)
