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

"""Key depth from notes: plausible, causal, and the same however it is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpm_ros.sense.midi.key_depth import (
    FASTEST_PRESS_S,
    MAX_SLOPE_PER_S,
    RELEASE_S,
    SLOWEST_PRESS_S,
    KeyDepthFromNotes,
    press_time_s,
)
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, Pedal

MS = 1_000_000
START = 1_700_000_000_000_000_000
ON, OFF = KeyEventKind.NOTE_ON, KeyEventKind.NOTE_OFF


def event(at_ms: float, kind: KeyEventKind, note: int = 60, velocity: int = 64) -> KeyEvent:
    return KeyEvent(START + round(at_ms * MS), 0, kind, note, velocity)


def grid(until_ms: int, step_ms: int = 1) -> np.ndarray:
    return START + np.arange(0, until_ms, step_ms, dtype=np.int64) * MS


def curve(events: list[KeyEvent], until_ms: int, note: int = 60) -> np.ndarray:
    return KeyDepthFromNotes().sample(grid(until_ms), events)[:, note - 21]


events_in_order = st.lists(
    st.tuples(
        st.integers(0, 120),
        st.sampled_from([ON, ON, OFF, OFF, KeyEventKind.ALL_NOTES_OFF, KeyEventKind.PEDAL]),
        st.integers(19, 26),
        st.integers(0, 127),
    ),
    max_size=40,
)


def timed(steps: list[tuple[int, KeyEventKind, int, int]]) -> list[KeyEvent]:
    at = 0
    out = []
    for step, kind, note, velocity in steps:
        at += step
        out.append(event(at, kind, note, velocity))
    return out


def test_a_louder_note_goes_down_faster_within_the_measured_range() -> None:
    times = [press_time_s(velocity) for velocity in range(1, 128)]
    assert times == sorted(times, reverse=True)
    assert times[0] == pytest.approx(SLOWEST_PRESS_S) == 0.160
    assert times[-1] == pytest.approx(FASTEST_PRESS_S) == 0.025


@pytest.mark.parametrize("velocity", [1, 40, 90, 127])
def test_a_press_starts_at_its_note_and_ends_after_its_press_time(velocity: int) -> None:
    depth = curve([event(20, ON, velocity=velocity)], 250)
    end = 20 + press_time_s(velocity) * 1e3
    assert not depth[:21].any()
    assert depth[22] > 0
    assert depth[int(end) - 2] < 1
    assert (depth[int(np.ceil(end)) :] == 1).all()
    assert (np.diff(depth) >= 0).all()


def test_a_release_brings_the_key_back_to_exactly_zero() -> None:
    depth = curve([event(0, ON), event(300, OFF)], 500)
    assert depth[299] == 1
    assert (np.diff(depth[300:]) <= 0).all()
    assert (depth[300 + round(RELEASE_S * 1e3) :] == 0).all()


def test_a_short_note_still_reaches_the_bottom() -> None:
    depth = curve([event(0, ON, velocity=1), event(15, OFF)], 300)
    assert depth.max() > 0.99
    assert depth[-1] == 0


def test_a_repeated_note_shows_as_a_new_press() -> None:
    depth = curve([event(0, ON), event(200, OFF), event(225, ON), event(400, OFF)], 600)
    assert depth[199] == 1
    assert depth[200:240].min() < 0.7
    assert depth[330] == 1
    assert depth[-1] == 0


def test_pedals_do_not_hold_keys() -> None:
    down = KeyEvent(START, 0, KeyEventKind.PEDAL, pedal=Pedal.SUSTAIN, value=1.0)
    assert curve([down, event(0, ON), event(200, OFF)], 400)[-1] == 0


def test_all_notes_off_lets_every_key_go() -> None:
    chord = [event(0, ON, note) for note in (21, 60, 108)]
    released = event(300, KeyEventKind.ALL_NOTES_OFF)
    depth = KeyDepthFromNotes().sample(grid(400), [*chord, released])
    assert (depth[299, [0, 39, 87]] == 1).all()
    assert not depth[-1].any()


def test_a_note_whose_end_was_lost_is_let_go_after_the_stated_time() -> None:
    keys = KeyDepthFromNotes(longest_hold_s=1.0)
    depth = keys.sample(grid(1200), [event(0, ON)])[:, 39]
    assert depth[1000] == 1
    assert depth[1025] < 1
    assert depth[-1] == 0
    assert keys.stuck == 1


def test_a_late_note_off_after_a_lost_one_is_without_effect() -> None:
    keys = KeyDepthFromNotes(longest_hold_s=0.5)
    assert keys.sample(grid(3000), [event(0, ON), event(2000, OFF)])[1000, 39] == 0
    assert keys.stuck == 1


def test_notes_outside_the_keyboard_are_counted_and_ignored() -> None:
    keys = KeyDepthFromNotes()
    assert not keys.sample(grid(200), [event(0, ON, 20), event(0, ON, 109)]).any()
    assert keys.ignored == 2


def test_a_late_event_acts_from_the_newest_sampled_instant_without_a_jump() -> None:
    keys = KeyDepthFromNotes()
    before = keys.sample(grid(100))
    after = keys.sample(grid(200)[100:], [event(20, ON, velocity=127)])[:, 39]
    assert not before.any()
    assert after[0] < MAX_SLOPE_PER_S * 1e-3
    assert after[-1] == 1


def test_reset_forgets_everything() -> None:
    keys = KeyDepthFromNotes()
    keys.sample(grid(100), [event(0, ON), event(0, ON, 5)])
    keys.reset()
    assert keys.ignored == 0
    assert not keys.sample(grid(100)).any()


def test_no_instants_give_no_samples() -> None:
    assert KeyDepthFromNotes(keys=12).sample(np.array([], dtype=np.int64)).shape == (0, 12)


@pytest.mark.parametrize("wrong", [{"keys": 0}, {"longest_hold_s": 0.0}])
def test_an_impossible_keyboard_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        KeyDepthFromNotes(**wrong)


@given(events_in_order)
@settings(max_examples=80, deadline=None)
def test_depth_stays_in_range_never_jumps_and_comes_back_to_rest(steps: list) -> None:
    keys = KeyDepthFromNotes(8, longest_hold_s=0.4)
    depth = keys.sample(grid(5200, 2), [*timed(steps), event(5000, KeyEventKind.ALL_NOTES_OFF)])
    assert np.isfinite(depth).all()
    assert depth.min() >= 0
    assert depth.max() <= 1
    assert np.abs(np.diff(depth, axis=0)).max() <= MAX_SLOPE_PER_S * 2e-3 + 1e-6
    assert not depth[-1].any()


@given(events_in_order, st.lists(st.integers(1, 300), max_size=12))
@settings(max_examples=80, deadline=None)
def test_any_split_of_the_sampling_gives_the_same_bits(steps: list, cuts: list[int]) -> None:
    events = timed(steps)
    instants = grid(1500)
    whole, split = (KeyDepthFromNotes(8, longest_hold_s=0.4) for _ in range(2))
    expected = whole.sample(instants, [one for one in events if one.stamp_ns <= instants[-1]])
    parts = []
    for part in np.split(instants, sorted({min(c, 1500) for c in np.cumsum(cuts)})):
        due = [one for one in events if len(part) and one.stamp_ns <= part[-1]]
        events = events[len(due) :]
        parts.append(split.sample(part, due))
    assert np.array_equal(np.concatenate(parts), expected)
