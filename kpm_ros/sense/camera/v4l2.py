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

"""Cameras on this machine, by way of Video4Linux."""

from __future__ import annotations

import getpass
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpm_ros.sense.camera.camera_device import CameraConfig, CameraError, CameraFormat, RawFrame
from kpm_ros.sense.camera.opencv import load_opencv
from kpm_ros.sense.camera.video import fourcc_name

DEV = Path("/dev")
SYS = Path("/sys/class/video4linux")
EXPOSURE_UNIT_S = 100e-6
"""V4L2 counts exposure in this unit."""
MANUAL_EXPOSURE = 1
"""V4L2_EXPOSURE_MANUAL."""
OLDEST_BUFFER_S = 1.0
"""A buffer time that is further in the past than this is on no clock that we know."""


@dataclass(frozen=True)
class FoundCamera:
    """A V4L2 device of this machine."""

    path: Path
    name: str
    by_id: str


def find_cameras(dev: Path = DEV, sys: Path = SYS) -> list[FoundCamera]:
    """List the V4L2 devices; a webcam often has a second one, which gives no pictures."""
    ids = {link.resolve(): link.name for link in sorted((dev / "v4l" / "by-id").glob("*"))}
    found = []
    for path in sorted(dev.glob("video*"), key=lambda p: (len(p.name), p.name)):
        about = sys / path.name / "name"
        name = about.read_text().strip() if about.is_file() else ""
        found.append(FoundCamera(path, name, ids.get(path.resolve(), "")))
    return found


def device_path(source: str, dev: Path = DEV) -> Path:
    """Find the device behind an index, a path, or a by-id name or a part of one."""
    if source.isdigit():
        return dev / f"video{source}"
    if source.startswith("/"):
        return Path(source)
    folder = dev / "v4l" / "by-id"
    matching = sorted(link for link in folder.glob("*") if source in link.name)
    # Of a webcam's several devices the first gives the pictures.
    pictures = [link for link in matching if link.name.endswith("-video-index0")] or matching
    if len({link.resolve() for link in pictures}) > 1:
        names = ", ".join(link.name for link in pictures)
        raise CameraError(f"source {source!r} fits several cameras: {names}")
    if not pictures:
        known = ", ".join(sorted(link.name for link in folder.glob("*"))) or "none"
        raise CameraError(
            f"there is no camera {source!r}: it must be an index, a path, or part of a name in "
            f"{folder} (there: {known})"
        )
    return pictures[0]


class V4l2Device:
    """A V4L2 camera, stamped by the kernel's own time of each buffer where it gives one."""

    def __init__(self, config: CameraConfig) -> None:
        """Take index, path or by-id name from `source`."""
        self._config = config
        self._capture: Any = None
        self._path = Path()
        self._kernel_time = False
        self.unreadable = 0

    @property
    def clock(self) -> str:
        """Which clock the last picture was stamped by."""
        what = "the kernel's buffer time" if self._kernel_time else "the time of reading"
        return f"{what}, less latency_s"

    def open(self) -> CameraFormat:
        """Open the device, ask for what is configured, and see what it gives."""
        self._path = path = device_path(self._config.source)
        if not path.exists():
            raise CameraError(f"there is no camera at {path}: is it plugged in?")
        if not os.access(path, os.R_OK | os.W_OK):
            raise CameraError(
                f"no permission to use {path}: `sudo usermod -aG video {getpass.getuser()}` and "
                "log in again"
            )
        cv2 = load_opencv()
        self._capture = capture = cv2.VideoCapture(str(path), cv2.CAP_V4L2)
        if not capture.isOpened():
            self.close()
            raise CameraError(
                f"{path} cannot be opened as a camera: another program may be using it, or it "
                "gives no pictures (a webcam's second device)"
            )
        self._ask(capture)
        if not capture.grab():
            self.close()
            raise CameraError(f"{path} opens, but gives no pictures")
        self._kernel_time = self._stamp_ns(capture)[1]
        return self._given(capture)

    def read(self, stop: threading.Event) -> RawFrame | None:
        """Wait for the next picture."""
        if stop.is_set():
            return None
        if not self._capture.grab():
            raise CameraError(f"{self._path} gives no more pictures: was it unplugged?")
        stamp_ns, self._kernel_time = self._stamp_ns(self._capture)
        found, image = self._capture.retrieve()
        while not found and not stop.is_set():
            # A damaged picture, as over a bad cable: the next one will do.
            self.unreadable += 1
            if not self._capture.grab():
                raise CameraError(f"{self._path} gives no more pictures: was it unplugged?")
            stamp_ns, self._kernel_time = self._stamp_ns(self._capture)
            found, image = self._capture.retrieve()
        return RawFrame(image, stamp_ns) if found else None

    def close(self) -> None:
        """Let the device go."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _stamp_ns(self, capture: Any) -> tuple[int, bool]:
        buffer_ns = round(capture.get(load_opencv().CAP_PROP_POS_MSEC) * 1e6)
        stamp_ns = on_host_clock(buffer_ns)
        latency_ns = round(self._config.latency_s * 1e9)
        if stamp_ns is None:
            return time.time_ns() - latency_ns, False
        return stamp_ns - latency_ns, True

    def _ask(self, capture: Any) -> None:
        """Format first, then size and rate: each narrows what the next may be."""
        cv2, config = load_opencv(), self._config
        if config.fourcc:
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*config.fourcc))
        if config.width:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, config.width)
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, config.height)
        if config.fps:
            capture.set(cv2.CAP_PROP_FPS, config.fps)
        if config.exposure_s:
            capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, MANUAL_EXPOSURE)
            capture.set(cv2.CAP_PROP_EXPOSURE, round(config.exposure_s / EXPOSURE_UNIT_S))

    @staticmethod
    def _given(capture: Any) -> CameraFormat:
        cv2 = load_opencv()
        manual = capture.get(cv2.CAP_PROP_AUTO_EXPOSURE) == MANUAL_EXPOSURE
        exposure_s = capture.get(cv2.CAP_PROP_EXPOSURE) * EXPOSURE_UNIT_S if manual else 0.0
        return CameraFormat(
            int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            float(capture.get(cv2.CAP_PROP_FPS)),
            fourcc_name(capture.get(cv2.CAP_PROP_FOURCC)),
            max(exposure_s, 0.0),
        )


def on_host_clock(buffer_ns: int) -> int | None:
    """Bring the kernel's buffer time onto the host's clock; None when it is on no known clock.

    Nearly all drivers stamp by the monotonic clock. The offset to the host's clock is measured
    anew each time, so that a host clock that is being set right stays right.
    """
    offset_ns, monotonic_ns = _clock_offset()
    oldest_ns = round(OLDEST_BUFFER_S * 1e9)
    if 0 <= monotonic_ns - buffer_ns <= oldest_ns:
        return buffer_ns + offset_ns
    if 0 <= monotonic_ns + offset_ns - buffer_ns <= oldest_ns:
        return buffer_ns
    return None


def _clock_offset() -> tuple[int, int]:
    """Host clock minus monotonic clock, by the reading that was disturbed least."""
    readings = []
    for _ in range(3):
        before_ns, host_ns, after_ns = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
        readings.append((after_ns - before_ns, host_ns - (before_ns + after_ns) // 2, after_ns))
    _, offset_ns, monotonic_ns = min(readings)
    return offset_ns, monotonic_ns
