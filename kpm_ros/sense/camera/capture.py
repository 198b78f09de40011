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

"""A camera's thread: the newest picture wins, a lost device is sought again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.camera.camera_device import (
    FLIPS,
    CameraConfig,
    CameraConfigError,
    CameraError,
    CameraFormat,
    EndOfVideoError,
    Frame,
    FrameSource,
    StaleFrameError,
    differences,
)
from kpm_ros.sense.camera.opencv import load_opencv
from kpm_ros.sense.connection import Backoff, Connectable

JOIN_S = 6.0
"""A read of a silent device ends by itself within this time."""


@dataclass
class CaptureCounts:
    """What has happened since the camera was first connected."""

    frames: int = 0
    dropped: int = 0
    """Pictures that a newer one replaced before anybody took them."""
    connections: int = 0
    failures: int = 0
    """Times that the device was lost or could not be opened."""


class CapturedCamera(Connectable):
    """A camera that reads its source in a thread and keeps the newest picture.

    A slow reader is never behind: it misses pictures, and they are counted. When the device is lost
    the thread says so, tries again after growing pauses, and goes on.
    """

    def __init__(
        self,
        config: CameraConfig,
        source: FrameSource,
        log: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        """Take the source over; `log` is given a sentence whenever something happens to it."""
        self.config = config
        self.source = source
        self.counts = CaptureCounts()
        self.given = CameraFormat()
        self.status = "not connected"
        self._log = log
        self._newest: Frame | None = None
        self._is_turned = False
        """Whether that is as the camera hands it on."""
        self._taken = -1
        self._is_open = False
        self._ended = False
        self._change = threading.Condition()
        self._stop = threading.Event()
        self._retry = Backoff()
        self._thread: threading.Thread | None = None

    @property
    def is_connected(self) -> bool:
        """Whether pictures are being taken."""
        return self._is_open

    @property
    def has_ended(self) -> bool:
        """Whether a recording has been played to its end."""
        return self._ended

    @property
    def differences(self) -> list[str]:
        """Where what the device gives is not what was asked for, a sentence each."""
        return differences(self.config, self.given) if self._is_open else []

    def connect(self, wait: bool = True) -> None:
        """Open the device and begin; without `wait`, go on trying in the background.

        Raises CameraError when the device cannot be opened now, but without `wait` only for what
        can never be opened as it is configured.
        """
        if self._thread is not None:
            raise CameraError(f"{self.config.source} is connected already")
        try:
            self._open()
        except CameraConfigError:
            raise
        except CameraError as error:
            if wait:
                raise
            self._lost(error)
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def disconnect(self) -> None:
        """Let the device go; harmless when it is not connected."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)
            self._thread = None
        self._is_open = False
        self.status = "not connected"

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Wait for a picture that was not handed out yet; None when none came in time."""
        with self._change:
            self._change.wait_for(self._has_new, timeout_s)
            return self._take() if self._has_new() else None

    def read_latest(self, max_age_s: float) -> Frame:
        """Newest picture, handed out before or not; one older than `max_age_s` is refused."""
        with self._change:
            if self._newest is None:
                raise StaleFrameError(f"{self.config.source} has not given a picture yet")
            age_s = (time.time_ns() - self._newest.stamp_ns) / 1e9
            if age_s > max_age_s:
                raise StaleFrameError(
                    f"the newest picture of {self.config.source} is {age_s:.2f} s old, but must "
                    f"not be older than {max_age_s:g} s ({self.status})"
                )
            return self._take()

    def _has_new(self) -> bool:
        return self._newest is not None and self._newest.index > self._taken

    def _take(self) -> Frame:
        """Turn the newest picture over and into RGB: only those that somebody wants, and once."""
        assert self._newest is not None
        if not self._is_turned:
            image = _turned(self._newest.image, self.config.flip)
            self._newest = replace(self._newest, image=image)
            self._is_turned = True
        self._taken = self._newest.index
        return self._newest

    def _open(self) -> None:
        self.given = self.source.open()
        self._is_open = True
        self.counts.connections += 1
        self.status = f"{self.config.source}: {self.given}"
        self._log(f"{self.status}; stamps from {self.source.clock}")
        for sentence in self.differences:
            self._log(sentence)

    def _lost(self, error: CameraError) -> None:
        self.source.close()
        self._is_open = False
        self._retry.failed(time.monotonic_ns())
        self.counts.failures += 1
        if self.status != str(error):
            self.status = str(error)
            self._log(f"{self.status}; trying again")

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if not self._is_open:
                    self._pause()
                    continue
                self._read_on()
            except EndOfVideoError as error:
                self._ended = True
                self.status = str(error)
                self._log(self.status)
                break
            except CameraError as error:
                self._lost(error)
            except load_opencv().error as error:
                self._lost(CameraError(f"{self.config.source}: OpenCV failed ({error.err})"))
        self.source.close()
        self._is_open = False

    def _pause(self) -> None:
        if self._retry.due(time.monotonic_ns()):
            self._open()
        else:
            self._stop.wait(0.05)

    def _read_on(self) -> None:
        while (raw := self.source.read(self._stop)) is not None:
            self._retry.succeeded()
            with self._change:
                self.counts.dropped += self._has_new()
                self._newest = Frame(raw.image, raw.stamp_ns, self.counts.frames)
                self._is_turned = False
                self.counts.frames += 1
                self._change.notify_all()


def _turned(image: NDArray[np.uint8], flip: str) -> NDArray[np.uint8]:
    cv2 = load_opencv()
    if flip in FLIPS:
        image = cv2.flip(image, FLIPS[flip])
    # In place: room for another picture costs ten times what turning colours does.
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image))
