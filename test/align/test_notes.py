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

from kpm_ros.align.arrivals import Outcome
from kpm_ros.align.notes import MOST_WAITING, NoteStream
from kpm_ros.sense.samples import KeyEvent, KeyEventKind
from support.senses import FIRST_NOTE, KEYS, MS, T0, heartbeat, note


def stream(*events: tuple[KeyEvent, int]) -> NoteStream:
    """Events with the time (ms) at which they were received."""
    notes = NoteStream(KEYS, FIRST_NOTE, 20 * MS)
    for event, received_ms in events:
        notes.push(event, T0 + received_ms * MS)
    return notes


def depth(notes: NoteStream, *at_ms: float) -> list[float]:
    return notes.read(T0 + np.round(np.array(at_ms) * MS).astype(np.int64))[0][:, 0].tolist()


def test_a_note_goes_down_from_its_own_instant_on() -> None:
    notes = stream((note(T0 + 10 * MS, 0), 12))
    before, at, after, down = depth(notes, 9, 10, 12, 40)
    assert (before, at, down) == (0, 0, 1)
    assert 0 < after < 1


def test_a_late_note_acts_at_the_first_instant_that_still_waits() -> None:
    late = stream((note(T0 + 10 * MS, 0), 50))
    shifted = stream((note(T0 + 30 * MS, 0), 31))
    instants = (10, 29, 31, 35, 40, 80)
    assert depth(late, *instants) == depth(shifted, *instants)


def test_notes_that_come_out_of_order_in_time_are_put_in_order() -> None:
    down, up = note(T0 + 10 * MS, 0), note(T0 + 15 * MS, 1, on=False)
    instants = range(0, 120, 3)
    in_order, swapped = stream((down, 12), (up, 17)), stream((up, 17), (down, 25))
    assert depth(in_order, *instants) == depth(swapped, *instants)


def test_a_note_that_comes_after_it_has_ended_does_not_get_stuck() -> None:
    down, up = note(T0 + 10 * MS, 0), note(T0 + 15 * MS, 1, on=False)
    notes = stream((up, 16), (down, 90))
    assert max(depth(notes, *range(0, 300, 5))) == 0


def test_a_repeated_event_changes_nothing() -> None:
    down = note(T0 + 10 * MS, 0)
    notes = stream((down, 12))
    assert notes.push(down, T0 + 13 * MS) is Outcome.REFUSED


def test_a_chord_without_indices_is_no_repeat() -> None:
    notes = stream()
    for key in range(KEYS):
        assert notes.push(note(T0, 0, key=FIRST_NOTE + key), T0 + MS) is Outcome.TAKEN
    assert notes.read(np.array([T0 + 60 * MS]))[0].tolist() == [[1.0] * KEYS]


def test_silence_is_counted_from_the_newest_sign_of_life() -> None:
    notes = stream((note(T0 + 10 * MS, 0), 12), (heartbeat(T0 + 50 * MS, 1), 51))
    _, silent_ns = notes.read(T0 + np.array([9, 10, 40, 60]) * MS)
    assert silent_ns[0] > 10**9 * MS
    assert (silent_ns[1:] / MS).tolist() == [0, 30, 10]


def test_a_storm_is_refused_rather_than_remembered() -> None:
    notes = stream()
    outcomes = [notes.push(note(T0 + i, i), T0) for i in range(MOST_WAITING + 5)]
    assert outcomes[-1] is Outcome.REFUSED
    assert len(notes._waiting) == MOST_WAITING


@pytest.mark.parametrize("silent", [True, False])
def test_catching_up_changes_nothing_but_memory(silent: bool) -> None:
    events = [(note(T0 + i * 7 * MS, i, on=i % 2 == 0), i * 7 + 1) for i in range(40)]
    lazy, eager = stream(*events), stream(*events)
    for until_ms in range(0, 200, 13):
        eager.catch_up(T0 + until_ms * MS if silent else T0 - MS)
    assert (len(eager._waiting) < len(lazy._waiting)) == silent
    assert depth(eager, *range(200, 400, 3)) == depth(lazy, *range(200, 400, 3))


def test_a_note_whose_end_was_lost_on_the_way_is_given_up_while_the_piano_lives_on() -> None:
    notes = NoteStream(KEYS, FIRST_NOTE, 20 * MS, longest_hold_s=0.3)
    notes.push(note(T0, 0), T0 + MS)
    for at_ms in range(50, 500, 50):
        notes.push(heartbeat(T0 + at_ms * MS, at_ms), T0 + (at_ms + 1) * MS)
    assert depth(notes, 299, 400) == [1.0, 0.0]
    assert notes.stuck == 1


def test_everything_is_let_go_of_when_the_piano_says_so() -> None:
    silence = KeyEvent(T0 + 100 * MS, 1, KeyEventKind.ALL_NOTES_OFF)
    notes = stream((note(T0, 0), 1), (silence, 101))
    assert depth(notes, 90, 200) == [1.0, 0.0]
