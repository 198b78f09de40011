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

"""One run of the demo: start, wait for valid effort, measure, stop, look at the bag."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import mean, median

import rclpy
from rclpy.signals import SignalHandlerOptions

from kpm_ros import graph
from kpm_ros.core.signals import StopRequests
from kpm_ros.operate.dashboard import Dashboard, Picture
from kpm_ros.operate.measurement import Measurement
from kpm_ros.operate.output_folder import OutputFolder
from kpm_ros.operate.output_readers import nobody_reads
from kpm_ros.operate.process import Command
from kpm_ros.operate.process_ends import HEALTHY, REFUSED, UNHEALTHY, Policy
from kpm_ros.operate.recorded_bag import describe_bag
from kpm_ros.operate.summary import Result
from kpm_ros.operate.supervisor import Supervisor
from kpm_ros.operate.usage import Reading, Usage, cores
from kpm_ros.operate.watch import Watch
from kpm_ros.pipeline_options import PipelineOptions

WARM_UP_LIMIT_S = 120.0
"""A first start compiles the network, which takes long where other work is going on."""

SETTLE_S = 3.0
"""After the first valid effort other nodes may still be starting; it is measured on its own."""
USAGE_EVERY_S = 1.0
STEP_S = 0.02

OWN_NAME = "demo"
"""Name under which the demo's own cost is shown."""

ESTIMATOR_FIGURES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "cpu_s_per_s": mean,
    "hop_ms_p50": median,
    "hop_ms_p99": max,
}
"""Figures that the inference node reports, and how those of a whole run are put in one."""

MUST_BE_ZERO = {
    "inference": {
        "lost_inputs": "aligned samples were lost",
        "not_finite": "estimates were no numbers",
    }
}
"""Figures that count what must not happen."""


