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

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from kpm_ros.align.arrivals import Outcome
from kpm_ros.align.keys import KeyRules, KeyStream
from kpm_ros.core.flags import KEYS_LATE, Flag
from kpm_ros.sense.samples import KeyMotionChunk
from support.senses import (
    FIRST_NOTE,
    KEYS,
    MS,
    PIANO,
    T0,
    heartbeat,
    motion_chunk,
    note,
    read_stream,
)


def stream() -> KeyStream:
    return KeyStream(PIANO, KeyRules())


def move(keys: KeyStream, start_ms: int, stop_ms: int, depth: float) -> None:
    for at_ms in range(start_ms, stop_ms, 10):
        keys.push_motion(motion_chunk(T0 + at_ms * MS, at_ms, depth), T0 + (at_ms + 11) * MS)


def beat(keys: KeyStream, start_ms: int, stop_ms: int) -> None:
    for at_ms in range(start_ms, stop_ms, 50):
        keys.push_event(heartbeat(T0 + at_ms * MS, at_ms), T0 + (at_ms + 1) * MS)


def read(keys: KeyStream, *at_ms: int) -> tuple[list[float], list[int]]:
    stamps: NDArray[np.int64] = T0 + np.array(at_ms, np.int64) * MS
    keys.settled_until(int(stamps[-1]) + 21 * MS)
    rows, flags = read_stream(keys, stamps, KEYS)
    return rows[:, 0].round(4).tolist(), flags.tolist()


def test_before_anything_is_heard_keys_are_missing() -> None:
    assert read(stream(), 10) == ([-1.0], [Flag.CHANNELS_MISSING])


def test_sensed_motion_is_preferred_to_notes() -> None:
    keys = stream()
    keys.push_event(note(T0, 0), T0 + MS)
    move(keys, 0, 200, 0.25)
    assert read(keys, 150) == ([0.25], [0])


def test_notes_alone_are_enough() -> None:
    keys = stream()
    keys.push_event(note(T0, 0), T0 + MS)
    assert read(keys, 100) == ([1.0], [0])


def test_motion_that_stops_is_held_and_late_then_gives_way_to_notes() -> None:
    keys = stream()
    move(keys, 0, 200, 0.25)
    beat(keys, 0, 1000)
    keys.push_event(note(T0 + 150 * MS, 10_000), T0 + 151 * MS)
    assert read(keys, 198, 220, 230, 299) == ([0.25] * 4, [0, Flag.HELD, KEYS_LATE, KEYS_LATE])
    assert read(keys, 300, 900) == ([1.0, 1.0], [0, 0])


def test_motion_that_comes_back_is_used_again() -> None:
    keys = stream()
    move(keys, 0, 100, 0.25)
    beat(keys, 0, 1000)
    move(keys, 400, 500, 0.5)
    assert read(keys, 390, 405) == ([0.0, 0.5], [0, 0])


def test_motion_that_stops_without_notes_is_held_until_keys_are_missing() -> None:
    keys = stream()
    move(keys, 0, 200, 0.25)
    assert read(keys, 229) == ([0.25], [Flag.HELD])
    assert read(keys, 230, 1199) == ([0.25, 0.25], [KEYS_LATE, KEYS_LATE])
    assert read(keys, 1200) == ([-1.0], [Flag.CHANNELS_MISSING])


def test_notes_that_fall_silent_are_missing_until_they_are_heard_again() -> None:
    keys = stream()
    keys.push_event(note(T0, 0), T0 + MS)
    keys.push_event(heartbeat(T0 + 1500 * MS, 1), T0 + 1501 * MS)
    assert read(keys, 1000, 1001) == ([1.0, -1.0], [0, Flag.CHANNELS_MISSING])
    assert read(keys, 1499, 1500) == ([-1.0, 1.0], [Flag.CHANNELS_MISSING, 0])


def test_a_piano_whose_motion_and_notes_both_stop_is_late_until_its_keys_are_missing() -> None:
    keys = stream()
    move(keys, 0, 200, 0.25)
    keys.push_event(note(T0 + 150 * MS, 0), T0 + 151 * MS)
    _, flags = read(keys, *range(230, 1150, 10))
    assert set(flags) == {KEYS_LATE}
    assert read(keys, 1200) == ([-1.0], [Flag.CHANNELS_MISSING])


