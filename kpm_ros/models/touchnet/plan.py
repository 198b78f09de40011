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

"""A TouchNet's tensors arranged for the compiled code, and the memory that it needs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import on_cache_line
from kpm_ros.models.card import ModelCard
from kpm_ros.models.missing_senses import neutral_row
from kpm_ros.models.touchnet.feature_kernels import HandLayout, Memory, Sizes, Weights
from kpm_ros.models.touchnet.shapes import FADE, feature_span, inputs_of, key_places, structure_of

Array = NDArray[np.float32]


def sizes_of(card: ModelCard) -> Sizes:
    """Say how many features there are of each kind."""
    span, given = feature_span(card), inputs_of(card)
    return Sizes(
        (span.hand.stop - span.hand.start) // 2,
        span.touch.stop - span.touch.start,
        span.keys.stop - span.keys.start,
        given.pose_sense in card.optional,
        given.keys_sense in card.optional,
    )


def hand_of(card: ModelCard) -> HandLayout:
    """Say where the points of all views are in a row of the pose."""
    views = inputs_of(card).views
    most = max((len(view.palm) for view in views), default=0)
    palms = np.zeros((len(views), most), np.int64)
    for row, view in zip(palms, views, strict=True):
        row[: len(view.palm)] = view.start + view.dimensions * np.array(view.palm)
    tips = [view.start + view.dimensions * np.array(view.tips, np.int64) for view in views]
    return HandLayout(
        starts=np.array([*(v.start for v in views), sum(v.width for v in views)], np.int64),
        dimensions=np.array([view.dimensions for view in views], np.int64),
        palms=palms,
        palm_sizes=np.array([len(view.palm) for view in views], np.int64),
        tips=np.stack(tips, axis=1) if tips else np.zeros((0, 0), np.int64),
    )


def arrange(card: ModelCard, tensors: Mapping[str, Array]) -> Weights:
    """Turn each tensor the way in which it is read."""
    structure, given, neutral = structure_of(card), inputs_of(card), neutral_row(card)
    blocks = [f"block.{block}" for block in range(len(structure.dilations))]

    def rows(name: str) -> Array:
        return _single(tensors[f"{name}.weight"].T)

    def taps(name: str) -> Array:
        weight = tensors[f"{name}.weight"].transpose(2, 1, 0)
        return weight.reshape(-1, structure.width)

    vectors = ("norm.weight", "norm.bias", "conv.bias", "linear.bias")
    return Weights(
        neutral_pose=neutral[given.pose].copy(),
        neutral_keys=neutral[given.keys].copy(),
        places=key_places(given.first_note, given.keys.stop - given.keys.start),
        place=_single(tensors.get("features.place", np.zeros(0, np.float32))),
        offset=_single(tensors["features.offset"]),
        gain=_single(tensors["features.gain"]),
        inlet=rows("inlet"),
        inlet_bias=_single(tensors["inlet.bias"]),
        dilations=np.array(structure.dilations, np.int64),
        convs=_single(np.stack([taps(f"{name}.conv") for name in blocks])),
        linears=_single(np.stack([rows(f"{name}.linear") for name in blocks])),
        vectors=_single(
            np.stack([[tensors[f"{name}.{vector}"] for vector in vectors] for name in blocks])
        ),
        outlet=rows("outlet"),
        outlet_bias=_single(tensors["outlet.bias"]),
        fade=FADE,
    )


def empty_memory(card: ModelCard) -> Memory:
    """Make room for what a stream remembers, as it is before its first sample."""
    structure, keys = structure_of(card), inputs_of(card).keys
    longest = (structure.kernel - 1) * max(structure.dilations) + 1
    shape = (len(structure.dilations), longest, structure.width)
    return Memory(
        hand=np.zeros(sizes_of(card).hand, np.float32),
        depth=np.zeros(keys.stop - keys.start, np.float32),
        there=np.zeros(2, np.float32),
        rings=on_cache_line(np.zeros(shape, np.float32)),
        edge=np.zeros(len(card.muscles), np.float32),
    )


def _single(values: Array) -> Array:
    return on_cache_line(np.ascontiguousarray(values, np.float32))
