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

from kpm_ros.models.bodynet import posture
from kpm_ros.models.bodynet.kernels import Memory, Weights, run_frames
from kpm_ros.models.bodynet.shapes import (
    LIMIT,
    VIEWS,
    body_of,
    motion_filters,
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
        *sides, self._head = body_of(card)
        self._sides = [place for (place,) in sides]
        self._filters = motion_filters(card)
        self._offset, self._gain = tensors["features.offset"], tensors["features.gain"]
        self._weights = _arrange(card, tensors)
        self._memory = Memory(
            np.stack([empty_rings(structure_of(card))] * VIEWS),
            np.zeros(len(card.muscles), np.float32),
        )
        self._points = np.zeros((self._filters.frames - 1, posture.TRACKED, 3), np.float32)
        """Of the frames before."""

    def _evaluate(self, rows: Array, frame: int, ahead: int, effort: Array) -> None:
        features = self._describe(np.asarray(rows, np.float32), frame)
        run_frames(features, frame, ahead, self._weights, self._memory, effort)

    def _memory_parts(self) -> Mapping[str, Array]:
        return {**self._memory._asdict(), "points": self._points}

    def _describe(self, rows: Array, frame: int) -> Array:
        """Give the features of frames, normalised, and remember the points."""
        if not len(rows):
            return np.zeros((0, VIEWS, posture.FEATURES + 1), np.float32)
        points = rows.reshape(len(rows), -1, 3)
        head = points[:, self._head].mean(axis=1, keepdims=True)
        points = np.concatenate([points[:, self._sides], head], axis=1)
        if frame == 0:
            self._points[:] = points[0]
        seen = np.concatenate([self._points, points])
        present = (posture.size_of(np, seen) > posture.SMALLEST_SIZE_M).astype(np.float32)
        behind = len(self._points)
        moving = np.ones(len(rows), np.float32)
        for start in range(behind + 1):
            moving = moving * present[start : start + len(rows)]

        def filtered(taps: Array) -> Array:
            starts = range(behind + 1 - len(taps), behind + 1)
            parts = (
                tap * seen[start : start + len(rows)]
                for tap, start in zip(taps, starts, strict=True)
            )
            found: Array = sum(parts, np.zeros((), np.float32))
            return found * moving[:, None, None]

        motion = posture.Motion(points, *(filtered(taps) for taps in self._filters))
        described = (posture.describe(np, motion) - self._offset) * self._gain
        there = np.repeat(present[behind:, None, None], VIEWS, axis=1)
        if behind:
            self._points[:] = seen[-behind:]
        scaled = np.clip(described, -LIMIT, LIMIT) * there
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
