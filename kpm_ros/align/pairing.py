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

"""Messages of several topics that belong together, found by their time stamps.

ROS 2's `message_filters` does this, but comes only with a whole ROS 2 installation. The classes
here have the same names, constructors, callbacks and rules of matching, so that one can stand in
for the other (`kpm_ros.nodes.pairing` chooses). Each message is paired at most once: right for two
cameras of one rate; streams of different rates are joined by the aligner.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from kpm_ros.core.grid import NS_PER_S


class SimpleFilter:
    """Hands each message on to everybody who registered for it."""

    def __init__(self) -> None:
        """Begin with nobody registered."""
        self.callbacks: dict[int, tuple[Callable[..., Any], tuple[Any, ...]]] = {}

    def registerCallback(self, cb: Callable[..., Any], *args: Any) -> int:  # noqa: N802
        """Have `cb` called with each output, followed by `args`; returns the registration."""
        registration = len(self.callbacks)
        self.callbacks[registration] = (cb, args)
        return registration

    def signalMessage(self, *msg: Any) -> None:  # noqa: N802
        """Hand an output on."""
        for callback, more in list(self.callbacks.values()):
            callback(*msg, *more)


class ApproximateTimeSynchronizer(SimpleFilter):
    """Calls back with one message of each input, whose stamps lie less than `slop` seconds apart.

    Whenever a message comes, those nearest to it in time are sought in the other inputs' queues. A
    queue holds the `queue_size` messages with the newest stamps. Messages without a header are
    refused, or with `allow_headerless` stamped on receipt.
    """

    def __init__(
        self,
        fs: Sequence[Any],
        queue_size: int,
        slop: float,
        allow_headerless: bool = False,
        *,
        now_ns: Callable[[], int] = time.time_ns,
        refused: Callable[[str], None] = lambda reason: None,
    ) -> None:
        """Listen to the filters `fs`; `refused` is told of messages that cannot be used."""
        super().__init__()
        self.queue_size = queue_size
        self.slop_ns = int(slop * NS_PER_S)
        self.allow_headerless = allow_headerless
        self._now_ns = now_ns
        self._refused = refused
        self._lock = threading.Lock()
        self.queues: list[dict[int, Any]] = []
        self.connectInput(fs)

    def connectInput(self, fs: Sequence[Any]) -> None:  # noqa: N802
        """Listen to these filters, with empty queues."""
        self.queues = [{} for _ in fs]
        self.input_connections = [
            source.registerCallback(self.add, queue, position)
            for position, (source, queue) in enumerate(zip(fs, self.queues, strict=True))
        ]

    def add(self, msg: Any, my_queue: dict[int, Any], my_queue_index: int) -> None:
        """Take in a message of one input, and call back if it completes a set."""
        stamp_ns = self._stamp_of(msg)
        if stamp_ns is None:
            self._refused(f"a {type(msg).__name__} has no header to pair it by")
            return
        with self._lock:
            my_queue[stamp_ns] = msg
            while len(my_queue) > self.queue_size:
                del my_queue[min(my_queue)]
            matched = self._match(stamp_ns, my_queue_index)
        if matched:
            self.signalMessage(*matched)

    def _stamp_of(self, msg: Any) -> int | None:
        stamp = getattr(getattr(msg, "header", None), "stamp", None)
        if stamp is None:
            return self._now_ns() if self.allow_headerless else None
        if hasattr(stamp, "nanoseconds"):
            return int(stamp.nanoseconds)
        return int(stamp.sec) * NS_PER_S + int(stamp.nanosec)

    def _match(self, stamp_ns: int, position: int) -> list[Any]:
        """Take the first set that fits out of the queues; empty when none does."""
        choices = [self._near(queue, stamp_ns) for queue in self.queues]
        # A queue that is full of newer messages has not even kept the one that just came.
        choices[position] = [stamp_ns] if stamp_ns in self.queues[position] else []
        for stamps in itertools.product(*choices):
            if max(stamps) - min(stamps) < self.slop_ns:
                return [queue.pop(at) for queue, at in zip(self.queues, stamps, strict=True)]
        return []

    def _near(self, queue: dict[int, Any], stamp_ns: int) -> list[int]:
        """Stamps of a queue within reach of another, nearest first, else in order of arrival."""
        near = [at for at in queue if abs(at - stamp_ns) <= self.slop_ns]
        return sorted(near, key=lambda at: abs(at - stamp_ns))
