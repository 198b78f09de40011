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

"""Everything that is measured of one estimate of one recording, muscle by muscle and overall."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.scores.lags import Lag, best_lags
from kpm_ros.learn.scores.metrics import (
    OTD_POINTS,
    muscle_correlation,
    rmse,
    transport_distance,
)
from kpm_ros.learn.scores.onsets import USUAL_RULE, OnsetRule, OnsetScore, score_onsets
from kpm_ros.learn.scores.spectra import band_power

Array = NDArray[np.floating]
NAN = math.nan
"""The one that figures hold, so that those without a value are alike."""
MOMENT_S = 1.0
"""Length of a moment of which it is said how far an estimate was off."""
MOMENTS = 3
"""Worst moments noted of each recording."""


@dataclass(frozen=True)
class MuscleFigures:
    """How one muscle was estimated in one recording; what cannot be told is not a number."""

    seconds: float
    rmse: float
    correlation: float
    """0 of an estimate that never changes; not a number where the truth never does."""
    lag_s: float
    lag_correlation: float
    slope: float
    """Of the estimate on what was measured: 1 is the right size."""
    offset: float
    """What is estimated where nothing is measured."""
    onsets: int
    missed: int
    false: int
    late_s: float
    """Median of the onsets that were met."""
    spread_s: float
    """From the first to the third quartile of them."""


@dataclass(frozen=True)
class Moment:
    """A second in which an estimate was far off."""

    start_s: float
    rmse: float
    muscle: str
    """The one that was furthest off."""
    error: float
    """Its mean error: above zero where too much was estimated."""


@dataclass(frozen=True)
class TakeFigures:
    """How one recording was estimated by one model."""

    seconds: float
    """In which something of both the truth and the estimate is known."""
    rmse: float
    otd: float
    correlation: float
    lag_s: float
    """Best for the mean over all muscles."""
    lag_correlation: float
    muscles: Mapping[str, MuscleFigures]
    worst: tuple[Moment, ...]
    spectrum: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]
    """By muscle, the power of truth and estimate in each band of `spectra`; empty if too short."""

    def as_plain(self) -> dict[str, Any]:
        """Put it in the form of JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, raw: Mapping[str, Any]) -> TakeFigures:
        """Read back what `as_plain` gave and JSON kept, None for what is not a number."""
        numbers = {
            spec.name: _number(raw[spec.name]) for spec in fields(cls) if spec.type == "float"
        }
        muscles = {
            name: MuscleFigures(**{key: _number(value) for key, value in one.items()})
            for name, one in raw["muscles"].items()
        }
        spectrum = {
            name: (tuple(map(_number, truth)), tuple(map(_number, estimate)))
            for name, (truth, estimate) in raw["spectrum"].items()
        }
        worst = tuple(Moment(**one) for one in raw["worst"])
        return cls(**numbers, muscles=muscles, worst=worst, spectrum=spectrum)


def _number(value: Any) -> Any:
    """JSON has no word for what is not a number."""
    return NAN if value is None else value


def measure(
    truth: Array,
    estimate: Array,
    muscles: Sequence[str],
    rate_hz: float,
    otd_points: int = OTD_POINTS,
    rule: OnsetRule = USUAL_RULE,
) -> TakeFigures:
    """Measure an estimate (T, M) against the truth; samples that are not numbers are left out.

    A muscle of which no sample is known is left out, too; without any there are no figures.
    """
    both = np.isfinite(truth) & np.isfinite(estimate)
    known = np.flatnonzero(both.any(axis=0)).tolist()
    if not known:
        return TakeFigures(0.0, NAN, NAN, NAN, NAN, NAN, {}, (), {})
    truth, estimate, both = (np.asarray(one)[:, known] for one in (truth, estimate, both))
    muscles = [muscles[i] for i in known]
    lags, overall = best_lags(truth, estimate, rate_hz)
    found = {
        name: _of_muscle(truth[both[:, i], i], estimate[both[:, i], i], rate_hz, lags[i], timing)
        for i, name in enumerate(muscles)
        for timing in [score_onsets(truth[:, i], estimate[:, i], rate_hz, rule)]
    }
    whole = both.all(axis=1)
    told = [one.correlation for one in found.values() if not np.isnan(one.correlation)]
    return TakeFigures(
        seconds=short(both.any(axis=1).sum() / rate_hz),
        rmse=short(rmse(truth[both][:, None], estimate[both][:, None])),
        otd=short(transport_distance(truth[whole], estimate[whole], otd_points))
        if whole.any()
        else NAN,
        correlation=short(float(np.mean(told))) if told else NAN,
        lag_s=short(overall.seconds),
        lag_correlation=short(overall.correlation),
        muscles=found,
        worst=worst_moments(truth, estimate, muscles, rate_hz),
        spectrum=_spectra(truth, estimate, muscles, rate_hz),
    )


