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

"""What a model's card says of simulated rooms that it was trained on."""

from __future__ import annotations

import numpy as np

from kpm_ros.estimate.familiarity import MIDDLE_M
from kpm_ros.simulate.rooms import ROOMS, RoomRange

FOUND_DEG, FOUND_SHARE = 2.0, 0.04
"""How far off cameras of these rooms may be registered, of angles and of distances: a room at the
edge of the range is still one of them."""


def familiar_rooms(within: RoomRange = ROOMS) -> dict[str, list[float]]:
    """Lowest and highest of each measure of `estimate.familiarity` in rooms of a range."""
    counts = [1 + count for count, share in enumerate(within.cameras) if share > 0]
    widths = [width for width, _ in within.image_sizes]
    low_m, high_m = within.distance_m
    middle = np.array(within.part).mean(axis=1).tolist()
    return {
        **{name: [value, value] for name, value in zip(MIDDLE_M, middle, strict=True)},
        "cameras": [float(min(counts)), float(max(counts))],
        "distance_m": [low_m * (1 - FOUND_SHARE), high_m * (1 + FOUND_SHARE)],
        "elevation_deg": _about(within.elevation_deg),
        "apart_deg": _about(within.apart_deg),
        "field_of_view_deg": _about(within.field_of_view_deg),
        "width_px": [float(min(widths)), float(max(widths))],
    }


def _about(degrees: tuple[float, float]) -> list[float]:
    return [degrees[0] - FOUND_DEG, degrees[1] + FOUND_DEG]
