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

"""Key events: every note begins and ends once, whatever was sent."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kpm_ros.sense.midi.key_events import KeyEventDecoder
from kpm_ros.sense.midi.midi_parser import MidiParser
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, Pedal

ON, OFF = KeyEventKind.NOTE_ON, KeyEventKind.NOTE_OFF
PEDAL, ALL_OFF = KeyEventKind.PEDAL, KeyEventKind.ALL_NOTES_OFF
S = 1_000_000_000


def play(decoder: KeyEventDecoder, *messages: tuple[int, ...]) -> list[KeyEvent]:
    return [
        event
        for number, message in enumerate(messages)
        for event in decoder.decode(number * S, message)
    ]


def kinds(events: list[KeyEvent]) -> list[tuple[KeyEventKind, int]]:
    return [(event.kind, event.note) for event in events]


def test_a_note_on_without_velocity_ends_the_note() -> None:
    events = play(KeyEventDecoder(), (0x93, 60, 80), (0x93, 60, 0))
    assert kinds(events) == [(ON, 60), (OFF, 60)]
    assert [event.velocity for event in events] == [80, 0]
    assert [event.channel for event in events] == [3, 3]


def test_a_note_that_is_struck_again_ends_first() -> None:
    decoder = KeyEventDecoder()
    events = play(decoder, (0x90, 60, 80), (0x90, 60, 90), (0x80, 60, 64))
    assert kinds(events) == [(ON, 60), (OFF, 60), (ON, 60), (OFF, 60)]
    assert decoder.counts.restruck == 1


def test_the_end_of_a_note_that_does_not_sound_is_counted_and_dropped() -> None:
    decoder = KeyEventDecoder()
    assert play(decoder, (0x80, 60, 64), (0x91, 60, 0)) == []
    assert decoder.counts.unmatched_offs == 2


def test_the_three_pedals_move_and_other_controllers_do_not_matter() -> None:
    messages = [(0xB0, control, 127) for control in (64, 66, 67, 1, 7, 10)]
    events = play(KeyEventDecoder(), *messages, (0xB0, 64, 0))
    assert [(event.pedal, event.value) for event in events] == [
        (Pedal.SUSTAIN, 1.0),
        (Pedal.SOSTENUTO, 1.0),
        (Pedal.SOFT, 1.0),
        (Pedal.SUSTAIN, 0.0),
    ]


def test_all_notes_off_ends_the_notes_of_its_channel() -> None:
    for control in (120, 123, 124, 127):
        decoder = KeyEventDecoder()
        play(decoder, (0x90, 60, 80), (0x90, 64, 80), (0x91, 67, 80))
        assert kinds(decoder.decode(9 * S, (0xB0, control, 0))) == [(OFF, 60), (OFF, 64)]
        assert kinds(decoder.decode(9 * S, (0xB1, control, 0))) == [(OFF, 67), (ALL_OFF, 0)]


def test_reset_all_controllers_raises_the_pedals_of_its_channel() -> None:
    decoder = KeyEventDecoder()
    play(decoder, (0xB0, 64, 127), (0xB0, 67, 0), (0xB1, 64, 127), (0x90, 60, 80))
    events = decoder.decode(9 * S, (0xB0, 121, 0))
    assert [(e.kind, e.pedal, e.value, e.channel) for e in events] == [(PEDAL, 64, 0.0, 0)]
    assert decoder.sounding == 1


def test_a_system_reset_ends_everything() -> None:
    decoder = KeyEventDecoder()
    play(decoder, (0x90, 60, 80), (0x95, 61, 80), (0xB5, 64, 127))
    events = decoder.decode(9 * S, (0xFF,))
    assert kinds(events) == [(OFF, 60), (OFF, 61), (PEDAL, 0), (ALL_OFF, 0)]


def test_other_channels_are_not_heard_when_one_is_chosen() -> None:
    decoder = KeyEventDecoder(channel=2)
    assert play(decoder, (0x90, 60, 80), (0xB1, 64, 127)) == []
    assert kinds(play(decoder, (0x92, 60, 80))) == [(ON, 60)]


def test_stamps_never_decrease_unless_the_clock_was_set_back() -> None:
    decoder = KeyEventDecoder()
    stamps = [
        decoder.heartbeat(at_ns).stamp_ns for at_ns in (10 * S, 10 * S - 5, 11 * S, 3 * S, 4 * S)
    ]
    assert stamps == [10 * S, 10 * S, 11 * S, 3 * S, 4 * S]
    assert decoder.counts.clock_steps == 1


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=600), st.lists(st.integers(-2 * S, 2 * S), min_size=600, max_size=600))
def test_from_random_bytes_come_only_events_that_make_sense(data: bytes, steps: list[int]) -> None:
    parser, decoder = MidiParser(), KeyEventDecoder()
    events, now_ns = [], 0
    for byte, step_ns in zip(data, steps, strict=False):
        now_ns += abs(step_ns) // 4
        for message in parser.feed([byte]):
            events += decoder.decode(now_ns + min(step_ns, 0) // 8, message)
    events += decoder.release_all(now_ns)
    assert_sense(events)
    assert decoder.sounding == 0


def assert_sense(events: list[KeyEvent]) -> None:
    """Each note begins before it ends, once; indices count; stamps never decrease."""
    sounding = set()
    for number, event in enumerate(events):
        assert event.index == number
        assert number == 0 or event.stamp_ns >= events[number - 1].stamp_ns
        key = (event.channel, event.note)
        if event.kind is ON:
            assert key not in sounding
            assert 1 <= event.velocity <= 127
            sounding.add(key)
        elif event.kind is OFF:
            sounding.remove(key)
        elif event.kind is PEDAL:
            assert 0.0 <= event.value <= 1.0
    assert not sounding
