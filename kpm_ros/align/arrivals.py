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

"""What has come of one stream, and for which instants each piece of it came in time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from operator import attrgetter
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

NEVER_NS = -(2**62)
"""Before every stamp there is, yet far enough from the end of 64 bits to be subtracted from."""

MOST_PIECES = 2048
"""Pieces kept however few samples each has: a piece costs about 1 kB beside its samples."""

Item = TypeVar("Item")
_by_stamp = attrgetter("stamp_ns")


class Outcome(Enum):
    """What became of something that was pushed."""

    TAKEN = "taken"
    LATE = "late"
    """Taken, but only for instants later than its own: that one was settled before it came."""
    REFUSED = "refused"
    """Impossible, a repeat, or too much."""


class Awaited(Protocol):
    """What a grid sample waits for."""

    @property
    def wait_ns(self) -> int:
        """How long a grid sample waits for it, at present."""
        ...

    @property
    def known_ns(self) -> int:
        """Instant up to which data, not only the wait, has settled it."""
        ...

    @property
    def dropped(self) -> int:
        """What was given up because more came than is kept."""
        ...

    def settled_until(self, now_ns: int) -> int:
        """Newest instant whose values nothing to come can change any more."""
        ...

    def reset(self) -> None:
        """Forget everything."""
        ...


@dataclass(frozen=True)
class Arrival(Generic[Item]):
    """One piece of a stream."""

    stamp_ns: int
    """First instant it tells of."""
    end_ns: int
    """Last instant it tells of."""
    index: int
    """Index of its first sample in the stream."""
    count: int
    """Samples in it."""
    received_ns: int
    usable_ns: int
    """It may be used for this instant and later ones; earlier ones were settled when it came."""
    item: Item


class Arrivals(Generic[Item]):
    """Pieces of one stream in stamp order, and up to which instant the stream is settled.

    An instant is settled when the pieces before and after it have come and their indices show that
    none is missing between them; else when it has been waited for. A piece that tells nothing new
    settles nothing. A piece is used for instants that were not settled when it came, and for no
    others. That depends on what came, and when, alone: how often anybody looks changes nothing.
    """

    def __init__(self, wait_ns: int, longest_gap_ns: int, most: int) -> None:
        """Wait this long for a piece, join pieces this far apart, and keep this many samples."""
        self.known_ns = NEVER_NS
        """Instant up to which data, not only the wait, has settled the stream."""
        self.dropped = 0
        """Samples given up because more came than are kept."""
        self._wait_ns = wait_ns
        self._waited_ns = NEVER_NS
        self._longest_gap_ns = longest_gap_ns
        self._most = most
        self._kept = 0
        self._pieces: list[Arrival[Item]] = []

    def __len__(self) -> int:
        """Pieces remembered."""
        return len(self._pieces)

    def add(
        self, item: Item, stamp_ns: int, end_ns: int, index: int, count: int, received_ns: int
    ) -> Outcome:
        """Take a piece in; one with the stamp of another is a repeat."""
        place = bisect_left(self._pieces, stamp_ns, key=_by_stamp)
        if place < len(self._pieces) and self._pieces[place].stamp_ns == stamp_ns:
            return Outcome.REFUSED
        settled_ns = self.settled_until(received_ns)
        usable_ns = settled_ns + 1
        before = self._pieces[place - 1] if place else None
        if place == len(self._pieces) and before and before.end_ns == settled_ns < stamp_ns:
            # The usual case. Nothing reads past `before` to tell what is settled, so that this
            # piece may be there for all instants that `before` is: one turn less in `usable`.
            usable_ns = before.usable_ns
        self._pieces.insert(
            place, Arrival(stamp_ns, end_ns, index, count, received_ns, usable_ns, item)
        )
        self._kept += count
        while len(self._pieces) > (MOST_PIECES if self._kept <= self._most else 1):
            self.dropped += self.pop_oldest().count
        return Outcome.LATE if settled_ns >= stamp_ns else Outcome.TAKEN

    def wait_from(self, received_ns: int, wait_ns: int) -> None:
        """Wait this long from an instant of receipt on; what was settled by then stays settled."""
        if wait_ns != self._wait_ns:
            self._waited_ns = self._waited_until(received_ns)
            self._wait_ns = wait_ns

    def settled_until(self, now_ns: int) -> int:
        """Newest instant that nothing to come can change any more."""
        waited_ns = self._waited_until(now_ns)
        settled_ns = max(waited_ns, self.known_ns)
        place = bisect_right(self._pieces, settled_ns, key=_by_stamp) - 1
        if place >= 0:
            known = place
            for after, (piece, following) in enumerate(pairwise(self._pieces[place:]), place + 1):
                if not self._follows(piece, following):
                    break
                known = after if self._tells(after) else known
            self.known_ns = max(self.known_ns, self._pieces[known].end_ns)
        return max(waited_ns, self.known_ns)

    def usable(self, stamps_ns: NDArray[np.int64]) -> Iterator[tuple[slice, list[Arrival[Item]]]]:
        """Split instants where the pieces that may be used change; give each part with its own."""
        first_ns, last_ns = int(stamps_ns[0]), int(stamps_ns[-1])
        turns = sorted({p.usable_ns for p in self._pieces if first_ns < p.usable_ns <= last_ns})
        if not turns:
            yield slice(0, len(stamps_ns)), [p for p in self._pieces if p.usable_ns <= first_ns]
            return
        places = [0, *np.searchsorted(stamps_ns, turns).tolist(), len(stamps_ns)]
        for start, stop in pairwise(places):
            if stop > start:
                at_ns = int(stamps_ns[start])
                yield slice(start, stop), [p for p in self._pieces if p.usable_ns <= at_ns]

    def spent(self, read_ns: int, keep: int) -> bool:
        """Whether the oldest piece tells nothing about instants after this one any more.

        That is so once `keep` newer ones before that instant are in use.
        """
        if len(self._pieces) <= keep:
            return False
        newest = self._pieces[keep]
        return newest.stamp_ns <= read_ns and all(
            piece.usable_ns <= read_ns for piece in self._pieces[: keep + 1]
        )

    def pop_oldest(self) -> Arrival[Item]:
        """Forget the oldest piece and give it."""
        piece = self._pieces.pop(0)
        self._kept -= piece.count
        return piece

    def clear(self) -> None:
        """Forget everything."""
        self._pieces.clear()
        self._kept = 0
        self.known_ns = self._waited_ns = NEVER_NS

    def _tells(self, place: int) -> bool:
        """Whether a piece tells anything that those before it do not."""
        return True

    def _waited_until(self, now_ns: int) -> int:
        """Newest instant that has been waited for."""
        # What is received at the very end of the wait still counts: hence the nanosecond.
        return max(self._waited_ns, now_ns - self._wait_ns - 1)

    def _follows(self, before: Arrival[Item], after: Arrival[Item]) -> bool:
        """Whether nothing is missing between two pieces; an index that stands still is no count."""
        counted = after.index - before.index in (0, before.count)
        return counted and after.stamp_ns - before.end_ns <= self._longest_gap_ns
