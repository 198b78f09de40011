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

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.estimate.clock import EffortClock

START = 1_700_000_000
"""A second of the epoch."""


def given_out(
    clock: EffortClock, index: int, values: NDArray[np.float32], hops: list[int]
) -> tuple[list[int], NDArray[np.float32], NDArray[FlagBits]]:
    """Push values in hops; all instants that come out, with effort and flags."""
    instants, effort, flags = [], [], []
    done = 0
    for hop in [*hops, len(values)]:
        part = values[done : done + hop]
        if not len(part):
            continue
        marks = (np.arange(done, done + len(part)) % 7 == 0).astype(FlagBits)
        first, out, out_flags = clock.push(index + done, part, marks)
        instants += range(first, first + len(out))
        effort.append(out)
        flags.append(out_flags)
        done += len(part)
    return instants, np.concatenate(effort), np.concatenate(flags)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([10, 500, 1000, 1024, 1999, 2000, 3000, 4000]),
    st.integers(-40, 40),
    st.lists(st.integers(0, 30), max_size=12),
)
def test_each_instant_comes_once_in_order_however_samples_are_split(
    rate_hz: int, offset: int, hops: list[int]
) -> None:
    index = START * rate_hz + offset
    values = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    split = given_out(EffortClock(rate_hz), index, values, hops)
    whole = given_out(EffortClock(rate_hz), index, values, [])
    assert split[0] == whole[0] == list(range(whole[0][0], whole[0][0] + len(whole[0])))
    assert split[1].tobytes() == whole[1].tobytes()
    assert split[2].tobytes() == whole[2].tobytes()
    first, last = whole[0][0], whole[0][-1]
    assert Fraction(first - 1, 2000) < Fraction(index, rate_hz) <= Fraction(first, 2000)
    assert Fraction(last, 2000) <= Fraction(index + 199, rate_hz) < Fraction(last + 1, 2000)


def test_effort_between_samples_lies_on_a_straight_line() -> None:
    clock = EffortClock(1024)
    index = START * 1024
    ramp = np.arange(1025, dtype=np.float32)[:, None] / 1024
    first, effort, _ = clock.push(index, ramp, np.zeros(1025, FlagBits))
    assert first == START * 2000
    assert len(effort) == 2001
    assert np.abs(effort[:, 0] - np.arange(2001) / 2000).max() < 1e-6


def test_at_the_rate_of_the_output_samples_pass_through_untouched() -> None:
    values = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    _, effort, _ = EffortClock(2000).push(START * 2000, values, np.zeros(50, FlagBits))
    assert effort.tobytes() == values.tobytes()


def test_a_flag_reaches_every_instant_that_uses_its_sample_and_no_other() -> None:
    clock = EffortClock(1000)
    flags = np.zeros(10, FlagBits)
    flags[5] = Flag.INVALID
    _, _, out = clock.push(START * 1000, np.zeros((10, 1), np.float32), flags)
    assert np.flatnonzero(out).tolist() == [9, 10, 11]


def test_flags_of_both_neighbours_are_joined() -> None:
    flags = np.array([1, 2], FlagBits)
    _, _, out = EffortClock(1000).push(START * 1000, np.zeros((2, 1), np.float32), flags)
    assert out.tolist() == [1, 3, 2]


def test_a_hole_between_samples_is_refused() -> None:
    clock = EffortClock(1024)
    clock.push(100, np.zeros((5, 1), np.float32), np.zeros(5, FlagBits))
    with pytest.raises(ValueError, match="does not follow"):
        clock.push(106, np.zeros((5, 1), np.float32), np.zeros(5, FlagBits))


def test_after_a_reset_a_new_line_begins_anywhere() -> None:
    clock = EffortClock(1000)
    clock.push(100, np.zeros((5, 1), np.float32), np.zeros(5, FlagBits))
    clock.reset()
    first, effort, _ = clock.push(500, np.ones((2, 1), np.float32), np.zeros(2, FlagBits))
    assert (first, effort[:, 0].tolist()) == (1000, [1.0, 1.0, 1.0])
