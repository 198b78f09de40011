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

"""The low-pass over effort."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kpm_ros.act.smoothing import Smoother

STEP = 500_000


def test_a_step_is_followed_as_the_time_constant_says() -> None:
    smoother = Smoother(1, time_constant_s=0.03, max_gap_s=0.05)
    values = [smoother.push_sample(index * STEP, [1.0])[0] for index in range(200)]
    expected = 1 - np.exp(-np.arange(200) * 0.0005 / 0.03)
    np.testing.assert_allclose(values, expected, atol=1e-12)


def test_lost_samples_take_as_much_time_as_they_would_have() -> None:
    whole = Smoother(1, 0.03, 0.05)
    holed = Smoother(1, 0.03, 0.05)
    for index in range(100):
        whole.push_sample(index * STEP, [1.0])
        if index % 7 in (0, 1) or index == 99:
            holed.push_sample(index * STEP, [1.0])
    assert holed.value[0] == pytest.approx(whole.value[0], abs=1e-12)


def test_no_time_constant_means_no_smoothing() -> None:
    smoother = Smoother(2, 0.0, 0.05)
    assert smoother.push_sample(0, [0.25, -1.0]) == [0.25, -1.0]


@pytest.mark.parametrize("jump", [50_000_001, -1])
def test_a_long_gap_or_a_step_back_in_time_starts_from_zero(jump: int) -> None:
    smoother = Smoother(1, 0.03, 0.05)
    for index in range(100):
        smoother.push_sample(index * STEP, [1.0])
    assert smoother.push_sample(99 * STEP + jump, [1.0]) == [0.0]
    after = smoother.push_sample(99 * STEP + jump + STEP, [1.0])[0]
    assert after == pytest.approx(-math.expm1(-0.0005 / 0.03))
