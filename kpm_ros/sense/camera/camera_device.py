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

"""A camera, whatever it is: one class to connect, read and let go, and one place that makes it.

What gives pictures is a source: a V4L2 device, a video file, a stream, a folder of images. A camera
reads its source in a thread of its own and keeps the newest picture (`capture.py`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.settings import CheckedSettings, ConfigurationError, setting
from kpm_ros.sense.connection import DeviceError

Flip = Literal["none", "horizontal", "vertical", "both"]
FLIPS: dict[str, int] = {"horizontal": 1, "vertical": 0, "both": -1}
"""OpenCV's codes for turning a picture over."""


class CameraError(DeviceError):
    """A camera that cannot be used now; it may come back."""


class CameraConfigError(CameraError, ConfigurationError):
    """A camera that can never be used as it is configured."""


class EndOfVideoError(CameraError):
    """A recording that has been played to its end."""


class StaleFrameError(CameraError):
    """The newest picture is older than the caller accepts."""


@dataclass(frozen=True)
class CameraConfig(CheckedSettings):
    """What to read, and what to ask of the device; 0 and "" leave the choice to the device."""

    source: str = setting(
        "0",
        "camera's index, path or by-id name; or a video file, a folder of images, a stream's URL",
    )
    width: int = setting(0, "picture size; 0 = the camera's choice", least=0, most=16384)
    height: int = setting(0, "picture size; 0 = the camera's choice", least=0, most=16384)
    fps: float = setting(0.0, "pictures a second; 0 = the camera's choice", least=0.0, most=1000.0)
    fourcc: str = setting("", "pixel format, such as MJPG; empty = the camera's choice")
    exposure_s: float = setting(0.0, "exposure; 0 = leave it as it is", least=0.0, most=1.0)
    flip: Flip = setting("none", "how the picture is turned over", choices=("none", *FLIPS))
    latency_s: float = setting(
        0.0,
        "measured time from exposure to the picture's time stamp (kpm calibrate)",
        least=-1.0,
        most=1.0,
    )
    """The stamp is the kernel's buffer time, where that is known, else the instant of the read."""
    loop: bool = setting(False, "whether a recording begins again at its end")

    def __post_init__(self) -> None:
        """Refuse what no camera can do."""
        try:
            super().__post_init__()
        except ConfigurationError as error:
            raise CameraConfigError(str(error)) from None
        if self.fourcc and len(self.fourcc) != 4:
            raise CameraConfigError(
                f"fourcc is {self.fourcc!r}, but must be four letters, such as MJPG or YUYV"
            )
        if (self.width == 0) != (self.height == 0):
            raise CameraConfigError(
                f"width is {self.width} and height {self.height}, but both must be given, or "
                "neither (0)"
            )


@dataclass(frozen=True)
class CameraFormat:
    """What a source says it gives."""

    width: int = 0
    height: int = 0
    fps: float = 0.0
    fourcc: str = ""
    exposure_s: float = 0.0

    def __str__(self) -> str:
        """Say it as people do: 640x480 at 30 fps, MJPG."""
        parts = [f"{self.width}x{self.height}"]
        parts += [f"at {self.fps:g} fps"] if self.fps else []
        return " ".join(parts) + (f", {self.fourcc}" if self.fourcc else "")


@dataclass(frozen=True, slots=True)
class RawFrame:
    """A picture as its source gives it, and gives it away: blue, green, red."""

    image: NDArray[np.uint8]
    stamp_ns: int


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture as the camera hands it on: red, green, blue, turned as configured."""

    image: NDArray[np.uint8]
    stamp_ns: int
    """When it was exposed, on the host's clock."""
    index: int
    """Pictures taken since the camera was first connected; a jump is a picture that was dropped."""


class FrameSource(Protocol):
    """Something that gives pictures while it is open; used by one thread."""

    unreadable: int
    """Pictures that came but could not be read."""

    @property
    def clock(self) -> str:
        """Where the stamps come from, in words."""
        ...

    def open(self) -> CameraFormat:
        """Begin; CameraError says why that cannot be done now."""
        ...

    def read(self, stop: threading.Event) -> RawFrame | None:
        """Wait for the next picture; None when `stop` was set. CameraError when there is none."""
        ...

    def close(self) -> None:
        """Let go; harmless when it is not open."""
        ...


@runtime_checkable
class Camera(Protocol):
    """What every camera can do."""

    def connect(self, wait: bool = True) -> None:
        """Open the device; without `wait`, go on trying in the background."""
        ...

    def disconnect(self) -> None:
        """Let the device go."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether pictures are being taken."""
        ...

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Wait for a picture that was not handed out yet; None when none came in time."""
        ...

    def read_latest(self, max_age_s: float) -> Frame:
        """Newest picture; StaleFrameError when it is older than that, or there is none."""
        ...

    def __enter__(self) -> Camera:
        """Connect for a `with` block."""
        ...

    def __exit__(self, *error: object) -> None:
        """Disconnect at the block's end."""
        ...


def differences(config: CameraConfig, given: CameraFormat) -> list[str]:
    """Where what the device gives is not what was asked for, a sentence each."""
    found = []
    if config.width and (config.width, config.height) != (given.width, given.height):
        found.append(
            f"asked for {config.width}x{config.height}, the camera gives "
            f"{given.width}x{given.height}"
        )
    if config.fps and abs(config.fps - given.fps) > 0.01 * config.fps:
        rate = f"{given.fps:g} fps" if given.fps else "an unknown rate"
        found.append(f"asked for {config.fps:g} fps, the camera gives {rate}")
    if config.fourcc and config.fourcc != given.fourcc:
        found.append(
            f"asked for format {config.fourcc}, the camera gives {given.fourcc or 'another'}"
        )
    if config.exposure_s and abs(config.exposure_s - given.exposure_s) > 0.1 * config.exposure_s:
        exposure = f"{given.exposure_s * 1e3:g} ms" if given.exposure_s else "no fixed exposure"
        found.append(
            f"asked for an exposure of {config.exposure_s * 1e3:g} ms, the camera gives {exposure}"
        )
    return found
