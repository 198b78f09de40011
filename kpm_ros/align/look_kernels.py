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

"""What each view says by itself of a hand at one instant, compiled.

Each view gives a ray of every point, which is as sure as its pixels are, and a depth along that
ray, which is as sure as the hand's size and the tracker's relative depth are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import compiled

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

LENS_CELLS = 64
"""Of the table of each lens, across and down the part of the plane that it covers."""
LENS_MARGIN = 0.25
"""How much of its size around the image that table covers."""
LEAST_DEPTH_M = 0.05
HIDDEN_FACTOR = 10.0
"""How much worse than others a point is that the tracker itself calls hidden."""


class Cameras(NamedTuple):
    """Where views look from, and through which lens."""

    lens: Floats
    places: Floats
    turns: Floats
    noise: Floats
    """Of a ray, as a slope."""
    focal: Floats
    """In image widths."""


class Hand(NamedTuple):
    """What is known of any hand."""

    bones: Integers
    lengths: Floats
    tips: Integers


class Limits(NamedTuple):
    """What is believed."""

    outlier: float
    """Squared, in standard errors."""
    depth_error: float
    """Of a point relative to the root, in image widths."""
    size_error: float
    least_visible: float


class Learnt(NamedTuple):
    """What is known of this hand by now; written to."""

    scale: Floats
    """Of each view: how large the hand is in it, over the usual hand."""
    scale_error: Floats
    known_s: Floats
    """For how long that was learnt, of each view and, last, of the bones."""
    offset: Floats
    """(views, points): by how much the tracker's depths are off."""
    bone: Floats
    sums: Floats
    """(spans + 1, views + 1, 1 + most points or bones + 1): what each span adds up to, the one that
    is being looked back on first; of each view the size, each point's depth, and the time; last, of
    the bones."""


class Sight(NamedTuple):
    """What each view says of one instant."""

    ray: Floats
    """(views, points, 3): 1 long in depth."""
    relative: Floats
    """Depth over the root's."""
    depth: Floats
    weight: Floats
    """Of a ray, across it."""
    along: Floats
    """Of a depth."""
    size: Floats
    """Of each view: how deep the root of a usual hand would be; 0 where that cannot be told."""
    fitted: Floats
    """How deep it is by points whose views agree."""


@compiled
def look_up(table: Floats, x: float, y: float, out: Floats) -> bool:
    """Undistorted slopes of a place in an image, from its lens's table; False outside of it."""
    span = 1.0 + 2.0 * LENS_MARGIN
    across = (x + LENS_MARGIN) / span * LENS_CELLS
    down = (y + LENS_MARGIN) / span * LENS_CELLS
    if not (0.0 <= across <= LENS_CELLS and 0.0 <= down <= LENS_CELLS):
        return False
    column, row = min(int(across), LENS_CELLS - 1), min(int(down), LENS_CELLS - 1)
    u, v = across - column, down - row
    for k in range(2):
        above = (1 - u) * table[row, column, k] + u * table[row, column + 1, k]
        below = (1 - u) * table[row + 1, column, k] + u * table[row + 1, column + 1, k]
        out[k] = (1 - v) * above + v * below
    return True


@compiled
def see_rays(
    v: int, seen: NDArray[np.float32], cameras: Cameras, limits: Limits, sight: Sight
) -> None:
    """Rays of all points in one view, their depths relative to the root's, and their weights."""
    slope, turn = np.empty(2), cameras.turns[v]
    for p in range(len(seen)):
        sight.relative[v, p] = min(3.0, max(0.3, 1.0 + seen[p, 2] / cameras.focal[v]))
        inside = look_up(cameras.lens[v], seen[p, 0], seen[p, 1], slope)
        sight.weight[v, p] = 1.0 / (cameras.noise[v] * cameras.noise[v]) if inside else 0.0
        if not seen[p, 3] >= limits.least_visible:
            sight.weight[v, p] /= HIDDEN_FACTOR * HIDDEN_FACTOR
        for k in range(3):
            sight.ray[v, p, k] = turn[2, k]
            if inside:
                sight.ray[v, p, k] += slope[0] * turn[0, k] + slope[1] * turn[1, k]


@compiled
def depth_of_usual_hand(v: int, sight: Sight, hand: Hand) -> float:
    """How deep the root is if the bones are as long as usual; 0 where that cannot be told."""
    over, under = 0.0, 0.0
    ray, relative, weight = sight.ray[v], sight.relative[v], sight.weight[v]
    for j in range(len(hand.bones)):
        p, q = hand.bones[j, 0], hand.bones[j, 1]
        if hand.lengths[j] > 0.0 and weight[p] > 0.0 and weight[q] > 0.0:
            square = 0.0
            for k in range(3):
                square += (ray[p, k] * relative[p] - ray[q, k] * relative[q]) ** 2
            over += hand.lengths[j] * np.sqrt(square)
            under += square
    return over / under if under > 0.0 else 0.0


@compiled
def expect_depths(
    v: int,
    root: float,
    root_error: float,
    cameras: Cameras,
    limits: Limits,
    sight: Sight,
    learnt: Learnt,
    p: int,
) -> None:
    """How deep a point is, from how deep the root is and how sure that is."""
    guess = root * sight.relative[v, p] + learnt.offset[v, p]
    sight.depth[v, p] = max(guess, LEAST_DEPTH_M)
    error = root * limits.depth_error / cameras.focal[v]
    sight.along[v, p] = 1.0 / (error * error + (root_error * sight.depth[v, p]) ** 2)


@compiled
def look(
    seen: NDArray[np.float32],
    usable: Bytes,
    doubt: Floats,
    cameras: Cameras,
    hand: Hand,
    limits: Limits,
    learnt: Learnt,
    sight: Sight,
    used: Bytes,
) -> None:
    """What each view says by itself."""
    for v in range(len(usable)):
        sight.size[v] = sight.fitted[v] = 0.0
        if not usable[v]:
            continue
        see_rays(v, seen[v], cameras, limits, sight)
        size = depth_of_usual_hand(v, sight, hand)
        sight.size[v] = size
        for p in range(seen.shape[1]):
            used[v, p] = sight.weight[v, p] > 0.0
            sight.along[v, p] = 0.0
            if size > 0.0:
                expect_depths(
                    v,
                    learnt.scale[v] * size,
                    learnt.scale_error[v],
                    cameras,
                    limits,
                    sight,
                    learnt,
                    p,
                )
            else:
                sight.depth[v, p] = 1.0
            if used[v, p]:
                error = sight.depth[v, p] ** 2 / sight.weight[v, p] + doubt[v] ** 2
                sight.weight[v, p] = 1.0 / error
