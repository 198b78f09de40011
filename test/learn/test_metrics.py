"""Scores on arrays whose right answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.learn.metrics import muscle_correlation, muscle_rmse, rmse, score

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