class DemoRun:
    """Runs the pipeline once and measures it."""

    def __init__(
        self,
        options: PipelineOptions,
        commands: Sequence[Command],
        folder: OutputFolder,
        seconds: float,
    ) -> None:
        """Prepare; nothing is started yet."""
        self.options = options
        self.folder = folder
        self.seconds = seconds
        self.measured = False
        """Whether the measured part was begun."""
        self._supervisor = Supervisor(
            commands, Policy(respawn=options.respawn), listener=folder.log
        )
        self._picture = Picture(hints=_hints(options, folder))
        self._errors: list[str] = []
        self._usage: Reading | None = None
        self._counts: tuple[float, Mapping[str, int]] | None = None

    def run(self) -> Result:
        """Run from start to stop; what went wrong is in the result."""
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        node = rclpy.create_node("demo", namespace=self.options.namespace)
        watch = Watch(node, self._topics())
        try:
            with StopRequests() as stop_requests, Dashboard() as dashboard:
                return self._run(watch, stop_requests, dashboard)
        finally:
            watch.close()
            node.destroy_node()
            rclpy.shutdown()

    def exit_status(self, result: Result) -> int:
        """0 for a healthy run; 2 when a node refused its configuration."""
        if self._supervisor.exit_status == REFUSED:
            return REFUSED
        return UNHEALTHY if result.faults else HEALTHY

    def _topics(self) -> list[str]:
        nodes = graph.build(self.options)
        return list(dict.fromkeys(name for node in nodes for name in node.publishes))

    def _run(self, watch: Watch, stop_requests: StopRequests, dashboard: Dashboard) -> Result:
        start = measurement = Measurement(0, 0)
        duration_s = 0.0
        losses = (0, 0)
        cpu_cores: Mapping[str, float] = {}
        with self._supervisor:
            self._until(watch, stop_requests, dashboard, WARM_UP_LIMIT_S, watch.was_valid.is_set)
            if watch.was_valid.is_set():
                start = watch.measure(SETTLE_S)
                self._until(watch, stop_requests, dashboard, SETTLE_S, lambda: False)
            if watch.was_valid.is_set() and not self._over(watch, stop_requests):
                self.measured = True
                self._picture.phase, self._picture.duration_s = "measuring", self.seconds
                before = self._read_usage()
                losses = (watch.reader.lost, watch.reader.out_of_order)
                measurement = watch.measure(self.seconds)
                began = time.monotonic()
                self._until(watch, stop_requests, dashboard, self.seconds, lambda: False)
                duration_s = min(time.monotonic() - began, self.seconds)
                measurement.end_ns = min(measurement.end_ns, time.time_ns())
                cpu_cores = cores(before, self._read_usage())
                # What was received at the very end may not have been looked at yet.
                time.sleep(0.1)
                losses = (watch.reader.lost - losses[0], watch.reader.out_of_order - losses[1])
            self._note_why_over(watch, stop_requests)
            watch.close()
        self._note_reports(watch)
        bag, faults = describe_bag(self.folder.bag, self.options.namespace)
        return Result(
            measurement=measurement,
            start=start,
            duration_s=duration_s,
            lost=losses[0],
            out_of_order=losses[1],
            estimator=_estimator(watch),
            cpu_cores=cpu_cores,
            bag=bag,
            errors=[*self._errors, *(faults if self.measured else [])],
            remarks=watch.remarks,
            simulated=self.options.source == "simulator",
        )

    def _until(
        self,
        watch: Watch,
        stop_requests: StopRequests,
        dashboard: Dashboard,
        limit_s: float,
        reached: Callable[[], bool],
    ) -> None:
        """Keep everything going and shown until a condition, a limit, or the run's end."""
        began = time.monotonic()
        while not reached() and not self._over(watch, stop_requests):
            elapsed = time.monotonic() - began
            if elapsed >= limit_s:
                return
            self._supervisor.step(min(STEP_S, limit_s - elapsed))
            if dashboard.due:
                self._look(watch, elapsed)
                dashboard.show(self._picture)

    def _over(self, watch: Watch, stop_requests: StopRequests) -> bool:
        asked = stop_requests.count or nobody_reads()
        return bool(asked or self._supervisor.stopping or watch.failure)

    def _note_why_over(self, watch: Watch, stop_requests: StopRequests) -> None:
        if stop_requests.count or nobody_reads():
            self._errors.append("the run was stopped before its time")
        elif watch.failure:
            self._errors.append(f"effort could not be read: {watch.failure}")
        elif not watch.was_valid.is_set() and not self._supervisor.stopping:
            reasons = "; ".join([watch.reader.status().reason, *watch.complaints])
            self._errors.append(
                f"no valid effort came within {WARM_UP_LIMIT_S:g} s ({reasons}); what the nodes "
                f"said is in {self.folder.logs}"
            )

    def _note_reports(self, watch: Watch) -> None:
        for name, report in watch.reports.items():
            self._errors += report.errors
            for figure, what in MUST_BE_ZERO.get(name, {}).items():
                count = max(report.figures.get(figure, [0.0]))
                if count:
                    self._errors.append(f"{name}: {count:.0f} {what}")
        self._errors += self._supervisor.problems

    def _read_usage(self) -> Reading:
        usage = {**self._supervisor.usage(), OWN_NAME: Usage(time.process_time())}
        return time.monotonic(), usage

    def _look(self, watch: Watch, elapsed_s: float) -> None:
        """Bring the picture up to date."""
        picture = self._picture
        picture.elapsed_s = elapsed_s
        picture.muscles = watch.reader.muscles
        picture.effort = [float(value) for value in watch.last_effort]
        picture.flags = watch.last_flags
        picture.delay_ms = watch.last_delay_ms
        picture.messages, picture.lost = watch.reader.messages, watch.reader.lost
        picture.restarts = {n: p.restarts for n, p in self._supervisor.processes.items()}
        picture.news = (self._supervisor.problems or [""])[-1]
        if not picture.news:
            waiting = watch.complaints or ["waiting for the nodes"]
            picture.news = ([*watch.remarks, ""] if self.measured else waiting)[0]
        now = time.monotonic()
        if self._counts is None or now - self._counts[0] >= USAGE_EVERY_S:
            self._refresh_rates(watch, now)

    def _refresh_rates(self, watch: Watch, now: float) -> None:
        counts, usage = dict(watch.counts), self._read_usage()
        if self._counts is not None and self._usage is not None:
            span = now - self._counts[0]
            self._picture.rates_hz = {
                name: (count - self._counts[1].get(name, 0)) / span
                for name, count in counts.items()
            }
            self._picture.cpu_cores = cores(self._usage, usage)
        self._counts, self._usage = (now, counts), usage


def _estimator(watch: Watch) -> dict[str, float]:
    report = watch.reports.get("inference")
    figures: Mapping[str, Sequence[float]] = report.figures if report else {}
    return {
        name: round(float(combine(figures[name])), 4)
        for name, combine in ESTIMATOR_FIGURES.items()
        if figures.get(name)
    }


def _hints(options: PipelineOptions, folder: OutputFolder) -> list[str]:
    domain = os.environ.get("ROS_DOMAIN_ID", "0")
    return [
        f"look on with other tools (ROS_DOMAIN_ID={domain}): "
        f"ros2 topic hz /{options.namespace}/effort, or any ROS viewer on /{options.namespace}",
        f"recorded into {folder.bag}, logs in {folder.logs}",
    ]
