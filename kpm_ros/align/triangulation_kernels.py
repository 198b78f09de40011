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

"""Points in space from what cameras see of them at the same instant, compiled.

Each view gives a ray of every point, which is as sure as its pixels are, and a depth along that
ray, which is as sure as the hand's size and the tracker's relative depth are. A point is where all
of them agree best (weighted least squares, in closed form). Where rays of a point contradict each
other, one of them is left out: the one without which the point is nearest to where it was and to
its bones' lengths.

What two views or key strikes tell is learnt: how large the hand is in each view, and how far the
tracker's depth of each point is off. What two views tell is the mean over the last few spans of
time, so that who begins to look later soon knows the same.
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

SPANS = 4
"""What two views tell is averaged over so many spans of time."""
STEP = 1e-4
"""What is learnt so is known to a tenth of a millimetre, or of a thousandth of a hand's size."""
ENOUGH_S = 0.1
"""A span in which they tell something for less time than this counts for nothing."""
LONGEST_GAP_S = 0.1
"""Instants further apart say nothing of how points move between them."""
SIZE_FLOOR = 0.005
"""Error that remains of the size of a hand that is known, relative to it."""
KNOWN_AFTER_S, BONES_KNOWN_AFTER_S = 0.1, 0.03
"""After so much time in two views, half of what was not known of a hand's size is, and of bones."""
SPEED_M_S = 0.4
"""By how much of their own points move, beside the hand as a whole."""
BONE_ERROR_M, UNKNOWN_BONE_ERROR_M = 0.003, 0.02
LEAST_DEPTH_M = 0.05
FARTHEST_STRIKE = 9.0
"""In squared standard errors."""
KEY_NEAREST_M, KEY_FARTHEST_M = -0.01, 0.15
"""Where along a key a finger may press it."""
HIDDEN_FACTOR = 10.0
"""How much worse than others a point is that the tracker itself calls hidden."""
ALONE, APART, SETTLED, AGREED = 0, 1, 2, 3
"""A point that one view sees, whose views contradict each other, that was settled, or agreed on."""


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
def invert(a: Floats, out: Floats) -> bool:
    """Invert a symmetric matrix, both as xx, xy, xz, yy, yz, zz; False where it has no inverse."""
    c0 = a[3] * a[5] - a[4] * a[4]
    c1 = a[2] * a[4] - a[1] * a[5]
    c2 = a[1] * a[4] - a[2] * a[3]
    size = a[0] * c0 + a[1] * c1 + a[2] * c2
    if not size > 1e-12 * a[0] * a[3] * a[5]:
        return False
    out[0], out[1], out[2] = c0 / size, c1 / size, c2 / size
    out[3] = (a[0] * a[5] - a[2] * a[2]) / size
    out[4] = (a[1] * a[2] - a[0] * a[4]) / size
    out[5] = (a[0] * a[3] - a[1] * a[1]) / size
    return True


@compiled
def times_vector(a: Floats, b: Floats, out: Floats) -> None:
    """Symmetric matrix times a vector."""
    out[0] = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    out[1] = a[1] * b[0] + a[3] * b[1] + a[4] * b[2]
    out[2] = a[2] * b[0] + a[4] * b[1] + a[5] * b[2]


@compiled
def add_view(
    place: Floats, ray: Floats, depth: float, across: float, along: float, a: Floats, b: Floats
) -> None:
    """Add what one view says of a point to the normal equations.

    `ray` is 1 long in depth; `across` and `along` are the weights of its place and of its depth.
    """
    length = np.sqrt(ray[0] * ray[0] + ray[1] * ray[1] + ray[2] * ray[2])
    x, y, z = ray[0] / length, ray[1] / length, ray[2] / length
    along = along / (length * length)
    less = across - along
    a[0] += across - less * x * x
    a[1] -= less * x * y
    a[2] -= less * x * z
    a[3] += across - less * y * y
    a[4] -= less * y * z
    a[5] += across - less * z * z
    on = x * place[0] + y * place[1] + z * place[2]
    push = along * (on + depth * length) - across * on
    b[0] += across * place[0] + push * x
    b[1] += across * place[1] + push * y
    b[2] += across * place[2] + push * z


