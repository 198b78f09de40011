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

"""Rules without gradients that a network must beat: the mean, the nearest neighbour, ridge.

Each is fitted in one go, and kept as a model's card and tensors like any network. Those that look
around each instant see as many samples as PianoKPM Net does, at seven moments spread over them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.estimate.layout import SENSES, Structure, input_channels
from kpm_ros.models.card import ModelCard

REACH = 2 * Structure().reach
"""Samples before and after it, together, that an output of these rules depends on."""
TAPS = 7
EVERY = 16
"""Neighbouring samples at 1 kHz say almost the same: fits use one of so many."""
BLOCK = 4096
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Ridge's, per sample and for inputs of unit size, of which the validation data choose one."""
DEFAULT_PENALTY = 1e-3
NEIGHBOURS = 16_384
"""Instants that the nearest neighbour is searched among, drawn evenly from all training data."""
DIRECTIONS = 32
"""Principal directions of what is seen, in which neighbours are compared."""
NOTHING = "there is no performance to learn from"

Array = NDArray[np.float32]
Tensors = dict[str, Array]


class Performed(Protocol):
    """One performance: keys and effort on the grid, and the pose drawn onto it."""

    @property
    def keys(self) -> Array:
        """Depth of the keys: (T, K)."""
        ...

    @property
    def effort(self) -> Array:
        """True effort: (T, M)."""
        ...

    def pose(self) -> Array:
        """Pose channels on the grid: (T, P)."""
        ...


class Rule(Protocol):
    """Estimates a performance from what is seen of it."""

    def estimate(self, pose: Array | None, keys: Array | None) -> Array:
        """Turn pose (T, P) and keys (T, K) into effort (T, M)."""
        ...


def moments(card: ModelCard) -> NDArray[np.int64]:
    """List the samples, relative to the present one, that a rule looks at."""
    if not 0 <= card.lookahead <= REACH:
        raise ValueError(
            f"a look-ahead of {card.lookahead} samples is outside 0..{REACH}, what "
            f"{card.architecture} can have"
        )
    spread = np.linspace(card.lookahead - REACH, card.lookahead, TAPS)
    return np.asarray(spread.round(), np.int64)


def seen_width(card: ModelCard) -> int:
    """Count the numbers that a rule sees of one instant."""
    return TAPS * sum(input_channels(card, sense) for sense in card.inputs)


def seen(card: ModelCard, pose: Array | None, keys: Array | None, at: NDArray[np.int64]) -> Array:
    """Gather all channels at all moments around each of the samples `at`; ends are held."""
    senses = []
    for sense, values in zip(SENSES, (pose, keys), strict=True):
        if sense in card.inputs:
            if values is None:
                raise ValueError(f"the model {card.name!r} needs {sense}, and none was given")
            senses.append((sense, values))
    columns = []
    for moment in moments(card):
        for sense, values in senses:
            rows = np.asarray(values[np.clip(at + moment, 0, len(values) - 1)], np.float32)
            if sense == "pose" and card.pose_scale:
                offset = np.asarray(card.pose_offset or (0.0,) * rows.shape[1], np.float32)
                rows = (rows - offset) / np.asarray(card.pose_scale, np.float32)
            columns.append(rows)
    return np.concatenate(columns, axis=1)


def samples_of(pose: Array | None, keys: Array | None) -> int:
    """Count the samples of whichever sense there is."""
    given = pose if pose is not None else keys
    if given is None:
        raise ValueError("neither pose nor keys were given")
    return len(given)


def pose_scaled(card: ModelCard, training: Sequence[Performed]) -> ModelCard:
    """Put the mean and size of each pose channel on a card that has none."""
    if card.pose_scale or "pose" not in card.inputs:
        return card
    count = 0
    total = square = np.zeros(card.pose_channels)
    for one in training:
        rows = one.pose()[::EVERY].astype(np.float64)
        count += len(rows)
        total = total + rows.sum(axis=0)
        square = square + (rows**2).sum(axis=0)
    if not count:
        raise ValueError(NOTHING)
    mean = total / count
    scale = np.sqrt(np.maximum(square / count - mean**2, 0))
    # A channel that never moves is left at its size rather than blown up.
    scale = np.where(scale > 1e-6, scale, 1.0)
    return replace(card, pose_offset=tuple(mean.tolist()), pose_scale=tuple(scale.tolist()))


def mean_effort(performances: Sequence[Performed]) -> NDArray[np.float64]:
    """Mean effort of each muscle over all samples."""
    count = sum(len(one.effort) for one in performances)
    if not count:
        raise ValueError(NOTHING)
    total = sum(one.effort.sum(axis=0, dtype=np.float64) for one in performances)
    return np.asarray(total / count)


class MeanRule:
    """Always estimates the mean effort."""

    def __init__(self, card: ModelCard, tensors: Mapping[str, Array]) -> None:
        self._mean = tensors["mean"]

    @staticmethod
    def shapes(card: ModelCard) -> dict[str, tuple[int, ...]]:
        """List the tensors' shapes."""
        return {"mean": (len(card.muscles),)}

    @staticmethod
    def fit(
        card: ModelCard, training: Sequence[Performed], choosing: Sequence[Performed], seed: int
    ) -> tuple[ModelCard, Tensors]:
        """Take the mean of the training data."""
        return card, {"mean": mean_effort(training).astype(np.float32)}

    def estimate(self, pose: Array | None, keys: Array | None) -> Array:
        """Turn pose (T, P) and keys (T, K) into effort (T, M)."""
        return np.tile(self._mean, (samples_of(pose, keys), 1))