def _of_muscle(
    truth: Array, estimate: Array, rate_hz: float, lag: Lag, timing: OnsetScore
) -> MuscleFigures:
    """Measure one muscle, of which every sample is known."""
    a, b = truth[:, None], estimate[:, None]
    slope, offset = amplitude_line(truth, estimate)
    early, middle, late = np.quantile(timing.late_s or [NAN], (0.25, 0.5, 0.75))
    # An estimate that never changes follows nothing.
    follows = np.nan_to_num(muscle_correlation(a, b)[0]) if np.ptp(truth) > 0 else NAN
    return MuscleFigures(
        seconds=short(len(truth) / rate_hz),
        rmse=short(rmse(a, b)),
        correlation=short(follows),
        lag_s=short(lag.seconds),
        lag_correlation=short(lag.correlation),
        slope=short(slope),
        offset=short(offset),
        onsets=timing.measured,
        missed=timing.missed,
        false=timing.false,
        late_s=short(middle),
        spread_s=short(late - early),
    )


def short(value: float) -> float:
    """Keep six digits: further ones would only be different from machine to machine."""
    return NAN if np.isnan(value) else float(f"{value:.6g}")


def amplitude_line(truth: Array, estimate: Array) -> tuple[float, float]:
    """Fit estimate = slope * truth + offset; where the truth never changes there is no line.

    >>> amplitude_line(np.array([0.0, 1.0]), np.array([0.25, 0.75]))
    (0.5, 0.25)
    """
    a, b = truth.astype(np.float64), estimate.astype(np.float64)
    if np.ptp(a) == 0:
        return NAN, NAN
    centred = a - a.mean()
    slope = (centred * b).sum() / (centred**2).sum()
    return float(slope), float(b.mean() - slope * a.mean())


def worst_moments(
    truth: Array, estimate: Array, muscles: Sequence[str], rate_hz: float, most: int = MOMENTS
) -> tuple[Moment, ...]:
    """Find the seconds with the largest RMSE over all muscles, the worst first."""
    length = max(1, round(MOMENT_S * rate_hz))
    count = len(truth) // length
    if not count:
        return ()
    shape = (count, length, len(muscles))
    error = (np.asarray(estimate, np.float64) - truth)[: count * length].reshape(shape)
    # A moment that is known in part says less than the others.
    known = np.isfinite(error).all(axis=2).mean(axis=1) >= 0.5
    squares = np.where(np.isfinite(error), error**2, 0).mean(axis=1)
    off = np.where(known, np.sqrt(squares.mean(axis=1)), -1)
    found = []
    for at in np.argsort(-off, kind="stable")[:most].tolist():
        if off[at] < 0:
            break
        muscle = int(squares[at].argmax())
        found.append(
            Moment(
                start_s=short(at * length / rate_hz),
                rmse=short(off[at]),
                muscle=muscles[muscle],
                error=short(float(np.nanmean(error[at, :, muscle]))),
            )
        )
    return tuple(found)


def _spectra(
    truth: Array, estimate: Array, muscles: Sequence[str], rate_hz: float
) -> dict[str, tuple[tuple[float, ...], tuple[float, ...]]]:
    both = np.isfinite(truth) & np.isfinite(estimate)
    masked = (np.where(both, one, np.nan) for one in (truth, estimate))
    (measured, seconds), (estimated, _) = (band_power(one, rate_hz) for one in masked)
    return {
        name: (_bands(measured[:, i]), _bands(estimated[:, i]))
        for i, name in enumerate(muscles)
        if seconds[i]
    }


def _bands(power: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(NAN if np.isnan(value) else float(f"{value:.3g}") for value in power)