@compiled
def misfit(
    place: Floats, ray: Floats, depth: float, across: float, along: float, at: Floats
) -> float:
    """By how much a point contradicts what a view says of it, in squared standard errors."""
    square = ray[0] * ray[0] + ray[1] * ray[1] + ray[2] * ray[2]
    total, on = 0.0, 0.0
    for k in range(3):
        off = at[k] - place[k]
        total += off * off
        on += off * ray[k]
    on /= square
    return across * max(0.0, total - on * on * square) + along * (on - depth) ** 2


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


@compiled
def meet(
    p: int,
    left_out: int,
    used: Bytes,
    cameras: Cameras,
    sight: Sight,
    expected: Floats,
    near: float,
    at: Floats,
    inverse: Floats,
) -> bool:
    """Find the point that agrees best with the views used but one, and with what is expected."""
    a, b = np.zeros(6), np.zeros(3)
    for v in range(len(used)):
        if used[v, p] and v != left_out:
            add_view(
                cameras.places[v],
                sight.ray[v, p],
                sight.depth[v, p],
                sight.weight[v, p],
                sight.along[v, p],
                a,
                b,
            )
    a[0] += near
    a[3] += near
    a[5] += near
    for k in range(3):
        b[k] += near * expected[k]
    if not invert(a, inverse):
        return False
    times_vector(inverse, b, at)
    return True


@compiled
def keep(
    p: int, at: Floats, inverse: Floats, worse: float, points: Floats, covariance: Floats
) -> None:
    """Put a point down, and its covariance, so many times worse."""
    for k in range(3):
        points[p, k] = at[k]
    for k in range(6):
        covariance[p, k] = worse * inverse[k]


@compiled
def disagreement(
    p: int, left_out: int, used: Bytes, cameras: Cameras, sight: Sight, depths: float, at: Floats
) -> float:
    """By how much a point contradicts the views used but one, in squared standard errors.

    Their depths count `depths` times.
    """
    cost = 0.0
    for v in range(len(used)):
        if used[v, p] and v != left_out:
            cost += misfit(
                cameras.places[v],
                sight.ray[v, p],
                sight.depth[v, p],
                sight.weight[v, p],
                depths * sight.along[v, p],
                at,
            )
    return cost


@compiled
def agree(
    used: Bytes,
    cameras: Cameras,
    limits: Limits,
    before: Floats,
    sight: Sight,
    points: Floats,
    covariance: Floats,
    state: Integers,
    shift: Floats,
) -> int:
    """Find each point from all its views, and count those on which they agree; -1: points lack.

    `shift` is by how much those have moved on the whole.
    """
    at, inverse = np.empty(3), np.empty(6)
    agreed, moved = 0, 0
    for k in range(3):
        shift[k] = 0.0
    for p in range(len(state)):
        rays = 0
        for v in range(len(used)):
            rays += used[v, p]
        if rays == 0 or not meet(p, -1, used, cameras, sight, shift, 0.0, at, inverse):
            return -1
        keep(p, at, inverse, 1.0, points, covariance)
        state[p] = ALONE if rays == 1 else APART
        if rays == 1:
            continue
        if disagreement(p, -1, used, cameras, sight, 0.0, at) <= limits.outlier * (2 * rays - 3):
            state[p] = AGREED
            agreed += 1
            if before[p, 3] > 0.0:
                moved += 1
                for k in range(3):
                    shift[k] += at[k] - before[p, k]
    for k in range(3):
        shift[k] /= max(moved, 1)
    return agreed


@compiled
def depth_in(v: int, cameras: Cameras, point: Floats) -> float:
    """How far ahead of a camera a point is."""
    deep = 0.0
    for k in range(3):
        deep += cameras.turns[v, 2, k] * (point[k] - cameras.places[v, k])
    return deep


