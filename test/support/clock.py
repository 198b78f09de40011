"""A /clock that follows the host's, and can be set."""

from __future__ import annotations

import time
from typing import Any

from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from kpm_ros.nodes import wire
from support.background import Background


class SettableClock(Background):
    """Publishes simulated time 200 times a second; use it in a `with` block."""

    def __init__(self, node: Any) -> None:
        """Begin at the host's time."""
        super().__init__()
        self.ahead_ns = 0
        profile = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._publisher = node.create_publisher(Clock, "/clock", profile)

    def now_ns(self) -> int:
        """Simulated time."""
        return time.time_ns() + self.ahead_ns

    def work(self) -> None:
        """Tick."""
        while not self.stopping.wait(0.005):
            self._publisher.publish(Clock(clock=wire.time_message(self.now_ns())))
