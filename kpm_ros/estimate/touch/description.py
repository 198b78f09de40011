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

"""What TouchNet is told of a frame, compiled: the same as `features.py` says with torch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.sampled import NOT_SENSED
from kpm_ros.core.compilation import compiled
from kpm_ros.estimate.touch.layout import (
    ASPECT,
    CHORD,
    LANDMARKS,
    LIMIT,
    OFFSETS,
    PALM,
    SMALL,
    TIPS,
)

Array = NDArray[np.float32]

_OFFSETS = np.array(OFFSETS, np.float32)
_PALM, _TIPS = np.array(PALM), np.array(TIPS)
_NOT_SENSED = np.float32(NOT_SENSED)
_ONE, _ZERO = np.float32(1), np.float32(0)
_SMALL, _ASPECT, _LIMIT = np.float32(SMALL), np.float32(ASPECT), np.float32(LIMIT)


class Sizes(NamedTuple):
    """Places of the parts among a frame's features; a part that is left out is empty."""

    hand: int
    """How many features describe the hand; as many say how they have changed."""
    touch: int
    chord: int
    pose_optional: bool
    keys_optional: bool


class Weights(NamedTuple):
    """A model's tensors, as they are read."""

    neutral: Array
    places: Array
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
    """What each block has seen, a row a frame, over and over from the first row."""
    edge: Array
    """The last sample of the frame before."""


@compiled
def describe_hand(pose: Array, hand: Array) -> None:
    """Landmarks from the palm's middle in units of its size, then the palm itself, a view."""
    width = 2 * LANDMARKS
    for view in range(len(pose) // width):
        points = pose[view * width : (view + 1) * width]
        target = hand[view * (width + 3) : (view + 1) * (width + 3)]
        x = y = square = _ZERO
        for landmark in _PALM:
            x += points[2 * landmark]
            y += points[2 * landmark + 1]
        x /= np.float32(len(_PALM))
        y /= np.float32(len(_PALM))
        for landmark in _PALM:
            square += (points[2 * landmark] - x) ** 2
            square += ((points[2 * landmark + 1] - y) * _ASPECT) ** 2
        size = np.sqrt(square / np.float32(len(_PALM)) + _SMALL)
        for landmark in range(LANDMARKS):
            target[2 * landmark] = (points[2 * landmark] - x) / size
            target[2 * landmark + 1] = (points[2 * landmark + 1] - y) / size
        target[width], target[width + 1], target[width + 2] = x, y, np.log(size)


@compiled
def feel(middle: np.float32, places: Array, level: Array) -> np.float32:
    """Add up what the keys within a white key's width of a place do, nearer ones more."""
    total = _ZERO
    for key in range(len(places)):
        near = _ONE - abs(places[key] - middle)
        if near > 0:
            total += near * level[key]
    return total


@compiled
def describe_touch(
    pose: Array, place: Array, places: Array, depth: Array, speed: Array, touch: Array
) -> None:
    """Depth, then speed, of the keys around each fingertip."""
    half = len(touch) // 2
    for finger in range(len(_TIPS)):
        at = place[-1]
        for view in range(len(place) // 2):
            point = 2 * (view * LANDMARKS + _TIPS[finger])
            at += pose[point] * place[2 * view] + pose[point + 1] * place[2 * view + 1]
        for i in range(len(_OFFSETS)):
            target = finger * len(_OFFSETS) + i
            touch[target] = feel(at + _OFFSETS[i], places, depth)
            touch[half + target] = feel(at + _OFFSETS[i], places, speed)


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
        chord[i] = feel(at, places, depth)
        chord[bins + i] = feel(at, places, speed)
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
    pose: Array, keys: Array, first: bool, sizes: Sizes, weights: Weights, memory: Memory,
    features: Array,
) -> None:  # fmt: skip
    """Fill in a frame's features, normalised; a sense that is not used is an empty row."""
    seen = is_there(pose, weights.neutral, sizes.pose_optional)
    felt = is_there(keys, np.full(len(keys), _NOT_SENSED), sizes.keys_optional)
    hand, change = features[: sizes.hand], features[sizes.hand : 2 * sizes.hand]
    touch = features[2 * sizes.hand : 2 * sizes.hand + sizes.touch]
    chord = features[2 * sizes.hand + sizes.touch : len(weights.offset)]
    if len(pose):
        describe_hand(pose, hand)
        _follow(hand, first, memory.hand, change)
    if len(keys):
        depth, speed = np.maximum(keys, _ZERO), np.empty_like(keys)
        _follow(depth, first, memory.depth, speed)
        if len(pose):
            describe_touch(pose, weights.place, weights.places, depth, speed, touch)
        describe_chord(weights.places, depth, speed, chord)
    scale_features(features, weights.offset, weights.gain)
    # What a missing sense would have said is set to the usual size of everything.
    half = len(touch) // 2
    if not seen:
        hand[:] = _ZERO
    if not (seen and (first or memory.there[0] != 0)):
        change[:] = _ZERO
    if not (seen and felt):
        touch[:half] = _ZERO
    if not (seen and felt and (first or memory.there[1] != 0)):
        touch[half:] = _ZERO
    if not felt:
        chord[:] = _ZERO
    memory.there[0], memory.there[1] = np.float32(seen), np.float32(felt)
    if len(pose):
        features[len(weights.offset)] = np.float32(not seen)
    if len(keys):
        features[-1] = np.float32(not felt)


@compiled
def _follow(now: Array, first: bool, before: Array, change: Array) -> None:
    """Say how values have changed since the frame before, and remember them."""
    for j in range(len(now)):
        change[j] = _ZERO if first else now[j] - before[j]
        before[j] = now[j]
