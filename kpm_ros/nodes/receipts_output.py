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

"""When the inputs of a grid were received, told to who records them."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence

import numpy as np

from kpm_ros.core.chunks import Receipts
from kpm_ros.msg import Receipts as ReceiptsMessage
from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.base import PipelineNode

TOPIC = "aligned/receipts"
EVERY_S = 0.1
MOST = 10_000
"""Receipts in a message."""


class ReceiptsOutput:
    """Collects receipts, and publishes them now and then while somebody listens.

    Under simulated time nobody is told: a recorder that follows the same clock knows no better.
    """

    def __init__(self, node: PipelineNode, topics: Sequence[str]) -> None:
        """Announce them; `topics` are the inputs."""
        self._topics = tuple(topics)
        self._publisher = node.create_publisher(ReceiptsMessage, TOPIC, qos.of(TOPIC))
        self._told = not node.simulated_time
        self._noted: list[tuple[int, int, int]] = []
        self._first_index = 0
        self._published_s = time.monotonic()

    def note(self, topic: int, data: bytes, received_ns: int) -> None:
        """Remember a message of a topic, given by its place."""
        if self._told:
            self._noted.append((topic, zlib.crc32(data), received_ns))

    def publish(self, last: bool = False) -> None:
        """Say what has been noted, once that is worth a message."""
        now_s = time.monotonic()
        due = last or len(self._noted) >= MOST or now_s >= self._published_s + EVERY_S
        if not self._noted or not due:
            return
        self._published_s = now_s
        if self._publisher.get_subscription_count():
            topic, checksum, received_ns = zip(*self._noted, strict=True)
            receipts = Receipts(
                self._first_index,
                self._topics,
                np.array(topic, np.uint32),
                np.array(checksum, np.uint32),
                np.array(received_ns, np.int64),
            )
            self._publisher.publish(outgoing.receipts_message(receipts))
        self._first_index += len(self._noted)
        self._noted.clear()
