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

Each view says what it sees (`look_kernels`); a point is where they agree best (`meet_kernels`).
Where rays of a point contradict each other, one of them is left out: the one without which the
point is nearest to where it was and to its bones' lengths. What two views or key strikes tell is
learnt (`learn_kernels`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.learn_kernels import AGREED, learn_from_strike, learn_from_views
from kpm_ros.align.look_kernels import (
    Bytes,
    Cameras,
    Floats,
    Hand,
    Integers,
    Learnt,
    Limits,
    Sight,
    expect_depths,
    look,
)
from kpm_ros.align.meet_kernels import depth_in, disagreement, distance, keep, meet
from kpm_ros.core.compilation import compiled

ALONE, APART, SETTLED = 0, 1, 2
"""A point that one view sees, whose views contradict each other, or that was settled; else it is
AGREED."""
LONGEST_GAP_S = 0.1
"""Instants further apart say nothing of how points move between them."""
SPEED_M_S = 0.4
"""By how much of their own points move, beside the hand as a whole."""
BONE_ERROR_M, UNKNOWN_BONE_ERROR_M = 0.003, 0.02
BONES_KNOWN_AFTER_S = 0.03
"""After so much time in two views, half of what was not known of bones is."""


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
