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

"""Another node that must listen to the same topics before a node begins."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rclpy.node import Node

LOOK_EVERY_S = 0.05
SETTLED_S = 0.3
"""Publishers may learn of a listener so much later than this node does."""
WAITED_FOR_S = 10.0


class FellowListener:
    """Waits for a node that is to hear, from the beginning, whatever this one hears."""

    def __init__(self, node: Node, name: str, topics: Sequence[str]) -> None:
        """Wait for the node of that name, in the same namespace; for nobody where it is empty."""
        self.name = name
        self._node, self._topics = node, topics
        now_s = time.monotonic()
        self._begins_s = now_s + WAITED_FOR_S if name else now_s
        self._listens = not name
        self._looked_s = now_s - LOOK_EVERY_S

    @property
    def awaited(self) -> bool:
        """Whether it is still to be waited for; not for ever, as it may have died."""
        now_s = time.monotonic()
        if now_s >= self._begins_s:
            self._stop_waiting()
            return False
        if not self._listens and now_s >= self._looked_s + LOOK_EVERY_S:
            self._looked_s = now_s
            self._listens = all(map(self._listens_to, self._topics))
            if self._listens:
                self._begins_s = min(self._begins_s, now_s + SETTLED_S)
        return True

    def _stop_waiting(self) -> None:
        if not self._listens:
            self._listens = True
            self._node.get_logger().warning(
                f"{self.name} did not listen to {', '.join(self._topics)} within "
                f"{WAITED_FOR_S:g} s: a bag of it may lack the beginning"
            )

    def _listens_to(self, topic: str) -> bool:
        there = self._node.get_namespace()
        return any(
            (other.node_name, other.node_namespace) == (self.name, there)
            for other in self._node.get_subscriptions_info_by_topic(topic)
        )
