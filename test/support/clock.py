"""A /clock that follows the host's, and can be set."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Any

from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from kpm_ros.nodes import wire


class SettableClock:
    """Publishes simulated time 200 times a second; use it in a `with` block."""

    def __init__(self, node: Any) -> None:
        """Begin at the host's time."""
        self.ahead_ns = 0
        profile = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._publisher = node.create_publisher(Clock, "/clock", profile)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def now_ns(self) -> int:
        """Simulated time."""
        return time.time_ns() + self.ahead_ns

    def __enter__(self) -> SettableClock:
        """Begin to tick."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(0.005):
            self._publisher.publish(Clock(clock=wire.time_message(self.now_ns())))
