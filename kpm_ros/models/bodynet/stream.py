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

"""BodyNet sample by sample: what one pass over the whole signal gives, as soon as it is due."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.bodynet.description import Describer
from kpm_ros.models.bodynet.kernels import Memory, Weights, run_frames
from kpm_ros.models.bodynet.posture_shapes import TRACKED
from kpm_ros.models.bodynet.shapes import (
    LIMIT,
    VIEWS,
    muscle_sources,
    stride_of,
    structure_of,
)
from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Tensors
from kpm_ros.models.framed.plan import arrange_blocks, empty_rings, rows, single
from kpm_ros.models.framed.shapes import fade
from kpm_ros.models.framed.stream import FramedStream

Array = NDArray[np.float32]


class BodyNetStream(FramedStream):
    """BodyNet on a stream."""

    def __init__(self, card: ModelCard, tensors: Tensors) -> None:
        super().__init__(card, tensors)
        self._describer = Describer(card)
        self._offset, self._gain = tensors["features.offset"], tensors["features.gain"]
        self._weights = _arrange(card, tensors)
        self._memory = Memory(
            np.stack([empty_rings(structure_of(card))] * VIEWS),
            np.zeros(len(card.muscles), np.float32),
        )
        self._points = np.zeros((self._describer.behind, TRACKED, 3), np.float32)
        (view,) = card.streams.landmarks
        self._ages = np.zeros((self._describer.behind, len(view.measures)), np.float32)
        """Of the frames before."""

    def _evaluate(self, rows: Array, frame: int, ahead: int, effort: Array) -> None:
        features = self._describe(rows, frame)
        run_frames(features, frame, ahead, self._weights, self._memory, effort)

    def _memory_parts(self) -> Mapping[str, Array]:
        return {**self._memory._asdict(), "points": self._points, "ages": self._ages}

    def _describe(self, rows: Array, frame: int) -> Array:
        """Give the features of frames, normalised, and remember the points."""
        if not len(rows):
            return np.zeros((0, VIEWS, len(self._gain) + 1), np.float32)
        given = (self._describer.points(rows), self._describer.ages(rows))
        before = (self._points, self._ages)
        if frame == 0:
            for memory, part in zip(before, given, strict=True):
                memory[:] = part[0]
        seen = [np.concatenate(parts) for parts in zip(before, given, strict=True)]
        features, present = self._describer.describe(*seen)
        for memory, part in zip(before, seen, strict=True):
            memory[:] = part[len(rows) :]
        there = np.repeat(present[:, None, None], VIEWS, axis=1)
        scaled = np.clip((features - self._offset) * self._gain, -LIMIT, LIMIT) * there
        return np.concatenate([scaled, 1 - there], axis=-1, dtype=np.float32)


def _arrange(card: ModelCard, tensors: Tensors) -> Weights:
    """Turn each tensor the way in which it is read."""
    sources = muscle_sources(card)
    return Weights(
        inlet=rows(tensors, "inlet"),
        inlet_bias=single(tensors["inlet.bias"]),
        **arrange_blocks(structure_of(card), tensors)._asdict(),
        outlet=rows(tensors, "outlet"),
        outlet_bias=single(tensors["outlet.bias"]),
        fade=fade(stride_of(card)),
        views=np.array(sources.views, np.int64),
        outputs=np.array(sources.outputs, np.int64),
    )
