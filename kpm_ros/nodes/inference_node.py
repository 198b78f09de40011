"""Inference: aligned samples in, muscle effort at 2 kHz out."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from dataclasses import replace
from typing import Any

import numpy as np

from kpm_ros.align.flags import Flag, describe
from kpm_ros.align.grid import Grid
from kpm_ros.estimate.chunk import EFFORT_RATE_HZ, EffortChunk
from kpm_ros.estimate.pacing import Pacer
from kpm_ros.msg import AlignedSamples, EffortInfo, MuscleEffort, MuscleEffortChunk
from kpm_ros.nodes import models, qos, wire
from kpm_ros.nodes.base import PipelineNode, run
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.effort_wire import EffortEncoder
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.nodes.settings import InferenceSettings

KEPT_STEPS = 2000
"""Durations of the last steps kept for diagnostics."""


class InferenceNode(PipelineNode):
    """One loop turns chunks into effort; another lets the samples leave in their time."""

    name = "inference"
    settings_type = InferenceSettings
    settings: InferenceSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Load the model and warm it up before anything is announced."""
        super().__init__(**node_arguments)
        self.estimator = models.estimator(self.settings)
        self.card = self.estimator.card
        self._input_grid = Grid(self.card.rate_hz)
        self._grid = Grid(EFFORT_RATE_HZ)
        self._encoder = EffortEncoder(len(self.card.muscles))
        self._pacer = Pacer(even=self.settings.pacing == "even")
        self._waiting: deque[tuple[int, list[bytes]]] = deque()
        self._lock = threading.Lock()
        self._step_s: deque[float] = deque(maxlen=KEPT_STEPS)
        self._busy_s = 0.0
        self._flags = int(Flag.WARMING_UP)
        self._next_input: int | None = None
        self._lost = 0
        self._published = 0
        self._reported = (0, 0.0, time.monotonic())
        self._input = PolledSubscription(self, AlignedSamples, "aligned", qos.of("aligned"))
        self._effort = self.create_publisher(MuscleEffort, "effort", qos.of("effort"))
        self._chunks = self.create_publisher(
            MuscleEffortChunk, "effort/chunks", qos.of("effort/chunks")
        )
        self._info = self.create_publisher(EffortInfo, "effort/info", qos.of("effort/info"))
        self._info.publish(self._describe())
        self.add_loop(self.settings.period_s, self.estimate)
        self.add_loop(self.settings.period_s, self.release)

    def estimate(self) -> None:
        """Turn the chunks that have come into effort."""
        for message, _ in self._input.take():
            try:
                self._estimate(message)
            except wire.RefusedMessageError as error:
                self.refuse(str(error))

    def _estimate(self, message: AlignedSamples) -> None:
        aligned = wire.aligned_chunk(message)
        card = self.card
        shape = (aligned.pose.shape[1], aligned.keys.shape[1], aligned.rate_hz)
        expected = (card.pose_channels, card.keys, card.rate_hz)
        if shape != expected:
            raise wire.RefusedMessageError(
                f"aligned samples of (pose, keys, rate) {shape}, but the model takes {expected}"
            )
        if self._input_grid.stamp_ns(aligned.grid_index) != aligned.stamp_ns:
            raise wire.RefusedMessageError(
                f"aligned samples with grid_index {aligned.grid_index}, which is not their stamp's"
            )
        finite = np.isfinite(aligned.pose).all() and np.isfinite(aligned.keys).all()
        if not finite:
            raise wire.RefusedMessageError("aligned samples that are no numbers")
        if self._next_input is not None and aligned.first_index > self._next_input:
            self._lost += aligned.first_index - self._next_input
        self._next_input = aligned.first_index + len(aligned)
        began, cpu = time.perf_counter(), time.thread_time()
        effort = self.estimator.push(aligned)
        self._step_s.append(time.perf_counter() - began)
        self._busy_s += time.thread_time() - cpu
        if effort is not None:
            self._hand_on(replace(effort, trace=replace(effort.trace, estimated_ns=self.now_ns())))

    def _hand_on(self, chunk: EffortChunk) -> None:
        first = self._grid.last_at(chunk.stamp_ns)
        stamps = self._grid.stamps_ns(first, len(chunk))
        messages = self._encoder.encode(stamps, chunk.first_index, chunk.flags, chunk.effort)
        now_ns = self.now_ns()
        with self._lock:
            self._pacer.made(chunk.stamp_ns, now_ns)
            self._waiting.append((first, messages))
        self._flags = int(chunk.flags[-1])
        self._chunks.publish(
            wire.effort_chunk_message(
                replace(chunk, trace=replace(chunk.trace, published_ns=now_ns))
            )
        )

    def release(self) -> None:
        """Let the samples leave that are due."""
        now_ns = self.now_ns()
        with self._lock:
            leaving = self._take_due(now_ns)
        for data in leaving:
            self._effort.publish(data)
        self._published += len(leaving)

    def _take_due(self, now_ns: int) -> list[bytes]:
        leaving: list[bytes] = []
        while self._waiting:
            first, messages = self._waiting[0]
            count = self._pacer.due(self._grid.stamp_ns(first), len(messages), now_ns)
            leaving += messages[:count]
            if count < len(messages):
                self._waiting[0] = (first + count, messages[count:])
                break
            self._waiting.popleft()
        return leaving

    def _describe(self) -> EffortInfo:
        card = self.card
        info = EffortInfo(
            muscles=list(card.muscles),
            unit=card.unit,
            rate_hz=float(EFFORT_RATE_HZ),
            model=card.name,
            model_sha256=models.sha256(models.model_path(self.settings.model)),
            trained_on=card.trained_on,
            inputs=list(card.inputs),
            views=list(card.views),
            native_rate_hz=float(card.rate_hz),
            lookahead_s=card.lookahead_s,
        )
        info.header.stamp = self.get_clock().now().to_msg()
        return info

    def report(self) -> Report:
        """Rate, cost and validity."""
        report = super().report()
        counts = self.estimator.counts
        published, busy, then = self._reported
        now = time.monotonic()
        rate_hz = (self._published - published) / max(now - then, 1e-9)
        steps = sorted(self._step_s)
        report.values |= {
            "effort_rate_hz": rate_hz,
            "cpu_s_per_s": (self._busy_s - busy) / max(now - then, 1e-9),
            "hop_ms_p50": _at(steps, 0.5) * 1e3,
            "hop_ms_p99": _at(steps, 0.99) * 1e3,
            "paced_delay_ms": self._pacer.delay_s * 1e3,
            "waiting": sum(len(messages) for _, messages in list(self._waiting)),
            "lost_inputs": self._lost,
            "bridged": counts.bridged,
            "repeated": counts.repeated,
            "resets": counts.resets,
            "not_finite": counts.not_finite,
            "flags": describe(self._flags),
        }
        self._reported = (self._published, self._busy_s, now)
        if self._published == published:
            report.worsen(Level.DEGRADED, "waiting: no aligned samples come in")
        elif self._flags & Flag.INVALID:
            report.worsen(Level.DEGRADED, f"effort is not valid: {describe(self._flags)}")
        return report


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def main() -> None:
    """Run the node."""
    sys.exit(run(InferenceNode))


if __name__ == "__main__":
    main()
