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

"""Is effort fit to act on, and how fast may an output move."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpm_ros.act.safety import EffortGuard, GuardState
from kpm_ros.act.slew_limiter import SlewLimiter
from kpm_ros.core.flags import Flag, FlagBits
from support.clocks import both

MS = 1_000_000
NOW = 1_700_000_000_000 * MS
STEP = 500_000


def push_good(guard: EffortGuard, now: int = NOW, count: int = 4, age_ms: int = 60) -> None:
    stamps = now - age_ms * MS - STEP * np.arange(count)[::-1]
    guard.push_effort(stamps, np.full((count, 6), 0.3), np.zeros(count, FlagBits), both(now))


def push_one(guard: EffortGuard, now: int, stamp: int, row: object = None, flags: int = 0) -> None:
    values = [0.3] * 6 if row is None else row
    guard.push_effort([stamp], [values], [flags], both(now))


def test_a_guard_that_has_seen_nothing_is_waiting() -> None:
    report = EffortGuard(6).check(both(NOW))
    assert report == (GuardState.WAITING, "no effort has come yet")


def test_fresh_good_effort_is_ready_and_comes_through_unchanged() -> None:
    guard = EffortGuard(6)
    stamps = NOW - 50 * MS + STEP * np.arange(3)
    effort = np.arange(18, dtype=np.float32).reshape(3, 6) / 20
    admitted = guard.push_effort(stamps, effort, np.array([0, Flag.HELD, 0], FlagBits), both(NOW))
    assert admitted.stamps_ns == stamps.tolist()
    np.testing.assert_array_equal(np.array(admitted.effort), effort.astype(float))
    assert guard.check(both(NOW)).state is GuardState.READY
    assert guard.newest_ns == stamps[-1]
    assert guard.counts == {"good": 3}


def test_silence_is_stale_just_after_the_timeout_and_says_for_how_long() -> None:
    guard = EffortGuard(6, timeout_s=0.05)
    push_good(guard)
    assert guard.check(both(NOW + 50 * MS)).state is GuardState.READY
    assert guard.check(both(NOW + 50 * MS + 1)).state is GuardState.STALE
    assert guard.check(both(NOW + 132 * MS)) == (GuardState.STALE, "no effort for 132 ms")


def test_an_empty_batch_is_not_a_sign_of_life() -> None:
    guard = EffortGuard(6)
    push_good(guard)
    guard.push_effort([], np.zeros((0, 6)), [], both(NOW + 60 * MS))
    assert guard.check(both(NOW + 60 * MS)).state is GuardState.STALE


def test_effort_of_an_instant_long_past_is_stale_though_it_keeps_coming() -> None:
    guard = EffortGuard(6, max_age_s=0.3)
    push_good(guard, age_ms=800)
    assert guard.check(both(NOW)) == (GuardState.STALE, "effort describes an instant 0.8 s ago")
    assert guard.good_for_s(both(NOW)) == 0


def test_effort_marked_invalid_is_withheld_with_its_cause() -> None:
    guard = EffortGuard(6)
    admitted = guard.push_effort(
        [NOW], [[0.3] * 6], [int(Flag.INVALID | Flag.POSE_LOST)], both(NOW)
    )
    assert admitted[:2] == ([NOW], [None])
    assert guard.check(both(NOW)) == (GuardState.INVALID, "effort marked invalid: pose lost")
    push_one(guard, NOW + MS, NOW + MS, flags=Flag.INVALID)
    assert guard.check(both(NOW + MS)).reason == "effort marked invalid"


def test_effort_of_a_camera_that_is_late_is_withheld_until_the_model_goes_on_without_it() -> None:
    guard, late, lost = EffortGuard(6, late_inputs=False), Flag.POSE_STALE, Flag.POSE_LOST
    push_one(guard, NOW, NOW, flags=late | Flag.HELD)
    assert guard.check(both(NOW)).state is GuardState.INVALID
    assert "a camera is late" in guard.check(both(NOW)).reason
    push_one(guard, NOW + MS, NOW + MS, flags=late | lost | Flag.HELD)
    assert guard.check(both(NOW + MS)).state is GuardState.READY
    push_one(guard, NOW + 2 * MS, NOW + 2 * MS, flags=Flag.HELD)
    assert guard.check(both(NOW + 2 * MS)).state is GuardState.READY
    guard.late_inputs = True
    push_one(guard, NOW + 3 * MS, NOW + 3 * MS, flags=late)
    assert guard.check(both(NOW + 3 * MS)).state is GuardState.READY


def test_effort_of_a_piano_that_is_late_is_withheld_until_the_model_goes_on_without_it() -> None:
    guard = EffortGuard(6, late_inputs=False)
    push_one(guard, NOW, NOW, flags=Flag.HELD | Flag.CHANNELS_MISSING)
    assert "the piano is late" in guard.check(both(NOW)).reason
    push_one(guard, NOW + MS, NOW + MS, flags=Flag.CHANNELS_MISSING)
    assert guard.check(both(NOW + MS)).state is GuardState.READY


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("muscle", [0, 3, 5])
def test_non_finite_effort_of_any_muscle_is_refused_and_counted(value: float, muscle: int) -> None:
    guard = EffortGuard(6)
    row = [0.3] * 6
    row[muscle] = value
    push_one(guard, NOW, NOW, row)
    assert guard.check(both(NOW)) == (GuardState.INVALID, "non-finite effort")
    assert guard.counts == {"non-finite": 1}


def test_effort_beyond_what_is_plausible_is_refused() -> None:
    guard = EffortGuard(6, max_effort=10)
    push_one(guard, NOW, NOW, [0.1, 0.1, -1e300, 0.1, 0.1, 0.1])
    assert guard.check(both(NOW)) == (GuardState.INVALID, "effort of -1e+300, beyond +-10")


def test_the_wrong_number_of_muscles_is_refused_in_words() -> None:
    guard = EffortGuard(6)
    assert guard.push_effort([NOW], [[0.3] * 4], [0], both(NOW)) == ([], [], [])
    assert guard.check(both(NOW)) == (GuardState.INVALID, "6 channels of effort expected, 4 came")
    assert guard.counts == {"misshapen": 1}


@pytest.mark.parametrize(
    ("stamps", "effort", "flags"),
    [
        ([NOW, NOW + 1], [[0.3] * 6], [0]),
        ([NOW], [[0.3] * 6], [0, 0]),
        ([], [[0.3] * 6], []),
        ([NOW], [0.3] * 6, [0]),
        ([float("nan")], [[0.3] * 6], [0]),
        ([1 << 70], [[0.3] * 6], [0]),
        ([NOW], [["strong"] * 6], [0]),
        ([NOW, NOW + 1], [[0.3] * 6, [0.3] * 5], [0, 0]),
    ],
)
def test_a_batch_that_makes_no_sense_is_refused_whole(
    stamps: list, effort: list, flags: list
) -> None:
    guard = EffortGuard(6)
    push_good(guard)
    assert guard.push_effort(stamps, effort, flags, both(NOW + MS)) == ([], [], [])
    assert guard.check(both(NOW + MS)).state is GuardState.INVALID


def test_stamps_that_go_backwards_or_repeat_are_dropped_and_counted() -> None:
    guard = EffortGuard(6)
    stamps = [NOW - 2 * MS, NOW, NOW, NOW - MS]
    admitted = guard.push_effort(stamps, np.full((4, 6), 0.2), np.zeros(4, FlagBits), both(NOW))
    assert admitted.stamps_ns == [NOW - 2 * MS, NOW]
    assert guard.counts == {"good": 2, "out of order": 2}
    assert guard.check(both(NOW)) == (
        GuardState.INVALID,
        "effort out of order: 1.0 ms behind the newest",
    )


def test_effort_from_the_future_is_dropped_and_does_not_shut_out_what_follows() -> None:
    guard = EffortGuard(6, max_ahead_s=0.1)
    push_one(guard, NOW, NOW + 400 * MS)
    assert guard.check(both(NOW)) == (GuardState.INVALID, "effort from the future by 0.4 s")
    push_one(guard, NOW + MS, NOW + MS)
    assert guard.check(both(NOW + MS)).state is GuardState.READY


def test_good_effort_after_a_fault_is_ready_again_but_its_good_time_starts_anew() -> None:
    guard = EffortGuard(6)
    for tick in range(100):
        push_good(guard, NOW + tick * 2 * MS)
    now = NOW + 200 * MS
    assert guard.good_for_s(both(now)) == pytest.approx(0.2)
    push_one(guard, now, now - 50 * MS, [np.nan] * 6)
    assert guard.good_for_s(both(now)) == 0
    push_good(guard, now + 2 * MS, count=1, age_ms=49)
    assert guard.check(both(now + 2 * MS)).state is GuardState.READY
    assert guard.good_for_s(both(now + 12 * MS)) == pytest.approx(0.01)


def test_a_fault_inside_a_batch_ends_the_good_time_though_the_batch_ends_well() -> None:
    guard = EffortGuard(6)
    push_good(guard)
    effort = np.full((3, 6), 0.3)
    effort[1, 2] = np.nan
    later = NOW + 10 * MS
    guard.push_effort(later + STEP * np.arange(3), effort, np.zeros(3, FlagBits), both(later))
    assert guard.check(both(later)).state is GuardState.READY
    assert guard.good_for_s(both(later)) == 0


def test_a_silence_that_nobody_asked_about_still_ends_the_good_time() -> None:
    guard = EffortGuard(6, timeout_s=0.05)
    push_good(guard)
    push_good(guard, NOW + 200 * MS)
    assert guard.check(both(NOW + 200 * MS)).state is GuardState.READY
    assert guard.good_for_s(both(NOW + 200 * MS)) == 0


def test_effort_that_was_too_old_starts_its_good_time_anew_when_it_has_caught_up() -> None:
    guard = EffortGuard(6, max_age_s=0.3)
    for tick in range(60):
        push_one(guard, NOW + tick * 10 * MS, NOW + tick * MS)
    assert guard.check(both(NOW + 590 * MS)).state is GuardState.STALE
    for tick in range(60, 70):
        push_one(guard, NOW + tick * 10 * MS, NOW + tick * 10 * MS)
    assert guard.check(both(NOW + 690 * MS)).state is GuardState.READY
    assert guard.good_for_s(both(NOW + 690 * MS)) == pytest.approx(0.09)


def test_a_clock_set_back_makes_the_guard_wait_and_then_accept_the_new_time() -> None:
    guard = EffortGuard(6)
    push_good(guard)
    past = NOW - 10_000 * MS
    report = guard.check(both(past))
    assert report == (GuardState.WAITING, "the clock went back by 10 s; no effort since")
    push_good(guard, past + MS)
    assert guard.check(both(past + MS)).state is GuardState.READY


def test_callers_a_few_milliseconds_out_of_order_are_no_clock_set_back() -> None:
    guard = EffortGuard(6)
    push_good(guard)
    guard.check(both(NOW + 10 * MS))
    push_good(guard, NOW + 5 * MS)
    assert guard.check(both(NOW + 10 * MS)).state is GuardState.READY


@pytest.mark.parametrize(
    ("setting", "value"),
    [("timeout_s", 0), ("max_age_s", float("nan")), ("max_ahead_s", -1), ("max_effort", True)],
)
def test_a_setting_that_cannot_be_is_named_with_its_value(setting: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{setting} is {value!r}, but must be "):
        EffortGuard(6, **{setting: value})


def test_a_slew_limiter_reaches_its_target_at_its_rate_and_stays() -> None:
    limiter = SlewLimiter(2, max_rate_per_s=2.0)
    path = [limiter.step([0.05, -0.01], 0.01) for _ in range(4)]
    np.testing.assert_allclose(path, [[0.02, -0.01], [0.04, -0.01], [0.05, -0.01], [0.05, -0.01]])


def test_a_late_step_may_go_all_the_way_to_zero_but_not_grow_as_far() -> None:
    limiter = SlewLimiter(1, max_rate_per_s=1.0, max_growth_s=0.05)
    assert limiter.step([1.0], 10.0) == [pytest.approx(0.05)]
    assert limiter.step([-1.0], 10.0) == [0.0]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_late_step_does_not_stop_short_of_zero(sign: int) -> None:
    limiter = SlewLimiter(1, max_rate_per_s=1.0, max_growth_s=0.05)
    for _ in range(10):
        limiter.step([sign * 0.4], 0.04)
    assert limiter.value == [pytest.approx(sign * 0.4)]
    assert limiter.step([0.0], 0.5) == [0.0]


@given(
    moves=st.lists(
        st.tuples(
            st.floats(-1e6, 1e6),
            st.floats(-1, 100) | st.just(float("inf")),
        ),
        max_size=30,
    )
)
def test_no_step_is_faster_than_the_rate_nor_passes_its_target(
    moves: list[tuple[float, float]],
) -> None:
    limiter = SlewLimiter(1, max_rate_per_s=3.0)
    for target, elapsed in moves:
        before = limiter.value[0]
        after = limiter.step([target], elapsed)[0]
        assert abs(after - before) <= 3.0 * max(elapsed, 0.0) * (1 + 1e-12) + 1e-9
        assert min(before, target) <= after <= max(before, target)
        assert abs(after) <= abs(before) + 3.0 * 0.05 + 1e-9
