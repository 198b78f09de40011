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

"""A model's last layer, where effort is a weighted sum: what closed forms fit, and adapt."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.examples import Array, Example, Tensors

CONSTANT_PENALTY = 1e-6
"""Of the constant, which is as good as free."""

Weights = NDArray[np.float64]
"""(F + 1, stride x M): of each feature, and then the constant. Output k x M + m is of a frame's
sample k and of muscle m."""


class Readout(ABC):
    """The last layer of one model, and what it is given."""

    stride: int
    """Samples of effort that a frame of features tells of."""
    muscles: int
    frame_s: float
    """Seconds from one of the frames that are given to the next."""

    @abstractmethod
    def frames(self, example: Example) -> Iterator[tuple[Array, Array]]:
        """Give features (n, F) and true effort (n, stride, M) of frames, some at a time.

        Effort is NaN where it is not known.
        """

    @abstractmethod
    def weights(self, tensors: Tensors) -> Weights:
        """Give the last layer's weights."""

    @abstractmethod
    def put(self, tensors: Tensors, weights: Weights) -> dict[str, Array]:
        """Give a model's tensors with other weights in its last layer."""

    def scaled(
        self, weights: Weights, gain: NDArray[np.float64], offset: NDArray[np.float64]
    ) -> Weights:
        """Multiply each muscle's effort by a gain and add an offset to it."""
        changed: Weights = weights * np.tile(gain, self.stride)
        changed[-1] += np.tile(offset, self.stride)
        return changed

    def sums(self, examples: Iterable[Example]) -> Sums:
        """Sum up what a fit to some examples needs."""
        sums = Sums(self.stride, self.muscles)
        for example in examples:
            for features, effort in self.frames(example):
                sums.add(features, effort)
        return sums


@dataclass
class _Products:
    """Of frames in which the same muscles are known."""

    gram: NDArray[np.float64]
    target: NDArray[np.float64]
    square: NDArray[np.float64]
    """Of the effort, of each output."""
    count: int

    def __add__(self, other: _Products) -> _Products:
        return _Products(
            self.gram + other.gram,
            self.target + other.target,
            self.square + other.square,
            self.count + other.count,
        )


@dataclass
class Sums:
    """Products of features and effort, summed over frames: all that a linear fit needs."""

    stride: int
    muscles: int
    parts: dict[tuple[bool, ...], _Products] = field(default_factory=dict)
    """By which muscles are known."""

    def add(self, features: Array, effort: Array) -> None:
        """Add frames: features (n, F), effort (n, stride, M)."""
        known = np.isfinite(effort).all(axis=1)
        for pattern in np.unique(known, axis=0):
            rows = (known == pattern).all(axis=1)
            if not pattern.any():
                continue
            inputs = np.concatenate(
                [features[rows], np.ones((int(rows.sum()), 1))], axis=1, dtype=np.float32
            )
            outputs = np.nan_to_num(effort[rows]).reshape(len(inputs), -1)
            products = _Products(
                (inputs.T @ inputs).astype(np.float64),
                (inputs.T @ outputs).astype(np.float64),
                np.square(outputs, dtype=np.float64).sum(axis=0),
                len(inputs),
            )
            self._take(tuple(pattern.tolist()), products)

    def __add__(self, other: Sums) -> Sums:
        """Put two sums together."""
        both = Sums(self.stride, self.muscles, dict(self.parts))
        for pattern, products in other.parts.items():
            both._take(pattern, products)
        return both

    def _take(self, pattern: tuple[bool, ...], products: _Products) -> None:
        had = self.parts.get(pattern)
        self.parts[pattern] = products if had is None else had + products

    @property
    def frames(self) -> int:
        """Frames in which some muscle is known."""
        return sum(part.count for part in self.parts.values())

    @property
    def power(self) -> float:
        """Mean sum of the features' squares in a frame."""
        total = sum(float(np.trace(part.gram[:-1, :-1])) for part in self.parts.values())
        return total / max(1, self.frames)

    def solve(
        self, penalty: float, base: Weights | None = None, constant: float = CONSTANT_PENALTY
    ) -> Weights:
        """Find the weights of least squares, held to a base by a penalty on what is changed.

        The penalty is what so many frames in which a feature is 1 weigh. Without a base, all are
        held to zero; the constant has a penalty of its own. Muscles of which nothing is known keep
        the base.
        """
        if base is None:
            some = next(iter(self.parts.values()))
            base = np.zeros(some.target.shape)
        weights = base.copy()
        for muscles, part in self._by_muscles():
            columns = self._columns(muscles)
            loaded = part.gram + np.diag(np.r_[np.full(len(part.gram) - 1, penalty), constant])
            left = part.target[:, columns] - part.gram @ base[:, columns]
            weights[:, columns] += np.linalg.solve(loaded, left)
        return weights

    def squared_error(self, weights: Weights) -> float:
        """Mean squared error of some weights over all that is known."""
        total, count = 0.0, 0
        for muscles, part in self._by_muscles():
            columns = self._columns(muscles)
            some = weights[:, columns]
            total += float(
                np.sum(some * (part.gram @ some))
                - 2 * np.sum(some * part.target[:, columns])
                + part.square[columns].sum()
            )
            count += part.count * len(columns)
        return max(total, 0.0) / count if count else float("nan")

    def moments(self, weights: Weights) -> Mapping[str, NDArray[np.float64]]:
        """Sum, over the samples of each muscle, what weights estimate, the truth, and products."""
        names = ("count", "estimate", "truth", "estimate_square", "product")
        found = {name: np.zeros(self.muscles) for name in names}
        for muscles, part in self._by_muscles():
            columns = self._columns(muscles)
            some = weights[:, columns]
            image = part.gram @ some
            each = (
                np.full(len(columns), part.count),
                image[-1],
                part.target[-1, columns],
                np.sum(some * image, axis=0),
                np.sum(some * part.target[:, columns], axis=0),
            )
            for name, values in zip(names, each, strict=True):
                found[name][muscles] += values.reshape(self.stride, -1).sum(axis=0)
        return found

    def _by_muscles(self) -> Iterator[tuple[NDArray[np.int64], _Products]]:
        """Give muscles that are known in the same frames, together, and those frames' sums."""
        groups: dict[tuple[tuple[bool, ...], ...], list[int]] = {}
        for muscle in range(self.muscles):
            known = tuple(pattern for pattern in self.parts if pattern[muscle])
            if known:
                groups.setdefault(known, []).append(muscle)
        for patterns, muscles in groups.items():
            first, *others = (self.parts[pattern] for pattern in patterns)
            yield np.array(muscles), sum(others, start=first)

    def _columns(self, muscles: NDArray[np.int64]) -> NDArray[np.int64]:
        """Find the outputs of some muscles."""
        samples = np.arange(self.stride)[:, None] * self.muscles
        return np.asarray((samples + muscles).ravel())
