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

"""Some pictures of a source, spread over a recording or taken within seconds from a device."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import IMAGE_BYTES, read_bytes, reading
from kpm_ros.sense.camera.camera_device import CameraConfig, CameraConfigError, CameraError
from kpm_ros.sense.camera.open_camera import STREAMS, open_camera
from kpm_ros.sense.camera.opencv import load_opencv
from kpm_ros.sense.camera.pixels import decode
from kpm_ros.sense.camera.video import IMAGE_SUFFIXES, open_video

Image = NDArray[np.uint8]

FROM_DEVICE_S = 5.0
PATIENCE_S = 10.0


def take_pictures(source: str, count: int) -> list[Image]:
    """Take at most `count` pictures, blue, green, red; a ValueError says why there are none.

    `source` is a picture, a folder of them, a video file, or what a camera may be.
    """
    path = Path(source).expanduser()
    if source.lower().startswith(STREAMS) or not path.exists() or source.startswith("/dev/"):
        return list(_from_device(source, count))
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
        if not files:
            raise CameraConfigError(f"{path} holds no pictures ({', '.join(IMAGE_SUFFIXES)})")
        return [_picture(files[at]) for at in spread(len(files), count)]
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return [_picture(path)]
    return list(_of_video(path, count))


def spread(length: int, count: int) -> list[int]:
    """Choose places spread evenly over a length."""
    wanted = np.linspace(0, length - 1, min(count, length)).round().astype(int)
    return [int(place) for place in np.unique(wanted)]


def _picture(path: Path) -> Image:
    cv2 = load_opencv()
    with reading(path, "a picture", CameraConfigError):
        rgb = decode(read_bytes(path, IMAGE_BYTES))
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))


def _of_video(path: Path, count: int) -> Iterator[Image]:
    cv2 = load_opencv()
    with reading(path, "a video", CameraConfigError):
        capture = open_video(path)
    seen = 0
    try:
        # The last pictures of a video often cannot be reached, and its count may be a guess.
        length = max(1, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) - 1)
        for place in spread(length, count):
            capture.set(cv2.CAP_PROP_POS_FRAMES, place)
            found, image = capture.read()
            if found:
                seen += 1
                yield np.asarray(image)
    finally:
        capture.release()
    if not seen:
        raise CameraConfigError(f"{path} holds no picture that can be read")


def _from_device(source: str, count: int) -> Iterator[Image]:
    cv2 = load_opencv()
    seen = 0
    with open_camera(CameraConfig(source)) as camera:
        began = time.monotonic()
        while seen < count and time.monotonic() < began + PATIENCE_S:
            frame = camera.next_frame(1.0)
            if frame is not None and time.monotonic() >= began + seen * FROM_DEVICE_S / count:
                seen += 1
                yield np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR))
    if not seen:
        raise CameraError(f"{source} gave no picture within {PATIENCE_S:g} s")
