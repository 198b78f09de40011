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

"""The baselines sample by sample; beyond both ends of a stream its first and last row are held."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.architecture import Span
from kpm_ros.models.baselines.shapes import moments, reach
from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Tensors
from kpm_ros.models.normalisation import normalised
from kpm_ros.models.streaming_network import StreamingNetwork

TOGETHER = 512
"""Instants that are compared with all neighbours at once."""

Array = NDArray[np.float32]


class MeanStream(StreamingNetwork):
    """Always gives the mean effort."""

    def __init__(self, card: ModelCard, tensors: Tensors, span: Span) -> None:
        super().__init__(card, tensors, span, warm_up_samples=1)
        self._mean = tensors["mean"]

    def _take(self, values: Array) -> Array:
        before = self.given
        self._pushed += len(values)
        return np.tile(self._mean, (self.given - before, 1))

    def _finish(self) -> Array:
        return np.tile(self._mean, (self._pushed - self.given, 1))

    def _remembered(self) -> Mapping[str, Array]:
        return {}


class _LookingAround(StreamingNetwork):
    """Keeps as many rows as an output looks back on."""

    def __init__(self, card: ModelCard, tensors: Tensors, span: Span) -> None:
        super().__init__(card, tensors, span, warm_up_samples=card.lookahead + 1)
        self._rows = np.zeros((reach(card), card.streams.width), np.float32)
        self._places = moments(card) - moments(card)[0]

    def _take(self, values: Array) -> Array:
        effort = self._run(normalised(self.card, values))
        self._pushed += len(values)
        # Those about instants before the first sample are nobody's.
        early = max(0, min(len(effort), self.card.lookahead - self._pushed + len(values)))
        return effort[early:]

    def _finish(self) -> Array:
        count = self._pushed - self.given
        return self._run(np.repeat(self._rows[-1:], self.card.lookahead, axis=0))[
            self.card.lookahead - count :
        ]

    def _run(self, fresh: Array) -> Array:
        """Give an output for each fresh row: that of `lookahead` samples before it."""
        if len(fresh) and not self._pushed:
            self._rows[:] = fresh[0]
        rows = np.concatenate([self._rows, fresh])
        self._rows[:] = rows[len(fresh) :]
        return self._estimate(rows, len(fresh))

    def _remembered(self) -> Mapping[str, Array]:
        return {"rows": self._rows}

    @abstractmethod
    def _estimate(self, rows: Array, count: int) -> Array:
        """Give so many outputs; each sees `reach` + 1 rows, the first one from the first on."""


class RidgeStream(_LookingAround):
    """Adds up what a matrix makes of the rows at each moment."""

    def __init__(self, card: ModelCard, tensors: Tensors, span: Span) -> None:
        super().__init__(card, tensors, span)
        self._weights = tensors["weight"].reshape(len(self._places), -1, len(card.muscles))
        self._bias = tensors["bias"]

    def _estimate(self, rows: Array, count: int) -> Array:
        effort = np.tile(self._bias, (count, 1))
        for place, weights in zip(self._places, self._weights, strict=True):
            effort += rows[place : place + count] @ weights
        return effort


class NearestStream(_LookingAround):
    """Gives the effort of the training instant that looked most like the present one."""

    def __init__(self, card: ModelCard, tensors: Tensors, span: Span) -> None:
        super().__init__(card, tensors, span)
        self._directions = tensors["directions"].reshape(
            len(self._places), -1, tensors["directions"].shape[1]
        )
        self._points, self._effort = tensors["points"], tensors["effort"]
        self._half_square = (self._points**2).sum(axis=1) / 2

    def _estimate(self, rows: Array, count: int) -> Array:
        effort = np.empty((count, self._effort.shape[1]), np.float32)
        for start in range(0, count, TOGETHER):
            some = min(TOGETHER, count - start)
            point = np.zeros((some, self._points.shape[1]), np.float32)
            for place, directions in zip(self._places, self._directions, strict=True):
                point += rows[start + place : start + place + some] @ directions
            nearest = np.argmin(self._half_square - point @ self._points.T, axis=1)
            effort[start : start + some] = self._effort[nearest]
        return effort
