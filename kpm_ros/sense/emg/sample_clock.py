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

"""An amplifier's samples numbered and dated: what was lost shows as a jump of the index."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.connection import NS_PER_S
from kpm_ros.sense.device_clock import DeviceClock
from kpm_ros.sense.emg.emg_device import EmgBlock

GAP_S = 0.1
"""Without a counter, a hole in the time stamps that is wider may be a loss; a stall is narrower."""
CONFIRM_S = 0.1
"""A loss is believed when samples have not caught up with the clock for so long."""
LONGEST_BREAK_S = 3600.0
"""After a longer one it is not samples that were lost, but a clock that was set."""
_WRAPS = tuple(1 << bits for bits in (8, 16, 24, 31, 32))


class Run(NamedTuple):
    """Consecutive samples, none missing between them."""

    first_index: int
    stamp_ns: int
    samples: NDArray[np.float32]


class PacketCounter:
    """Tells from an amplifier's own sample numbers, which may wrap, how many samples were lost.

    Some amplifiers number packets of several samples, or do not count at all: a counter that does
    not grow by one from sample to sample most of the time is not used.
    """

    LEARN = 32

    def __init__(self) -> None:
        """Know nothing of the amplifier yet."""
        self.usable: bool | None = None
        self.wrap = _WRAPS[0]
        """Numbers after which it begins again, as far as is known."""
        self._seen: list[int] = []
        self._highest = 0
        self._last: int | None = None

    def lost_before(self, counter: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many samples are missing before each of these."""
        if self.usable is None:
            self._learn(counter)
        if not self.usable:
            self._last = int(counter[-1])
            return np.zeros(len(counter), np.int64)
        before = int(counter[0]) - 1 if self._last is None else self._last
        self._last = int(counter[-1])
        steps = np.diff(counter, prepend=before)
        self._find_wrap(counter, steps)
        steps = steps % self.wrap
        if len(steps) >= self.LEARN and np.mean(steps == 0) > 0.1:
            self.usable = False
        return np.maximum(steps - 1, 0)

    def _learn(self, counter: NDArray[np.int64]) -> None:
        self._seen += [int(value) for value in counter]
        if len(self._seen) > self.LEARN:
            self._highest = max(self._seen)
            self.usable = bool(np.mean(np.diff(self._seen) == 1) > 0.5)

    def _find_wrap(self, counter: NDArray[np.int64], steps: NDArray[np.int64]) -> None:
        """See the counter begin again at 0 after its highest number, or go beyond what it could."""
        self._highest = max(self._highest, int(counter.max()), int((counter - steps).max()))
        if (steps[counter == 0] == -self._highest).any() and self._highest:
            self.wrap = self._highest + 1
        elif self._highest >= self.wrap:
            self.wrap = next((wrap for wrap in _WRAPS if wrap > self._highest), 1 << 62)


