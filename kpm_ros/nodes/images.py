"""Image messages to pictures and back."""

from __future__ import annotations

import array

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from kpm_ros.nodes import wire
from kpm_ros.sense import pixels
from kpm_ros.sense.calibration import Calibration


def header(view: str, stamp_ns: int) -> Header:
    """Header of what a view's camera publishes."""
    return Header(stamp=wire.time_message(stamp_ns), frame_id=f"{view}_optical")


def image_message(view: str, stamp_ns: int, image: NDArray[np.uint8]) -> Image:
    """An RGB picture as a message."""
    height, width, _ = image.shape
    message = Image(
        header=header(view, stamp_ns),
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
    except pixels.PictureError as error:
        raise wire.RefusedMessageError(str(error)) from None


def info_message(view: str, stamp_ns: int, calibration: Calibration) -> CameraInfo:
    """A calibration as a message."""
    return CameraInfo(
        header=header(view, stamp_ns),
        width=calibration.width,
        height=calibration.height,
        distortion_model=calibration.distortion_model,
        d=calibration.d,
        k=calibration.k,
        r=calibration.r,
        p=calibration.p,
    )
