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

"""How far effort may be from what a model says: a width beside each, made honest afterwards.

Where a model estimates much it errs by more than where it estimates little. A typical error is
therefore learnt at some efforts of each muscle, and what all of them are multiplied by, so that the
stated share of the truth lies within, is taken from errors that the model made on what it was not
fitted to (conformal prediction). It holds for people and movements like those; each person
counts alike, however long the recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.card import ModelCard

SHARE = 0.9
"""Of the truth that is to lie within."""
QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.98)
"""Of what is estimated of a muscle, between which errors are learnt."""
LEAST = 1e-4
"""Of a typical error: a muscle that never moved in calibration may move."""
MOST = 20_000
"""Samples of a person that are looked at, evenly drawn: more tell the same."""

Array = NDArray[np.float32]


class Checked(NamedTuple):
    """What a model said of one person that it was not fitted to, and the truth: (samples, M)."""

    person: str
    estimate: Array
    truth: Array
    """NaN where it is not known."""


@dataclass(frozen=True)
class Intervals:
    """Half of the interval's width, as a line over the estimated effort of each muscle."""

    at: NDArray[np.float64]
    """(M, K), rising."""
    half: NDArray[np.float64]
    """(M, K)"""

    def __call__(self, effort: Array) -> Array:
        """Give half of the width beside effort (samples, M)."""
        found = np.empty(effort.shape, np.float32)
        for muscle, (at, half) in enumerate(zip(self.at, self.half, strict=True)):
            found[:, muscle] = np.interp(effort[:, muscle], at, half)
        return found

    def on_card(self, muscles: Sequence[str]) -> dict[str, list[float]]:
        """Write it as a card holds it: efforts and half widths by turns, of each muscle."""
        return {
            name: [float(f"{value:.9g}") for pair in zip(at, half, strict=True) for value in pair]
            for name, at, half in zip(muscles, self.at, self.half, strict=True)
        }

    @classmethod
    def of(cls, card: ModelCard) -> Intervals | None:
        """Read a card's; None where it says nothing of them."""
        if not card.interval:
            return None
        told = np.array([card.interval[name] for name in card.muscles])
        return cls(told[:, ::2], told[:, 1::2])


def calibrate(checked: Sequence[Checked], share: float = SHARE) -> Intervals:
    """Learn intervals of what a model said of people that it was not fitted to.

    One more, who is like them, may be the one whom most lies outside of: the fewer there are, the
    more of theirs must therefore lie within.
    """
    drawn = [_some(one) for one in checked]
    share = 1 - (1 - share) * len(drawn) / (len(drawn) + 1)
    muscles = drawn[0].estimate.shape[1]
    at, half = np.empty((muscles, len(QUANTILES))), np.empty((muscles, len(QUANTILES)))
    for muscle in range(muscles):
        each = [
            (one.estimate[known, muscle], one.truth[known, muscle])
            for one in drawn
            if (known := np.isfinite(one.truth[:, muscle])).any()
        ]
        if not each:
            raise ValueError(
                "there is a muscle of which nothing is known to calibrate intervals by"
            )
        weights = np.concatenate([np.full(len(said), 1 / len(said)) for said, _ in each])
        said, truth = (
            np.concatenate(parts).astype(np.float64) for parts in zip(*each, strict=True)
        )
        at[muscle], typical = _typical(said, np.abs(truth - said))
        relative = np.abs(truth - said) / np.interp(said, at[muscle], typical)
        half[muscle] = typical * _quantile(relative, weights, share)
    return Intervals(at, half)


def coverage(intervals: Intervals, one: Checked) -> NDArray[np.float64]:
    """Share of the truth within, of each muscle; NaN where it is not known."""
    within = np.abs(one.truth - one.estimate) <= intervals(one.estimate)
    known = np.isfinite(one.truth)
    count = known.sum(axis=0)
    return np.where(count > 0, (within & known).sum(axis=0) / np.maximum(count, 1), np.nan)


def _some(one: Checked) -> Checked:
    every = max(1, len(one.truth) // MOST)
    return Checked(one.person, one.estimate[::every], one.truth[::every])


def _typical(
    said: NDArray[np.float64], error: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean error around some efforts, and those efforts."""
    edges = np.quantile(said, QUANTILES)
    apart = 1e-6 * max(1.0, float(np.abs(said).max()))
    middles = np.maximum.accumulate(edges) + np.arange(len(edges)) * apart
    near = np.argmin(np.abs(said[:, None] - middles), axis=1)
    counts = np.bincount(near, minlength=len(middles))
    means = np.bincount(near, error, minlength=len(middles)) / np.maximum(counts, 1)
    means = np.where(counts > 0, means, error.mean())
    return middles, np.maximum(means, LEAST)


def _quantile(values: NDArray[np.float64], weights: NDArray[np.float64], share: float) -> float:
    """Find what a share of the weight lies at or below."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(int(np.searchsorted(reached, share)), len(values) - 1)])