class RidgeRule:
    """Ridge regression on what is seen around each sample."""

    def __init__(self, card: ModelCard, tensors: Mapping[str, Array]) -> None:
        self._card, self._weight, self._bias = card, tensors["weight"], tensors["bias"]

    @staticmethod
    def shapes(card: ModelCard) -> dict[str, tuple[int, ...]]:
        """List the tensors' shapes."""
        muscles = len(card.muscles)
        return {"weight": (seen_width(card), muscles), "bias": (muscles,)}

    @staticmethod
    def fit(
        card: ModelCard, training: Sequence[Performed], choosing: Sequence[Performed], seed: int
    ) -> tuple[ModelCard, Tensors]:
        """Solve for every penalty; the data to choose by choose one."""
        card = pose_scaled(card, training)
        gram, target, _, count = _moment_sums(card, training)
        checks = _moment_sums(card, choosing) if choosing else None
        best, least = None, np.inf
        for penalty in PENALTIES if checks else (DEFAULT_PENALTY,):
            load = np.full(len(gram), penalty * count)
            load[-1] = 0.0
            weights = np.linalg.solve(gram + np.diag(load), target)
            error = _squared_error(weights, checks) if checks else 0.0
            if error < least:
                best, least, chosen = weights, error, penalty
        if best is None:
            raise ValueError("ridge found no finite solution: is there a value that is no number?")
        notes = f"penalty {chosen:g}" + (" chosen on the validation data" if checks else "")
        tensors = {"weight": best[:-1].astype(np.float32), "bias": best[-1].astype(np.float32)}
        return replace(card, notes=notes), tensors

    def estimate(self, pose: Array | None, keys: Array | None) -> Array:
        """Turn pose (T, P) and keys (T, K) into effort (T, M)."""
        parts = [
            seen(self._card, pose, keys, at) @ self._weight + self._bias
            for at in _blocks(samples_of(pose, keys))
        ]
        return np.concatenate(parts)


class NearestRule:
    """Gives the effort of the training instant that looked most like the present one."""

    def __init__(self, card: ModelCard, tensors: Mapping[str, Array]) -> None:
        self._card, self._directions = card, tensors["directions"]
        self._points, self._effort = tensors["points"], tensors["effort"]
        self._half_square = (self._points**2).sum(axis=1) / 2

    @staticmethod
    def shapes(card: ModelCard) -> dict[str, tuple[int, ...]]:
        """List the tensors' shapes; -1 stands for any number of instants."""
        width = seen_width(card)
        directions = min(DIRECTIONS, width)
        return {
            "directions": (width, directions),
            "points": (-1, directions),
            "effort": (-1, len(card.muscles)),
        }

    @staticmethod
    def fit(
        card: ModelCard, training: Sequence[Performed], choosing: Sequence[Performed], seed: int
    ) -> tuple[ModelCard, Tensors]:
        """Draw instants evenly, and find the directions in which they differ most."""
        card = pose_scaled(card, training)
        total = sum(len(one.effort) for one in training)
        every = max(EVERY, -(-total // NEIGHBOURS))
        looks, efforts = [], []
        for one in training:
            at = np.arange(seed % every, len(one.effort), every)
            looks.append(seen(card, one.pose(), one.keys, at))
            efforts.append(np.asarray(one.effort[at], np.float32))
        look = np.concatenate(looks)[:NEIGHBOURS]
        if not len(look):
            raise ValueError(NOTHING)
        _, vectors = np.linalg.eigh(np.cov(look.T, dtype=np.float64))
        directions = vectors[:, ::-1][:, :DIRECTIONS].astype(np.float32)
        tensors = {
            "directions": np.ascontiguousarray(directions),
            "points": look @ directions,
            "effort": np.concatenate(efforts)[:NEIGHBOURS],
        }
        notes = f"nearest of {len(look)} training instants in {directions.shape[1]} directions"
        return replace(card, notes=notes), tensors

    def estimate(self, pose: Array | None, keys: Array | None) -> Array:
        """Turn pose (T, P) and keys (T, K) into effort (T, M)."""
        parts = []
        for at in _blocks(samples_of(pose, keys), 512):
            point = seen(self._card, pose, keys, at) @ self._directions
            nearest = np.argmin(self._half_square - point @ self._points.T, axis=1)
            parts.append(self._effort[nearest])
        return np.concatenate(parts)


def _blocks(samples: int, size: int = BLOCK) -> Iterator[NDArray[np.int64]]:
    for start in range(0, samples, size):
        yield np.arange(start, min(start + size, samples))


Sums = tuple[NDArray[np.float64], NDArray[np.float64], float, int]


def _moment_sums(card: ModelCard, performances: Sequence[Performed]) -> Sums:
    """Sum products of inputs, of inputs and effort, and of effort: what a linear fit needs."""
    width, muscles = seen_width(card) + 1, len(card.muscles)
    gram, target = np.zeros((width, width)), np.zeros((width, muscles))
    square, count = 0.0, 0
    for one in performances:
        pose = one.pose()
        for block in _blocks(-(-len(one.effort) // EVERY)):
            at = block * EVERY
            look = seen(card, pose, one.keys, at)
            inputs = np.concatenate([look, np.ones((len(at), 1))], axis=1, dtype=np.float64)
            effort = one.effort[at].astype(np.float64)
            gram += inputs.T @ inputs
            target += inputs.T @ effort
            square += float((effort**2).sum())
            count += len(at)
    if not count:
        raise ValueError(NOTHING)
    return gram, target, square, count


def _squared_error(weights: NDArray[np.float64], sums: Sums) -> float:
    gram, target, square, count = sums
    fitted = np.sum(weights * (gram @ weights)) - 2 * np.sum(weights * target)
    return float((fitted + square) / count)


RULES: dict[str, type[MeanRule] | type[RidgeRule] | type[NearestRule]] = {
    "mean": MeanRule,
    "nearest": NearestRule,
    "ridge": RidgeRule,
}
