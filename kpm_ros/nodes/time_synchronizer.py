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

"""What is used here of ROS's message_filters, for where it is not installed.

`message_filters` comes with a ROS 2 installation, and with no wheel. Names and rules are its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from rclpy.time import Time


class SimpleFilter:
    """Hands what it gets on to those who registered."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._callbacks: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def registerCallback(self, cb: Callable[..., None], *args: Any) -> int:  # noqa: N802
        """Have `cb` called with each output, followed by `args`."""
        self._callbacks.append((cb, args))
        return len(self._callbacks) - 1

    def signalMessage(self, *msg: Any) -> None:  # noqa: N802
        """Hand an output on."""
        for callback, more in list(self._callbacks):
            callback(*msg, *more)


class TimeSynchronizer(SimpleFilter):
    """Calls back with one message of each filter, once all of one stamp have come.

    Each queue holds the `queue_size` messages with the newest stamps.
    """

    def __init__(self, fs: Sequence[SimpleFilter], queue_size: int) -> None:
        """Listen to the filters."""
        super().__init__()
        self._lock = threading.Lock()
        self._size = queue_size
        self._queues: list[dict[int, Any]] = [{} for _ in fs]
        for source, queue in zip(fs, self._queues, strict=True):
            source.registerCallback(self._add, queue)

    def _add(self, message: Any, queue: dict[int, Any]) -> None:
        stamp_ns = Time.from_msg(message.header.stamp).nanoseconds
        with self._lock:
            queue[stamp_ns] = message
            while len(queue) > self._size:
                del queue[min(queue)]
            if not all(stamp_ns in other for other in self._queues):
                return
            together = [other.pop(stamp_ns) for other in self._queues]
        self.signalMessage(*together)
