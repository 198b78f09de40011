"""The synchronizer: cameras and keys in, samples on one grid out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kpm_ros.align.aligner import Aligner, AlignerConfig
from kpm_ros.align.chunk import AlignedChunk
from kpm_ros.align.keys import KeyRules
from kpm_ros.align.pose import PoseRules
from kpm_ros.msg import AlignedSamples, HandLandmarks, KeyEvent, KeyMotion
from kpm_ros.nodes import models, qos, wire
from kpm_ros.nodes.base import PipelineNode, run
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.nodes.settings import ConfigurationError, SynchronizerSettings


class SynchronizerNode(PipelineNode):
    """Feeds the aligner with what has come, and publishes what it hands on."""

    name = "synchronizer"
    settings_type = SynchronizerSettings
    settings: SynchronizerSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Subscribe to the views and keys that the model uses."""
        super().__init__(**node_arguments)
        self.aligner = Aligner(_config(self.settings))
        take_hand, take_event, take_motion = (
            self._taker(wire.hand_frame, self.aligner.push_hand),
            self._taker(wire.key_event, self.aligner.push_key_event),
            self._taker(wire.key_motion, self.aligner.push_key_motion),
        )
        topics = [(HandLandmarks, f"camera/{view}/hand", take_hand) for view in self.settings.views]
        topics += [(KeyEvent, "keys/events", take_event), (KeyMotion, "keys/motion", take_motion)]
        self._inputs = [
            (PolledSubscription(self, kind, topic, qos.of(topic)), take)
            for kind, topic, take in topics
        ]
        self._output = self.create_publisher(AlignedSamples, "aligned", qos.of("aligned"))
        self._reported = 0
        self.add_loop(self.settings.period_s, self.step)

    def step(self) -> None:
        """Take what has come, and publish what is settled."""
        # The time is read first: what was received by then is in the queues that are emptied next.
        now_ns, simulated = self.now_ns(), self.simulated_time
        for subscription, take in self._inputs:
            for message, received_ns in subscription.take():
                take(message, now_ns if simulated else received_ns)
        for chunk in self.aligner.advance(now_ns):
            self._publish(chunk)

    def _taker(
        self, convert: Callable[[Any], Any], push: Callable[[Any, int], None]
    ) -> Callable[[Any, int], None]:
        def take(message: Any, received_ns: int) -> None:
            try:
                push(convert(message), received_ns)
            except wire.RefusedMessageError as error:
                self.refuse(str(error))

        return take

    def _publish(self, chunk: AlignedChunk) -> None:
        stamped = replace(chunk, trace=replace(chunk.trace, aligned_ns=self.now_ns()))
        self._output.publish(wire.aligned_message(stamped))

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
        }
        for subscription, _ in self._inputs:
            if subscription.publishers > 1:
                report.worsen(Level.DEGRADED, f"{subscription.topic} has several publishers")
        if counts.emitted == self._reported:
            waited_for = [s.topic for s, _ in self._inputs if s.publishers == 0]
            reason = f"nobody publishes {', '.join(waited_for)}" if waited_for else "no samples"
            report.worsen(Level.DEGRADED, f"waiting: {reason}")
        self._reported = counts.emitted
        return report


def _config(settings: SynchronizerSettings) -> AlignerConfig:
    card = models.read_card(settings.model)
    if tuple(settings.views) != card.views:
        raise ConfigurationError(
            f"synchronizer: views is {', '.join(settings.views)}, but the model {settings.model!r} "
            f"takes {', '.join(card.views)}, in this order"
        )
    return AlignerConfig(
        rate_hz=card.rate_hz,
        views=card.views,
        landmarks=card.landmarks,
        first_note=card.first_note,
        keys=card.keys,
        use_pose="pose" in card.inputs,
        use_keys="keys" in card.inputs,
        hop_s=settings.hop_s,
        future_s=settings.future_s,
        pose=PoseRules(settings.pose_wait_s, settings.pose_stale_s, settings.pose_lost_s),
        key=KeyRules(settings.keys_wait_s, settings.keys_missing_s),
    )


def main() -> None:
    """Run the node."""
    sys.exit(run(SynchronizerNode))


if __name__ == "__main__":
    main()
