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

"""The movement's player: hands, recorded or generated, as the pipeline and robots see them.

It says what cameras and a piano would say of the movement, so that a pipeline with `source:=topics`
takes it as input; and how the anatomical hand's joints stand, for a robot hand or a viewer. Its
time is the node's: the wall's, or what `/clock` says. It is no part of the graph; `kpm play` runs
it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from sensor_msgs.msg import JointState
from visualization_msgs.msg import MarkerArray

from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.core.stream_kinds import SIDES
from kpm_ros.motion.played_joints import JointSample
from kpm_ros.motion.played_motion import PlayedMotion
from kpm_ros.msg import KeyEvent, Landmarks
from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.nodes.diagnostics import Report
from kpm_ros.nodes.hand_output import LEAST_SIZE_M, hand_markers
from kpm_ros.nodes.motion_player_settings import MotionPlayerSettings
from kpm_ros.nodes.node_process import run
from kpm_ros.pipeline_topics import PLAYED_JOINTS, PLAYED_MARKERS, landmarks_topic
from kpm_ros.sense.samples import LandmarkFrame
from kpm_ros.simulate.hand import HAND_SKELETON
from kpm_ros.wire.encode import KEYBOARD_FRAME

GREATEST_LAG_NS = NS_PER_S // 2
"""A player that fell behind by more than this, or whose clock went back, begins anew."""
SETTLED_NS = NS_PER_S // 5
"""How long nobody more has begun to listen when all are taken to."""


class MotionPlayerNode(PipelineNode):
    """Plays a movement into its own namespace, under the pipeline's own names."""

    name = "motion_player"
    settings_type = MotionPlayerSettings
    settings: MotionPlayerSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Open the movement; what cannot be played is refused."""
        super().__init__(**node_arguments)
        settings = self.settings
        if not settings.motion:
            raise ConfigurationError("motion_player: motion is empty, but must name a file")
        try:
            self._played = PlayedMotion.open(
                Path(settings.motion).expanduser(),
                midi=settings.midi,
                midi_offset_s=settings.midi_offset_s,
                registration=settings.registration,
                start_s=settings.start_s,
                rate=settings.rate,
                loop=settings.loop,
                joint_rate_hz=settings.joint_rate_hz,
                check=self.stop_requests.check,
            )
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"motion_player: {error}") from None
        both = len(self._played.sides) > 1
        self._sides = {side: side if both else "" for side in self._played.sides}
        self._views = {
            (view, side): self._open(Landmarks, landmarks_topic(view, word))
            for view in self._played.views
            for side, word in self._sides.items()
        }
        self._events = self._open(KeyEvent, "keys/events")
        self._joints = self._open(JointState, PLAYED_JOINTS.name)
        self._markers = self._open(MarkerArray, PLAYED_MARKERS.name)
        self._wait_until_ns = self.now_ns() + round(settings.wait_s * NS_PER_S)
        self._heard, self._heard_since_ns = 0, 0
        self._begun_ns: int | None = None
        self._last_ns = 0
        self._sent = 0
        self.add_loop(settings.period_s, self.step)

    def step(self) -> None:
        """Send what is due."""
        now_ns = self.now_ns()
        lag_ns, self._last_ns = now_ns - self._last_ns, now_ns
        if self._begun_ns is None:
            if not self._may_begin(now_ns):
                return
            self._begin(now_ns)
        elif not 0 <= lag_ns < GREATEST_LAG_NS:
            self._begin(now_ns)
        for delivery in self._played.deliveries(now_ns):
            self._publish(delivery.sample)
        for sample in self._played.joints(now_ns):
            self._publish_joints(sample)
        if self._played.over(now_ns) and not self.finished:
            self.get_logger().info(f"the movement is at its end; {self._sent} messages were sent")
            self.finish()

    def report(self) -> Report:
        """Where in the movement it is, and what was sent."""
        report = super().report()
        report.values |= {
            "begun": self._begun_ns is not None,
            "sent": self._sent,
            "simulated": self._played.simulated,
        }
        return report

    def _begin(self, now_ns: int) -> None:
        self._begun_ns = now_ns
        self.get_logger().info(f"playing {self._played.words}")
        self._played.begin(now_ns)

    def _may_begin(self, now_ns: int) -> bool:
        """Whether a whole pipeline listens, or has been waited for long enough."""
        outputs = [*self._views.values(), self._events, self._joints, self._markers]
        heard = sum(output.get_subscription_count() > 0 for output in outputs)
        if heard != self._heard:
            self._heard, self._heard_since_ns = heard, now_ns
        settled = heard > 0 and now_ns > self._heard_since_ns + SETTLED_NS
        return (settled and self.count_publishers("effort/info") > 0) or (
            now_ns >= self._wait_until_ns
        )

    def _open(self, kind: type, topic: str) -> Any:
        return self.create_publisher(kind, topic, qos.of(topic))

    def _publish(self, sample: Any) -> None:
        self._sent += 1
        if isinstance(sample, LandmarkFrame):
            self._views[sample.view, sample.side].publish(outgoing.landmarks_message(sample))
        else:
            self._events.publish(outgoing.key_event_message(sample))

    def _publish_joints(self, sample: JointSample) -> None:
        self._sent += 1
        known = np.isfinite(sample.positions)
        message = JointState(
            header=outgoing.MESSAGES.header(sample.stamp_ns, KEYBOARD_FRAME),
            name=[name for name, one in zip(sample.names, known, strict=True) if one],
            position=sample.positions[known].tolist(),
        )
        self._joints.publish(message)
        if self._markers.get_subscription_count() > 0:
            sizes_m = np.full(len(HAND_SKELETON), LEAST_SIZE_M)
            shown = [
                hand_markers(
                    points, sizes_m, HAND_SKELETON, side, sample.stamp_ns, SIDES.index(side)
                )
                for side, points in sample.points
            ]
            self._markers.publish(MarkerArray(markers=[one for hand in shown for one in hand]))


def main() -> None:
    """Run the node."""
    sys.exit(run(MotionPlayerNode))


if __name__ == "__main__":
    main()
