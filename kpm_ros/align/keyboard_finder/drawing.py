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

"""The keyboard over a picture, for a person to judge whether the camera was found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.keyboard_finder.outline import Kind, outline
from kpm_ros.core.camera_model import Camera
from kpm_ros.core.keyboard import Keyboard, centre_m
from kpm_ros.core.piano import OCTAVE
from kpm_ros.sense.camera.opencv import load_opencv

WHITES, BLACKS, ENDS = (60, 220, 60), (60, 60, 255), (255, 160, 0)
"""Blue, green, red."""
LEAST_WIDTH = 1280
NAME_Y_M = -0.03


def drawn_over(image: NDArray[np.uint8], camera: Camera, keyboard: Keyboard) -> NDArray[np.uint8]:
    """Draw the keys' borders, and the names of all Cs, over a picture."""
    cv2 = load_opencv()
    finer = max(1, round(LEAST_WIDTH / image.shape[1]))
    canvas = cv2.resize(image, None, fx=finer, fy=finer, interpolation=cv2.INTER_CUBIC)
    seen = outline(keyboard, camera)
    steps = np.stack((seen.points - 2 * seen.along, seen.points + 2 * seen.along), axis=1)
    ends = (camera.pixels(steps) + 0.5) * finer - 0.5
    for (first, second), kind in zip(np.round(ends).astype(int), seen.kind, strict=True):
        black = kind in (Kind.BLACK_SIDE, Kind.BLACK_FRONT)
        colour = BLACKS if black else WHITES if kind == Kind.GAP else ENDS
        cv2.line(canvas, tuple(map(int, first)), tuple(map(int, second)), colour, 1, cv2.LINE_AA)
    for note in keyboard.notes:
        if note % OCTAVE == 0:
            point = np.array([centre_m(note), NAME_Y_M, 0.0])
            if camera.in_optical_frame(point)[2] > 0:
                x, y = (int(v) for v in np.clip(camera.pixels(point) * finer, -999, 99999))
                name = f"C{note // OCTAVE - 1}"
                for colour, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
                    cv2.putText(
                        canvas,
                        name,
                        (x - 8, y),
                        cv2.FONT_HERSHEY_SIMPLEX,
                        0.5,
                        colour,
                        thick,
                        cv2.LINE_AA,
                    )
    return np.asarray(canvas)
