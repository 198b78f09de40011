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

"""OpenCV, loaded when it is first needed, and quiet."""

from __future__ import annotations

import functools
import os
from typing import Any

from kpm_ros.sense.camera.camera_device import CameraConfigError
from kpm_ros.sense.camera.image_headers import MOST_PIXELS


@functools.cache
def load_opencv() -> Any:
    """Load OpenCV, or say in a sentence what is missing."""
    # A camera that was unplugged is noticed after this many seconds; OpenCV's own default is 10.
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")
    # What goes wrong is said by us, once and in a sentence.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    # A video may change its size as it goes on. The first option is OpenCV's own default.
    os.environ.setdefault(
        "OPENCV_FFMPEG_CAPTURE_OPTIONS", f"rtsp_transport;tcp|max_pixels;{MOST_PIXELS}"
    )
    try:
        import cv2
    except ImportError as error:
        raise CameraConfigError(
            f"cameras need OpenCV, which cannot be loaded ({error}): install "
            "opencv-contrib-python, or mediapipe, which brings it"
        ) from None
    return cv2
