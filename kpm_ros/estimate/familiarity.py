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

"""Whether a model was trained on rooms like this: what its card says, against where cameras are.

A card's `familiar` holds the lowest and highest value of each measure that training had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from kpm_ros.core.registration import Registration

MIDDLE_M = ("middle_x_m", "middle_y_m", "middle_z_m")
"""The point from which the cameras of training were measured; its lowest and highest are alike."""

MEASURES: Mapping[str, tuple[str, str]] = {
    "cameras": ("cameras", "{:.0f}"),
    "distance_m": ("metres from the keys", "{:.2f}"),
    "elevation_deg": ("degrees above the keys", "{:.0f}"),
    "apart_deg": ("degrees between two cameras' directions", "{:.0f}"),
    "field_of_view_deg": ("degrees of view across", "{:.0f}"),
    "width_px": ("pixels across", "{:.0f}"),
}
"""Measures of rooms, with their unit in words and how they are written."""


def room_measures(
    registration: Registration, middle_m: Sequence[float]
) -> dict[str, list[tuple[str, float]]]:
    """Measure a room: each measure's values, and of which cameras each is."""
    cameras = registration.places
    away = {view: camera.position - np.asarray(middle_m) for view, camera in cameras.items()}
    ahead = {view: one / np.linalg.norm(one) for view, one in away.items()}
    return {
        "cameras": [("the room", float(len(cameras)))],
        "distance_m": [
            (f"camera {view!r}", float(np.linalg.norm(one))) for view, one in away.items()
        ],
        "elevation_deg": [
            (f"camera {view!r}", float(np.rad2deg(np.arcsin(one[2]))))
            for view, one in ahead.items()
        ],
        "apart_deg": [
            (
                f"the pair {first!r} and {second!r}",
                float(np.rad2deg(np.arccos(np.clip(ahead[first] @ ahead[second], -1, 1)))),
            )
            for first, second in combinations(cameras, 2)
        ],
        "field_of_view_deg": [
            (
                f"camera {view!r}",
                float(2 * np.rad2deg(np.arctan(camera.image_size[0] / 2 / camera.lens[0]))),
            )
            for view, camera in cameras.items()
        ],
        "width_px": [
            (f"camera {view!r}", float(camera.image_size[0])) for view, camera in cameras.items()
        ],
    }


def strange_room(familiar: Mapping[str, Sequence[float]], registration: Registration | None) -> str:
    """Say what about a room no training has seen; empty = nothing, or the card says nothing."""
    if registration is None or not registration.cameras or not set(MIDDLE_M) <= set(familiar):
        return ""
    measured = room_measures(registration, [familiar[name][0] for name in MIDDLE_M])
    for name, values in measured.items():
        if name not in familiar:
            continue
        low, high = familiar[name]
        words, form = MEASURES[name]
        for whose, value in values:
            if not low <= value <= high:
                return (
                    f"{whose} has {form.format(value)} {words}, but the model was trained with "
                    f"{form.format(low)} to {form.format(high)}: move it, register it again, or "
                    "train a model with such rooms"
                )
    return ""
