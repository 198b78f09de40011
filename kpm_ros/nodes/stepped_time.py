"""Time from /clock: it stands still between steps, and is not known before the first of them."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from operator import itemgetter

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.replay.messages import time_ns

LONGEST_STEP_NS = 500_000_000
"""A longer step is a jump to another place in a recording."""

KEPT_STEPS = 1000


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
        """When it was told on the host's clock, and what."""

    def now_ns(self) -> int | None:
        """What the clock shows now; None while nobody has set it."""
        for message, received_ns in self._clock.take():
            self._steps.append((received_ns, time_ns(message.clock)))
        return self._steps[-1][1] if self._steps else None

    def at(self, received_ns: int, stamp_ns: int = 0) -> int:
        """When a message with this stamp was received, given that instant on the host's clock.

        That was after one step and before the next; if its stamp is later than the first of them,
        then no earlier than its stamp.
        """
        place = max(0, bisect_right(self._steps, received_ns, key=itemgetter(0)) - 1)
        after_ns = self._steps[place][1]
        step_ns = 0
        if place + 1 < len(self._steps):
            step_ns = self._steps[place + 1][1] - after_ns
        elif place > 0:
            step_ns = after_ns - self._steps[place - 1][1]
        if not 0 < step_ns <= LONGEST_STEP_NS:
            step_ns = 0
        return min(max(after_ns, stamp_ns), after_ns + step_ns)
