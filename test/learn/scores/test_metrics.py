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

"""Scores on arrays whose right answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.learn.scores.metrics import (
    mean_correlation,
    mean_interval,
    muscle_correlation,
    muscle_rmse,
    ratio_interval,
    rmse,
    score,
    transport_distance,
)

WAVE = np.sin(np.linspace(0, 7, 200))
OTHER = np.cos(np.linspace(0, 7, 200))
TRUTH = np.stack([WAVE, OTHER], axis=1)


def test_a_perfect_estimate_has_no_error_and_correlates_fully():
    assert rmse(TRUTH, TRUTH) == 0
    assert muscle_correlation(TRUTH, TRUTH) == pytest.approx([1, 1])


def test_rmse_is_over_samples_and_muscles_together():
    off = TRUTH + np.array([3.0, 4.0])
    assert muscle_rmse(TRUTH, off) == pytest.approx([3, 4])
    assert rmse(TRUTH, off) == pytest.approx(np.sqrt((9 + 16) / 2))


def test_correlation_ignores_size_and_offset_but_not_direction():
    estimate = TRUTH * np.array([0.1, -5.0]) + 2
    assert muscle_correlation(TRUTH, estimate) == pytest.approx([1, -1])


def test_a_muscle_that_never_changes_has_no_correlation():
    flat = TRUTH.copy()
    flat[:, 0] = 0.25
    assert np.isnan(muscle_correlation(TRUTH, flat)[0])
    assert muscle_correlation(TRUTH, flat)[1] == pytest.approx(1)


def test_performances_count_alike_however_long_they_are():
    long_and_right = (TRUTH, TRUTH)
    short_and_off = (TRUTH[:10], TRUTH[:10] + 1)
    scores = score([long_and_right, short_and_off], ("one", "two"))
    assert scores.rmse == pytest.approx(0.5)
    assert scores.muscle_rmse == pytest.approx((0.5, 0.5))
    assert scores.performances == 2


def test_what_is_not_a_number_is_left_out_of_the_card():
    flat = TRUTH.copy()
    flat[:, 0] = 0.25
    figures = score([(TRUTH, flat)], ("one", "two")).flat()
    assert "correlation_one" not in figures
    assert figures["correlation_two"] == figures["correlation"] == pytest.approx(1)
    assert set(figures) == {"rmse", "correlation", "rmse_one", "rmse_two", "correlation_two"}


def test_arrays_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match=r"\(200, 2\) and estimate \(199, 2\)"):
        rmse(TRUTH, TRUTH[:-1])
    with pytest.raises(ValueError, match="no performance"):
        score([], ("one", "two"))


def test_an_estimate_that_never_changes_correlates_with_nothing():
    estimate = TRUTH.copy()
    estimate[:, 0] = 0.5
    assert mean_correlation(TRUTH, estimate) == pytest.approx(0.5)


def test_a_muscle_whose_truth_never_changes_is_left_out():
    truth = TRUTH.copy()
    truth[:, 0] = 0.5
    assert mean_correlation(truth, TRUTH) == pytest.approx(1)
    assert np.isnan(mean_correlation(truth[:, :1], TRUTH[:, :1]))


def test_the_transport_distance_is_between_clouds_and_knows_no_order():
    assert transport_distance(TRUTH, TRUTH[::-1]) == pytest.approx(0, abs=1e-5)
    assert transport_distance(TRUTH, TRUTH) == pytest.approx(0, abs=1e-5)


def test_the_transport_distance_of_a_shift_is_half_its_square():
    off = TRUTH + np.array([0.3, 0.4])
    assert transport_distance(TRUTH, off) == pytest.approx(0.5**2 / 2, rel=0.02)


def test_the_transport_distance_takes_even_points_of_long_performances():
    long = np.repeat(TRUTH, 40, axis=0)
    off = long + np.array([0.3, 0.4])
    assert transport_distance(long, off, points=300) == pytest.approx(0.125, rel=0.02)
    first = long.copy()
    first[1:-1] += 1
    assert transport_distance(long, first, points=2) == pytest.approx(0, abs=1e-5)
    with pytest.raises(ValueError, match="at least 1 point, not 0"):
        transport_distance(long, off, points=0)


def test_an_interval_is_the_same_each_time_and_shrinks_with_more_performances():
    draw = np.random.default_rng(0)
    few, many = draw.normal(1, 0.2, 8).tolist(), draw.normal(1, 0.2, 200).tolist()
    assert mean_interval(few) == mean_interval(few)
    assert mean_interval(many).half_width < 0.4 * mean_interval(few).half_width
    found = mean_interval(many)
    assert found.low < np.mean(many) < found.high
    assert found.half_width == pytest.approx(1.96 * np.std(many) / np.sqrt(200), rel=0.15)


def test_performances_without_a_score_are_left_out_of_the_mean():
    assert mean_interval([1.0, float("nan"), 3.0]).mean == 2
    assert np.isnan(mean_interval([float("nan")]).mean)


def test_a_ratio_is_as_sure_as_the_pairs_agree():
    draw = np.random.default_rng(0)
    below = draw.uniform(0.5, 2, 30)
    steady = ratio_interval((0.8 * below).tolist(), below.tolist())
    assert steady.mean == pytest.approx(0.8)
    assert steady.half_width == pytest.approx(0, abs=1e-9)
    varied = ratio_interval((0.8 * below[::-1]).tolist(), below.tolist())
    assert varied.mean == pytest.approx(0.8)
    assert varied.half_width > 0.1
    with pytest.raises(ValueError, match="0 and 0 scores"):
        ratio_interval([], [])
