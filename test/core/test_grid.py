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
from hypothesis import given
from hypothesis import strategies as st

from kpm_ros.core.grid import NS_PER_S, Grid

RATES = st.sampled_from([1, 30, 60, 1000, 1024, 2000, 44100])
INDEXES = st.integers(-(10**6), 4 * 10**12)


@given(RATES, INDEXES)
def test_a_sample_is_found_again_at_its_own_instant(rate_hz: int, index: int) -> None:
    grid = Grid(rate_hz)
    assert grid.last_at(grid.stamp_ns(index)) == index
    assert grid.first_at(grid.stamp_ns(index)) == index


@given(RATES, st.integers(0, 2 * 10**18))
def test_the_samples_around_an_instant_enclose_it(rate_hz: int, stamp_ns: int) -> None:
    grid = Grid(rate_hz)
    last, first = grid.last_at(stamp_ns), grid.first_at(stamp_ns)
    assert grid.stamp_ns(last) <= stamp_ns < grid.stamp_ns(last + 1)
    assert grid.stamp_ns(first - 1) < stamp_ns <= grid.stamp_ns(first)


@given(RATES, st.integers(0, 2 * 10**9), st.integers(0, 50))
def test_many_stamps_at_once_are_those_of_one_by_one(rate_hz: int, second: int, count: int) -> None:
    grid = Grid(rate_hz)
    first = second * rate_hz - 7
    expected = [grid.stamp_ns(first + i) for i in range(count)]
    assert grid.stamps_ns(first, count).tolist() == expected


def test_a_whole_second_is_a_whole_number_of_samples_however_late_it_is() -> None:
    late = 1_900_000_000
    assert Grid(1024).stamp_ns(late * 1024) == late * NS_PER_S
    assert np.diff(Grid(1024).stamps_ns(late * 1024, 1025)).sum() == NS_PER_S


@pytest.mark.parametrize("rate_hz", [0, -5, 0.5])
def test_a_rate_that_no_grid_can_have_is_refused(rate_hz: float) -> None:
    with pytest.raises(ValueError, match="whole, positive rate"):
        Grid(rate_hz)  # type: ignore[arg-type]
