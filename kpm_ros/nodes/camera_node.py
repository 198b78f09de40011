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

"""A camera with its tracker: pictures in, one hand's or body's landmarks out."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import Any

from sensor_msgs.msg import CameraInfo, Image

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes import images, qos
from kpm_ros.nodes.camera_info import CameraInfos
from kpm_ros.nodes.camera_settings import CameraSettings
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.landmark_output import LandmarkOutput, view_of
from kpm_ros.nodes.managed import ManagedNode
from kpm_ros.nodes.node_process import run
from kpm_ros.nodes.worker import WorkerThread
from kpm_ros.sense.camera.camera_device import CameraConfigError, Frame
from kpm_ros.sense.camera.open_camera import open_camera
from kpm_ros.wire import encode

WAIT_S = 0.1
"""How long a picture is waited for before looking whether the node is to end."""


class CameraNode(ManagedNode):
    """Tracks every picture in the process that took it, so that no picture crosses the wire.

    Images are published as well while somebody listens to them, each with its camera_info.
    """

    name = "camera"
    settings_type = CameraSettings
    settings: CameraSettings
    read_once = (*ManagedNode.read_once, "view", "frame_id", "calibration", "registration")

    def __init__(self, **node_arguments: Any) -> None:
        """Announce what the camera sees, and find out which one."""
        super().__init__(**node_arguments)
        if self.simulated_time:
            raise ConfigurationError(
                f"{self.get_name()}: use_sim_time is true, but a camera's pictures are stamped on "
                "the host's clock; tracker works on images of a bag"
            )
        self.view = view_of(self, self.settings.view, "camera")
        self._frame_id = self.settings.frame_id or encode.optical_frame(self.view)
        self._optics = CameraInfos(
            self, self.view, self.settings.calibration, self.settings.registration
        )
        images, infos = f"camera/{self.view}/image_raw", f"camera/{self.view}/camera_info"
        self._images = self.create_publisher(Image, images, qos.of(images))
        self._infos = self.create_publisher(CameraInfo, infos, qos.of(infos))
        self._reported = (0, time.monotonic())
        self._landmarks: LandmarkOutput | None = None
        self.prepare()

    def make(self) -> None:
        """Find out which camera, and load its tracker."""
        try:
            self.camera = open_camera(self.settings.camera, self._say)
        except CameraConfigError as error:
            raise ConfigurationError(f"{self.get_name()}: {error}") from None
        if self.settings.tracking:
            self._landmarks = LandmarkOutput(self, self.view, self.settings)

    def configure(self) -> None:
        """Connect the camera, or begin to wait for it."""
        try:
            self.camera.connect(wait=False)
        except CameraConfigError as error:
            raise ConfigurationError(f"{self.get_name()}: {error}") from None
        self._loops.append(WorkerThread(f"{self.get_name()}-pictures", self.step, self._fail))

    def reconfigure(self, settings: CameraSettings) -> None:
        """Choose and clean up otherwise."""
        if self._landmarks is not None:
            self._landmarks.reconfigure(settings)

    def clean_up(self) -> None:
        """Let the camera go."""
        self.camera.disconnect()
        if self._landmarks is not None:
            self._landmarks.close()
            self._landmarks = None

    def step(self) -> None:
        """Handle the newest picture, once there is one."""
        frame = self.camera.next_frame(WAIT_S)
        if frame is None:
            return
        if self._landmarks is not None:
            self._landmarks.show(frame.image, frame.stamp_ns, frame.index)
        self._publish(frame)

    def report(self) -> Report:
        """Whether the camera is there, what it gives, and how fast."""
        report = super().report()
        camera = self.camera
        frames, now = camera.counts.frames, time.monotonic()
        before, then = self._reported
        self._reported = (frames, now)
        report.hardware = camera.config.source
        report.values |= {
            "view": self.view,
            "source": camera.config.source,
            "status": camera.status,
            "given": camera.given,
            "stamps": camera.source.clock,
            "fps": (frames - before) / max(now - then, 1e-3),
            "unreadable": camera.source.unreadable,
            **asdict(camera.counts),
        }
        self._optics.report(report)
        if self._landmarks is not None:
            self._landmarks.report(report)
        if camera.has_ended:
            report.worsen(Level.DEGRADED, camera.status)
        elif not camera.is_connected:
            report.worsen(Level.ERROR, camera.status)
        elif frames == before:
            report.worsen(Level.DEGRADED, f"{camera.config.source} gave no picture lately")
        for sentence in camera.differences:
            report.worsen(Level.DEGRADED, sentence)
        return report

    def _publish(self, frame: Frame) -> None:
        seen = self._images.get_subscription_count() > 0
        if seen:
            self._images.publish(images.image_message(self._frame_id, frame.stamp_ns, frame.image))
        if seen or self._infos.get_subscription_count():
            height, width, _ = frame.image.shape
            header = images.header(self._frame_id, frame.stamp_ns)
            self._infos.publish(self._optics.message(header, (width, height)))

    def _say(self, sentence: str) -> None:
        if self.camera.is_connected and sentence not in self.camera.differences:
            self.get_logger().info(sentence)
        else:
            self.get_logger().warning(sentence)


def main() -> None:
    """Run the node."""
    sys.exit(run(CameraNode))


if __name__ == "__main__":
    main()
