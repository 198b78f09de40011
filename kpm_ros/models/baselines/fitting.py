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

"""The baselines fitted in one go, each from sums over examples or instants drawn from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.baselines.shapes import DIRECTIONS, moments, seen_width
from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import (
    NO_EXAMPLES,
    Example,
    filled,
    mean_effort,
    normalised_card,
    pieces,
    stride_between,
)
from kpm_ros.models.normalisation import normalised

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Ridge's, per sample and for inputs of unit size; the examples to choose by choose one."""
DEFAULT_PENALTY = 1e-3
NEIGHBOURS = 16_384
"""Instants that the nearest neighbour is searched among, drawn evenly from all training data."""

Array = NDArray[np.float32]
Fitted = tuple[ModelCard, dict[str, Array]]


def fit_mean(
    card: ModelCard, training: Sequence[Example], choosing: Sequence[Example], seed: int
) -> Fitted:
    """Take the mean of the training data."""
    return card, {"mean": mean_effort(training).astype(np.float32)}


def fit_ridge(
    card: ModelCard, training: Sequence[Example], choosing: Sequence[Example], seed: int
) -> Fitted:
    """Solve for every penalty; the examples to choose by choose one."""
    card = normalised_card(card, training)
    groups = _known_together(card, [*training, *choosing])
    fits = [_sums(card, training, muscles) for muscles in groups]
    checks = [_sums(card, choosing, muscles) for muscles in groups] if choosing else []
    best, least = None, np.inf
    for penalty in PENALTIES if checks else (DEFAULT_PENALTY,):
        weights = np.zeros((seen_width(card) + 1, len(card.muscles)))
        for muscles, fit in zip(groups, fits, strict=True):
            weights[:, muscles] = _solved(fit, penalty)
        error = sum(
            _squared_error(weights[:, muscles], check)
            for muscles, check in zip(groups, checks, strict=False)
        )
        if error < least:
            best, least, chosen = weights, error, penalty
    if best is None:
        raise ValueError("ridge found no finite solution: is there a value that is no number?")
    notes = f"penalty {chosen:g}" + (" chosen on the validation data" if checks else "")
    tensors = {"weight": best[:-1].astype(np.float32), "bias": best[-1].astype(np.float32)}
    return replace(card, notes=notes), tensors


def fit_nearest(
    card: ModelCard, training: Sequence[Example], choosing: Sequence[Example], seed: int
) -> Fitted:
    """Draw instants evenly, and find the directions in which they differ most."""
    card = normalised_card(card, training)
    total = sum(len(one.effort) for one in training)
    every = max(stride_between(card.rate_hz), -(-total // NEIGHBOURS))
    mean = mean_effort(training)
    sights, efforts = [], []
    for one in training:
        for at, seen in _seen_around(card, one, every, seed % every):
            effort = one.effort[at]
            known = np.isfinite(effort).any(axis=1)
            sights.append(seen[known])
            efforts.append(filled(effort[known], mean))
    if not sights:
        raise ValueError(NO_EXAMPLES)
    seen = np.concatenate(sights)[:NEIGHBOURS]
    _, vectors = np.linalg.eigh(np.atleast_2d(np.cov(seen.T, dtype=np.float64)))
    directions = vectors[:, ::-1][:, :DIRECTIONS].astype(np.float32)
    tensors = {
        "directions": np.ascontiguousarray(directions),
        "points": seen @ directions,
        "effort": np.concatenate(efforts)[:NEIGHBOURS],
    }
    notes = f"nearest of {len(seen)} training instants in {directions.shape[1]} directions"
    return replace(card, notes=notes), tensors


def _seen_around(
    card: ModelCard, example: Example, every: int, first: int = 0
) -> Iterator[tuple[NDArray[np.int64], Array]]:
    """Give some instants of an example, and what is seen around each; its ends are held."""
    around = moments(card)
    length = len(example.effort)
    for piece in pieces(example):
        at = np.arange(first + -(-(piece.start - first) // every) * every, piece.stop, every)
        if not len(at):
            continue
        begin = max(0, int(at[0] + around[0]))
        rows = normalised(card, example.values(begin, min(length, int(at[-1] + around[-1]) + 1)))
        places = np.clip(at[:, None] + around, 0, length - 1) - begin
        yield at, rows[places].reshape(len(at), -1)


def _known_together(card: ModelCard, examples: Sequence[Example]) -> list[NDArray[np.intp]]:
    """Group the muscles whose effort is known at the same instants: each group is one fit."""
    every = stride_between(card.rate_hz)
    known = [np.isfinite(one.effort[::every]) for one in examples if len(one.effort)]
    if not known:
        raise ValueError(NO_EXAMPLES)
    _, group = np.unique(np.concatenate(known), axis=1, return_inverse=True)
    group = group.reshape(-1)
    return [np.flatnonzero(group == k) for k in range(int(group.max()) + 1)]


class Sums(NamedTuple):
    """Products of inputs, of inputs and effort, and of effort: what a linear fit needs."""

    gram: NDArray[np.float64]
    target: NDArray[np.float64]
    square: float
    samples: int


def _sums(card: ModelCard, examples: Sequence[Example], muscles: NDArray[np.intp]) -> Sums:
    """Sum over the instants at which the effort of these muscles is known."""
    width = seen_width(card) + 1
    gram, target = np.zeros((width, width)), np.zeros((width, len(muscles)))
    square, samples = 0.0, 0
    for one in examples:
        for at, seen in _seen_around(card, one, stride_between(card.rate_hz)):
            inputs = np.concatenate([seen, np.ones((len(at), 1))], axis=1, dtype=np.float64)
            effort = one.effort[at][:, muscles].astype(np.float64)
            known = np.isfinite(effort[:, 0])
            if not known.all():
                inputs, effort = inputs[known], effort[known]
            gram += inputs.T @ inputs
            target += inputs.T @ effort
            square += float((effort**2).sum())
            samples += len(effort)
    return Sums(gram, target, square, samples)


def _solved(sums: Sums, penalty: float) -> NDArray[np.float64]:
    """Give the weights of least error; of muscles of which nothing is known they are 0."""
    if not sums.samples:
        return np.zeros_like(sums.target)
    load = np.full(len(sums.gram), penalty * sums.samples)
    load[-1] = 0.0
    return np.asarray(np.linalg.solve(sums.gram + np.diag(load), sums.target))


def _squared_error(weights: NDArray[np.float64], sums: Sums) -> float:
    gram, target, square, samples = sums
    fitted = np.sum(weights * (gram @ weights)) - 2 * np.sum(weights * target)
    return float((fitted + square) / samples) if samples else 0.0