def test_notes_whose_heartbeats_stop_are_late_and_those_without_are_not() -> None:
    keys, silent = stream(), stream()
    beat(keys, 0, 1000)  # the last at 950
    for piano in (keys, silent):
        piano.push_event(note(T0 + 940 * MS, 10_000), T0 + 941 * MS)
    assert read(keys, 1025, 1026, 1949) == ([1.0] * 3, [0, KEYS_LATE, KEYS_LATE])
    assert read(silent, 1025, 1026, 1939) == ([1.0] * 3, [0, 0, 0])


def test_a_lost_chunk_between_two_others_is_not_late() -> None:
    keys = stream()
    move(keys, 0, 200, 0.25)
    move(keys, 240, 300, 0.25)
    keys.push_motion(motion_chunk(T0 + 240 * MS, 240, 0.25), T0 + 210 * MS)
    assert read(keys, 198, 235) == ([0.25, 0.25], [0, Flag.HELD])


def test_few_chunks_do_not_make_a_piano_that_tells_of_itself_regularly() -> None:
    keys = stream()
    move(keys, 0, 100, 0.25)
    keys.push_event(heartbeat(T0 + 90 * MS, 0), T0 + 91 * MS)
    assert read(keys, 190, 300) == ([0.25, 0.0], [Flag.HELD, 0])


def test_when_somebody_looks_changes_nothing_while_a_piano_falls_silent_and_comes_back() -> None:
    def read_every(step_ms: int) -> list[int]:
        keys, flags = stream(), []
        sent = [*range(0, 400, 10), *range(700, 800, 10)]
        for now_ms in range(0, 900, step_ms):
            while sent and sent[0] + 11 <= now_ms:
                at_ms = sent.pop(0)
                keys.push_motion(motion_chunk(T0 + at_ms * MS, at_ms), T0 + (at_ms + 11) * MS)
            if now_ms > 20:
                flags += read(keys, *range(max(0, now_ms - step_ms - 20), now_ms - 20))[1]
        return flags[: 900 - 100]

    assert read_every(1) == read_every(40)
    assert KEYS_LATE in read_every(40)


def test_notes_are_settled_by_the_wait_alone() -> None:
    keys = stream()
    beat(keys, 0, 1000)
    assert keys.settled_until(T0 + 500 * MS) == T0 + 480 * MS - 1


def test_motion_settles_at_once_what_it_shows() -> None:
    keys = stream()
    move(keys, 0, 500, 0.25)
    assert keys.settled_until(T0 + 505 * MS) == T0 + 499 * MS


def test_notes_do_not_pile_up_while_motion_is_used() -> None:
    keys = stream()
    for at_ms in range(0, 5000, 10):
        move(keys, at_ms, at_ms + 10, 0.25)
        keys.push_event(note(T0 + at_ms * MS, at_ms), T0 + (at_ms + 1) * MS)
        read(keys, at_ms)
    assert len(keys._notes._waiting) < 10


def test_a_smaller_keyboard_leaves_the_other_keys_unsensed() -> None:
    keys = stream()
    one_key = KeyMotionChunk(T0, 0, 1000.0, FIRST_NOTE + 1, np.full((10, 1), 0.5, np.float32))
    assert keys.push_motion(one_key, T0 + 11 * MS) is Outcome.TAKEN
    rows, _ = read_stream(keys, np.array([T0 + 3 * MS]), KEYS)
    assert rows.tolist() == [[-1.0, 0.5, -1.0]]


def test_a_larger_keyboard_is_cut_to_the_keys_there_are() -> None:
    keys = stream()
    wide = np.tile(np.arange(5, dtype=np.float32) / 10, (10, 1))
    keys.push_motion(KeyMotionChunk(T0, 0, 1000.0, FIRST_NOTE - 1, wide), T0 + 11 * MS)
    rows, _ = read_stream(keys, np.array([T0 + 3 * MS]), KEYS)
    assert rows.tolist() == [[pytest.approx(0.1), pytest.approx(0.2), pytest.approx(0.3)]]


GOOD = motion_chunk(T0, 0)


@pytest.mark.parametrize(
    "impossible",
    [
        replace(GOOD, depth=np.zeros((10, 0), np.float32)),
        replace(GOOD, depth=np.full((10, KEYS), np.nan)),
        replace(GOOD, depth=np.full((10, KEYS), 7.0)),
        replace(GOOD, depth=np.full((10, KEYS), -2.0)),
        replace(GOOD, first_note=FIRST_NOTE + 50),
    ],
)
def test_depths_that_no_key_has_and_other_keys_are_refused(impossible: KeyMotionChunk) -> None:
    assert stream().push_motion(impossible, T0 + 11 * MS) is Outcome.REFUSED
