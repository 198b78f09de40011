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

"""Cameras set up around a keyboard, for tests with rendered pictures."""

from __future__ import annotations

import numpy as np

from kpm_ros.align.keyboard_finder.outline import outline
from kpm_ros.core.camera_model import Camera, facing

SIZE = (800, 450)


def camera_at(place, look_at=(0.61, 0.06, 0.0), size=SIZE, view_deg=65.0, roll_deg=0.0, bend=0.0):
    """Put a camera somewhere in the keyboard's frame; from right above, y is up in its picture."""
    ahead = np.subtract(look_at, place)
    steep = abs(ahead[2]) > 0.98 * np.linalg.norm(ahead)
    turn = facing(ahead, (0.0, 1.0, 0.0) if steep else (0.0, 0.0, 1.0))
    cos, sin = np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]]) @ turn
    width, height = size
    focal = float(width / 2 / np.tan(np.radians(view_deg / 2)))
    lens = (focal, focal, (width - 1) / 2, (height - 1) / 2)
    return Camera(size, lens, (bend, 0.0, 0.0, 0.0, 0.0)).at(turn, -turn @ np.array(place))


def errors_mm(true, found, keyboard):
    """How far, on the keys, each border that is seen is from where the found camera has it."""
    points = outline(keyboard, true).points
    points = points[points[:, 2] == 0]
    on_keys = found.on_level(found.slopes(true.project(points)), 0.0)
    return 1e3 * np.linalg.norm(on_keys - points[:, :2], axis=-1)
