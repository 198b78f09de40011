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

"""The synchronizer: streams of any rates in, samples on one grid out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.stepped_clock import SteppedClock, SteppedInputs
from kpm_ros.core.chunks import AlignedChunk
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.registered_streams import sensed
from kpm_ros.msg import (
    AlignedSamples,
    ChannelSamples,
    KeyEvent,
    KeyMotion,
    Landmarks,
)
from kpm_ros.nodes import models, outgoing, qos
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.nodes.clock_listener import ClockListener
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.effort_settings import SynchronizerSettings
from kpm_ros.nodes.fellow_listener import FellowListener
from kpm_ros.nodes.node_process import run
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.nodes.receipts_output import ReceiptsOutput
from kpm_ros.pipeline_topics import KEY_EVENTS, KEY_MOTION
from kpm_ros.wire.decode import RefusedMessageError
from kpm_ros.wire.inputs import inputs_of

if TYPE_CHECKING:
    from kpm_ros.nodes.hand_output import HandOutput

Taker = Callable[[Any, int], None]
"""Takes a message, and when it was received on the host's clock."""

MESSAGES = {
    "kpm_ros/msg/ChannelSamples": ChannelSamples,
    "kpm_ros/msg/KeyEvent": KeyEvent,
    "kpm_ros/msg/KeyMotion": KeyMotion,
    "kpm_ros/msg/Landmarks": Landmarks,
}
"""Of the topics' types."""

SHORTEST_REST_S, LONGEST_REST_S = 0.0002, 0.01
"""Between two looks where it is known when samples are due; inputs must not pile up meanwhile."""

MOST_STALE = 0.1
"""A larger part of the samples with a stale pose is worth a word."""


