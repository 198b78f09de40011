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

"""Whether a room's cameras, each in its place, make sense together."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, permutations

import numpy as np

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.registration import Registration

NAMED = {
    "top": lambda place: place[2],
    "above": lambda place: place[2],
    "overhead": lambda place: place[2],
    "right": lambda place: place[0],
    "left": lambda place: -place[0],
    "front": lambda place: -place[1],
}
"""Names that say where a camera stands: how much a direction is that one."""
MIDDLE = np.array([0.61, 0.05, 0.0])
SAME_PLACE_M = 0.12
ONE_CAMERA_M = 0.01
"""Two cameras do not stand so near each other."""
OTHER_PLACE_M = 0.3
CLEARLY = 0.4


def direction(camera: Camera) -> np.ndarray:
    """Say in which direction a camera stands from the keyboard's middle, with length 1."""
    away = camera.position - MIDDLE
    return np.asarray(away / np.linalg.norm(away))


def swapped_names(cameras: Mapping[str, Camera]) -> str:
    """Say which views seem to have each other's names; empty where they fit."""
    named = {view: direction(camera) for view, camera in cameras.items() if view in NAMED}
    for one, other in combinations(named, 2):
        ours, theirs = NAMED[one], NAMED[other]
        as_named = ours(named[one]) + theirs(named[other])
        exchanged = ours(named[other]) + theirs(named[one])
        if exchanged > as_named + CLEARLY:
            return _sentence(one, other, "where they stand")
    return ""


def swapped_since(cameras: Mapping[str, Camera], before: Registration) -> str:
    """Say which views have exchanged their places since the file was written."""
    old = before.places
    both = [view for view in cameras if view in old]
    for one, other in permutations(both, 2):
        far = _apart(cameras[one], old[one]) > OTHER_PLACE_M
        there = max(_apart(cameras[one], old[other]), _apart(cameras[other], old[one]))
        if far and there < SAME_PLACE_M:
            return _sentence(one, other, "the file, in which each stood where the other is now")
    return ""


def shown_twice(cameras: Mapping[str, Camera]) -> str:
    """Say which views are of one camera, which tells no depth; empty where each has its own."""
    for one, other in combinations(cameras, 2):
        if _apart(cameras[one], cameras[other]) < ONE_CAMERA_M:
            return f"the views {one!r} and {other!r} are of one camera: give each view its own"
    return ""


def _apart(one: Camera, other: Camera) -> float:
    return float(np.linalg.norm(one.position - other.position))


def _sentence(one: str, other: str, by: str) -> str:
    return f"the views {one!r} and {other!r} seem to be swapped, judging by {by}"
