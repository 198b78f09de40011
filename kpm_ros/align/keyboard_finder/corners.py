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

"""A camera's place from the four corners of the keyboard, as somebody pointed at them."""

from __future__ import annotations

import numpy as np

from kpm_ros.align.keyboard_finder.finder import NoKeyboardError
from kpm_ros.align.keyboard_finder.first_guess import cameras_at
from kpm_ros.align.keyboard_finder.lenses import Lens
from kpm_ros.core.camera_model import Camera, Floats
from kpm_ros.core.keyboard import Keyboard

WORST_PX = 4.0
VIEWS_DEG = np.arange(30.0, 121.0, 2.0)
"""Angles of view that are tried where the lens is not known."""
USUAL_DEG, SPREAD_DEG = 65.0, 15.0


def corner_points(keyboard: Keyboard) -> Floats:
    """Front left, front right, back right, back left of the white keys, as the pianist sees."""
    left, right, back = keyboard.left_m, keyboard.right_m, keyboard.white_length_m
    return np.array([(left, 0, 0), (right, 0, 0), (right, back, 0), (left, back, 0)], float)


def from_corners(corners: Floats, keyboard: Keyboard, lens: Lens) -> tuple[Camera, float]:
    """Find the camera that sees the corners (4, 2) at these pixels, and their error in pixels."""
    points = corner_points(keyboard)
    if lens.known:
        trials = [lens.camera]
    else:
        width, height = lens.camera.image_size
        trials = [Lens.assumed(width, height, view).camera for view in VIEWS_DEG]
    usual = np.zeros(1) if lens.known else (VIEWS_DEG - USUAL_DEG) / SPREAD_DEG
    solved = []
    for camera, unusual in zip(trials, usual, strict=True):
        for placed in cameras_at(points, corners, camera):
            off = float(np.sqrt(((placed.pixels(points) - corners) ** 2).sum(-1).mean()))
            solved.append((off**2 + unusual**2, off, placed))
    if not solved:
        raise NoKeyboardError(
            "no camera above the keys sees the corners so: give front left, front right, back "
            "right, back left, as the pianist sees them"
        )
    _, off, best = min(solved, key=lambda each: each[0])
    if off > WORST_PX:
        raise NoKeyboardError(
            f"the corners are off by {off:.1f} pixels from any keyboard of {keyboard.keys} keys, "
            f"but at most {WORST_PX:g} are sure"
        )
    return best, off