@compiled
def fit_depths(
    used: Bytes,
    usable: Bytes,
    cameras: Cameras,
    limits: Limits,
    learnt: Learnt,
    sight: Sight,
    points: Floats,
    state: Integers,
) -> None:
    """How deep the hand is in each view by points on which views agree, and so the others."""
    for v in range(len(used)):
        over, plain, under = 0.0, 0.0, 0.0
        for p in range(len(state)):
            if usable[v] and state[p] == AGREED and used[v, p]:
                deep = depth_in(v, cameras, points[p])
                plain += deep * sight.relative[v, p]
                over += (deep - learnt.offset[v, p]) * sight.relative[v, p]
                under += sight.relative[v, p] * sight.relative[v, p]
        if under > 0.0:
            # What is learnt must not depend on what was learnt before.
            sight.fitted[v] = plain / under
            for p in range(len(state)):
                if state[p] != AGREED:
                    expect_depths(v, over / under, 0.0, cameras, limits, sight, learnt, p)


@compiled
def distance(one: Floats, other: Floats) -> float:
    """How far two points are apart."""
    square = 0.0
    for k in range(3):
        square += (one[k] - other[k]) ** 2
    return np.sqrt(square)


@compiled
def bones_apart(
    p: int, at: Floats, points: Floats, state: Integers, hand: Hand, learnt: Learnt, most: float
) -> tuple[float, int]:
    """By how much a point is not where its bones would have it, in squared standard errors.

    And how many more of them are off by more than `most` than are not.
    """
    cost, more = 0.0, 0
    unknown = BONES_KNOWN_AFTER_S / (BONES_KNOWN_AFTER_S + learnt.known_s[-1])
    error = BONE_ERROR_M + UNKNOWN_BONE_ERROR_M * unknown
    for j in range(len(hand.bones)):
        q = hand.bones[j, 0] + hand.bones[j, 1] - p
        ends_here = hand.bones[j, 0] == p or hand.bones[j, 1] == p
        if ends_here and learnt.bone[j] > 0.0 and state[q] >= SETTLED:
            off = ((distance(at, points[q]) - learnt.bone[j]) / error) ** 2
            more += 1 if off > most else -1
            cost += off
    return cost, more


@compiled
def settle(
    p: int,
    gap_s: float,
    used: Bytes,
    cameras: Cameras,
    hand: Hand,
    learnt: Learnt,
    before: Floats,
    sight: Sight,
    shift: Floats,
    points: Floats,
    covariance: Floats,
    state: Integers,
) -> None:
    """Find a point that one view sees, or without the one of its views that all else contradicts.

    All else are its bones, and where it would be had it moved as the hand has.
    """
    at, inverse, expected = np.empty(3), np.empty(6), np.empty(3)
    near, rays = 0.0, 0
    for k in range(3):
        expected[k] = before[p, k] + shift[k]
    if state[p] == APART and before[p, 3] > 0.0 and gap_s <= LONGEST_GAP_S:
        near = 1.0 / (before[p, 3] + (SPEED_M_S * gap_s) ** 2)
    for v in range(len(used)):
        rays += used[v, p]
    lowest, gone = np.inf, -1
    for v in range(-1, len(used)):
        # -1 leaves nobody out: there is only one.
        if (v < 0) == (state[p] == APART) or (v >= 0 and not used[v, p]):
            continue
        if not meet(p, v, used, cameras, sight, expected, near, at, inverse):
            continue
        cost = disagreement(p, v, used, cameras, sight, 1.0, at)
        cost += bones_apart(p, at, points, state, hand, learnt, 0.0)[0]
        for k in range(3):
            cost += near * (at[k] - expected[k]) ** 2
        if cost < lowest:
            lowest, gone = cost, v
            # What fits badly even so is less sure than its rays.
            worse = max(1.0, cost / (2.0 * rays + 1.0))
            keep(p, at, inverse, worse, points, covariance)
    if gone >= 0:
        used[gone, p] = 0
    state[p] = SETTLED


