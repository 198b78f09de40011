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

"""How far off a camera's place is found from the keyboard in its picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.keyboard import KEY_X_M, OCTAVE_M, WHITE_LENGTH_M, WHITE_WIDTH_M
from kpm_ros.core.registration import RegisteredCamera

_STEP = 1e-5
_FIRST_DEPTH_M = 0.1
"""A point of the keyboard nearer than this to the camera's own plane is not in its picture."""
_SAME_M = 1e-3


@dataclass(frozen=True, slots=True)
class RegistrationErrors:
    """What a camera's place is found from is off by this much."""

    pixels: float
    """Standard deviation of a point of the keyboard, in pixels of a 1280 wide image."""
    lens: float
    """Standard deviation of the focal length, relative."""


def misplaced(
    camera: Camera, errors: RegistrationErrors, draw: np.random.Generator
) -> RegisteredCamera:
    """Find the camera from the keyboard that it sees, with errors.

    Place, direction and focal length are off together as least squares would have them, so that
    keys are nearly where they are seen, while the camera may be a little nearer with a shorter
    lens. Ends of keys along the keyboard count as one independent point every octave.
    """
    points = _points_in_picture(camera)
    pixels = errors.pixels * camera.image_size[0] / 1280
    moved = [
        (_changed(camera, step).pixels(points) - _changed(camera, -step).pixels(points)).ravel()
        for step in np.eye(7) * _STEP
    ]
    slopes = np.stack(moved, axis=1) / (2 * _STEP) / pixels
    known = slopes.T @ slopes
    known[6, 6] += 1 / errors.lens**2
    # The least-known directions come first; each is off by as much as it is not known.
    sizes, directions = np.linalg.eigh(known)
    off = directions @ (draw.standard_normal(7) / np.sqrt(np.maximum(sizes, 1e-9)))
    found = _changed(camera, off)
    away = found.on_level(found.slopes(camera.project(points)), 0.0) - points[:, :2]
    error_mm = float(np.sqrt((away**2).sum(axis=-1).mean()) * 1e3)
    return RegisteredCamera(found, pixels, error_mm, "the keyboard in the picture: SIMULATED")


def _points_in_picture(camera: Camera) -> NDArray[np.float64]:
    """Ends of white keys, one an octave."""
    along = np.arange(KEY_X_M[0] - WHITE_WIDTH_M / 2, KEY_X_M[-1], OCTAVE_M)
    points = np.array([(x, y, 0.0) for x in along for y in (0.0, WHITE_LENGTH_M)])
    return np.asarray(points[in_picture(camera, points)])


def in_picture(camera: Camera, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the camera sees each point (n, 3)."""
    there = camera.in_optical_frame(points)
    seen = camera.project(points)
    inside = (there[:, 2] > _FIRST_DEPTH_M) & ((seen > 0) & (seen < 1)).all(axis=1)
    # A lens that bends strongly would show what is far outside of the picture once more in it.
    back = camera.slopes(np.where(inside[:, None], seen, 0.5)) * there[:, 2:]
    return np.asarray(inside & (np.abs(back - there[:, :2]).max(axis=1) < _SAME_M))


def _changed(camera: Camera, off: NDArray[np.float64]) -> Camera:
    """Move a camera by six numbers, and change its focal length by the logarithm of a factor."""
    moved = camera.moved(off[:6])
    fx, fy, cx, cy = camera.lens
    scale = float(np.exp(off[6]))
    return replace(moved, lens=(fx * scale, fy * scale, cx, cy))
