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

"""What is learnt of a hand from two views, or from keys that it strikes, compiled.

That is how large the hand is in each view, and how far the tracker's depth of each point is off.
What two views tell is the mean over the last few spans of time, so that who begins to look later
soon knows the same.
"""

from __future__ import annotations

import numpy as np

from kpm_ros.align.look_kernels import Bytes, Cameras, Floats, Hand, Integers, Learnt, Limits, Sight
from kpm_ros.align.meet_kernels import depth_in, distance
from kpm_ros.core.compilation import compiled

SPANS = 4
"""What two views tell is averaged over so many spans of time."""
STEP = 1e-4
"""What is learnt so is known to a tenth of a millimetre, or of a thousandth of a hand's size."""
ENOUGH_S = 0.1
"""A span in which they tell something for less time than this counts for nothing."""
SIZE_FLOOR = 0.005
"""Error that remains of the size of a hand that is known, relative to it."""
KNOWN_AFTER_S = 0.1
"""After so much time in two views, half of what was not known of a hand's size is."""
FARTHEST_STRIKE = 9.0
"""In squared standard errors."""
KEY_NEAREST_M, KEY_FARTHEST_M = -0.01, 0.15
"""Where along a key a finger may press it."""
AGREED = 3
"""State of a point on whose place views agree."""


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