@compiled
def learn_from_views(
    step_s: float,
    used: Bytes,
    cameras: Cameras,
    hand: Hand,
    limits: Limits,
    learnt: Learnt,
    sight: Sight,
    points: Floats,
    state: Integers,
) -> None:
    """Add up the hand's size, what its depths are off, and its bones."""
    views = len(used)
    for v in range(views):
        if sight.fitted[v] <= 0.0 or sight.size[v] <= 0.0:
            continue
        told = learnt.sums[0, v]
        told[-1] += step_s
        told[0] += step_s * sight.fitted[v] / sight.size[v]
        for p in range(len(state)):
            off = learnt.offset[v, p]
            if state[p] == AGREED and used[v, p]:
                off = depth_in(v, cameras, points[p]) - sight.fitted[v] * sight.relative[v, p]
            told[1 + p] += step_s * off
    told = learnt.sums[0, views]
    told[-1] += step_s
    for j in range(len(hand.bones)):
        p, q = hand.bones[j, 0], hand.bones[j, 1]
        long = learnt.bone[j]
        if state[p] == AGREED and state[q] == AGREED:
            long = distance(points[p], points[q])
        told[1 + j] += step_s * long


@compiled
def known_time(v: int, learnt: Learnt) -> float:
    """For how long something was told."""
    total = 0.0
    for k in range(1, SPANS + 1):
        total += learnt.sums[k, v, -1]
    return total


@compiled
def mean_of(v: int, column: int, learnt: Learnt) -> float:
    """Mean of one of the sums over that time."""
    total = 0.0
    for k in range(1, SPANS + 1):
        total += learnt.sums[k, v, column]
    # Who began at other times comes so near that this makes the same of it.
    return np.round(total / known_time(v, learnt) / STEP) * STEP


@compiled
def know_view(v: int, limits: Limits, learnt: Learnt) -> None:
    """Take over what the sums say of one view."""
    known_s = known_time(v, learnt)
    learnt.known_s[v] = known_s
    learnt.scale[v] = mean_of(v, 0, learnt)
    left = KNOWN_AFTER_S / (KNOWN_AFTER_S + known_s)
    learnt.scale_error[v] = np.sqrt(
        SIZE_FLOOR * SIZE_FLOOR + limits.size_error * limits.size_error * left
    )
    for p in range(learnt.offset.shape[1]):
        learnt.offset[v, p] = mean_of(v, 1 + p, learnt)


@compiled
def know_bones(learnt: Learnt) -> None:
    """Take over what the sums say of the bones, behind those of the views."""
    views = len(learnt.scale)
    learnt.known_s[views] = known_time(views, learnt)
    for j in range(len(learnt.bone)):
        learnt.bone[j] = mean_of(views, 1 + j, learnt)


@compiled
def take_over(limits: Limits, learnt: Learnt) -> None:
    """Put what a span has told behind the others, where it is enough, and know it from now on."""
    spans, rows, columns = learnt.sums.shape
    for v in range(rows):
        enough = learnt.sums[0, v, -1] >= ENOUGH_S
        for k in range(spans - 1 if enough else 0, 0, -1):
            for c in range(columns):
                learnt.sums[k, v, c] = learnt.sums[k - 1, v, c]
        for c in range(columns):
            learnt.sums[0, v, c] = 0.0
        if enough and v < rows - 1:
            know_view(v, limits, learnt)
        elif enough:
            know_bones(learnt)


