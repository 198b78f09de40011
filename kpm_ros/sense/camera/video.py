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

"""Recordings played in real time, and streams: pictures that do not come from a device here."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import IMAGE_BYTES, ForeignFileError, opened, read_bytes, reading
from kpm_ros.sense.camera.camera_device import (
    CameraConfig,
    CameraConfigError,
    CameraError,
    CameraFormat,
    EndOfVideoError,
    RawFrame,
)
from kpm_ros.sense.camera.image_headers import check_pixels, check_size
from kpm_ros.sense.camera.opencv import load_opencv

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
USUAL_FPS = 30.0
GREATEST_LAG_NS = 500_000_000
"""A recording that cannot be read as fast as it plays is moved on, rather than ever later."""
STREAM_TIMEOUT_MS = 5000
VIDEO_BYTES = 1 << 62
"""Videos may be of any size: they are never read whole."""


class _Recording(ABC):
    """Plays frames when they are due, stamped by their own times from the moment it was opened."""

    clock = "the recording's own frame times"

    def __init__(self, config: CameraConfig) -> None:
        self._config = config
        self._path = Path(config.source).expanduser()
        self.unreadable = 0
        self._begin(0.0)

    def _begin(self, media_ns: float) -> None:
        """Let this instant of the recording be now."""
        self._wall_ns = time.time_ns() - round(media_ns)
        self._monotonic_ns = time.monotonic_ns() - round(media_ns)

    @abstractmethod
    def _next(self) -> tuple[NDArray[np.uint8], float] | None:
        """Next picture and its time in the recording in nanoseconds, None at the end."""

    def read(self, stop: threading.Event) -> RawFrame | None:
        """Wait until the next picture is due."""
        following = self._next()
        if following is None:
            raise EndOfVideoError(f"{self._path} has been played to its end")
        image, media_ns = following
        wait_ns = self._monotonic_ns + media_ns - time.monotonic_ns()
        if wait_ns < -GREATEST_LAG_NS:
            self._begin(media_ns)
        if wait_ns > 0 and stop.wait(wait_ns / 1e9):
            return None
        return RawFrame(image, self._wall_ns + round(media_ns - self._config.latency_s * 1e9))


class VideoFile(_Recording):
    """A video file, played at its own pace."""

    def __init__(self, config: CameraConfig) -> None:
        """Take the file's path from `source`."""
        super().__init__(config)
        self._capture: Any = None
        self._fps = USUAL_FPS
        self._offset_ns = self._last_ns = 0.0
        self._count = 0

    def open(self) -> CameraFormat:
        """Open the file and begin to play it."""
        cv2 = load_opencv()
        if not self._path.is_file():
            raise CameraConfigError(f"there is no video at {self._path}")
        with reading(self._path, "a video", CameraConfigError):
            must_be_one_file(self._path)
        self._reopen()
        capture = self._capture
        if not capture.isOpened():
            raise CameraConfigError(f"{self._path} cannot be read as a video")
        size = [int(capture.get(n)) for n in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)]
        if all(size):
            with reading(self._path, "a video", CameraConfigError):
                check_pixels(*size)
        self._fps = capture.get(cv2.CAP_PROP_FPS) or USUAL_FPS
        self._offset_ns = self._last_ns = 0.0
        self._count = 0
        self._begin(0.0)
        return _given(capture)

    def close(self) -> None:
        """Close the file."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _reopen(self) -> None:
        self.close()
        cv2 = load_opencv()
        self._capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)

    def _next(self) -> tuple[NDArray[np.uint8], float] | None:
        found, image = self._capture.read()
        if not found and self._config.loop and self._count:
            self._offset_ns = self._last_ns + 1e9 / self._fps
            self._reopen()
            found, image = self._capture.read()
        if not found:
            return None
        at_ns = self._offset_ns + self._capture.get(load_opencv().CAP_PROP_POS_MSEC) * 1e6
        if self._count and at_ns <= self._last_ns:
            # Some containers have no usable frame times.
            at_ns = self._last_ns + 1e9 / self._fps
        self._last_ns = at_ns
        self._count += 1
        return image, at_ns


class ImageFolder(_Recording):
    """Images of a folder in the order of their names, at the rate that was asked for."""

    def __init__(self, config: CameraConfig) -> None:
        """Take the folder's path from `source`; without a rate, 30 a second."""
        super().__init__(config)
        self._files: list[Path] = []
        self._position = 0
        self._count = 0
        self._fps = config.fps or USUAL_FPS

    def open(self) -> CameraFormat:
        """List the images and begin."""
        try:
            files = sorted(p for p in self._path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
        except OSError as error:
            raise CameraError(f"{self._path} cannot be read: {error.strerror}") from None
        first = next((image for image in map(_read_image, files) if image is not None), None)
        if first is None:
            raise CameraConfigError(
                f"{self._path} holds no images that can be read ({', '.join(IMAGE_SUFFIXES)})"
            )
        self._files, self._position, self._count = files, 0, 0
        self._begin(0.0)
        return CameraFormat(first.shape[1], first.shape[0], self._fps)

    def close(self) -> None:
        """Nothing is held."""

    def _next(self) -> tuple[NDArray[np.uint8], float] | None:
        for _ in range(len(self._files)):
            if self._position == len(self._files):
                if not self._config.loop:
                    return None
                self._position = 0
            image = _read_image(self._files[self._position])
            self._position += 1
            if image is not None:
                self._count += 1
                return image, (self._count - 1) * 1e9 / self._fps
            self.unreadable += 1
        return None


class NetworkStream:
    """An RTSP, HTTP or other network stream, stamped when a picture is read, less the latency."""

    clock = "the time of reading, less latency_s"

    def __init__(self, config: CameraConfig) -> None:
        """Take the stream's address from `source`."""
        self._config = config
        self._capture: Any = None
        self.unreadable = 0

    def open(self) -> CameraFormat:
        """Connect; a stream that does not answer within seconds is given up until the next try."""
        cv2 = load_opencv()
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, STREAM_TIMEOUT_MS]
        limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, STREAM_TIMEOUT_MS]
        self._capture = cv2.VideoCapture(self._config.source, cv2.CAP_FFMPEG, limits)
        if not self._capture.isOpened():
            self.close()
            raise CameraError(f"the stream {self._config.source} does not answer")
        return _given(self._capture)

    def read(self, stop: threading.Event) -> RawFrame | None:
        """Wait for the next picture."""
        if stop.is_set():
            return None
        found, image = self._capture.read()
        if not found:
            raise CameraError(f"the stream {self._config.source} has ended or stands still")
        return RawFrame(image, time.time_ns() - round(self._config.latency_s * 1e9))

    def close(self) -> None:
        """Disconnect."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def open_video(path: Path) -> Any:
    """Open a video file to be read as fast as it goes; what is none is a ForeignFileError."""
    cv2 = load_opencv()
    with reading(path, "a video"):
        must_be_one_file(path)
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise ForeignFileError(f"{path} cannot be read as a video")
        names = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        check_pixels(*(int(capture.get(name)) for name in names))
    return capture


def must_be_one_file(path: Path) -> None:
    """Refuse a list of other files and addresses, which FFmpeg would open."""
    with opened(path, VIDEO_BYTES) as file:
        head = file.read(64)
    if head.isascii() and b"\0" not in head and not head.startswith(b"YUV4MPEG2 "):
        raise ForeignFileError(f"{path} cannot be read as a video: it is text")


def _read_image(path: Path) -> NDArray[np.uint8] | None:
    """Read a picture as BGR; None if it cannot be read."""
    cv2 = load_opencv()
    try:
        content = read_bytes(path, IMAGE_BYTES)
        check_size(content)
        buffer = np.frombuffer(content, np.uint8)
        image: NDArray[np.uint8] | None = cv2.imdecode(buffer, cv2.IMREAD_COLOR)
    except (OSError, ValueError, MemoryError, cv2.error):
        return None
    return image


def _given(capture: Any) -> CameraFormat:
    cv2 = load_opencv()
    return CameraFormat(
        int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        float(capture.get(cv2.CAP_PROP_FPS)),
        fourcc_name(capture.get(cv2.CAP_PROP_FOURCC)),
    )


def fourcc_name(code: float) -> str:
    """Turn a pixel format's number into its four letters, "" when it has none."""
    name = int(code).to_bytes(4, "little", signed=int(code) < 0).decode("latin-1").strip()
    return name if name.isprintable() else ""
