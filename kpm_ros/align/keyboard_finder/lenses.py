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

"""What is known of a lens before a keyboard was seen: as it was measured, or as lenses are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kpm_ros.core.camera_model import Camera, same_shape
from kpm_ros.sense.camera.camera_calibration import Calibration, CalibrationError


@dataclass(frozen=True)
class Lens:
    """What is known of a camera's lens before a keyboard was seen."""

    camera: Camera
    """Its place does not matter."""
    known: bool = False
    """Whether it was measured; else it is refined as far as the picture allows."""

    @classmethod
    def assumed(cls, width: int, height: int, view_deg: float = 65.0) -> Lens:
        """Take a usual angle of view across the picture's longer side."""
        focal = float(max(width, height) / 2 / np.tan(np.radians(view_deg / 2)))
        middle = ((width - 1) / 2, (height - 1) / 2)
        return cls(Camera((width, height), (focal, focal, *middle)))


def known_lens(calibration: Calibration, width: int, height: int) -> Lens:
    """Take a measured lens for pictures of this size; CalibrationError where it is of others."""
    if not same_shape((width, height), (calibration.width, calibration.height)):
        raise CalibrationError(
            f"the calibration is of pictures of {calibration.width}x{calibration.height}, but "
            f"these are {width}x{height}, which is another shape: calibrate the lens again at "
            "this size"
        )
    model, bend = calibration.distortion_model, calibration.d
    if model == "rational_polynomial" and not any(bend[5:]):
        model, bend = "plumb_bob", bend[:5]
    if model != "plumb_bob":
        raise CalibrationError(
            f"the calibration's distortion_model is {model!r}, but must be 'plumb_bob'"
        )
    k = calibration.k
    camera = Camera((calibration.width, calibration.height), (k[0], k[4], k[2], k[5]), bend)
    return Lens(camera.scaled(width, height), known=True)
