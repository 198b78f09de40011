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

"""The whole graph for minutes on end: loss, drift, memory, and delay over time.

Simulated devices feed the graph as `kpm up` runs it, without recording. Memory is each process's
resident memory; its growth is counted from the end of the first minute, when everything has been
allocated once. Drift is how the least delay of the chunks of every ten seconds, which are sent as
they are made, changes with time: a grid that ran faster or slower than the clock would show in it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import rclpy
from _report import bench_options, machine, print_table, write_report
from diagnostic_msgs.msg import DiagnosticArray
from kpm_ros.msg import MuscleEffortChunk
from numpy.typing import NDArray
from rclpy.signals import SignalHandlerOptions

from kpm_ros.client import EffortReader
from kpm_ros.core.signals import StopRequests
from kpm_ros.estimate.effort_batch import EffortBatch
from kpm_ros.nodes import qos
from kpm_ros.nodes.loop import PeriodicThread
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.operate.supervisor import Supervisor
from kpm_ros.operate.up import hold_namespace, pipeline_commands
from kpm_ros.pipeline_options import PipelineOptions
from kpm_ros.wire import decode

PACKAGES = ("ros-rclpy", "ros-rmw-fastrtps-cpp", "numpy", "numba")
START_WITHIN_S = 120.0
QUEUED = 4000
"""Two seconds of effort: what is measured is the graph, not whether this script is given time."""
SPAN_S = 10.0
"""Drift is judged by the least delay of spans of this length."""
MEMORY_EVERY_S = 5.0
STEP_NS = 500_000
GIVEN_UP = ("withheld", "dropped_inputs", "lost_inputs")
"""What the estimator says of loss: too old to be sent, waited too long for it, never came to it.
Whatever else is lost was sent and did not come here."""


@dataclass
class Log:
    """What a consumer saw."""

    delays: list[tuple[float, NDArray[np.int64]]] = field(default_factory=list)
    """When a batch was taken, in seconds, and the delays of its samples."""
    chunks: list[tuple[float, float]] = field(default_factory=list)
    """When a chunk was taken, in seconds, and the delay of its last sample in ms."""
    losses: list[tuple[float, int]] = field(default_factory=list)
    """When samples were missed, in seconds, and how many."""
    invalid: int = 0
    samples: int = 0
    memory: list[tuple[float, dict[str, int]]] = field(default_factory=list)
    failure: BaseException | None = None

    def add(self, at_s: float, batch: EffortBatch) -> None:
        """Take a batch in."""
        if len(batch):
            self.delays.append((at_s, batch.received_ns - batch.stamps_ns))
            self.invalid += int((~batch.valid).sum())
            self.samples += len(batch)

    def between(self, begin_s: float, end_s: float) -> NDArray[np.float64]:
        """Delays in ms of what was taken within a span."""
        parts = [delays for at_s, delays in self.delays if begin_s <= at_s < end_s]
        return np.concatenate(parts) / 1e6 if parts else np.zeros(0)


class Soak:
    """One long run of the graph."""

    def __init__(self, options: PipelineOptions) -> None:
        """Prepare; nothing is started yet."""
        self.options = options
        self.log = Log()
        self.problems: list[str] = []
        self.lost = self.out_of_order = self.restarts = 0
        self.given_up: dict[str, int] = {}
        self._given_up_before: dict[str, int] = {}
        self._began = 0.0

    def run(self, seconds: float) -> None:
        """Start everything, wait for valid effort, and watch it for so long."""
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        node = rclpy.create_node("soak", namespace=self.options.namespace)
        reader = EffortReader(node, depth=QUEUED)
        self._chunks = PolledSubscription(
            node, MuscleEffortChunk, "effort/chunks", qos.of("effort/chunks")
        )
        self._diagnostics = PolledSubscription(
            node, DiagnosticArray, "/diagnostics", qos.of("/diagnostics")
        )
        supervisor = Supervisor(pipeline_commands(self.options))
        try:
            with hold_namespace(self.options), StopRequests() as stops, supervisor:
                self._wait_for_effort(reader, supervisor)
                before = reader.lost, reader.out_of_order
                self._began = time.monotonic()
                taker = PeriodicThread("soak", 0.02, lambda: self._take(reader), self._fail)
                taker.start()
                while time.monotonic() - self._began < seconds and not stops.count:
                    self._measure_memory(supervisor)
                    left_s = seconds - (time.monotonic() - self._began)
                    self._rest(supervisor, min(MEMORY_EVERY_S, left_s))
                    if supervisor.stopping or self.log.failure:
                        break
                taker.stop()
                self.lost = reader.lost - before[0]
                self.out_of_order = reader.out_of_order - before[1]
                self.restarts = sum(p.restarts for p in supervisor.processes.values())
            self.problems = supervisor.problems
            if self.log.failure:
                self.problems.append(f"effort could not be read: {self.log.failure}")
        finally:
            node.destroy_node()
            rclpy.shutdown()

    def _rest(self, supervisor: Supervisor, seconds: float) -> None:
        """Let the supervisor work; whatever its processes print must not cut the time short."""
        end = time.monotonic() + seconds
        while (left_s := end - time.monotonic()) > 0 and not supervisor.stopping:
            supervisor.step(left_s)

    def _take(self, reader: EffortReader) -> None:
        at_s = time.monotonic() - self._began
        before = reader.lost
        self.log.add(at_s, reader.take())
        if reader.lost > before:
            self.log.losses.append((at_s, reader.lost - before))
        for message, received_ns in self._chunks.take():
            last_ns = decode.time_ns(message.header.stamp) + (len(message.flags) - 1) * STEP_NS
            self.log.chunks.append((at_s, (received_ns - last_ns) / 1e6))
        for message, _ in self._diagnostics.take():
            for status in message.status:
                if status.name == f"{self.options.namespace}/inference":
                    told = {item.key: item.value for item in status.values}
                    self._note_given_up({name: int(told[name]) for name in GIVEN_UP})

    def _note_given_up(self, counts: dict[str, int]) -> None:
        if not self._given_up_before:
            self._given_up_before = counts
        before = self._given_up_before
        self.given_up = {name: count - before[name] for name, count in counts.items()}

    def _fail(self, error: BaseException) -> None:
        self.log.failure = error

    def _measure_memory(self, supervisor: Supervisor) -> None:
        usage = supervisor.usage()
        sizes = {name: used.memory_bytes for name, used in usage.items()}
        self.log.memory.append((time.monotonic() - self._began, sizes))

    def _wait_for_effort(self, reader: EffortReader, supervisor: Supervisor) -> None:
        end = time.monotonic() + START_WITHIN_S
        while not reader.take().valid.any():
            supervisor.step(0.02)
            if supervisor.stopping or time.monotonic() > end:
                words = "\n".join([*supervisor.problems, *supervisor.last_words()])
                sys.exit(f"no valid effort came ({reader.status().reason})\n{words}")


def drift_ppm(log: Log) -> float:
    """Slope of the least delay of each span, in millionths."""
    least: dict[int, float] = {}
    for at_s, delay_ms in log.chunks:
        span = int(at_s // SPAN_S)
        least[span] = min(delay_ms, least.get(span, delay_ms))
    points = list(least.items())[:-1]  # the last span is not a whole one
    if len(points) < 3:
        return float("nan")
    spans, delays_ms = np.array(points).T
    return float(np.polyfit(spans * SPAN_S, delays_ms, 1)[0] * 1e3)


def growth(log: Log) -> dict[str, float]:
    """Growth of each process after the first minute, as a fraction of what it had then."""
    first_s = min(60.0, log.memory[-1][0] / 2)
    start = next(sizes for at_s, sizes in log.memory if at_s >= first_s)
    end = log.memory[-1][1]
    return {name: end[name] / size - 1 for name, size in start.items() if size}


def show_minutes(log: Log, minutes: float) -> None:
    """Print delay and memory, minute by minute."""
    names = list(log.memory[0][1])
    rows: list[Sequence[object]] = []
    for minute in range(int(np.ceil(minutes))):
        delays = log.between(minute * 60, minute * 60 + 60)
        sizes = [sizes for at_s, sizes in log.memory if at_s < minute * 60 + 60][-1]
        if len(delays):
            p50, p99 = np.percentile(delays, [50, 99])
            memory = [round(sizes[name] / 1e6, 1) for name in names]
            rows.append([minute + 1, len(delays), float(p50), float(p99), *memory])
    head = ["minute", "samples", "p50 ms", "p99 ms", *(f"{name} MB" for name in names)]
    print_table("Delay of effort and resident memory", head, rows)


def main() -> None:
    """Run and write the report."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the run")
    parser.add_argument("--namespace", default="soak", help="namespace of the pipeline")
    arguments = parser.parse_args()
    if arguments.minutes < 1:
        parser.error(f"minutes is {arguments.minutes:g}, but must be at least 1")
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    here = machine()
    soak = Soak(PipelineOptions(namespace=arguments.namespace))
    soak.run(arguments.minutes * 60)
    log, grown = soak.log, growth(soak.log)
    minutes = log.delays[-1][0] / 60
    show_minutes(log, minutes)
    all_delays = log.between(0, float("inf"))
    worst = max(grown, key=lambda name: grown[name])
    figures = {
        "minutes": round(minutes, 2),
        "effort_samples": log.samples,
        "effort_lost": soak.lost,
        "effort_out_of_order": soak.out_of_order,
        "effort_invalid": log.invalid,
        "restarts": soak.restarts,
        "grid_drift_ppm": round(drift_ppm(log), 3),
        "rss_growth_fraction": round(grown[worst], 4),
        "exposure_to_effort_p50_ms": round(float(np.percentile(all_delays, 50)), 2),
        "exposure_to_effort_p99_ms": round(float(np.percentile(all_delays, 99)), 2),
        "rss_total_mb": round(sum(log.memory[-1][1].values()) / 1e6, 1),
    }
    figures |= soak.given_up
    figures |= {f"rss_growth_fraction_{name}": round(f, 4) for name, f in grown.items()}
    print_table("Soak", ["figure", ""], list(figures.items()))
    print(f"\nthe process that grew most is {worst}")
    for at_s, count in log.losses:
        print(f"{count} samples were missed at {at_s:.1f} s")
    write_report(arguments.out, figures, here, PACKAGES)
    if soak.problems:
        sys.exit("not healthy: " + "; ".join(soak.problems))


if __name__ == "__main__":
    main()
