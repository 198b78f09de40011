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

"""Inference: aligned samples in, muscle effort at 2 kHz out."""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import replace
from typing import Any, NamedTuple

from kpm_ros import pipeline_topics
from kpm_ros.core.chunks import EFFORT_RATE_HZ, AlignedChunk, EffortChunk
from kpm_ros.core.flags import Flag, describe
from kpm_ros.core.grid import NS_PER_S, Grid
from kpm_ros.core.streams import NEWEST
from kpm_ros.estimate.backlog import Backlog
from kpm_ros.estimate.effort_info import described, new_stream
from kpm_ros.estimate.pacing import Pacer
from kpm_ros.msg import AlignedSamples, EffortInfo, MuscleEffort, MuscleEffortChunk
from kpm_ros.nodes import models, outgoing, qos
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.nodes.clock_listener import ClockListener
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.effort_settings import InferenceSettings
from kpm_ros.nodes.effort_view import EffortView
from kpm_ros.nodes.effort_wire import effort_encoder
from kpm_ros.nodes.node_process import run
from kpm_ros.nodes.paced_publisher import Group, PacedPublisher, Valve
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.wire.decode import RefusedMessageError, aligned_chunk, require_fit

KEPT_STEPS = 2000
"""Durations of the last steps kept for diagnostics."""

FUTURE_NS = NS_PER_S // 10
"""Aligned samples further ahead of the clock than this are refused. A clock that moves in steps is
told by each process's own subscription: one more step is allowed there."""

TRANSPORT_NS = 600_000
"""What a message usually needs from the synchronizer to here."""
MOST_REST_S = 0.02
"""Between two looks for aligned samples, whenever the next ones are expected."""

LONGEST_CHUNK_S = 1.0
"""A chunk longer than this is refused: it would keep the network busy for too long."""


class _Reported(NamedTuple):
    """What had been counted when the node last told how it was."""

    sent: int = 0
    withheld: int = 0
    dropped: int = 0
    lost: int = 0
    busy_s: float = 0.0
    at_s: float = 0.0


