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

"""A bag's messages as the run received them, where the bag tells.

The recorder receives a message a little earlier or later than the synchronizer does, and which
grid sample it was in time for may depend on that. A synchronizer that is recorded says when it
received what; what it never received is left out.
"""

from __future__ import annotations

import heapq
import zlib
from collections import defaultdict, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from kpm_ros.core.chunks import Receipts
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.replay.bag_file import BagMessage
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.wire import decode

TOLD_WITHIN_NS = 2 * NS_PER_S
"""So long after a message its receipt is in the bag, or will never be."""
APART_NS = NS_PER_S
"""Recorder and synchronizer do not receive a message further apart."""
MOST = 100_000
"""Messages, and receipts, that are kept until the other is found."""

Key = tuple[str, int]


@dataclass
class _Held:
    """A message whose receipt may yet be told."""

    message: BagMessage
    key: Key
    received_ns: int | None = None


class ReceivedMessages:
    """Messages of some topics with the instants at which the run received them, in their order.

    Where the bag does not tell, that is when the recorder did.
    """

    def __init__(self, bag: BagReader, topics: Collection[str], receipts: str | None) -> None:
        """Prepare; `receipts` is the topic that tells, if there is one."""
        self.unheard = 0
        """Messages that the run did not receive."""
        self._bag, self._topics, self._told_by = bag, topics, receipts
        self._held: deque[_Held] = deque()
        self._waiting: dict[Key, deque[_Held]] = defaultdict(deque)
        self._told: dict[Key, deque[int]] = defaultdict(deque)
        self._in_order: deque[Key] = deque()
        """Of what was told before its message came, oldest first."""
        self._next_index = -1
        self._covered: deque[list[float]] = deque(maxlen=64)
        """From when to when all receipts are told."""
        self._sorted: list[tuple[int, int, BagMessage]] = []
        self._count = 0

    @property
    def lacking(self) -> int:
        """Messages that the run received, and that the bag has not got."""
        return sum(map(len, self._told.values()))

    def __iter__(self) -> Iterator[tuple[BagMessage, int]]:
        """Read the bag."""
        if self._told_by is None:
            for message in self._bag.messages(self._topics):
                yield message, message.stamp_ns
            return
        for message in self._bag.messages([*self._topics, self._told_by]):
            if message.topic == self._told_by:
                try:
                    self._learn(decode.receipts(self._bag.decode(message)))
                except decode.RefusedMessageError:
                    continue
            else:
                self._hold(message)
            self._decide(message.stamp_ns - TOLD_WITHIN_NS)
            yield from self._sorted_until(message.stamp_ns - TOLD_WITHIN_NS - APART_NS)
        self._decide(None)
        yield from self._sorted_until(None)

    def _hold(self, message: BagMessage) -> None:
        held = _Held(message, (message.topic, zlib.crc32(message.data)))
        told = self._told.get(held.key)
        if told:
            held.received_ns = told.popleft()
            if not told:
                del self._told[held.key]
        else:
            self._waiting[held.key].append(held)
        self._held.append(held)

    def _learn(self, receipts: Receipts) -> None:
        """Find the messages whose receipts are told."""
        times_ns = receipts.received_ns.tolist()
        if receipts.first_index == self._next_index and self._covered:
            self._covered[-1][1] = max(times_ns)
        else:
            # What came before the very first was received by nobody.
            begins_ns = float("-inf") if receipts.first_index == 0 else min(times_ns)
            self._covered.append([begins_ns, max(times_ns)])
        self._next_index = receipts.first_index + len(receipts)
        for place, checksum, received_ns in zip(
            receipts.topic.tolist(), receipts.checksum.tolist(), times_ns, strict=True
        ):
            key = (receipts.topics[place], checksum)
            waiting = self._waiting.get(key)
            if waiting:
                waiting.popleft().received_ns = received_ns
                if not waiting:
                    del self._waiting[key]
            else:
                self._told[key].append(received_ns)
                self._in_order.append(key)
        while len(self._in_order) > MOST:
            self._told.pop(self._in_order.popleft(), None)

    def _decide(self, until_ns: int | None) -> None:
        """Settle when messages of that time and before were received."""
        held = self._held
        while held and (
            until_ns is None or held[0].message.stamp_ns <= until_ns or len(held) > MOST
        ):
            one = held.popleft()
            if one.received_ns is None:
                waiting = self._waiting[one.key]
                waiting.remove(one)
                if not waiting:
                    del self._waiting[one.key]
                stamp_ns = one.message.stamp_ns
                if any(first_ns <= stamp_ns <= last_ns for first_ns, last_ns in self._covered):
                    self.unheard += 1
                    continue
                one.received_ns = stamp_ns
            self._count += 1
            heapq.heappush(self._sorted, (one.received_ns, self._count, one.message))

    def _sorted_until(self, until_ns: int | None) -> Iterator[tuple[BagMessage, int]]:
        while self._sorted and (until_ns is None or self._sorted[0][0] <= until_ns):
            received_ns, _, message = heapq.heappop(self._sorted)
            yield message, received_ns
