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

"""A /clock that follows the host's, and can be set."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from kpm_ros.nodes import outgoing
from support.background import Background


class SettableClock(Background):
    """Publishes simulated time 200 times a second; use it in a `with` block."""

    def __init__(self, node: Any) -> None:
        """Begin at the host's time."""
        super().__init__()
        self.ahead_ns = 0
        self.pace = 1.0
        """How fast it goes from its last tick on, beside the host's."""
        self._ticked_ns = time.time_ns()
        profile = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._publisher = node.create_publisher(Clock, "/clock", profile)

    def now_ns(self) -> int:
        """Simulated time."""
        since_ns = time.time_ns() - self._ticked_ns
        return self._ticked_ns + round(since_ns * self.pace) + self.ahead_ns

    @contextmanager
    def going(self, pace: float) -> Iterator[int]:
        """Go so fast, beside the host's clock, for a while; give since when, by the host's."""
        self.pace = pace
        try:
            yield time.time_ns()
        finally:
            self.pace = 1.0

    def work(self) -> None:
        """Tick."""
        while not self.stopping.wait(0.005):
            host_ns = time.time_ns()
            self.ahead_ns += round((host_ns - self._ticked_ns) * (self.pace - 1.0))
            self._ticked_ns = host_ns
            self._publisher.publish(Clock(clock=outgoing.time_message(self.now_ns())))
