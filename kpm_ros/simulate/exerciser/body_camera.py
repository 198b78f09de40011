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

"""A camera that watches a simulated exerciser, anywhere in a stated range."""

from __future__ import annotations

import numpy as np

from kpm_ros.simulate.cameras import SimulatedCamera
from kpm_ros.simulate.noise import generator

VIEW = "front"
DISTANCE_M = (2.3, 4.5)
"""From the middle of the body, along the floor."""
HEIGHT_M = (0.6, 1.8)
AZIMUTH_DEG = (-70.0, 70.0)
"""How far the person is turned from facing the camera; half of all are within 25 degrees."""
AIM_M = (0.75, 1.15)
"""Height of the point that the picture's middle shows: how far it is pitched follows."""
ASIDE_M = 0.25
"""Standard deviation of how far the person stands beside the picture's middle."""
FOCAL = (0.62, 1.0)
"""Focal length as a fraction of the image's width: 78 to 53 degrees across."""
ROLL_DEG = 1.5
"""Standard deviation of how far the camera is tilted to a side."""
FPS = 30.0
_CAMERA = 0xB0CA


def usual_camera() -> SimulatedCamera:
    """Stand a camera in front of the person, as on a table."""
    return SimulatedCamera(VIEW, (3.2, 0.5, 1.1), (0.0, 0.0, 0.95), (0.0, 0.0, 1.0), 0.78, fps=FPS)


def drawn_camera(seed: int) -> SimulatedCamera:
    """Stand a camera anywhere in the range; the same seed is the same camera."""
    draw = generator(seed, _CAMERA)
    distance, height = draw.uniform(*DISTANCE_M), draw.uniform(*HEIGHT_M)
    if draw.random() < 0.5:
        azimuth = np.deg2rad(draw.normal(0.0, 12.0))
    else:
        azimuth = np.deg2rad(draw.uniform(*AZIMUTH_DEG))
    ahead = np.array([np.cos(azimuth), np.sin(azimuth)])
    aside = draw.normal(0.0, ASIDE_M) * np.array([-ahead[1], ahead[0]])
    roll = np.deg2rad(draw.normal(0.0, ROLL_DEG))
    x, y = distance * ahead
    return SimulatedCamera(
        VIEW,
        (float(x), float(y), float(height)),
        (float(aside[0]), float(aside[1]), float(draw.uniform(*AIM_M))),
        (float(np.sin(roll) * ahead[1]), float(-np.sin(roll) * ahead[0]), float(np.cos(roll))),
        float(draw.uniform(*FOCAL)),
        fps=FPS,
    )