class SynchronizerNode(PipelineNode):
    """Feeds the aligner with what has come, and publishes what it hands on."""

    name = "synchronizer"
    settings_type = SynchronizerSettings
    settings: SynchronizerSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Subscribe to the streams that the model takes."""
        super().__init__(**node_arguments)
        self.clock_listener = listener = ClockListener(self) if self.simulated_time else None
        self._between_steps = SteppedInputs(listener.clock if listener else SteppedClock())
        config = models.aligner_config(self.settings)
        self.aligner = Aligner(config)
        self.aligner.warm_up()
        self.stop_requests.check()
        inputs = inputs_of(sensed(config.streams, config.registration))
        self._inputs = [
            (
                PolledSubscription(
                    self,
                    MESSAGES[entry.topic.type],
                    entry.name,
                    self.input_profile(entry.name),
                    entry.topic.largest,
                ),
                self._taker(entry.convert, entry.push(self.aligner)),
            )
            for entry in inputs
        ]
        self._keys = [
            subscription.topic
            for entry, (subscription, _) in zip(inputs, self._inputs, strict=True)
            if entry.topic in (KEY_EVENTS, KEY_MOTION)
        ]
        self.expect_one_publisher(*(subscription for subscription, _ in self._inputs))
        self._output = self.create_publisher(AlignedSamples, "aligned", qos.of("aligned"))
        topics = [subscription.topic for subscription, _ in self._inputs]
        self._receipts = ReceiptsOutput(self, topics)
        self._hands: HandOutput | None = None
        if config.registration is not None:
            # What draws in space takes memory that others need not spend.
            from kpm_ros.nodes.hand_output import HandOutput
            from kpm_ros.nodes.registered_cameras import StaticFrames

            self._hands = HandOutput(self, self.aligner.hands)
            self._optical_frames = StaticFrames(self, config.registration)
        self._fellow = FellowListener(self, self.settings.begin_with, topics)
        self._reported = (0, 0, 0, 0)
        self._found_again = 0
        self._frames: dict[str, int] = {}
        self.add_loop(self.settings.period_s, self.step, self._wanted_s)

    def step(self) -> None:
        """Take what has come, and publish what is settled."""
        # The time is read first: what was received by then is in the queues that are emptied next.
        now_ns = self.now_ns() if self.clock_listener is None else self.clock_listener.listen()
        if self._fellow.awaited:
            for subscription, _ in self._inputs:
                subscription.take_raw()
            return
        for topic, (subscription, take) in enumerate(self._inputs):
            for data, received_ns, _ in subscription.take_raw():
                message = subscription.decode(data)
                if message is not None:
                    self._receipts.note(topic, data, received_ns)
                    take(message, received_ns)
        self._receipts.publish()
        if self.clock_listener is None:
            self._advance(now_ns)
        else:
            self._between_steps.follow(now_ns, self._advance)

    def stop(self) -> None:
        """End the loops, and say the last receipts."""
        super().stop()
        self._receipts.publish(last=True)

    def _wanted_s(self) -> float | None:
        """In how many seconds the next samples are due, where that is known before."""
        due_ns = None if self.simulated_time else self.aligner.due_ns
        if due_ns is None:
            return None
        wanted_s = (due_ns - self.now_ns()) / NS_PER_S
        return min(max(wanted_s, SHORTEST_REST_S), LONGEST_REST_S)

    def _advance(self, now_ns: int) -> None:
        for chunk in self.aligner.advance(now_ns):
            self._publish(chunk)
        if self._hands is not None:
            self._hands.publish()
        watch = self.aligner.watch
        if watch is not None and watch.found_again > self._found_again:
            self._found_again = watch.found_again
            self._optical_frames.publish(watch.registration)
            self.get_logger().warning(
                "a camera that was moved was found again while somebody played: run `kpm "
                "calibrate room` when there is time"
            )

    def _taker(self, convert: Callable[[Any], Any], push: Callable[[Any, int], None]) -> Taker:
        def take(message: Any, received_ns: int) -> None:
            try:
                sample = convert(message)
            except RefusedMessageError as error:
                self.refuse(str(error))
                return
            if self.clock_listener is None:
                push(sample, received_ns)
            else:
                self._between_steps.add(sample, received_ns, push)

        return take

    def _publish(self, chunk: AlignedChunk) -> None:
        stamped = replace(chunk, trace=replace(chunk.trace, aligned_ns=self.now_ns()))
        self._output.publish(outgoing.aligned_message(stamped, self.aligner.config.streams.columns))

    def report(self) -> Report:
        """Rate and refusals."""
        report = super().report()
        counts = self.aligner.counts
        report.values |= {
            "samples": counts.emitted,
            "refused_samples": counts.refused,
            "future": counts.future,
            "late": counts.late,
            "clock_steps": counts.clock_steps,
            "dropped": self.aligner.dropped + self._between_steps.dropped,
            "stuck_notes": self.aligner.stuck_notes,
            "exchanged_hands": self.aligner.exchanged_hands,
        }
        now = (counts.future, counts.refused, counts.emitted, counts.stale)
        future, impossible, emitted, stale = (
            count - before for count, before in zip(now, self._reported, strict=True)
        )
        self._reported = now
        stale_fraction = stale / emitted if emitted else 0.0
        report.values["pose_stale_fraction"] = stale_fraction
        timings = self.aligner.timings
        for view, timing in timings.items():
            report.values |= {
                f"{view}_gap_ms": 1e3 * timing.gap_s,
                f"{view}_delay_ms": 1e3 * timing.delay_s,
                f"{view}_wait_ms": 1e3 * timing.wait_s,
            }
        if self.aligner.watch is not None:
            report.values["cameras_found_again"] = self.aligner.watch.found_again
        for said in self.aligner.unfamiliar:
            report.worsen(Level.DEGRADED, said)
        if future:
            report.worsen(Level.DEGRADED, f"{future} samples were stamped ahead of the clock")
        if impossible:
            report.worsen(Level.DEGRADED, f"{impossible} samples were impossible or repeats")
        if self.aligner.lacks_registration:
            report.worsen(
                Level.DEGRADED,
                "it is not known where the cameras stand, and no effort is valid: run `kpm "
                "calibrate`, and start with registration:=FILE that it wrote",
            )
        if not emitted:
            report.worsen(Level.DEGRADED, f"waiting: {self._awaited()}")
        if stale_fraction > MOST_STALE:
            views = ", ".join(
                f"{timing.frames - self._frames.get(view, 0)} of {view}, "
                f"{1e3 * timing.delay_s:.0f} ms after exposure"
                for view, timing in timings.items()
            )
            report.worsen(
                Level.DEGRADED,
                f"the pose of {stale_fraction:.0%} of the samples is stale: frames lately: {views}",
            )
        self._frames = {view: timing.frames for view, timing in timings.items()}
        return report

    def _awaited(self) -> str:
        if self._fellow.awaited:
            return f"{self._fellow.name} does not listen yet"
        silent = [s.topic for s, _ in self._inputs if s.publishers == 0]
        if self._keys and not set(self._keys) <= set(silent):
            # Most pianos send notes and no motion, and that is enough.
            silent = [topic for topic in silent if topic not in self._keys]
        return f"nobody publishes {', '.join(silent)}" if silent else "no samples"


def main() -> None:
    """Run the node."""
    sys.exit(run(SynchronizerNode))


if __name__ == "__main__":
    main()
