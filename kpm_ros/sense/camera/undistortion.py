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

"""Landmarks as a lens without distortion would show them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.camera.camera_calibration import Calibration


def undistort(
    points: NDArray[np.float32], size: tuple[int, int], calibration: Calibration
) -> NDArray[np.float32]:
    """Move landmarks (n, 3), x and y as fractions of the picture, to where a pinhole has them.

    The pinhole has the camera's own focal lengths and centre; depth stays as it is.
    """
    import cv2

    scale = np.array(size, np.float64)
    pixels = (points[:, :2] * scale).reshape(-1, 1, 2)
    matrix = np.reshape(calibration.k, (3, 3))
    lens = cv2.fisheye if calibration.distortion_model == "equidistant" else cv2
    straight = lens.undistortPoints(pixels, matrix, np.array(calibration.d), P=matrix)
    found = points.copy()
    found[:, :2] = straight.reshape(-1, 2) / scale
    return found
