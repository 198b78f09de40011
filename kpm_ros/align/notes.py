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

"""Key depth worked out from note events, each at its instant or as soon after as it can act.

Here is the one queue in which a note waits for its instant.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.arrivals import NEVER_NS, Outcome
from kpm_ros.sense.midi.key_depth import KeyDepthFromNotes
from kpm_ros.sense.samples import KeyEvent, KeyEventKind

MOST_WAITING = 10_000
"""Events that wait for their instant: a storm beyond this is refused rather than remembered."""


@dataclass(frozen=True)
class _Waiting:
    acts_ns: int
    event: KeyEvent

    @property
    def order(self) -> tuple[int, int, int]:
        return self.acts_ns, self.event.stamp_ns, self.event.index


class NoteStream:
    """Note events as depth curves.

    Nothing in a note says that no other will follow, so an instant is settled once it has been
    waited for. An event that comes later than that acts at the first instant that still waits.
    """

    def __init__(
        self, keys: int, first_note: int, wait_ns: int, longest_hold_s: float = 30.0
    ) -> None:
        """Start with every key at rest and nothing heard."""
        self._wait_ns = wait_ns
        self._depth = KeyDepthFromNotes(keys, first_note, longest_hold_s)
        self._waiting: list[_Waiting] = []
        self._played_ns: dict[int, int] = {}
        self._heard_ns = NEVER_NS
        self._read_ns = NEVER_NS

    @property
    def stuck(self) -> int:
        """Notes given up because their end never came."""
        return self._depth.stuck

    def push(self, event: KeyEvent, received_ns: int) -> Outcome:
        """Take an event in; a repeat of one that waits, or too many, are refused."""
        if len(self._waiting) >= MOST_WAITING:
            return Outcome.REFUSED
        acts_ns = max(event.stamp_ns, received_ns - self._wait_ns)
        waiting = _Waiting(acts_ns, event)
        place = bisect_left(self._waiting, waiting.order, key=lambda other: other.order)
        same = place
        while same < len(self._waiting) and self._waiting[same].order == waiting.order:
            if self._waiting[same].event == event:
                return Outcome.REFUSED
            same += 1
        self._waiting.insert(same, waiting)
        return Outcome.LATE if acts_ns > event.stamp_ns else Outcome.TAKEN

    def settled_until(self, now_ns: int) -> int:
        """Newest instant that no event to come can change any more."""
        return now_ns - self._wait_ns - 1

    def read(self, stamps_ns: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Depth (n, keys), and since when nothing was heard, at increasing, settled instants."""
        silent_ns = np.full(len(stamps_ns), self._heard_ns, np.int64)
        acting = []
        for waiting in self._take_until(int(stamps_ns[-1])):
            self._heard_ns = max(self._heard_ns, waiting.event.stamp_ns)
            silent_ns[np.searchsorted(stamps_ns, waiting.acts_ns) :] = self._heard_ns
            if not self._overtaken(waiting.event):
                acting.append(replace(waiting.event, stamp_ns=waiting.acts_ns))
        self._read_ns = int(stamps_ns[-1])
        return self._depth.sample(stamps_ns, acting), stamps_ns - silent_ns

    def catch_up(self, until_ns: int) -> None:
        """Play what is settled although nobody wants to read it, so that nothing piles up."""
        if until_ns > self._read_ns and self._waiting:
            self.read(np.array([until_ns], np.int64))

    def reset(self) -> None:
        """Let go of every key and forget what was heard."""
        self._depth.reset()
        self._waiting.clear()
        self._played_ns.clear()
        self._heard_ns = self._read_ns = NEVER_NS

    def _take_until(self, until_ns: int) -> list[_Waiting]:
        count = bisect_left(self._waiting, until_ns + 1, key=lambda waiting: waiting.acts_ns)
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def _overtaken(self, event: KeyEvent) -> bool:
        """Whether a newer event has already acted on its key: this one would undo it."""
        if event.kind not in (KeyEventKind.NOTE_ON, KeyEventKind.NOTE_OFF):
            return False
        newest_ns = self._played_ns.get(event.note, NEVER_NS)
        self._played_ns[event.note] = max(newest_ns, event.stamp_ns)
        return event.stamp_ns < newest_ns
