"""How far an estimate is from the truth: per performance first, then the mean of performances."""

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
    return float(np.sqrt(np.mean((a - b) ** 2)))


def muscle_rmse(truth: NDArray[np.floating], estimate: NDArray[np.floating]) -> NDArray[np.float64]:
    """Root mean square error of each muscle."""
    a, b = _pair(truth, estimate)
    return np.asarray(np.sqrt(np.mean((a - b) ** 2, axis=0)))


def muscle_correlation(
    truth: NDArray[np.floating], estimate: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Pearson correlation of each muscle; not a number where either one never changes."""
    a, b = _pair(truth, estimate)
    still = (np.ptp(a, axis=0) == 0) | (np.ptp(b, axis=0) == 0)
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    size = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return np.where(still, np.nan, (a * b).sum(axis=0) / np.where(still, 1.0, size))


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
    table = np.array(correlations)
    known = np.isfinite(table)
    mean = np.where(known, table, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return Scores(
        muscles=tuple(muscles),
        performances=len(overall),
        rmse=float(np.mean(overall)),
        muscle_rmse=tuple(np.mean(errors, axis=0).tolist()),
        muscle_correlation=tuple(np.where(known.any(axis=0), mean, np.nan).tolist()),
    )
