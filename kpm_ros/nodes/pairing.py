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

"""Two camera views of one hand as pairs: by ROS's own message_filters where it is installed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rclpy.node import Node

from kpm_ros.align import pairing
from kpm_ros.msg import Landmarks
from kpm_ros.nodes import qos


class OwnSubscriber(pairing.SimpleFilter):
    """A subscription as a filter, with the arguments of message_filters' Subscriber."""

    def __init__(self, node: Node, msg_type: type, topic: str, **arguments: Any) -> None:
        """Subscribe; each message is handed on to whoever registered."""
        super().__init__()
        arguments.setdefault("qos_profile", 10)
        self.sub = node.create_subscription(msg_type, topic, self.signalMessage, **arguments)


try:
    from message_filters import ApproximateTimeSynchronizer, Subscriber
except ImportError:
    ApproximateTimeSynchronizer = pairing.ApproximateTimeSynchronizer
    Subscriber = OwnSubscriber


def pair_views(
    node: Node,
    views: Sequence[str],
    callback: Callable[..., None],
    slop_s: float = 0.02,
    queue_size: int = 10,
) -> Any:
    """Call back with one Landmarks of each view, stamped less than `slop_s` apart.

    Keep what is returned for as long as the pairs are wanted.
    """
    topics = [f"camera/{view}/landmarks" for view in views]
    inputs = [Subscriber(node, Landmarks, t, qos_profile=qos.of(t)) for t in topics]
    pairs = ApproximateTimeSynchronizer(inputs, queue_size, slop_s)
    pairs.registerCallback(callback)
    return pairs
