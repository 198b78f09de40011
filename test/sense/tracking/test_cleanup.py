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

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.sense.tracking.cleanup import CleanUpRules, LiveCleaner, clean_recording, smooth

FRAMES = 200


def playing(frames=FRAMES):
    """A hand's landmarks, moving slowly: (frames, 21, 3)."""
    time = np.arange(frames)[:, None, None] / 30
    phase = np.random.default_rng(3).uniform(0, 6, (21, 3))
    return 0.5 + 0.1 * np.sin(2 * np.pi * 0.5 * time + phase)


def noisy(points, scatter=0.002):
    return points + np.random.default_rng(4).normal(0, scatter, points.shape)


def without(points, *gaps):
    points = points.copy()
    for start, end in gaps:
        points[start:end] = np.nan
    return points


def is_seen(points):
    return np.isfinite(points).all(axis=(1, 2))


def test_a_recording_is_smoothed_as_savitzky_and_golay_do():
    cubic = np.linspace(-1, 1, FRAMES)[:, None] ** [0, 1, 2, 3]
    assert np.allclose(smooth(cubic, CleanUpRules()), cubic, atol=1e-9)


@pytest.mark.parametrize("frames", [1, 2, 3, 8, 10])
def test_a_run_shorter_than_the_window_is_fitted_by_one_polynomial(frames):
    run = noisy(playing()).reshape(FRAMES, -1)[:frames]
    times = np.arange(frames)
    order = min(3, frames - 1)
    expected = [np.polyval(np.polyfit(times, column, order), times) for column in run.T]
    assert np.allclose(smooth(run, CleanUpRules()), np.transpose(expected), atol=1e-9)


def test_smoothing_halves_the_noise_and_moves_nothing():
    clean = playing()
    error = clean_recording(noisy(clean)) - clean
    assert error.std() < 0.6 * 0.002
    assert abs(error.mean()) < 1e-4


def test_outliers_are_replaced_by_what_lies_around_them():
    clean = playing()
    spiked = noisy(clean, 0.0005)
    spiked[50, 8] += 0.5
    spiked[120:122, 4, 0] -= 0.5
    assert np.abs(clean_recording(spiked) - clean).max() < 0.03
    assert np.abs(clean_recording(spiked) - clean)[45:130].max() < 0.005


def test_short_gaps_are_bridged_and_long_ones_are_not():
    points = without(playing(), (50, 79), (120, 150))
    cleaned = clean_recording(points)
    assert is_seen(cleaned)[50:79].all()
    assert not is_seen(cleaned)[120:150].any()
    bridge = np.linspace(points[49], points[79], 31)
    # Of a movement by 0.2; an outlier may be found at the edge, and smoothing rounds it off.
    assert np.abs(cleaned[49:80] - bridge).max() < 0.02


def test_a_gap_is_bridged_by_a_straight_line():
    steady = np.linspace(0, 1, FRAMES)[:, None, None] * np.ones((1, 21, 3))
    assert np.allclose(clean_recording(without(steady, (60, 80))), steady, atol=1e-6)


def test_short_runs_are_dropped():
    points = without(playing(), (0, 40), (54, 100), (115, 160))
    seen = is_seen(clean_recording(points))
    assert not seen[40:54].any()
    assert seen[100:115].all()


def test_gaps_at_the_ends_and_recordings_without_a_hand_stay_empty():
    seen = is_seen(clean_recording(without(playing(), (0, 5), (195, 200))))
    assert seen.tolist() == [False] * 5 + [True] * 190 + [False] * 5
    assert not is_seen(clean_recording(np.full((30, 21, 3), np.nan))).any()
    assert clean_recording(np.zeros((0, 21, 3))).shape == (0, 21, 3)


def test_a_long_recording_is_cleaned_as_a_short_one():
    points = noisy(playing(3000))
    assert np.allclose(clean_recording(points)[:1000], clean_recording(points[:1100])[:1000])


@pytest.mark.parametrize(
    "rules", [{"smooth_window": 10}, {"smooth_window": 3}, {"hampel_window": 2}]
)
def test_filters_that_cannot_be_are_refused(rules):
    with pytest.raises(ValueError, match="must be"):
        CleanUpRules(**rules)


def live(frames, **options):
    cleaner = LiveCleaner(**options)
    return [cleaner.push_frame(points) for points in frames], cleaner


def test_live_smoothing_delays_nothing_that_a_polynomial_follows():
    time = np.arange(60)[:, None, None] / 60
    moving = 0.2 + 0.5 * time + 0.4 * time**2 + 0.0 * np.ones((1, 21, 3))
    shown, cleaner = live(moving)
    for (points, held), truth in zip(shown[2:], moving[2:], strict=True):
        assert not held
        assert np.allclose(points, truth, atol=1e-5)
    assert cleaner.outliers == 0


def test_live_output_follows_from_the_past_alone():
    frames = list(noisy(playing()))
    whole, _ = live(frames)
    part, _ = live(frames[:80])
    for (one, _), (other, _) in zip(whole[:80], part, strict=True):
        assert (one is None and other is None) or np.array_equal(one, other)


def test_a_single_jump_is_not_shown_and_one_that_stays_is_shown_after_two_frames():
    still = np.full((21, 3), 0.5)
    away = still + 0.2
    frames = [still] * 20 + [away] + [still] * 10 + [away] * 5
    shown, cleaner = live(frames, smooth_newest=False)
    assert np.allclose(shown[20][0], still)
    assert np.allclose(shown[32][0], still)
    assert np.allclose(shown[33][0], away)
    assert cleaner.outliers == 3 * 63


def test_a_hand_that_comes_into_sight_is_shown_after_it_has_settled():
    still = np.full((21, 3), 0.5)
    shown, _ = live([None, still, still, still, None, still, still, still])
    assert [points is not None for points, _ in shown] == [0, 0, 0, 1, 0, 0, 0, 1]


def test_a_lost_hand_is_held_for_as_long_as_asked_and_said_to_be_held():
    still = np.full((21, 3), 0.5)
    shown, _ = live([still] * 3 + [None] * 4, hold=2)
    assert [held for _, held in shown] == [False] * 3 + [True, True, False, False]
    assert shown[4][0] is not None
    assert shown[5][0] is None


def test_landmarks_that_are_not_numbers_count_as_no_hand():
    bad = np.full((21, 3), 0.5)
    bad[3, 1] = np.nan
    shown, _ = live([np.full((21, 3), 0.5)] * 5 + [bad])
    assert shown[-1] == (None, False)
