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

"""How far an estimate is from the truth: per performance first, then the mean of performances.

What of the truth is not known (NaN) is left out, muscle by muscle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def _pair(
    truth: NDArray[np.floating], estimate: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if truth.ndim != 2 or truth.shape != estimate.shape or not truth.size:
        raise ValueError(
            f"truth {truth.shape} and estimate {estimate.shape} must both be (samples, muscles)"
        )
    return truth.astype(np.float64), estimate.astype(np.float64)


def rmse(truth: NDArray[np.floating], estimate: NDArray[np.floating]) -> float:
    """Root mean square error over all samples and muscles of one performance."""
    a, b = _pair(truth, estimate)
    return float(np.sqrt(mean_known((a - b) ** 2)))


def joint_error(
    truth: NDArray[np.floating], estimate: NDArray[np.floating], dimensions: int = 3
) -> float:
    """Mean distance between true and estimated joints, in the unit of their coordinates.

    Columns go joint by joint, each with its x, y and perhaps z.

    >>> joint_error(np.zeros((2, 6)), np.array([[3.0, 4, 0, 0, 0, 0]] * 2))
    2.5
    """
    a, b = _pair(truth, estimate)
    if dimensions < 1 or a.shape[1] % dimensions:
        raise ValueError(
            f"{a.shape[1]} columns are no joints in {dimensions} dimensions: there must be so many "
            "of each"
        )
    apart = (a - b).reshape(len(a), -1, dimensions)
    return float(np.linalg.norm(apart, axis=2).mean())


def facing_alike(
    truth: NDArray[np.floating], estimate: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Turn estimated joints in metres about the upright y, all by one angle, as near as they get.

    >>> ahead, aside = np.array([[0.0, 1, 2]]), np.array([[2.0, 1, 0]])
    >>> facing_alike(ahead, aside).round(6) + 0.0
    array([[0., 1., 2.]])
    """
    a, b = (joints.reshape(len(joints), -1, 3) for joints in _pair(truth, estimate))
    across, along = a[..., 0] + 1j * a[..., 2], b[..., 0] + 1j * b[..., 2]
    angle = np.angle(np.sum(across * along.conj()))
    turned = along * np.exp(1j * angle)
    return np.stack((turned.real, b[..., 1], turned.imag), axis=2).reshape(len(b), -1)


def muscle_rmse(truth: NDArray[np.floating], estimate: NDArray[np.floating]) -> NDArray[np.float64]:
    """Root mean square error of each muscle."""
    a, b = _pair(truth, estimate)
    return np.asarray(np.sqrt(mean_known((a - b) ** 2, axis=0)))


