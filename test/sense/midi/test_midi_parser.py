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

"""Messages are found in any bytes, and what is none is counted."""

from __future__ import annotations

from itertools import pairwise

import mido
from hypothesis import given
from hypothesis import strategies as st

from kpm_ros.sense.midi.midi_parser import MidiParser


def test_a_status_byte_that_is_left_out_repeats_the_one_before() -> None:
    parser = MidiParser()
    assert parser.feed([0x91, 60, 64, 62, 65, 60, 0]) == [
        (0x91, 60, 64),
        (0x91, 62, 65),
        (0x91, 60, 0),
    ]
    assert parser.garbage == 0


def test_real_time_bytes_may_stand_inside_a_message() -> None:
    messages = MidiParser().feed([0x90, 0xFE, 60, 0xF8, 64, 0xFE, 61, 64])
    assert [m for m in messages if m[0] < 0xF0] == [(0x90, 60, 64), (0x90, 61, 64)]
    assert [m[0] for m in messages if m[0] >= 0xF0] == [0xFE, 0xF8, 0xFE]


def test_system_exclusive_messages_are_passed_over_however_they_end() -> None:
    parser = MidiParser()
    assert parser.feed([0xF0, 1, 2, 3, 0xF7, 0x90, 60, 64]) == [(0x90, 60, 64)]
    assert parser.feed([0xF0, 1, 2, 0xF8, 3, 0x80, 60, 64]) == [(0xF8,), (0x80, 60, 64)]
    assert parser.garbage == 0


def test_system_messages_end_running_status() -> None:
    parser = MidiParser()
    assert parser.feed([0x90, 60, 64, 0xF2, 1, 2, 60, 64]) == [(0x90, 60, 64), (0xF2, 1, 2)]
    assert parser.garbage == 2


def test_bytes_without_a_message_are_counted_and_skipped() -> None:
    parser = MidiParser()
    assert parser.feed([1, 2, 3, 0xF7, 0xF4, 0xFD, 0x90, 60, 0x90, 61, 64]) == [(0x90, 61, 64)]
    assert parser.garbage == 7


def test_after_a_reset_no_message_goes_on() -> None:
    parser = MidiParser()
    parser.feed([0x90, 60])
    parser.reset()
    assert parser.feed([64, 61]) == []


@given(st.binary(max_size=300), st.lists(st.integers(0, 300)))
def test_any_bytes_give_the_same_however_they_are_split(data: bytes, cuts: list[int]) -> None:
    whole = MidiParser()
    expected = whole.feed(data)
    parts = MidiParser()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    found = [m for a, b in pairwise(edges) for m in parts.feed(data[a:b])]
    assert found == expected
    assert parts.garbage == whole.garbage
    assert all(0x80 <= m[0] <= 0xFF and all(0 <= d < 0x80 for d in m[1:]) for m in expected)


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 127), st.integers(0, 127))))
def test_what_mido_writes_is_read(notes: list[tuple[int, int, int]]) -> None:
    sent = [mido.Message("note_on", channel=c, note=n, velocity=v) for c, n, v in notes]
    found = MidiParser().feed(b"".join(bytes(message.bin()) for message in sent))
    assert found == [tuple(message.bytes()) for message in sent]
