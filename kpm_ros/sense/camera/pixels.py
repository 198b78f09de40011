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

"""Pictures in the encodings that camera drivers send, as RGB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.camera.image_headers import PictureError, check_pixels, check_size
from kpm_ros.sense.camera.opencv import load_opencv

_CONVERSIONS: dict[str, tuple[int, type[np.generic], str]] = {
    # encoding: (channels, type of each, OpenCV's conversion; "" when it is RGB already)
    "rgb8": (3, np.uint8, ""),
    "bgr8": (3, np.uint8, "COLOR_BGR2RGB"),
    "8uc3": (3, np.uint8, "COLOR_BGR2RGB"),
    "rgba8": (4, np.uint8, "COLOR_RGBA2RGB"),
    "bgra8": (4, np.uint8, "COLOR_BGRA2RGB"),
    "8uc4": (4, np.uint8, "COLOR_BGRA2RGB"),
    "mono8": (1, np.uint8, "COLOR_GRAY2RGB"),
    "8uc1": (1, np.uint8, "COLOR_GRAY2RGB"),
    "mono16": (1, np.uint16, "COLOR_GRAY2RGB"),
    "16uc1": (1, np.uint16, "COLOR_GRAY2RGB"),
    "rgb16": (3, np.uint16, ""),
    "bgr16": (3, np.uint16, "COLOR_BGR2RGB"),
    "yuv422": (2, np.uint8, "COLOR_YUV2RGB_UYVY"),
    "uyvy": (2, np.uint8, "COLOR_YUV2RGB_UYVY"),
    "yuv422_yuy2": (2, np.uint8, "COLOR_YUV2RGB_YUY2"),
    "yuyv": (2, np.uint8, "COLOR_YUV2RGB_YUY2"),
    # OpenCV names a Bayer pattern by its second row, ROS by its first.
    "bayer_rggb8": (1, np.uint8, "COLOR_BayerBG2RGB"),
    "bayer_bggr8": (1, np.uint8, "COLOR_BayerRG2RGB"),
    "bayer_gbrg8": (1, np.uint8, "COLOR_BayerGR2RGB"),
    "bayer_grbg8": (1, np.uint8, "COLOR_BayerGB2RGB"),
}
ENCODINGS = tuple(_CONVERSIONS)


def to_rgb(
    data: bytes | memoryview | Any,
    encoding: str,
    width: int,
    height: int,
    step: int,
    big_endian: bool = False,
) -> NDArray[np.uint8]:
    """Turn a picture's bytes, with rows `step` bytes apart, into RGB (height, width, 3)."""
    if encoding.lower() not in _CONVERSIONS:
        raise PictureError(f"encoding is {encoding!r}, but must be one of: {', '.join(ENCODINGS)}")
    channels, kind, conversion = _CONVERSIONS[encoding.lower()]
    row_bytes = width * channels * np.dtype(kind).itemsize
    step = step or row_bytes
    buffer = np.frombuffer(data, np.uint8)
    check_pixels(width, height)
    if step < row_bytes or len(buffer) < step * (height - 1) + row_bytes:
        raise PictureError(
            f"a {encoding} picture of {width}x{height} with rows of {step} bytes does not fit "
            f"into its {len(buffer)} bytes"
        )
    rows = np.lib.stride_tricks.as_strided(buffer, (height, row_bytes), (step, 1), writeable=False)
    pixels = np.ascontiguousarray(rows)
    if kind is np.uint16:
        # The high byte alone: eight bits are what the tracker looks at.
        pixels = pixels[:, 0::2] if big_endian else pixels[:, 1::2]
    pixels = np.ascontiguousarray(pixels).reshape(height, width, channels)
    return _converted(pixels, conversion)


def decode(data: bytes | memoryview | Any) -> NDArray[np.uint8]:
    """Turn a compressed picture (JPEG, PNG, ...) into RGB (height, width, 3)."""
    cv2 = load_opencv()
    buffer = np.frombuffer(data, np.uint8)
    image = None
    if len(buffer):
        check_size(buffer.data)
        image = _guarded(lambda: cv2.imdecode(buffer, cv2.IMREAD_COLOR))
    if image is None:
        raise PictureError(f"{len(buffer)} bytes are no picture that can be read")
    # In place: a large picture is not held twice.
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image))


def _converted(pixels: NDArray[np.uint8], conversion: str) -> NDArray[np.uint8]:
    if not conversion:
        return pixels
    cv2 = load_opencv()
    image = _guarded(lambda: cv2.cvtColor(pixels, getattr(cv2, conversion)))
    if image is None:
        raise PictureError(
            f"a picture of {pixels.shape[1]}x{pixels.shape[0]} is too small or too odd for its "
            "encoding"
        )
    return np.asarray(image)


def _guarded(convert: Callable[[], Any]) -> Any:
    try:
        return convert()
    except load_opencv().error:
        return None
