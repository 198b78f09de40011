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


"""Somebody who publishes on topics of a running pipeline that are not theirs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from kpm_ros.nodes import outgoing, qos
from support.background import Background
from support.stage import Stage


class Intruder:
    """Publishes on a topic of the pipeline beside whoever does so by right."""

    def __init__(self, stage: Stage) -> None:
        """Join a running stage."""
        self._stage = stage
        self._publishers: dict[str, Any] = {}

    def __enter__(self) -> Intruder:
        """Say nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave."""
        for publisher in self._publishers.values():
            self._stage.node.destroy_publisher(publisher)

    def send(self, topic: str, message: Any, ahead_ns: int | None = 0) -> None:
        """Publish a message, stamped now or so far ahead; None leaves its stamp."""
        if ahead_ns is not None:
            message.header.stamp = outgoing.time_message(time.time_ns() + ahead_ns)
        self.send_bytes(topic, type(message), message)

    def send_bytes(self, topic: str, kind: type, data: Any) -> None:
        """Publish bytes, whatever they are."""
        if topic not in self._publishers:
            self._publishers[topic] = self._stage.node.create_publisher(
                kind, f"/{self._stage.namespace}/{topic}", qos.of(topic)
            )
        if data is not None:
            self._publishers[topic].publish(data)

    def stand_ready(self, topic: str, kind: type, reader: str = "exo") -> None:
        """Be found on a topic before anything is said there, while assistance goes on."""
        self.send_bytes(topic, kind, None)
        self._stage.witness.wait_for_report(reader, f"/{topic} has several publishers")
        self._stage.wait_for_torque()


class Rival(Background):
    """Publishes beside whoever does so by right, 200 times a second, until it is closed."""

    def __init__(self, send: Callable[[], None]) -> None:
        """Say by what it publishes once."""
        super().__init__()
        self._send = send

    def work(self) -> None:
        """Go on until it is closed."""
        while not self.stopping.wait(0.005):
            self._send()
