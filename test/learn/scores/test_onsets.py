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

"""Onsets: found by one stated rule in both signals, and paired."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.learn.scores.onsets import OnsetRule, onsets, score_onsets

RATE_HZ = 200


def bursts(*starts_s, seconds=10.0, on_s=0.3, height=0.6):
    signal = np.full(round(seconds * RATE_HZ), 0.05)
    for start_s in starts_s:
        signal[round(start_s * RATE_HZ) : round((start_s + on_s) * RATE_HZ)] = height
    return signal


def test_an_onset_is_where_a_muscle_leaves_rest():
    assert onsets(bursts(1, 3.5, 7), RATE_HZ).tolist() == [1, 3.5, 7]


def test_the_rule_is_the_same_for_a_signal_of_any_size():
    assert onsets(0.01 * bursts(1, 3.5) + 5, RATE_HZ).tolist() == [1, 3.5]


def test_noise_of_rest_is_no_onset():
    noise = np.random.default_rng(0).normal(0, 0.01, 10 * RATE_HZ)
    assert onsets(bursts(1, 3.5, 7) + noise, RATE_HZ).tolist() == pytest.approx(
        [1, 3.5, 7], abs=0.01
    )


@pytest.mark.parametrize(
    ("signal", "why"),
    [
        (bursts(2, on_s=0.03), "too short"),
        (np.full(2000, 0.3), "never changes"),
        (np.full(2000, np.nan), "not known"),
    ],
)
def test_what_is_no_onset(signal, why):
    assert not len(onsets(signal, RATE_HZ)), why


def test_a_dip_within_a_burst_begins_no_other():
    signal = bursts(2, on_s=1)
    signal[round(2.5 * RATE_HZ) :][:4] = 0.13
    assert onsets(signal, RATE_HZ).tolist() == [2]
    rule = OnsetRule(falls_to=1.0, refractory_s=0.0)
    assert len(onsets(signal, RATE_HZ, rule)) == 2


def test_a_burst_whose_beginning_was_not_seen_has_no_onset():
    signal = bursts(0, 4)
    signal[round(3.9 * RATE_HZ) : round(4.1 * RATE_HZ)] = np.nan
    assert not len(onsets(signal, RATE_HZ))


def test_estimated_onsets_are_met_missed_or_false():
    score = score_onsets(bursts(1, 3, 5, 7), bursts(1.05, 3.1, 5.5), RATE_HZ)
    assert (score.measured, score.missed, score.false) == (4, 2, 1)
    assert score.late_s == pytest.approx((0.05, 0.1))


def test_the_nearest_onsets_belong_together():
    rule = OnsetRule(refractory_s=0.0, match_s=0.5)
    score = score_onsets(bursts(2, on_s=0.1), bursts(1.7, 2.1, on_s=0.1), RATE_HZ, rule)
    assert score.late_s == pytest.approx((0.1,))
    assert score.false == 1


def test_where_the_truth_is_not_known_no_estimate_is_false():
    truth = bursts(1, 5)
    truth[round(2.5 * RATE_HZ) : round(4 * RATE_HZ)] = np.nan
    score = score_onsets(truth, bursts(1, 3, 5), RATE_HZ)
    assert (score.missed, score.false) == (0, 0)
