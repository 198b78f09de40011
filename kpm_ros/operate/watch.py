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

"""A consumer's view of a running pipeline: effort, latency, rates, and what the nodes report."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node

from kpm_ros.client import EffortReader
from kpm_ros.msg import MuscleEffortChunk
from kpm_ros.nodes import qos
from kpm_ros.nodes.loop import PeriodicThread
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.nodes.topic_types import message_type
from kpm_ros.operate.measurement import Made, Measurement
from kpm_ros.wire import decode

EFFORT_PERIOD_S = 0.01
OTHERS_EVERY = 10
"""Topics that are only counted are looked at once in this many rounds."""

COUNTED_DEPTH = 200
"""Room for what the fastest counted topic sends between two looks."""

OFTEN = 0.3
"""A node that is not well in a larger part of its reports is worth a remark."""

OWN_READERS = ("effort", "effort/chunks", "/diagnostics")


@dataclass
class NodeReport:
    """What one node has said of itself on /diagnostics."""

    figures: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Every figure that it states, over time, since measuring began."""
    errors: list[str] = field(default_factory=list)
    complaint: str = ""
    """What keeps it from being ready now; empty = nothing."""
    reports: int = 0
    """How often it has said how it is, since measuring began."""
    complaints: int = 0
    """How often of these it was not well."""
    last_complaint: str = ""
    """What it said last when it was not."""

    def note(self, status: DiagnosticStatus, sentence: str) -> None:
        """Take in one report."""
        self.complaint = sentence if status.level > DiagnosticStatus.OK else ""
        self.reports += 1
        if self.complaint:
            self.complaints += 1
            self.last_complaint = self.complaint
        for entry in status.values:
            with suppress(ValueError):
                self.figures[entry.key].append(float(entry.value))
        if status.level >= DiagnosticStatus.ERROR and sentence not in self.errors:
            self.errors.append(sentence)


QUEUED = 2000
"""Samples that wait while this process draws: what it is late for is not lost."""


class Watch:
    """Reads a pipeline's topics in a thread of its own until it is closed."""

    def __init__(self, node: Node, topics: Iterable[str]) -> None:
        """Subscribe to effort and diagnostics; of the other topics only count the messages."""
        self.reader = EffortReader(node, depth=QUEUED)
        self.last_effort: np.ndarray = np.zeros(0, np.float32)
        self.last_flags = 0
        self.last_delay_ms: float | None = None
        self.was_valid = threading.Event()
        """Set once a sample has come that may be acted on."""
        self.reports: dict[str, NodeReport] = {}
        self.failure: BaseException | None = None
        self.counts = dict.fromkeys(topics, 0)
        self._measurement: Measurement | None = None
        self._rounds = 0
        self._chunks = PolledSubscription(
            node, MuscleEffortChunk, "effort/chunks", qos.deep("effort/chunks", COUNTED_DEPTH)
        )
        self._diagnostics = PolledSubscription(
            node, DiagnosticArray, "/diagnostics", qos.deep("/diagnostics", COUNTED_DEPTH)
        )
        self._counted: dict[str, PolledSubscription[Any]] = {
            name: PolledSubscription(node, message_type(name), name, qos.deep(name, COUNTED_DEPTH))
            for name in self.counts
            if name not in OWN_READERS
        }
        self._prefix = node.get_namespace().strip("/") + "/"
        self._thread = PeriodicThread("watch", EFFORT_PERIOD_S, self._look, self._fail)
        self._thread.start()

    def measure(self, duration_s: float) -> Measurement:
        """Begin to measure now, for this long."""
        for report in self.reports.values():
            report.figures.clear()
            report.reports = report.complaints = 0
        begin_ns = time.time_ns()
        self._measurement = Measurement(begin_ns, begin_ns + round(duration_s * 1e9))
        return self._measurement

    @property
    def remarks(self) -> list[str]:
        """What nodes said that were not well for a good part of the time since measuring began."""
        return [
            report.last_complaint
            for report in list(self.reports.values())
            if report.complaints > OFTEN * report.reports
            and report.last_complaint not in report.errors
        ]

    @property
    def complaints(self) -> list[str]:
        """What keeps nodes from being ready now, in the order of the data's way."""
        return [report.complaint for report in list(self.reports.values()) if report.complaint]

    def close(self) -> None:
        """End the thread."""
        self._thread.stop()

    def _fail(self, error: BaseException) -> None:
        self.failure = error

    def _look(self) -> None:
        self._take_effort()
        self._take_chunks()
        self._rounds += 1
        if self._rounds % OTHERS_EVERY == 0:
            for name, subscription in self._counted.items():
                self.counts[name] += len(subscription.take_raw())
            for message, _ in self._diagnostics.take():
                for status in message.status:
                    self._note(status)

    def _take_effort(self) -> None:
        batch = self.reader.take()
        self.counts["effort"] = self.reader.messages
        if not len(batch):
            return
        self.last_effort, self.last_flags = batch.effort[-1], int(batch.flags[-1])
        self.last_delay_ms = float(batch.received_ns[-1] - batch.stamps_ns[-1]) / 1e6
        if batch.valid.any():
            self.was_valid.set()
        if self._measurement is not None:
            self._measurement.add(batch.stamps_ns, batch.received_ns, batch.valid, batch.flags)

    def _take_chunks(self) -> None:
        for message, _ in self._chunks.take():
            self.counts["effort/chunks"] = self.counts.get("effort/chunks", 0) + 1
            info = self.reader.info
            if self._measurement is not None and info is not None:
                self._measurement.add_made(
                    Made(
                        decode.trace(message.trace),
                        decode.time_ns(message.header.stamp),
                        len(message.flags),
                        info.lookahead_s,
                    )
                )

    def _note(self, status: DiagnosticStatus) -> None:
        if not status.name.startswith(self._prefix):
            return
        name = status.name[len(self._prefix) :]
        report = self.reports.setdefault(name, NodeReport())
        report.note(status, f"{name}: {status.message}")