class SampleClock:
    """Gives each sample its index and its time by the amplifier's true rate.

    The index comes from the amplifier's counter where it has one, else from counting; the rate and
    the offset from the line under index and time stamps. Time stamps that jump ahead are either a
    stall, after which samples catch up, or a loss, after which they do not: the samples wait until
    it is clear which.
    """

    def __init__(self, rate_hz: float, first_index: int = 0) -> None:
        """Start with the stated rate; the true one is found by itself."""
        self.rate_stated_hz = rate_hz
        self.lost = 0
        self.stalls = 0
        self.longest_stall_s = 0.0
        self._clock = DeviceClock(NS_PER_S / rate_hz, follow_rate=True)
        self._next = first_index
        self._counter = PacketCounter()
        self._rejoining = False
        self._waiting: list[EmgBlock] = []
        self._gap_s = max(GAP_S, 5.0 / rate_hz)
        self._last_stamp_ns: int | None = None

    @property
    def rate_hz(self) -> float:
        """Samples per second on the host's clock, as measured so far."""
        return NS_PER_S / self._clock.tick_ns

    @property
    def next_index(self) -> int:
        """Index of the sample that comes next if none is lost."""
        return self._next

    @property
    def restarts(self) -> int:
        """How often the amplifier's clock was set or its rate changed."""
        return self._clock.restarts + self._clock.rate_changes

    def reconnected(self) -> None:
        """Say that the next samples come after a break; the index will say how long it was."""
        self._rejoining = self._last_stamp_ns is not None
        self._counter = PacketCounter()
        self._waiting.clear()

    def push_block(self, block: EmgBlock) -> list[Run]:
        """Take in samples, and return those that are settled."""
        if not len(block.samples):
            return []
        if self._rejoining:
            self._rejoining = False
            self._skip(self._missing_at(int(block.stamps_ns[0]), 0))
            return self._number(block, np.zeros(len(block.samples), np.int64))
        if block.counter is not None:
            lost = self._counter.lost_before(block.counter)
            if self._counter.usable is not False:
                self._watch_for_stalls(block)
                lost = self._add_whole_wraps(block, lost)
                return self._number(block, lost)
        return self._push_uncounted_block(block)

    def _push_uncounted_block(self, block: EmgBlock) -> list[Run]:
        """Number samples that only have time stamps."""
        if not self._waiting and not self._gap_in(block).size:
            self._watch_for_stalls(block)
            return self._number(block, np.zeros(len(block.samples), np.int64))
        self._waiting.append(block)
        whole = _joined(self._waiting)
        gaps = self._gap_in(whole)
        after = int(gaps[-1])
        missing = [
            self._missing_at(int(stamp), k)
            for k, stamp in enumerate(whole.stamps_ns[after:], start=after)
        ]
        caught_up = min(missing) < self._gap_s / 2 * self.rate_hz
        waited_s = (whole.stamps_ns[-1] - whole.stamps_ns[after]) / NS_PER_S
        if not caught_up and waited_s < CONFIRM_S:
            return []
        self._waiting.clear()
        lost = np.zeros(len(whole.samples), np.int64)
        if not caught_up:
            lost[after] = min(missing)
        self._watch_for_stalls(whole)
        return self._number(whole, lost)

    def _gap_in(self, block: EmgBlock) -> NDArray[np.int64]:
        """Positions of samples whose time stamp is far after the one before."""
        first = block.stamps_ns[0] if self._last_stamp_ns is None else self._last_stamp_ns
        steps = np.diff(block.stamps_ns, prepend=first)
        return np.flatnonzero(steps > self._gap_s * NS_PER_S)

    def _missing_at(self, stamp_ns: int, ahead: int) -> int:
        """How many samples fit between the clock's line and a stamp, `ahead` samples from now."""
        if self._last_stamp_ns is None:
            return 0
        since_ns = stamp_ns - self._clock.line_ns(self._next + ahead)
        if since_ns > LONGEST_BREAK_S * NS_PER_S:
            return 0
        return max(round(since_ns / self._clock.tick_ns), 0)

    def _add_whole_wraps(self, block: EmgBlock, lost: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add the rounds of the counter that a long break hides."""
        for at in self._gap_in(block):
            # After a stall the last sample is on time again; after a loss it is as late.
            missing = min(
                self._missing_at(int(block.stamps_ns[k]), int(k + lost[: k + 1].sum()))
                for k in (at, len(lost) - 1)
            )
            lost[at] += self._counter.wrap * int(missing / self._counter.wrap + 0.5)
        return lost

    def _watch_for_stalls(self, block: EmgBlock) -> None:
        first = block.stamps_ns[0] if self._last_stamp_ns is None else self._last_stamp_ns
        widest_s = float(np.diff(block.stamps_ns, prepend=first).max()) / NS_PER_S
        if widest_s > max(5.0 / self.rate_hz, 0.005):
            self.stalls += 1
            self.longest_stall_s = max(self.longest_stall_s, widest_s)

    def _skip(self, missing: int) -> None:
        self.lost += missing
        self._next += missing

    def _number(self, block: EmgBlock, lost: NDArray[np.int64]) -> list[Run]:
        """Give samples their index and date them, in runs without a hole."""
        count = len(block.samples)
        index = self._next + np.arange(count) + np.cumsum(lost)
        self.lost += int(lost.sum())
        self._next = int(index[-1]) + 1
        self._last_stamp_ns = int(block.stamps_ns[-1])
        self._clock.add_all(index.astype(np.float64), block.stamps_ns)
        cuts = [0, *(int(at) for at in np.flatnonzero(lost[1:]) + 1), count]
        return [
            Run(int(index[a]), self._clock.host_ns(float(index[a])), block.samples[a:b])
            for a, b in pairwise(cuts)
        ]


def _joined(blocks: list[EmgBlock]) -> EmgBlock:
    if len(blocks) == 1:
        return blocks[0]
    return EmgBlock(
        np.concatenate([block.samples for block in blocks]),
        np.concatenate([block.stamps_ns for block in blocks]),
    )