def muscle_correlation(
    truth: NDArray[np.floating], estimate: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Pearson correlation of each muscle; not a number where either one never changes."""
    a, b = _pair(truth, estimate)
    b = np.where(np.isnan(a), np.nan, b)
    still = ~(moves(a) & moves(b))
    a, b = a - mean_known(a, axis=0), b - mean_known(b, axis=0)
    size = np.sqrt(np.nansum(a**2, axis=0) * np.nansum(b**2, axis=0))
    return np.where(still, np.nan, np.nansum(a * b, axis=0) / np.where(still, 1.0, size))


def moves(effort: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which muscles ever change, as far as is known."""
    highest = np.max(effort, axis=0, initial=-np.inf, where=~np.isnan(effort))
    return np.asarray(highest > np.min(effort, axis=0, initial=np.inf, where=~np.isnan(effort)))


def mean_known(values: NDArray[np.float64], axis: int | None = None) -> NDArray[np.float64]:
    """Mean of what is known; not a number where nothing is."""
    unknown = np.isnan(values)
    if not unknown.any():
        return np.asarray(np.mean(values, axis=axis))
    count = (~unknown).sum(axis=axis)
    total = np.nansum(values, axis=axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def mean_correlation(truth: NDArray[np.floating], estimate: NDArray[np.floating]) -> float:
    """Mean of the muscles' correlations; an estimate that never changes follows nothing: 0.

    A muscle whose truth never changes has none and is left out.
    """
    known = muscle_correlation(truth, estimate)[moves(truth)]
    return float(np.nan_to_num(known).mean()) if known.size else float("nan")


BLUR = 0.05
"""The Sinkhorn distance's blur, as published."""
OTD_POINTS = 2000
"""Samples of a performance, evenly drawn, between whose clouds the distance is taken."""


def transport_distance(
    truth: NDArray[np.floating], estimate: NDArray[np.floating], points: int = OTD_POINTS
) -> float:
    """Sinkhorn distance between the clouds of one performance's samples, a point an instant.

    Its cost grows with the square of the samples, so of a performance longer than `points` samples
    so many are taken, evenly spaced and the same of both. Muscles of which nothing is known are
    left out, and instants at which one of the others is not.
    """
    import torch
    from geomloss import SamplesLoss

    if points < 1:
        raise ValueError(f"the distance needs at least 1 point, not {points}")
    a, b = _pair(truth, estimate)
    if (unknown := np.isnan(a)).any():
        measured = ~unknown.all(axis=0)
        whole = ~unknown[:, measured].any(axis=1)
        a, b = a[whole][:, measured], b[whole][:, measured]
        if not a.size:
            return float("nan")
    at = np.linspace(0, len(a) - 1, min(points, len(a))).round().astype(np.int64)
    clouds = (torch.from_numpy(x[at].astype(np.float32)) for x in (b, a))
    # Beyond 5000 points the library would by itself turn to another that compiles code.
    distance = SamplesLoss("sinkhorn", p=2, blur=BLUR, backend="tensorized")
    with torch.inference_mode():
        return float(distance(*clouds))


@dataclass(frozen=True)
class Interval:
    """A mean over performances, and where 95 % of bootstrapped means lie."""

    mean: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half of the interval's length: what a table writes behind the mean."""
        return (self.high - self.low) / 2


DRAWS = 4000


def mean_interval(values: Sequence[float], seed: int = 0, people: Sequence[str] = ()) -> Interval:
    """Draw performances with replacement, always alike; what is not a number is left out.

    Where it is told of whom each is, and that is of several, people are drawn with all of theirs:
    takes of one person are more alike than those of others will be.
    """
    known = np.isfinite(np.asarray(values, np.float64))
    if not known.any():
        return Interval(*[float("nan")] * 3)
    finite = np.asarray(values, np.float64)[known]
    whose = np.asarray(people)[known] if len(people) else np.zeros(0)
    if len(set(whose.tolist())) < 2:
        whose = np.arange(len(finite))
    _, group = np.unique(whose, return_inverse=True)
    sums, counts = np.bincount(group, finite), np.bincount(group)
    drawn = np.random.default_rng(seed).integers(0, len(sums), (DRAWS, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(finite.mean()), float(low), float(high))


@dataclass(frozen=True)
class Scores:
    """Means over performances."""

    muscles: tuple[str, ...]
    performances: int
    rmse: float
    muscle_rmse: tuple[float, ...]
    muscle_correlation: tuple[float, ...]
    """Not a number for a muscle that has none in any performance."""

    @property
    def correlation(self) -> float:
        """Mean over the muscles that have one."""
        known = [value for value in self.muscle_correlation if not np.isnan(value)]
        return float(np.mean(known)) if known else float("nan")

    def flat(self) -> dict[str, float]:
        """Name every finite number, rounded to four places, as a model's card lists them."""
        values = {"rmse": self.rmse, "correlation": self.correlation}
        for name, value in zip(self.muscles, self.muscle_rmse, strict=True):
            values[f"rmse_{name}"] = value
        for name, value in zip(self.muscles, self.muscle_correlation, strict=True):
            values[f"correlation_{name}"] = value
        return {name: round(value, 4) for name, value in values.items() if np.isfinite(value)}


def ratio_interval(above: Sequence[float], below: Sequence[float], seed: int = 0) -> Interval:
    """Ratio of two means over the same performances, which are drawn in pairs."""
    pairs = np.array([above, below], np.float64)
    if pairs.ndim != 2 or not pairs.size:
        raise ValueError(f"{len(above)} and {len(below)} scores cannot be paired")
    drawn = np.random.default_rng(seed).integers(0, pairs.shape[1], (DRAWS, pairs.shape[1]))
    means = pairs[:, drawn].mean(axis=2)
    low, high = np.quantile(means[0] / means[1], (0.025, 0.975))
    return Interval(float(pairs[0].mean() / pairs[1].mean()), float(low), float(high))


def score(
    pairs: Iterable[tuple[NDArray[np.floating], NDArray[np.floating]]], muscles: Sequence[str]
) -> Scores:
    """Score estimates of several performances, given as (truth, estimate)."""
    overall, errors, correlations = [], [], []
    for truth, estimate in pairs:
        overall.append(rmse(truth, estimate))
        errors.append(muscle_rmse(truth, estimate))
        correlations.append(muscle_correlation(truth, estimate))
    if not overall:
        raise ValueError("there is no performance to score")
    return Scores(
        muscles=tuple(muscles),
        performances=len(overall),
        rmse=float(mean_known(np.array(overall))),
        muscle_rmse=tuple(mean_known(np.array(errors), axis=0).tolist()),
        muscle_correlation=tuple(mean_known(np.array(correlations), axis=0).tolist()),
    )
