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

"""A hand tracker on images that another node publishes: a camera driver, or a bag."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from kpm_ros.nodes import images
from kpm_ros.nodes.base import PipelineNode, run
from kpm_ros.nodes.camera_settings import HandTrackerSettings
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.hand_output import HandOutput, view_of
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.nodes.worker import WorkerThread
from kpm_ros.wire import decode

LOOK_S = 0.001
"""How long to sleep when no image has come."""
QUEUE = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.BEST_EFFORT
)
"""Deep enough to count what is skipped; only the newest is looked at."""


class HandTrackerNode(PipelineNode):
    """Tracks the newest image each time; images that came meanwhile are skipped and counted."""

    name = "hand_tracker"
    settings_type = HandTrackerSettings
    settings: HandTrackerSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Load the tracker and subscribe to the images."""
        super().__init__(**node_arguments)
        settings = self.settings
        self.view = view_of(self, settings.view, "hand_tracker")
        self._hand = HandOutput(self, self.view, settings)
        raw = f"camera/{self.view}/image_raw"
        self._type = CompressedImage if settings.compressed else Image
        topic = settings.image or (f"{raw}/compressed" if settings.compressed else raw)
        self._input: PolledSubscription[Any] = PolledSubscription(self, self._type, topic, QUEUE)
        self._index = self._dropped = 0
        self._reported = (0, time.monotonic())
        self._idle = threading.Event()
        self._loops.append(WorkerThread(f"{self.get_name()}-images", self.step, self._fail))

    def reconfigure(self, settings: HandTrackerSettings) -> None:
        """Choose and clean up hands otherwise."""
        self._hand.reconfigure(settings)

    def stop(self) -> None:
        """Free the tracker."""
        super().stop()
        self._hand.close()

    def step(self) -> None:
        """Track the newest image, if one has come."""
        # All of them, however large: the newest is what counts, and there are few.
        taken = self._input.take_raw(QUEUE.depth, sys.maxsize)
        if not taken:
            self._idle.wait(LOOK_S)
            return
        self._index += len(taken)
        self._dropped += len(taken) - 1
        message = self._input.decode(taken[-1].data)
        if message is None:
            return
        try:
            picture = images.picture(message)
        except decode.RefusedMessageError as error:
            self.refuse(str(error))
            return
        header = message.header
        self._hand.show(picture, decode.time_ns(header.stamp), self._index - 1, header.frame_id)

    def report(self) -> Report:
        """How many images came, and how many were looked at."""
        report = super().report()
        now = time.monotonic()
        before, then = self._reported
        self._reported = (self._index, now)
        report.values |= {
            "view": self.view,
            "topic": self._input.topic,
            "fps": (self._index - before) / max(now - then, 1e-3),
            "frames": self._index,
            "dropped": self._dropped,
        }
        self._hand.report(report)
        if self._index == before:
            nobody = self._input.publishers == 0
            reason = "nobody publishes" if nobody else "no images on"
            report.worsen(Level.DEGRADED, f"waiting: {reason} {self._input.topic}")
        return report


def main() -> None:
    """Run the node."""
    sys.exit(run(HandTrackerNode))


if __name__ == "__main__":
    main()
