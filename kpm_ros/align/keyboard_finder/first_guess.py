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

"""Where a camera may stand, from a few points of the keyboard, before all borders are fitted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kpm_ros.align.keyboard_finder.black_keys import Pattern
from kpm_ros.core.camera_model import Camera, Floats
from kpm_ros.core.keyboard import Keyboard, centre_m
from kpm_ros.sense.camera.opencv import load_opencv

LOWEST_M = 0.05
"""A camera stands at least this high above the keys."""


def cameras_of(pattern: Pattern, lens: Camera, keyboard: Keyboard) -> Iterator[Camera]:
    """Say where a camera may stand that sees the pattern.

    A bar begins at the foot of its key's front for a camera before the keyboard, and at the top
    of it for others.
    """
    x = np.array([centre_m(int(note)) for note in pattern.notes])
    front, back, height = (
        keyboard.black_front_m,
        keyboard.white_length_m,
        keyboard.black_height_m,
    )
    seen = np.concatenate((pattern.ends[:, 0], pattern.ends[:, 1]))
    for low, begin in ((0.0, front), (height, front + keyboard.black_slope_m)):
        ends = [
            np.stack(np.broadcast_arrays(x, y, z), -1) for y, z in ((begin, low), (back, height))
        ]
        for camera in cameras_at(np.concatenate(ends), seen, lens, refined=True):
            if camera.position[2] > LOWEST_M:
                yield camera


def cameras_at(
    points: Floats, pixels: Floats, lens: Camera, refined: bool = False
) -> Iterator[Camera]:
    """Solve for the places above the keys from which points of a plane are seen at these pixels.

    The plane goes along the keyboard, and through the first point and the last.
    """
    cv2 = load_opencv()
    middle = points.mean(axis=0)
    ahead = points[-1] - points[0]
    axes = np.stack(((1.0, 0.0, 0.0), (0.0, ahead[1], ahead[2])))
    axes[1] /= np.linalg.norm(axes[1])
    frame = np.stack((*axes, np.cross(*axes)))
    flat = (points - middle) @ frame.T
    flat[:, 2] = 0.0
    seen = (flat[:, None], np.asarray(pixels, np.float64)[:, None])
    known = (lens.matrix, np.array(lens.distortion))
    try:
        _, turns, shifts, _ = cv2.solvePnPGeneric(*seen, *known, flags=cv2.SOLVEPNP_IPPE)
    except cv2.error:
        return
    for turn, shift in zip(turns, shifts, strict=True):
        if refined:
            turn, shift = cv2.solvePnPRefineLM(*seen, *known, turn, shift)
        whole = cv2.Rodrigues(turn)[0] @ frame
        camera = lens.at(whole, shift[:, 0] - whole @ middle)
        if camera.position[2] > 0 and (camera.in_optical_frame(points)[:, 2] > 0).all():
            yield camera
