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

"""Features of gestures, against numbers worked out by hand from their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import logm

from kpm_ros.act.gestures import features
from kpm_ros.act.gestures.features import FEATURES, measure, windows_of

SIGNAL = np.array([1.0, -2.0, 3.0, 3.0, -1.0])


def one(values):
    """Features of a window of one channel."""
    return np.asarray(values, float)[None, :, None]


def test_hudgins_features_of_five_samples():
    # Steps -3, 5, 0, -4. The signal crosses zero three times; the steps change sign once, at -2.
    assert features.hudgins(one(SIGNAL))[0] == pytest.approx([2.0, 12.0, 3.0, 1.0])


def test_low_sampling_features_of_four_samples():
    found = features.ls4(one([4.0, 1.0, 9.0, 0.0]))[0]
    # Ranked 0, 1, 4, 9: the second L-moment is the mean difference of two, halved.
    pairs = [abs(a - b) for k, a in enumerate([0, 1, 4, 9]) for b in [0, 1, 4, 9][:k]]
    steps = np.array([-3.0, 8.0, -9.0])
    assert found[0] == pytest.approx(np.mean(pairs) / 2)
    assert found[1] == pytest.approx(np.log10(np.sqrt((steps**2).sum())))
    assert found[2] == pytest.approx((2 + 1 + 3 + 0) / 4)
    assert found[3] == 2  # the root of their mean square is 7.2


def test_td_psd_is_what_its_moments_have_in_common_with_the_logarithms():
    signal = SIGNAL + 0.5

    def moments(x):
        first, second = np.diff(x), np.diff(x, n=2)
        n = len(x) - 1
        powers = (
            np.sqrt((x**2).sum()),
            np.sqrt((first**2).sum() / n),
            np.sqrt((second**2).sum() / n),
        )
        m0, m2, m4 = (p**0.1 / 0.1 for p in powers)
        return np.log(
            np.abs(
                [
                    m0,
                    m0 - m2,
                    m0 - m4,
                    m0 / np.sqrt(abs((m0 - m2) * (m0 - m4))),
                    m2 / np.sqrt(m0 * m4),
                    np.abs(first).sum() / np.abs(second).sum(),
                ]
            )
        )

    plain, logs = moments(signal), moments(np.log(signal**2))
    wanted = -2 * plain * logs / (plain**2 + logs**2)
    assert features.td_psd(one(signal))[0] == pytest.approx(wanted, rel=1e-6)


def test_covariances_lie_where_the_matrix_logarithm_has_them():
    window = np.random.default_rng(1).normal(size=(1, 50, 3)) @ np.diag([1.0, 2.0, 0.5])
    matrix = np.cov(window[0].T, bias=True)
    shrunk = 0.95 * matrix + 0.05 * np.trace(matrix) / 3 * np.eye(3)
    logs = logm(shrunk)
    wanted = [logs[i, j] * (1 if i == j else 2**0.5) for i in range(3) for j in range(i, 3)]
    assert features.covariance(window)[0] == pytest.approx(wanted, rel=1e-6)


def test_a_tone_is_in_its_own_band():
    times = np.arange(40) / 200
    # 40 samples at 200 Hz: 20 frequencies of 5 Hz in 6 bands; 70 Hz is the 14th, in the fifth.
    found = features.bands(one(np.sin(2 * np.pi * 70 * times)))[0]
    assert found.argmax() == 4


@pytest.mark.parametrize("name", FEATURES)
def test_a_window_gives_the_same_numbers_alone_and_among_others(name):
    samples = np.random.default_rng(2).normal(size=(200, 4))
    windows = windows_of(samples, 40, 10)
    together = measure(windows, [name])
    assert together.shape == (17, FEATURES[name].size(4))
    alone = np.concatenate([measure(window[None], [name]) for window in windows])
    np.testing.assert_allclose(alone, together, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", FEATURES)
def test_a_signal_that_stands_still_has_finite_features(name):
    assert np.isfinite(measure(np.zeros((1, 40, 2)), [name])).all()
