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

"""Where effort waits until it is due, and leaves one sample at a time."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kpm_ros.core.chunks import EFFORT_RATE_HZ
from kpm_ros.core.grid import NS_PER_S, Grid
from kpm_ros.estimate.pacing import Pacer


@dataclass(frozen=True)
class Group:
    """Samples that were made together."""

    first: int
    """Instant of the first of them on the grid of 2 kHz."""
    messages: Sequence[bytes]
    """One a sample, as they go over the wire."""
    since_ns: int
    """From when on they grow old, on the host's clock."""


class Valve:
    """Lets through no more at once, and no more a second, than the queues of readers can hold."""

    def __init__(self, at_once: int = 200, per_s: float = 4.0 * EFFORT_RATE_HZ) -> None:
        """Start open: a catching-up stream runs four times as fast, after a tenth of a second."""
        self._at_once, self._per_s = at_once, per_s
        self._room: float = at_once
        self._then_ns = 0

    def room(self, now_ns: int) -> int:
        """How many may leave now; time that runs back lets nothing through."""
        passed_s = max(0, now_ns - self._then_ns) / NS_PER_S
        self._room, self._then_ns = min(self._at_once, self._room + passed_s * self._per_s), now_ns
        return int(self._room)

    def passed(self, count: int) -> None:
        """Count what has left."""
        self._room -= count


class PacedPublisher:
    """Sends samples when they are due; may be filled by one thread and emptied by another.

    What is `limit_s` older than usual never leaves. That is looked at just before each sample is
    sent: a process that is stopped and goes on later sends no more than the one sample that it had
    in hand.
    """

    def __init__(
        self,
        pacer: Pacer,
        send: Callable[[bytes], None],
        limit_s: float,
        valve: Valve | None = None,
        host_ns: Callable[[], int] = time.time_ns,
        lookahead_s: float = 0.0,
    ) -> None:
        """Start empty; `send` hands one sample to the middleware, as fast as the valve allows.

        What waits for so much of the future is on time when it leaves so much later.
        """
        self.sent = 0
        self.withheld = 0
        """Samples that had become too old to be sent."""
        self._pacer = pacer
        self._send = send
        self._valve = valve
        self._limit_ns = round(limit_s * NS_PER_S)
        self._ahead_ns = round(lookahead_s * NS_PER_S)
        self._host_ns = host_ns
        self._grid = Grid(EFFORT_RATE_HZ)
        self._waiting: deque[Group] = deque()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Samples that wait."""
        with self._lock:
            return sum(len(group.messages) for group in self._waiting)

    @property
    def delay_s(self) -> float:
        """Delay after its instant at which a sample leaves."""
        return self._pacer.delay_s + self._ahead_ns / NS_PER_S

    def add(self, group: Group, now_ns: int, *, beginning: bool = False) -> None:
        """Let samples wait that were made at this time, by the clock of their stamps.

        Where the stream is just beginning they wait for nothing, and teach the pacing nothing.
        """
        with self._lock:
            if beginning:
                self._pacer.forget()
            else:
                self._pacer.made(self._known_ns(group), now_ns)
            self._waiting.append(group)

    def release(self, now_ns: int) -> None:
        """Send what is due at this time."""
        with self._lock:
            usual_ns = round(self._pacer.delay_s * NS_PER_S)
            lasts_ns = usual_ns + self._limit_ns
            self._drop_expired(self._host_ns() - lasts_ns)
            due = self._take_due(now_ns)
        for group in due:
            for data in group.messages:
                if self._host_ns() > group.since_ns + lasts_ns:
                    self.withheld += 1
                else:
                    self._send(data)
                    self.sent += 1

    def _drop_expired(self, before_ns: int) -> None:
        while self._waiting and self._waiting[0].since_ns < before_ns:
            self.withheld += len(self._waiting.popleft().messages)

    def _known_ns(self, group: Group) -> int:
        """When a group's first sample can be known at the earliest."""
        return self._grid.stamp_ns(group.first) + self._ahead_ns

    def _take_due(self, now_ns: int) -> list[Group]:
        room = self._valve.room(self._host_ns()) if self._valve else sys.maxsize
        due = []
        while self._waiting and room:
            group = self._waiting[0]
            count = len(group.messages)
            ready = min(room, self._pacer.due(self._known_ns(group), count, now_ns))
            if ready:
                due.append(_part(group, 0, ready))
                room -= ready
            if ready < count:
                self._waiting[0] = _part(group, ready, count)
                break
            self._waiting.popleft()
        if self._valve:
            self._valve.passed(sum(len(group.messages) for group in due))
        return due


def _part(group: Group, start: int, stop: int) -> Group:
    return Group(group.first + start, group.messages[start:stop], group.since_ns)
