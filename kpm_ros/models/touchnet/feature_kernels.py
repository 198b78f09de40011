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

"""Features of one frame, compiled: the same as `features.py` gives with torch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import compiled
from kpm_ros.core.keyboard import BLACK_FRONT_M, TRAVEL_M
from kpm_ros.models.touchnet.shapes import (
    BENEATH,
    BLACK_SOFT_M,
    CHORD,
    HEIGHTS,
    LIMIT,
    OFFSETS,
    SMALL,
    SMALLEST_SPREAD_M,
)

Array = NDArray[np.float32]
Places = NDArray[np.int64]

_OFFSETS = np.array(OFFSETS, np.float32)
_ONE, _ZERO = np.float32(1), np.float32(0)
_SMALL, _LIMIT, _HALF = np.float32(SMALL), np.float32(LIMIT), np.float32(0.5)
_FRONT, _SOFT, _TRAVEL = np.float32(BLACK_FRONT_M), np.float32(BLACK_SOFT_M), np.float32(TRAVEL_M)
_BENEATH = np.float32(BENEATH)
_SMALLEST_SPREAD = np.float32(SMALLEST_SPREAD_M)


class Sizes(NamedTuple):
    """Places of the parts among a frame's features; a part that is left out is empty."""

    hand: int
    """How many features describe the hand; as many say how they have changed."""
    touch: int
    touch_now: int
    """How many of those say how keys and fingertips are; the others say how fast keys move."""
    chord: int
    pose_optional: bool
    keys_optional: bool


class HandLayout(NamedTuple):
    """Where the views' points are in a row of the pose."""

    starts: Places
    """Of each view."""
    ends: Places
    """Of each view: behind its last point."""
    measures: Places
    """Of each view: how many columns come after that."""
    aspects: Array
    """Of each view: how much of y is as long as x is."""
    in_space: bool
    """Whether points are metres in the keyboard's frame."""
    dimensions: Places
    """Of each view."""
    palms: Places
    """Column of x of each point of each view's palm: (views, points)."""
    palm_sizes: Places
    """How many of those each view has."""
    tips: Places
    """Column of x of each fingertip in each view: (tips, views)."""


class Weights(NamedTuple):
    """A model's tensors, as they are read."""

    neutral_pose: Array
    neutral_keys: Array
    places: Array
    tops: Array
    place: Array
    offset: Array
    gain: Array
    inlet: Array
    inlet_bias: Array
    dilations: NDArray[np.int64]
    convs: Array
    linears: Array
    vectors: Array
    """Of each block: the norm's gain and shift, then both biases."""
    outlet: Array
    outlet_bias: Array
    fade: Array
    """How much of the step from the frame before is taken back, in each sample."""


class Memory(NamedTuple):
    """All that is kept of the frames before."""

    hand: Array
    depth: Array
    there: Array
    """Whether the last frame's pose and keys were there."""
    rings: Array
    """What each block was given, a row a frame, over and over from the first row."""
    edge: Array
    """The last sample of the frame before."""


@compiled
def describe_hand(pose: Array, views: HandLayout, hand: Array) -> None:
    """Landmarks from the palm's middle in units of its size, then the palm itself, a view.

    After each, what is said of its points: their age, and the logarithm of their spread.
    """
    target = 0
    for view in range(len(views.dimensions)):
        start, end = views.starts[view], views.ends[view]
        dimensions, count = views.dimensions[view], views.palm_sizes[view]
        palm = views.palms[view]
        x = y = z = square = _ZERO
        for i in range(count):
            x += pose[palm[i]]
            y += pose[palm[i] + 1]
            if dimensions > 2:
                z += pose[palm[i] + 2]
        x /= np.float32(count)
        y /= np.float32(count)
        z /= np.float32(count)
        for i in range(count):
            square += (pose[palm[i]] - x) ** 2
            square += ((pose[palm[i] + 1] - y) * views.aspects[view]) ** 2
            if dimensions > 2:
                square += (pose[palm[i] + 2] - z) ** 2
        size = np.sqrt(square / np.float32(count) + _SMALL)
        for column in range(start, end, dimensions):
            hand[target] = (pose[column] - x) / size
            hand[target + 1] = (pose[column + 1] - y) / size
            if dimensions > 2:
                hand[target + 2] = (pose[column + 2] - z) / size
            target += dimensions
        hand[target], hand[target + 1] = x, y
        if dimensions > 2:
            hand[target + 2] = z
        hand[target + dimensions] = np.log(size)
        target += dimensions + 1
        if views.measures[view] > 0:
            hand[target] = pose[end]
        if views.measures[view] > 1:
            hand[target + 1] = np.log(max(pose[end + 1], _SMALLEST_SPREAD))
        target += views.measures[view]


@compiled
def sum_near_keys(middle: np.float32, places: Array, level: Array) -> np.float32:
    """Add up what the keys within a white key's width of a place do, nearer ones more."""
    total = _ZERO
    for key in range(len(places)):
        near = _ONE - abs(places[key] - middle)
        if near > 0:
            total += near * level[key]
    return total


