"""A camera with its hand tracker: pictures in, one hand's landmarks out."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import Any

from sensor_msgs.msg import CameraInfo, Image

from kpm_ros.nodes import images, qos
from kpm_ros.nodes.base import PipelineNode, run
from kpm_ros.nodes.camera_settings import CameraSettings
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.hand_output import HandOutput, view_of
from kpm_ros.nodes.settings import ConfigurationError
from kpm_ros.nodes.worker import WorkerThread
from kpm_ros.sense.calibration import CalibrationError, read_calibration
from kpm_ros.sense.camera import CameraConfig, CameraConfigError, Frame
from kpm_ros.sense.open_camera import open_camera

WAIT_S = 0.1
"""How long a picture is waited for before looking whether the node is to end."""


class CameraNode(PipelineNode):
    """Tracks every picture in the process that took it, so that no picture crosses the wire.

    Images and camera_info are published as well, while somebody listens to them.
    """

    name = "camera"
    settings_type = CameraSettings
    settings: CameraSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Prepare camera and tracker; `start` connects the camera."""
        super().__init__(**node_arguments)
        if self.simulated_time:
            raise ConfigurationError(
                f"{self.get_name()}: use_sim_time is true, but a camera's pictures are stamped on "
                "the host's clock; hand_tracker works on images of a bag"
            )
        self.view = view_of(self, self.settings.view, "camera")
        try:
            self.camera = open_camera(_config(self.settings), self._say)
            path = self.settings.calibration
            self._calibration = read_calibration(path) if path else None
        except (CameraConfigError, CalibrationError) as error:
            raise ConfigurationError(f"{self.get_name()}: {error}") from None
        self._hand = HandOutput(self, self.view, self.settings) if self.settings.tracking else None
        profile = qos.PROFILES["image"]
        base = f"camera/{self.view}"
        self._images = self.create_publisher(Image, f"{base}/image_raw", profile)
        self._infos = self.create_publisher(CameraInfo, f"{base}/camera_info", profile)
        self._reported = (0, time.monotonic())
        self._loops.append(WorkerThread(f"{self.get_name()}-pictures", self.step, self._fail))

    def start(self) -> None:
        """Connect the camera, or begin to wait for it."""
        try:
            self.camera.connect(wait=False)
        except CameraConfigError as error:
            raise ConfigurationError(f"{self.get_name()}: {error}") from None
        super().start()

    def stop(self) -> None:
        """Let the camera go."""
        super().stop()
        self.camera.disconnect()
        if self._hand is not None:
            self._hand.close()

    def step(self) -> None:
        """Handle the newest picture, once there is one."""
        frame = self.camera.next_frame(WAIT_S)
        if frame is None:
            return
        if self._hand is not None:
            self._hand.show(frame.image, frame.stamp_ns, frame.index)
        self._publish(frame)

    def report(self) -> Report:
        """Whether the camera is there, what it gives, and how fast."""
        report = super().report()
        camera = self.camera
        frames, now = camera.counts.frames, time.monotonic()
        before, then = self._reported
        self._reported = (frames, now)
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
        if self._hand is not None:
            self._hand.report(report)
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
        if self._images.get_subscription_count():
            self._images.publish(images.image_message(self.view, frame.stamp_ns, frame.image))
        if self._calibration is not None and self._infos.get_subscription_count():
            self._infos.publish(images.info_message(self.view, frame.stamp_ns, self._calibration))

    def _say(self, sentence: str) -> None:
        if self.camera.is_connected and sentence not in self.camera.differences:
            self.get_logger().info(sentence)
        else:
            self.get_logger().warning(sentence)


def _config(settings: CameraSettings) -> CameraConfig:
    return CameraConfig(
        source=settings.source,
        width=settings.width,
        height=settings.height,
        fps=settings.fps,
        fourcc=settings.fourcc,
        exposure_s=settings.exposure_s,
        flip=settings.flip,  # type: ignore[arg-type]
        latency_s=settings.latency_s,
        loop=settings.loop,
    )


def main() -> None:
    """Run the node."""
    sys.exit(run(CameraNode))


if __name__ == "__main__":
    main()
