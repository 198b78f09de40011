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

"""A body's outline and where its muscles are on it, read from config/bodies/outline.yaml."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_yaml import read_yaml
from kpm_ros.core.resources import config_dir

Points = NDArray[np.float64]
SIDES = {"L": 1.0, "R": -1.0}
"""The person's, and the sign of x there."""
VIEWS = ("front", "back")
_SMOOTH = 8
"""Points of a drawn curve for each one of a contour."""
_SIDED = re.compile(r"^(?:(left|right|l|r)[ _-]?)?(.*?)(?:[ _-](left|right|l|r))?$", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Region:
    """One muscle of one side on the outline."""

    name: str
    side: str
    view: str
    contour: Points
    """Smooth and closed, x to the person's left."""
    bone: tuple[str, str]
    """Points that it moves with, as skeletons call them."""
    ends: Points
    """Where those are on the outline."""


@dataclass(frozen=True, eq=False)
class Outline:
    """A body standing, in heads: x to the person's left, y from the crown down."""

    contours: tuple[Points, ...]
    """Head and body."""
    regions: tuple[Region, ...]

    def find(self, muscles: Sequence[str]) -> dict[str, Region]:
        """Find where muscles are, by what a data set calls them; unknown ones are left out."""
        found = {}
        for muscle in muscles:
            region = self._one(muscle)
            if region is not None:
                found[muscle] = region
        if not found:
            raise ValueError(
                f"none of the muscles {', '.join(muscles)} is one that the body's outline has: "
                f"{', '.join(dict.fromkeys(region.name for region in self.regions))}, each with "
                "its side, such as LQuad or biceps_r"
            )
        return found

    def _one(self, muscle: str) -> Region | None:
        for side, word in sided(muscle):
            for region in self.regions:
                if region.side == side and word in _words(region.name):
                    return region
        return None


def sided(muscle: str) -> list[tuple[str, str]]:
    """Read a muscle's name in every way in which it could name a side: LQuad, quads_l, left lat."""
    found = _SIDED.match(muscle.strip())
    assert found is not None
    before, word, after = found.groups()
    side = (before or after or "").upper()[:1]
    return [(side, "".join(c for c in word.casefold() if c.isalnum()))] if side else []


@lru_cache(maxsize=1)
def _raw() -> dict[str, Any]:
    content: dict[str, Any] = read_yaml(config_dir() / "bodies" / "outline.yaml")
    return content


def _words(name: str) -> tuple[str, ...]:
    return next(tuple(one["words"]) for one in _raw()["muscles"] if one["name"] == name)


@lru_cache(maxsize=1)
def outline() -> Outline:
    """Read the outline, which is the same for everybody."""
    raw = _raw()
    half = np.array(raw["outline"], np.float64)
    mirrored = half[::-1] * (-1, 1)
    # The two ends lie in the middle and are shared by both halves.
    body = smooth(np.concatenate([half, mirrored[1:-1]]))
    centre, size = (np.array(raw["head"][name], np.float64) for name in ("centre", "size"))
    around = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    head = centre + size * np.stack([np.sin(around), -np.cos(around)], axis=1)
    regions = []
    for one in raw["muscles"]:
        for side, sign in SIDES.items():
            turned = np.array((sign, 1.0))
            word = "left" if side == "L" else "right"
            regions.append(
                Region(
                    name=one["name"],
                    side=side,
                    view=one["view"],
                    contour=smooth(np.array(one["contour"], np.float64)) * turned,
                    bone=(f"{word}_{one['bone'][0]}", f"{word}_{one['bone'][1]}"),
                    ends=np.array([raw["points"][p] for p in one["bone"]], np.float64) * turned,
                )
            )
    return Outline((body, head), tuple(regions))


def smooth(points: Points) -> Points:
    """Draw a smooth closed curve through points (Catmull and Rom's)."""
    before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    later = np.roll(points, -2, axis=0)
    t = np.linspace(0, 1, _SMOOTH, endpoint=False)[None, :, None]
    p0, p1, p2, p3 = (p[:, None] for p in (before, points, after, later))
    curve = (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    ) / 2
    return curve.reshape(-1, 2)


def placed(region: Region, first: Points, second: Points, mirrored: bool = False) -> Points:
    """Turn, move and enlarge a muscle so that it lies along a bone seen in a picture.

    The picture's x points to its right, where the person's left is if they face the camera; of
    somebody seen from behind, the outline is mirrored.
    """
    turn = np.array((-1.0 if mirrored else 1.0, 1.0))
    start, end = region.ends * turn
    # As complex numbers, turning and enlarging are one multiplication.
    factor = complex(*(second - first)) / complex(*(end - start))
    around = region.contour * turn - start
    turned = (around[:, 0] + 1j * around[:, 1]) * factor
    return np.asarray(first + np.stack([turned.real, turned.imag], axis=1))