@compiled
def learn_from_strike(
    v: int, strike: Floats, cameras: Cameras, hand: Hand, learnt: Learnt, sight: Sight
) -> None:
    """Learn the hand's size in the only view that sees it from a key that went down.

    One tip is there: it is the one whose ray passes nearest, at about the depth expected.
    """
    place = cameras.places[v]
    across, up = 1.0 / strike[3] ** 2, 1.0 / strike[4] ** 2
    to_x, to_z = strike[1] - place[0], strike[2] - place[2]
    scale, size, scale_error = learnt.scale[v], sight.size[v], learnt.scale_error[v]
    lowest, target, error = FARTHEST_STRIKE, 0.0, 0.0
    for p in hand.tips:
        x, y, z = sight.ray[v, p, 0], sight.ray[v, p, 1], sight.ray[v, p, 2]
        firm = across * x * x + up * z * z
        deep = (across * x * to_x + up * z * to_z) / firm
        if not KEY_NEAREST_M <= place[1] + deep * y <= KEY_FARTHEST_M:
            continue
        whole = size * sight.relative[v, p]
        expected = scale * whole + learnt.offset[v, p]
        variance = 1.0 / firm + 1.0 / sight.along[v, p]
        cost = across * (deep * x - to_x) ** 2 + up * (deep * z - to_z) ** 2
        cost += (deep - expected) ** 2 / variance
        if cost < lowest:
            lowest, target = cost, (deep - learnt.offset[v, p]) / whole
            error = (variance - (scale_error * expected) ** 2) / (whole * whole)
    if lowest < FARTHEST_STRIKE:
        gain = scale_error**2 / (scale_error**2 + max(error, 0.0))
        learnt.scale[v] += gain * (target - scale)
        learnt.scale_error[v] = max(SIZE_FLOOR, np.sqrt(1.0 - gain) * scale_error)


@compiled
def solve_hands(
    gaps_s: Floats,
    learns: int,
    seen: NDArray[np.float32],
    usable: Bytes,
    doubt: Floats,
    strikes: Floats,
    cameras: Cameras,
    hand: Hand,
    limits: Limits,
    learnt: Learnt,
    before: Floats,
    points: Floats,
    covariance: Floats,
    used: Bytes,
    found: Bytes,
) -> None:
    """Find the points of a hand at each of some instants, and learn from them if that is wanted.

    `before`, (points, 4), is where points were, and their variance; it is written to. `gaps_s` is
    the time since the instant before each; `seen` is (instants, views, points, 4): x, y, relative
    depth, visibility; `usable` and `doubt`, in metres, are (instants, views); `strikes` (strikes,
    5): at which instant, x and z of the key, their errors.
    """
    views, count = seen.shape[1], seen.shape[2]
    sight = Sight(
        np.empty((views, count, 3)),
        np.empty((views, count)),
        np.empty((views, count)),
        np.empty((views, count)),
        np.empty((views, count)),
        np.empty(views),
        np.empty(views),
    )
    shift, state = np.empty(3), np.empty(count, np.int64)
    for i in range(len(gaps_s)):
        look(seen[i], usable[i], doubt[i], cameras, hand, limits, learnt, sight, used[i])
        agreed = agree(
            used[i], cameras, limits, before, sight, points[i], covariance[i], state, shift
        )
        found[i] = agreed >= 0
        if agreed < 0:
            continue
        if agreed > 0:
            fit_depths(used[i], usable[i], cameras, limits, learnt, sight, points[i], state)
        for p in range(count):
            # Rays of two points may meet by chance; but then it is not where the bones end.
            if state[p] == AGREED and (
                bones_apart(p, points[i, p], points[i], state, hand, learnt, limits.outlier)[1] > 0
            ):
                state[p] = APART
                agreed -= 1
            if state[p] == APART or (state[p] == ALONE and agreed > 0):
                settle(
                    p,
                    gaps_s[i],
                    used[i],
                    cameras,
                    hand,
                    learnt,
                    before,
                    sight,
                    shift,
                    points[i],
                    covariance[i],
                    state,
                )
        step_s = min(gaps_s[i], LONGEST_GAP_S)
        if learns and 2 * agreed > count and step_s > 0.0:
            learn_from_views(
                step_s, used[i], cameras, hand, limits, learnt, sight, points[i], state
            )
        for j in range(len(strikes) if learns else 0):
            for v in range(views):
                if strikes[j, 0] == i and 2 * agreed <= count and sight.size[v] > 0.0:
                    learn_from_strike(v, strikes[j], cameras, hand, learnt, sight)
        for p in range(count):
            spread = covariance[i, p, 0] + covariance[i, p, 3] + covariance[i, p, 5]
            for k in range(3):
                before[p, k] = points[i, p, k]
            before[p, 3] = spread / 3.0
