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

"""How much later an estimate is than what was measured, by where the two are most alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_LAG_S = 0.5
"""Beyond this an estimate is no late one, but another one."""
LEAST_OVERLAP = 0.5
"""Of the samples that both have: at a lag that leaves fewer of them nothing is compared."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Lag:
    """The lag at which an estimate is most like the truth; not numbers where one never changes."""

    seconds: float
    """Above zero where the estimate comes later than what was measured."""
    correlation: float
    """Pearson correlation at this lag."""


NO_LAG = Lag(float("nan"), float("nan"))


def best_lags(
    truth: NDArray[np.floating], estimate: NDArray[np.floating], rate_hz: float
) -> tuple[list[Lag], Lag]:
    """Find the best lag of each muscle, and the one that is best for the mean over all muscles.

    Samples that are no numbers in one of the two are left out at every lag.

    >>> wave = np.sin(np.arange(400) / 20)[:, None]
    >>> [lag], overall = best_lags(wave[10:], wave[:-10], rate_hz=100)
    >>> lag.seconds, round(lag.correlation, 3)
    (0.1, 1.0)
    """
    most = min(round(MOST_LAG_S * rate_hz), len(truth) // 2)
    by_muscle = [
        correlations(a.astype(np.float64), b.astype(np.float64), most)
        for a, b in zip(truth.T, estimate.T, strict=True)
    ]
    moving = [values for values in by_muscle if np.isfinite(values).any()]
    overall = _best(np.mean(moving, axis=0), rate_hz) if moving else NO_LAG
    return [_best(values, rate_hz) for values in by_muscle], overall


def correlations(truth: Array, estimate: Array, most: int) -> Array:
    """Pearson correlation of one muscle at every lag from -most to +most samples."""
    from scipy import fft

    known_a, known_b = np.isfinite(truth), np.isfinite(estimate)
    both = known_a & known_b
    if not both.any() or np.ptp(truth[both]) == 0 or np.ptp(estimate[both]) == 0:
        return np.full(2 * most + 1, np.nan)
    # Near zero on average, so that sums of squares lose no digits.
    a = np.where(known_a, truth - truth[both].mean(), 0)
    b = np.where(known_b, estimate - estimate[both].mean(), 0)
    size = fft.next_fast_len(len(a) + most, real=True)

    def turned(values: NDArray[Any]) -> NDArray[np.complex128]:
        return np.asarray(fft.rfft(values, size))

    masks = [turned(one.astype(np.float64)) for one in (known_a, known_b)]
    signals = [turned(one) for one in (a, b)]
    squares = [turned(one**2) for one in (a, b)]

    def at_lags(first: NDArray[np.complex128], second: NDArray[np.complex128]) -> Array:
        """Sum first[i] * second[i + lag] over i, for each lag."""
        sums = fft.irfft(np.conj(first) * second, size)
        return np.concatenate([sums[size - most :], sums[: most + 1]]) if most else sums[:1]

    count = np.rint(at_lags(masks[0], masks[1]))
    enough = count >= max(2, LEAST_OVERLAP * both.sum())
    count = np.maximum(count, 1)
    sum_a, sum_b = at_lags(signals[0], masks[1]), at_lags(masks[0], signals[1])
    covariance = at_lags(signals[0], signals[1]) - sum_a * sum_b / count
    spread_a = at_lags(squares[0], masks[1]) - sum_a**2 / count
    spread_b = at_lags(masks[0], squares[1]) - sum_b**2 / count
    # What is left of rounding where one of them stands still over the overlap.
    floor = 1e-12 * np.array([(a**2).sum(), (b**2).sum()])
    moves = enough & (spread_a > floor[0]) & (spread_b > floor[1])
    scale = np.sqrt(np.where(moves, spread_a * spread_b, 1))
    return np.where(moves, np.clip(covariance / scale, -1, 1), np.nan)


def _best(values: Array, rate_hz: float) -> Lag:
    """Take the lag of the highest correlation, of equal ones the shortest."""
    if not np.isfinite(values).any():
        return NO_LAG
    most = len(values) // 2
    lags = np.arange(-most, most + 1)
    known = np.where(np.isfinite(values), values, -np.inf)
    # Rounded, so that what differs by rounding alone counts as equal.
    at = int(np.lexsort((np.abs(lags), -known.round(9)))[0])
    return Lag(float(lags[at] / rate_hz), float(values[at]))
