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
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.estimate.validity import ValidityGate, ValidityRules

RATE = 2000
RULES = ValidityRules()
ZERO_AFTER = round(RULES.zero_after_s * RATE)
RETURN = round(RULES.return_s * RATE)


def gate() -> ValidityGate:
    return ValidityGate(2, RATE, RULES)


def steady(count: int, value: float = 0.5) -> NDArray[np.float32]:
    return np.full((count, 2), value, np.float32)


def valid(count: int) -> NDArray[FlagBits]:
    return np.zeros(count, FlagBits)


def invalid(count: int) -> NDArray[FlagBits]:
    return np.full(count, Flag.INVALID | Flag.POSE_LOST, FlagBits)


def running() -> ValidityGate:
    """A gate that passes 0.5 through."""
    passing = gate()
    passing.apply(steady(RETURN), valid(RETURN))
    return passing


def test_nothing_is_believed_at_first() -> None:
    assert not gate().apply(steady(50), invalid(50)).any()


def test_effort_comes_in_along_a_line_and_then_passes_untouched() -> None:
    out = gate().apply(steady(300), valid(300))[:, 0]
    assert np.allclose(out[:RETURN], 0.5 * np.arange(1, RETURN + 1) / RETURN)
    assert (out[RETURN - 1 :] == 0.5).all()


def test_invalid_effort_decays_to_exactly_zero_in_the_stated_time() -> None:
    out = running().apply(steady(ZERO_AFTER + 10, 9.0), invalid(ZERO_AFTER + 10))[:, 0]
    assert (np.diff(out[:ZERO_AFTER]) < 0).all()
    assert (out[: ZERO_AFTER - 1] > 0).all()
    assert (out[ZERO_AFTER - 1 :] == 0).all()
    assert np.isclose(out[99], 0.5 * np.exp(-1), rtol=1e-3)


def test_the_decay_begins_at_the_last_value_that_was_passed_on() -> None:
    passing = running()
    passing.apply(steady(10, 0.9), valid(10))
    assert passing.apply(steady(1), invalid(1))[0, 0] > 0.89


def test_effort_returns_without_a_jump_from_wherever_it_was() -> None:
    passing = running()
    decayed = passing.apply(steady(30), invalid(30))[-1, 0]
    back = passing.apply(steady(RETURN, 0.8), valid(RETURN))[:, 0]
    path = np.concatenate([[decayed], back])
    assert np.abs(np.diff(path)).max() <= abs(0.8 - decayed) / RETURN + 1e-6
    assert back[-1] == np.float32(0.8)


def test_invalid_rows_are_never_passed_through_whatever_they_hold() -> None:
    rows = steady(40, np.nan)
    out = running().apply(rows, invalid(40))
    assert np.isfinite(out).all()
    assert out.max() < 0.5


def test_other_flags_do_not_stop_effort() -> None:
    flags = np.full(10, Flag.HELD | Flag.POSE_STALE, FlagBits)
    assert (running().apply(steady(10, 0.7), flags) == np.float32(0.7)).all()


def test_effort_decays_over_samples_that_nobody_was_given() -> None:
    skipped, shown = running(), running()
    skipped.skip(100)
    shown.apply(steady(100), invalid(100))
    rest = (steady(50), invalid(50))
    assert (skipped.apply(*rest) == shown.apply(*rest)).all()
    skipped.skip(10**9)
    assert not skipped.apply(*rest).any()


def test_nothing_in_gives_nothing_out() -> None:
    passing = running()
    assert passing.apply(steady(0), valid(0)).shape == (0, 2)
    assert (passing.apply(steady(1), invalid(1)) > 0.49).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 400)), min_size=1, max_size=8),
    st.lists(st.integers(1, 60), max_size=20),
)
def test_splitting_changes_nothing(spans: list[tuple[bool, int]], hops: list[int]) -> None:
    flags = np.concatenate([(invalid if bad else valid)(count) for bad, count in spans])
    effort = np.random.default_rng(1).random((len(flags), 2), dtype=np.float32) - np.float32(0.1)
    whole = gate().apply(effort, flags)
    parted = gate()
    pieces, done = [], 0
    for hop in [*hops, len(flags)]:
        pieces.append(parted.apply(effort[done : done + hop], flags[done : done + hop]))
        done += hop
    assert np.concatenate(pieces).tobytes() == whole.tobytes()