class InferenceNode(PipelineNode):
    """One loop turns chunks into effort; another lets the samples leave in their time."""

    name = "inference"
    settings_type = InferenceSettings
    settings: InferenceSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Load the model and warm it up before anything is announced."""
        super().__init__(**node_arguments)
        self.estimator = models.estimator(self.settings, self.stop_requests.check)
        self.card = self.estimator.card
        self._grid = Grid(EFFORT_RATE_HZ)
        info = self._describe()
        self._info_digest = info.digest
        self._encoder = effort_encoder(len(self.card.muscles), info.digest)
        # Time from /clock stands still between its steps and in a pause: no time to be even in.
        pacer = Pacer(even=self.settings.pacing == "even" and not self.simulated_time)
        self.clock_listener = ClockListener(self) if self.simulated_time else None
        self._backlog = Backlog(self.settings.backlog)
        self._beginning = True
        """Whether the network is warming up, or has yet to catch up with what waited meanwhile."""
        self._step_s: deque[float] = deque(maxlen=KEPT_STEPS)
        self._busy_s = 0.0
        self._flags = int(Flag.WARMING_UP)
        self._next_input: int | None = None
        self._lost = 0
        self._reported = _Reported(at_s=time.monotonic())
        self._input = PolledSubscription(
            self,
            AlignedSamples,
            "aligned",
            self.input_profile("aligned"),
            pipeline_topics.topic("aligned").largest,
        )
        self.expect_one_publisher(self._input)
        effort = self.create_publisher(MuscleEffort, "effort", qos.of("effort"))
        valve = Valve() if pacer.even else None
        self._publisher = PacedPublisher(
            pacer,
            effort.publish,
            self.settings.backlog.limit_s,
            valve,
            lookahead_s=self.card.lookahead_s,
        )
        self._chunks = self.create_publisher(
            MuscleEffortChunk, "effort/chunks", qos.of("effort/chunks")
        )
        self._view = EffortView(self, self.card.muscles)
        self._info = self.create_publisher(EffortInfo, "effort/info", qos.of("effort/info"))
        self._info.publish(info)
        self._expected_ns = 0
        """When the next aligned samples should be there, where they leave at fixed times."""
        newest = any(view.timing == NEWEST for view in self.card.streams.landmarks)
        self._fixed_times = newest and not self.simulated_time
        self.add_loop(self.settings.period_s, self.estimate, self._wanted_s)
        self.add_loop(self.settings.period_s, self.release)

    def start(self) -> None:
        """Begin with the present: what was queued while the model was loaded is nobody's loss."""
        self._input.take_sent()
        super().start()

    def estimate(self) -> None:
        """Turn the chunks that have come into effort."""
        latest_ns = self._time_to_compare()
        if latest_ns is not None:
            for message, sent_ns in self._input.take_sent():
                try:
                    self._backlog.add(self._accepted(message, latest_ns, sent_ns), sent_ns)
                except RefusedMessageError as error:
                    self.refuse(str(error))
        # One hop a call: while the network works, more comes in, which the backlog must know of.
        hop = self._backlog.take(time.time_ns())
        if hop is not None:
            self._estimate(*hop)

    def _wanted_s(self) -> float | None:
        """In how many seconds aligned samples should be there; None where that is not known."""
        if not self._fixed_times or len(self._backlog):
            return None
        wanted_s = (self._expected_ns - time.time_ns()) / NS_PER_S
        if wanted_s < -LONGEST_CHUNK_S:
            return None
        return min(max(wanted_s, self.settings.period_s), MOST_REST_S)

    def release(self) -> None:
        """Let the samples leave that are due."""
        self._publisher.release(self.now_ns())

    def _time_to_compare(self) -> int | None:
        """Latest time that stamps may have; None while nobody has told what time it is."""
        if self.clock_listener is None:
            return self.now_ns() + FUTURE_NS
        told_ns = self.clock_listener.now_ns()
        step_ns = self.clock_listener.clock.step_ns
        return None if told_ns is None else told_ns + step_ns + FUTURE_NS

    def _accepted(self, message: AlignedSamples, latest_ns: int, sent_ns: int) -> AlignedChunk:
        aligned = aligned_chunk(message, self.card.streams)
        require_fit(aligned, self.card)
        if len(aligned) > LONGEST_CHUNK_S * aligned.rate_hz:
            raise RefusedMessageError(f"{len(aligned)} aligned samples at once")
        if aligned.stamp_ns > latest_ns:
            ahead_s = (aligned.stamp_ns - latest_ns + FUTURE_NS) / NS_PER_S
            raise RefusedMessageError(f"aligned samples stamped {ahead_s:.1f} s ahead of the clock")
        if self._next_input is not None and aligned.first_index > self._next_input:
            self._lost += aligned.first_index - self._next_input
        self._next_input = aligned.first_index + len(aligned)
        lasts_ns = round(len(aligned) / aligned.rate_hz * NS_PER_S)
        self._expected_ns = sent_ns + lasts_ns + TRANSPORT_NS
        return aligned

    def _estimate(self, aligned: AlignedChunk, sent_ns: int) -> None:
        began, cpu = time.perf_counter(), time.thread_time()
        effort = self.estimator.push(aligned)
        self._step_s.append(time.perf_counter() - began)
        self._busy_s += time.thread_time() - cpu
        if effort is not None:
            trace = replace(effort.trace, estimated_ns=self.now_ns())
            self._hand_on(replace(effort, trace=trace), sent_ns)

    def _hand_on(self, chunk: EffortChunk, sent_ns: int) -> None:
        first = self._grid.last_at(chunk.stamp_ns)
        stamps = self._grid.stamps_ns(first, len(chunk))
        messages = self._encoder.encode(stamps, chunk.first_index, chunk.flags, chunk.effort)
        now_ns = self.now_ns()
        self._flags = int(chunk.flags[-1])
        if (chunk.flags & Flag.WARMING_UP).any():
            self._beginning = True
        group = Group(first, messages, self._since_ns(chunk, sent_ns))
        self._publisher.add(group, now_ns, beginning=self._beginning)
        if not (self._flags & Flag.WARMING_UP or len(self._backlog)):
            self._beginning = False
        self._chunks.publish(
            outgoing.effort_chunk_message(
                replace(chunk, trace=replace(chunk.trace, published_ns=now_ns)),
                self._info_digest,
            )
        )
        self._view.publish(stamps, chunk.flags, chunk.effort)

    def _since_ns(self, chunk: EffortChunk, sent_ns: int) -> int:
        """From when on effort grows old: from when the instant it describes can be known.

        What is not valid passes nothing old for new, and time from /clock says nothing about ages:
        there, only the wait since the inputs were sent counts.
        """
        told = self.simulated_time or bool((chunk.flags & Flag.INVALID).all())
        ahead_ns = round(self.card.lookahead_s * NS_PER_S)
        return sent_ns if told else min(sent_ns, chunk.stamp_ns + ahead_ns)

    def _describe(self) -> EffortInfo:
        sha256 = models.sha256(models.model_path(self.settings.model))
        info = EffortInfo(**described(self.card, sha256, new_stream()))
        info.header.stamp = self.get_clock().now().to_msg()
        return info

    def report(self) -> Report:
        """Rate, cost and validity."""
        report = super().report()
        counts, backlog = self.estimator.counts, self._backlog.counts
        before = self._reported
        self._reported = now = _Reported(
            self._publisher.sent,
            self._publisher.withheld,
            backlog.dropped,
            self._lost,
            self._busy_s,
            time.monotonic(),
        )
        passed_s = max(now.at_s - before.at_s, 1e-9)
        steps = sorted(self._step_s)
        report.values |= {
            "effort_rate_hz": (now.sent - before.sent) / passed_s,
            "cpu_s_per_s": (now.busy_s - before.busy_s) / passed_s,
            "hop_ms_p50": _at(steps, 0.5) * 1e3,
            "hop_ms_p99": _at(steps, 0.99) * 1e3,
            "paced_delay_ms": self._publisher.delay_s * 1e3,
            "waiting": len(self._publisher),
            "waiting_chunks": len(self._backlog),
            "joined_chunks": backlog.joined,
            "dropped_inputs": now.dropped,
            "withheld": now.withheld,
            "lost_inputs": now.lost,
            "bridged": counts.bridged,
            "repeated": counts.repeated,
            "resets": counts.resets,
            "not_finite": counts.not_finite,
            "flags": describe(self._flags),
        }
        if now.dropped > before.dropped:
            report.worsen(
                Level.DEGRADED,
                f"overloaded: {now.dropped - before.dropped} aligned samples had waited too long",
            )
        if now.lost > before.lost:
            report.worsen(
                Level.DEGRADED, f"{now.lost - before.lost} aligned samples were lost on the way"
            )
        if now.withheld > before.withheld:
            report.worsen(
                Level.DEGRADED,
                f"{now.withheld - before.withheld} estimates were too old to be sent: overloaded, "
                "or inputs stamped by another clock (a bag needs use_sim_time)",
            )
        if now.sent == before.sent:
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
