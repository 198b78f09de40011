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

"""Image messages to pictures and back."""

from __future__ import annotations

import array

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from kpm_ros.nodes import outgoing
from kpm_ros.sense.camera import pixels
from kpm_ros.sense.camera.image_headers import PictureError
from kpm_ros.wire import decode


def header(frame_id: str, stamp_ns: int) -> Header:
    """Header of what a camera publishes."""
    return Header(stamp=outgoing.time_message(stamp_ns), frame_id=frame_id)


def image_message(frame_id: str, stamp_ns: int, image: NDArray[np.uint8]) -> Image:
    """An RGB picture as a message."""
    height, width, _ = image.shape
    message = Image(
        header=header(frame_id, stamp_ns),
        height=height,
        width=width,
        encoding="rgb8",
        step=3 * width,
    )
    message.data = array.array("B", image.tobytes())
    return message


def picture(message: Image | CompressedImage) -> NDArray[np.uint8]:
    """A message as an RGB picture; RefusedMessageError says why it cannot be one."""
    try:
        if isinstance(message, CompressedImage):
            return pixels.decode(message.data)
        return pixels.to_rgb(
            message.data,
            message.encoding,
            message.width,
            message.height,
            message.step,
            bool(message.is_bigendian),
        )
    except PictureError as error:
        raise decode.RefusedMessageError(str(error)) from None