@compiled
def describe_touch(
    pose: Array,
    views: HandLayout,
    place: Array,
    places: Array,
    tops: Array,
    depth: Array,
    speed: Array,
    touch: Array,
    now: int,
) -> None:
    """Depth of the keys around each fingertip, how high it is, then those keys' speed."""
    for finger in range(len(views.tips)):
        at = place[-1]
        coefficient = 0
        for view in range(len(views.dimensions)):
            point = views.tips[finger, view]
            for axis in range(views.dimensions[view]):
                at += pose[point + axis] * place[coefficient + axis]
            coefficient += views.dimensions[view]
        for i in range(len(_OFFSETS)):
            target = finger * len(_OFFSETS) + i
            touch[target] = sum_near_keys(at + _OFFSETS[i], places, depth)
            touch[now + target] = sum_near_keys(at + _OFFSETS[i], places, speed)
        if views.in_space:
            target = len(views.tips) * len(_OFFSETS) + finger * HEIGHTS
            tip = views.tips[finger, 0]
            along, up = pose[tip + 1], pose[tip + 2]
            beneath = total_near = down = _ZERO
            for key in range(len(places)):
                near = _ONE - _BENEATH * abs(places[key] - at)
                if near > 0:
                    near = near * near
                    total_near += near
                    beneath += near * tops[key]
                    down += near * depth[key]
            total_near += _SMALL
            black = min(max((along - _FRONT) / _SOFT + _HALF, _ZERO), _ONE)
            touch[target], touch[target + 1] = along, up
            touch[target + 2] = up - beneath / total_near * black + _TRAVEL * (down / total_near)


@compiled
def describe_chord(places: Array, depth: Array, speed: Array, chord: Array) -> None:
    """Picture the keys that are down around their own middle; and how much is down, and goes."""
    total = moment = going = _ZERO
    for key in range(len(places)):
        total += depth[key]
        moment += depth[key] * places[key]
        going += max(speed[key], _ZERO)
    middle = moment / (total + _SMALL)
    bins = 2 * CHORD + 1
    for i in range(bins):
        at = middle + np.float32(i - CHORD)
        chord[i] = sum_near_keys(at, places, depth)
        chord[bins + i] = sum_near_keys(at, places, speed)
    chord[2 * bins], chord[2 * bins + 1] = total, going


@compiled
def is_there(row: Array, blank: Array, optional: bool) -> bool:
    """Say whether a sense is there; one that the model cannot do without always is."""
    if not optional:
        return True
    found = False
    for j in range(len(row)):
        found |= row[j] != blank[j]
    return found


@compiled
def scale_features(features: Array, offset: Array, gain: Array) -> None:
    """Bring each feature to its usual size, in place."""
    for j in range(len(offset)):
        value = (features[j] - offset[j]) * gain[j]
        features[j] = min(max(value, -_LIMIT), _LIMIT)


@compiled
def describe(
    pose: Array, keys: Array, first: bool, sizes: Sizes, views: HandLayout, weights: Weights,
    memory: Memory, features: Array,
) -> None:  # fmt: skip
    """Fill in a frame's features, normalised; a sense that is not used is an empty row."""
    hand_there = is_there(pose, weights.neutral_pose, sizes.pose_optional)
    keys_there = is_there(keys, weights.neutral_keys, sizes.keys_optional)
    hand, change = features[: sizes.hand], features[sizes.hand : 2 * sizes.hand]
    touch = features[2 * sizes.hand : 2 * sizes.hand + sizes.touch]
    chord = features[2 * sizes.hand + sizes.touch : len(weights.offset)]
    if len(pose):
        describe_hand(pose, views, hand)
        _follow(hand, first, memory.hand, change)
    if len(keys):
        depth, speed = np.maximum(keys, _ZERO), np.empty_like(keys)
        _follow(depth, first, memory.depth, speed)
        if len(pose):
            describe_touch(
                pose, views, weights.place, weights.places, weights.tops, depth, speed, touch,
                sizes.touch_now,
            )  # fmt: skip
        describe_chord(weights.places, depth, speed, chord)
    scale_features(features, weights.offset, weights.gain)
    # What a missing sense would have said is set to the usual size of everything.
    now = sizes.touch_now
    if not hand_there:
        hand[:] = _ZERO
    if not (hand_there and (first or memory.there[0] != 0)):
        change[:] = _ZERO
    if not (hand_there and keys_there):
        touch[:now] = _ZERO
    if not (hand_there and keys_there and (first or memory.there[1] != 0)):
        touch[now:] = _ZERO
    if not keys_there:
        chord[:] = _ZERO
    memory.there[0], memory.there[1] = np.float32(hand_there), np.float32(keys_there)
    if len(pose):
        features[len(weights.offset)] = np.float32(not hand_there)
    if len(keys):
        features[-1] = np.float32(not keys_there)


@compiled
def _follow(now: Array, first: bool, before: Array, change: Array) -> None:
    """Say how values have changed since the frame before, and remember them."""
    for j in range(len(now)):
        change[j] = _ZERO if first else now[j] - before[j]
        before[j] = now[j]
