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

"""What is measured of an estimate: lag, amplitude, spectrum, worst moments, with gaps left out."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kpm_ros.learn.scores.lags import best_lags
from kpm_ros.learn.scores.metrics import rmse, transport_distance
from kpm_ros.learn.scores.score_table import without_nan
from kpm_ros.learn.scores.spectra import CENTRES_HZ, band_power
from kpm_ros.learn.scores.take_figures import TakeFigures, measure

RATE_HZ = 100
MUSCLES = ("FDI", "EDC")


def made(seconds=20):
    """Envelopes of two muscles, which move at several speeds."""
    draw = np.random.default_rng(5).normal(0, 1, (seconds * RATE_HZ, 2))
    return np.abs(np.cumsum(draw, axis=0) % 20 - 10) / 20


def late(signal, samples):
    return np.concatenate([np.repeat(signal[:1], samples, axis=0), signal[:-samples]])


def test_the_lag_is_above_zero_where_the_estimate_comes_later():
    truth = made()
    by_muscle, overall = best_lags(truth, late(truth, 7), RATE_HZ)
    assert [lag.seconds for lag in by_muscle] == [0.07, 0.07]
    assert overall.seconds == 0.07
    assert overall.correlation == pytest.approx(1)
    assert best_lags(late(truth, 7), truth, RATE_HZ)[1].seconds == -0.07


@pytest.mark.parametrize("lag", [-3, 0, 4])
def test_the_correlation_at_a_lag_is_pearsons_of_what_both_have(lag):
    from kpm_ros.learn.scores.lags import correlations

    draw = np.random.default_rng(1)
    a, b = draw.random(300), draw.random(300)
    a[40:60] = np.nan
    b[100:140] = np.nan
    first, second = a[max(0, -lag) : 300 - max(0, lag)], b[max(0, lag) : 300 + min(0, lag)]
    both = np.isfinite(first) & np.isfinite(second)
    expected = np.corrcoef(first[both], second[both])[0, 1]
    assert correlations(a, b, 10)[10 + lag] == pytest.approx(expected, abs=1e-9)


def test_size_and_offset_are_told_and_removed_from_nothing():
    truth = made()
    figures = measure(truth, 0.5 * truth + 0.1, MUSCLES, RATE_HZ)
    for one in figures.muscles.values():
        assert (one.slope, one.offset) == (pytest.approx(0.5), pytest.approx(0.1))
        assert one.correlation == pytest.approx(1)
        assert (one.missed, one.false) == (0, 0)
    assert figures.rmse == pytest.approx(rmse(truth, 0.5 * truth + 0.1), rel=1e-5)


def test_without_gaps_the_figures_are_those_of_the_table():
    truth, estimate = made(), late(made(), 9)
    figures = measure(truth, estimate, MUSCLES, RATE_HZ, otd_points=100)
    assert figures.otd == pytest.approx(transport_distance(truth, estimate, 100), rel=1e-4)
    assert figures.seconds == 20


def test_gaps_and_dead_channels_are_left_out_and_the_rest_is_measured():
    truth, estimate = made(), late(made(), 9)
    estimate[500:900] += 5
    truth[500:900] = np.nan
    whole = np.isfinite(truth[:, 0])
    figures = measure(truth, estimate, MUSCLES, RATE_HZ)
    assert figures.rmse == pytest.approx(rmse(truth[whole], estimate[whole]), rel=1e-5)
    assert figures.seconds == 16
    assert all(not 4.5 < moment.start_s < 8.5 for moment in figures.worst)
    dead = truth.copy()
    dead[:, 1] = np.nan
    alone = measure(dead, estimate, MUSCLES, RATE_HZ)
    assert list(alone.muscles) == ["FDI"]
    assert alone.muscles["FDI"] == figures.muscles["FDI"]
    nothing = measure(np.full_like(truth, np.nan), estimate, MUSCLES, RATE_HZ)
    assert (nothing.seconds, nothing.muscles) == (0, {})
    assert np.isnan(nothing.rmse)


def test_an_estimate_that_never_changes_follows_nothing_and_misses_every_onset():
    one = measure(made(), np.full((2000, 2), 0.3), MUSCLES, RATE_HZ).muscles["FDI"]
    assert (one.correlation, one.slope) == (0, pytest.approx(0, abs=1e-9))
    assert one.missed == one.onsets > 0
    assert np.isnan([one.lag_s, one.late_s]).all()


def test_the_worst_moments_say_where_and_which_muscle():
    truth = made()
    estimate = truth.copy()
    estimate[700:800, 1] += 0.4
    estimate[1200:1300, 0] -= 0.2
    first, second, _ = measure(truth, estimate, MUSCLES, RATE_HZ).worst
    assert (first.start_s, first.muscle, first.error) == (7, "EDC", pytest.approx(0.4))
    assert (second.start_s, second.muscle, second.error) == (12, "FDI", pytest.approx(-0.2))


def test_the_spectrum_of_a_smoother_estimate_lacks_what_is_fast():
    truth = made(40)
    kernel = np.ones(15) / 15
    smooth = np.stack([np.convolve(column, kernel, "same") for column in truth.T], axis=1)
    measured, estimated = (band_power(one, RATE_HZ)[0][:, 0] for one in (truth, smooth))
    slow, fast = CENTRES_HZ.index(1.0), CENTRES_HZ.index(16.0)
    assert estimated[slow] > 0.8 * measured[slow]
    assert estimated[fast] < 0.1 * measured[fast]
    assert np.isnan(measured[-1]), "64 Hz is beyond half the rate"


def test_figures_can_be_kept_as_json():
    figures = measure(made(), np.full((2000, 2), 0.3), MUSCLES, RATE_HZ)
    plain = json.loads(json.dumps(without_nan(figures.as_plain())))
    assert TakeFigures.from_plain(plain) == figures
