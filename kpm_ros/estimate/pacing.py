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

"""When each effort sample leaves: evenly, although they are made in groups."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

from kpm_ros.core.chunks import EFFORT_RATE_HZ
from kpm_ros.core.grid import NS_PER_S, Grid

MOST_GROUPS = 2000
"""Groups that are remembered, however often they come."""


class Pacer:
    """Gives each sample the same delay after its instant, the smallest that groups lately needed.

    A sample is due at its stamp plus the delay. A group that comes later than that is overdue and
    leaves at once, nothing skipped. Of the groups of `memory_s` the delay suits all but
    `late_share`, so that one slow moment does not make all that follows late. It grows at once, up
    to `longest_s`: beyond that, being early is worth more than being even. It shrinks no faster
    than `shrink` of real time, so that the stream only runs a little faster for a while.
    """

    def __init__(
        self,
        *,
        even: bool = True,
        memory_s: float = 1.0,
        late_share: float = 0.015,
        longest_s: float = 0.2,
        shrink: float = 0.1,
    ) -> None:
        """`even` False releases every group at once."""
        self.even = even
        """Whether samples wait for their time at all."""
        self._memory_ns = round(memory_s * NS_PER_S)
        self._longest_ns = round(longest_s * NS_PER_S)
        self._shrink = shrink
        self._grid = Grid(EFFORT_RATE_HZ)
        self._late_share = late_share
        self._needed: deque[tuple[int, int]] = deque()
        self._in_order: list[int] = []
        """What groups needed, the least first."""
        self._delay_ns = 0
        self._at_ns = 0

    @property
    def delay_s(self) -> float:
        """Delay after a sample's instant at which it leaves, as of the last group."""
        return self._delay_ns / NS_PER_S

    def forget(self) -> None:
        """Begin anew: what groups needed until now says nothing about those to come."""
        self._needed.clear()
        self._in_order.clear()
        self._delay_ns = 0

    def made(self, stamp_ns: int, now_ns: int) -> None:
        """Learn that a group whose first sample has this stamp was made now."""
        if now_ns < self._at_ns - self._longest_ns:
            # The clock stepped back: what was learnt belongs to another time.
            self.forget()
        needed_ns = min(max(now_ns - stamp_ns, 0), self._longest_ns)
        self._needed.append((now_ns, needed_ns))
        insort(self._in_order, needed_ns)
        while self._needed[0][0] < now_ns - self._memory_ns or len(self._needed) > MOST_GROUPS:
            forgotten_ns = self._needed.popleft()[1]
            del self._in_order[bisect_left(self._in_order, forgotten_ns)]
        self._delay_ns = self._delay_at(now_ns)
        self._at_ns = now_ns

    def due(self, stamp_ns: int, waiting: int, now_ns: int) -> int:
        """How many of the waiting samples, the first of which has this stamp, are due now."""
        if not self.even or stamp_ns > now_ns:
            # Effort is never ahead of the clock: the clock stepped back, and these are left over.
            return waiting
        first = self._grid.last_at(stamp_ns)
        last = self._grid.last_at(now_ns - self._delay_at(now_ns))
        return max(0, min(waiting, last - first + 1))

    def _delay_at(self, now_ns: int) -> int:
        """Delay in force: what is needed, unless it is still shrinking towards that."""
        late = int(self._late_share * len(self._in_order))
        needed_ns = self._in_order[-1 - late] if self._in_order else 0
        shrunk_ns = self._delay_ns - round(max(0, now_ns - self._at_ns) * self._shrink)
        return max(needed_ns, shrunk_ns)
