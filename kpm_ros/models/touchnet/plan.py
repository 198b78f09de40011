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

from kpm_ros.models.card import ModelCard
from kpm_ros.models.framed.plan import arrange_blocks, empty_rings, rows, single
from kpm_ros.models.framed.shapes import fade
from kpm_ros.models.missing_senses import neutral_row
from kpm_ros.models.touchnet.feature_kernels import HandLayout, Memory, Sizes, Weights
from kpm_ros.models.touchnet.shapes import STRIDE, feature_span, inputs_of, structure_of

Array = NDArray[np.float32]


def sizes_of(card: ModelCard) -> Sizes:
    """Say how many features there are of each kind."""
    span, given = feature_span(card), inputs_of(card)
    return Sizes(
        (span.hand.stop - span.hand.start) // 2,
        span.touch.stop - span.touch.start,
        given.touch_now,
        span.keys.stop - span.keys.start,
        given.pose_sense in card.optional,
        given.keys_sense in card.optional,
    )


def hand_of(card: ModelCard) -> HandLayout:
    """Say where the points of all views are in a row of the pose."""
    given = inputs_of(card)
    views = given.views
    most = max((len(view.palm) for view in views), default=0)
    palms = np.zeros((len(views), most), np.int64)
    for row, view in zip(palms, views, strict=True):
        row[: len(view.palm)] = view.start + view.dimensions * np.array(view.palm)
    tips = [view.start + view.dimensions * np.array(view.tips, np.int64) for view in views]
    return HandLayout(
        starts=np.array([view.start for view in views], np.int64),
        ends=np.array([view.end for view in views], np.int64),
        measures=np.array([view.measures for view in views], np.int64),
        aspects=np.array([view.aspect for view in views], np.float32),
        in_space=given.in_space,
        dimensions=np.array([view.dimensions for view in views], np.int64),
        palms=palms,
        palm_sizes=np.array([len(view.palm) for view in views], np.int64),
        tips=np.stack(tips, axis=1) if tips else np.zeros((0, 0), np.int64),
    )


def arrange(card: ModelCard, tensors: Mapping[str, Array]) -> Weights:
    """Turn each tensor the way in which it is read."""
    given, neutral = inputs_of(card), neutral_row(card)
    fitted = tensors.get("features.place", np.zeros(0, np.float32))
    return Weights(
        neutral_pose=neutral[given.pose].copy(),
        neutral_keys=neutral[given.keys].copy(),
        places=given.key_places,
        tops=given.key_tops,
        place=single(given.place_in_space if given.in_space else fitted),
        offset=single(tensors["features.offset"]),
        gain=single(tensors["features.gain"]),
        inlet=rows(tensors, "inlet"),
        inlet_bias=single(tensors["inlet.bias"]),
        **arrange_blocks(structure_of(card), tensors)._asdict(),
        outlet=rows(tensors, "outlet"),
        outlet_bias=single(tensors["outlet.bias"]),
        fade=fade(STRIDE),
    )


def empty_memory(card: ModelCard) -> Memory:
    """Make room for what a stream remembers, as it is before its first sample."""
    keys = inputs_of(card).keys
    return Memory(
        hand=np.zeros(sizes_of(card).hand, np.float32),
        depth=np.zeros(keys.stop - keys.start, np.float32),
        there=np.zeros(2, np.float32),
        rings=empty_rings(structure_of(card)),
        edge=np.zeros(len(card.muscles), np.float32),
    )
