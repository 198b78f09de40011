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

"""A tracker on images that another node publishes: a camera driver, or a bag."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from kpm_ros.nodes import images
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.nodes.camera_info import calibration_of
from kpm_ros.nodes.camera_settings import TrackerSettings
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.image_inputs import CalibratedImages, Images
from kpm_ros.nodes.landmark_output import LandmarkOutput, view_of
from kpm_ros.nodes.node_process import run
from kpm_ros.nodes.worker import WorkerThread
from kpm_ros.sense.camera.camera_calibration import Calibration, CalibrationError
from kpm_ros.wire import decode

LOOK_S = 0.001
"""How long to sleep when no image has come."""


class TrackerNode(PipelineNode):
    """Tracks the newest image each time; images that came meanwhile are skipped and counted."""

    name = "tracker"
    settings_type = TrackerSettings
    settings: TrackerSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Load the tracker and subscribe to the images."""
        super().__init__(**node_arguments)
        settings = self.settings
        self.view = view_of(self, settings.view, "tracker")
        self._landmarks = LandmarkOutput(self, self.view, settings)
        raw = f"camera/{self.view}/image_raw"
        self._type = CompressedImage if settings.compressed else Image
        topic = settings.image or (f"{raw}/compressed" if settings.compressed else raw)
        inputs = CalibratedImages if settings.undistort else Images
        self._input = inputs(self, self._type, topic)
        self._index = self._dropped = 0
        self._reported = (0, time.monotonic())
        self._idle = threading.Event()
        self._loops.append(WorkerThread(f"{self.get_name()}-images", self.step, self._fail))

    def reconfigure(self, settings: TrackerSettings) -> None:
        """Choose and clean up otherwise."""
        self._landmarks.reconfigure(settings)

    def stop(self) -> None:
        """Free the tracker."""
        super().stop()
        self._landmarks.close()

    def step(self) -> None:
        """Track the newest image, if one has come."""
        count, message, info = self._input.take()
        if not count:
            self._idle.wait(LOOK_S)
            return
        self._index += count
        self._dropped += count - 1
        if message is None:
            return
        try:
            picture = images.picture(message)
            lens = None if info is None else self._lens(info, picture.shape)
        except (decode.RefusedMessageError, CalibrationError) as error:
            self.refuse(str(error))
            return
        header = message.header
        stamp_ns = decode.time_ns(header.stamp)
        self._landmarks.show(picture, stamp_ns, self._index - 1, header.frame_id, lens)

    def _lens(self, info: CameraInfo, shape: tuple[int, ...]) -> Calibration:
        if not any(info.k):
            raise CalibrationError("the camera_info says that the camera is not calibrated")
        lens = calibration_of(info)
        if (lens.height, lens.width) != shape[:2]:
            raise CalibrationError(
                f"the camera_info is for {lens.width}x{lens.height}, but the picture is "
                f"{shape[1]}x{shape[0]}"
            )
        return lens

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
        self._landmarks.report(report)
        if self._index == before:
            nobody = f"nobody publishes {self._input.topic}"
            reason = f"no {self._input.awaited}" if self._input.publishers else nobody
            report.worsen(Level.DEGRADED, f"waiting: {reason}")
        return report


def main() -> None:
    """Run the node."""
    sys.exit(run(TrackerNode))


if __name__ == "__main__":
    main()
