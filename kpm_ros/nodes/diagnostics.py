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

"""What a node says of itself once a second on /diagnostics."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from enum import IntEnum

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from kpm_ros.nodes import qos


class Level(IntEnum):
    """How a node is doing."""

    READY = 0
    DEGRADED = 1
    ERROR = 2


@dataclass
class Report:
    """One node's own view of how it is doing, in a sentence and in figures."""

    level: Level = Level.READY
    message: str = "ready"
    values: dict[str, object] = field(default_factory=dict)
    hardware: str = ""
    """The device that this is about; empty = none but the machine itself."""

    def worsen(self, level: Level, message: str) -> None:
        """Report the worst thing that is true."""
        if level > self.level:
            self.level, self.message = level, message


class DiagnosticsPublisher:
    """Sends a node's report as a DiagnosticArray."""

    def __init__(self, node: Node) -> None:
        """Advertise /diagnostics."""
        self._node = node
        self._name = node.get_fully_qualified_name().lstrip("/")
        self._publisher = node.create_publisher(
            DiagnosticArray, "/diagnostics", qos.of("/diagnostics")
        )

    def send(self, report: Report) -> None:
        """Publish the report, stamped now."""
        status = DiagnosticStatus(
            level=bytes([report.level]),
            name=self._name,
            message=report.message,
            hardware_id=report.hardware or socket.gethostname(),
            values=[KeyValue(key=key, value=_text(v)) for key, v in report.values.items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
