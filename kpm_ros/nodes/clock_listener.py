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

"""Time from /clock, which a bag's player sets in steps."""

from __future__ import annotations

import time

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from kpm_ros.align.stepped_clock import KEPT_STEPS, SteppedClock
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.wire.decode import time_ns


class ClockListener:
    """Tells a stepped clock what /clock shows."""

    def __init__(self, node: Node) -> None:
        """Listen to /clock; its time is not known yet."""
        self.clock = SteppedClock()
        profile = QoSProfile(depth=KEPT_STEPS, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._subscription = PolledSubscription(node, Clock, "/clock", profile)

    def listen(self) -> int:
        """Take in what was told, and give the present on the host's clock."""
        for message, received_ns in self._subscription.take():
            self.clock.tell(time_ns(message.clock), received_ns)
        return time.time_ns()

    def now_ns(self) -> int | None:
        """What the clock shows now; None while nobody has set it."""
        self.clock.advance(self.listen())
        return self.clock.shown_ns
