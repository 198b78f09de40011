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

"""Time from /clock: it stands still between steps, and is not known before the first of them."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import deque
from operator import itemgetter

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.wire.decode import time_ns

LONGEST_STEP_NS = 500_000_000
"""A longer step is a jump to another place in a recording."""

KEPT_STEPS = 1000

OVERTAKEN_NS = 1_000_000
"""A step counts from so long after it was told, so that what was sent just before it has come, too:
topics overtake each other on their way."""


class SteppedTime:
    """Tells by a clock that moves in steps when a message was received.

    `ros2 bag play --clock` steps by 25 ms times its rate. What the clock showed when a message was
    received follows from when both of them reached this process; looking at the clock only when
    the message is taken would make everything late that a busy moment has kept waiting.
    """

    def __init__(self, node: Node) -> None:
        """Listen to /clock; its time is not known yet."""
        profile = QoSProfile(depth=KEPT_STEPS, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._clock = PolledSubscription(node, Clock, "/clock", profile)
        self._steps: deque[tuple[int, int]] = deque(maxlen=KEPT_STEPS)
        """From when on it counts, on the host's clock, and what was told."""
        self._coming: deque[tuple[int, int]] = deque(maxlen=KEPT_STEPS)
        """The same of those that do not count yet."""

    def now_ns(self) -> int | None:
        """What the clock shows now; None while nobody has set it."""
        self.news()
        return self._steps[-1][1] if self._steps else None

    def news(self) -> list[tuple[int, int]]:
        """Steps that nobody has asked for yet: from when on each counts, and what was told."""
        for told, received_ns in self._clock.take():
            self._coming.append((received_ns + OVERTAKEN_NS, time_ns(told.clock)))
        found, host_ns = [], time.time_ns()
        while self._coming and self._coming[0][0] <= host_ns:
            found.append(self._coming.popleft())
        self._steps += found
        return found

    @property
    def heard_ns(self) -> int:
        """What was told last, whether it counts yet or not; 0 while nothing was."""
        newest = self._coming or self._steps
        return newest[-1][1] if newest else 0

    @property
    def step_ns(self) -> int:
        """How long the clock's last step was; 0 for a jump, and before the second of them."""
        return self._length(len(self._steps) - 2) if len(self._steps) > 1 else 0

    def at(self, received_ns: int, stamp_ns: int = 0) -> int:
        """When a message with this stamp was received, given that instant on the host's clock.

        That was after one step and before the next; if its stamp is later than the first of them,
        then no earlier than its stamp.
        """
        place = max(0, bisect_right(self._steps, received_ns, key=itemgetter(0)) - 1)
        after_ns = self._steps[place][1]
        step_ns = self._length(place if place + 1 < len(self._steps) else max(0, place - 1))
        return min(max(after_ns, stamp_ns), after_ns + step_ns)

    def _length(self, place: int) -> int:
        """How much time passed from one step to the next; 0 where there is none, or a jump."""
        if place + 1 >= len(self._steps):
            return 0
        length_ns = self._steps[place + 1][1] - self._steps[place][1]
        return length_ns if 0 < length_ns <= LONGEST_STEP_NS else 0
