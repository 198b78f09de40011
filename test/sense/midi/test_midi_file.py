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

"""A MIDI file plays itself: every note once, in order, at its time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import mido
import pytest

from kpm_ros.sense.connection import NS_PER_S
from kpm_ros.sense.midi.midi_file import MidiFileConfig, MidiFilePlayer
from kpm_ros.sense.midi.midi_keys import MidiKeys
from kpm_ros.sense.midi.score import read_midi
from kpm_ros.sense.samples import KeyEvent, KeyEventKind

START_NS = 1_700_000_000 * NS_PER_S
ON, OFF, PEDAL = KeyEventKind.NOTE_ON, KeyEventKind.NOTE_OFF, KeyEventKind.PEDAL
PERFORMANCES = 12


def perform(config: MidiFileConfig, seconds: float, step_ns: int = 23_000_000) -> list[KeyEvent]:
    """Play on a virtual clock whose steps are those of a node that is not quite regular."""
    keys = MidiKeys(MidiFilePlayer(config))
    events = []
    now_ns = START_NS
    while now_ns < START_NS + seconds * NS_PER_S:
        events += keys.poll(now_ns)
        now_ns += step_ns
    return events


def write(path: Path, *messages: mido.Message | mido.MetaMessage) -> str:
    midi = mido.MidiFile(ticks_per_beat=480)
    midi.tracks.append(mido.MidiTrack(messages))
    midi.save(str(path))
    return str(path)


@pytest.fixture
def two_notes(tmp_path: Path) -> str:
    return write(
        tmp_path / "two.mid",
        mido.Message("note_on", note=60, velocity=80, channel=1),
        mido.Message("control_change", control=64, value=127, time=480),
        mido.MetaMessage("set_tempo", tempo=1_000_000),
        mido.Message("note_on", note=64, velocity=90, channel=1, time=480),
        mido.Message("note_on", note=60, velocity=0, channel=1, time=240),
    )


@pytest.mark.parametrize("number", range(PERFORMANCES))
def test_the_real_performances_sound_exactly(shared: Path, number: int) -> None:
    path = sorted((shared / "data" / "midi").glob("*.mid"))[number]
    score = read_midi(path)
    events = perform(MidiFileConfig(str(path)), score.duration_s + 2)

    struck = [event for event in events if event.kind is ON]
    expected = [(note.onset_s, note.pitch, note.velocity) for note in score.notes]
    found = [((e.stamp_ns - START_NS) / NS_PER_S, e.note, e.velocity) for e in struck]
    assert [note[1:] for note in sorted(found)] == [note[1:] for note in expected]
    errors = [abs(f[0] - e[0]) for f, e in zip(sorted(found), expected, strict=True)]
    assert max(errors) < 1e-6

    assert found == sorted(found, key=lambda note: note[0])
    assert Counter(e.note for e in events if e.kind is OFF) == Counter(e.note for e in struck)
    moves = [
        ((e.stamp_ns - START_NS) / NS_PER_S, e.pedal, e.value) for e in events if e.kind is PEDAL
    ]
    written = [(m.time_s, m.pedal, m.value) for m in score.pedals]
    assert len(moves) - len(written) in range(4), "only the end of the file may raise pedals"
    for ours, theirs in zip(moves, written, strict=False):
        assert ours == pytest.approx(theirs, abs=1e-6)
    assert [event.index for event in events] == list(range(len(events)))


def test_tempo_changes_and_pedals_are_kept(two_notes: str) -> None:
    events = [e for e in perform(MidiFileConfig(two_notes), 3) if e.kind is not _BEAT]
    found = [(e.kind, round((e.stamp_ns - START_NS) / 1e6), e.note) for e in events]
    assert found[:4] == [(ON, 0, 60), (PEDAL, 500, 0), (ON, 1500, 64), (OFF, 2000, 60)]


def test_what_the_file_leaves_sounding_ends_with_it(two_notes: str) -> None:
    events = [e for e in perform(MidiFileConfig(two_notes), 3) if e.kind is not _BEAT]
    assert [(e.kind, e.note, e.pedal) for e in events[4:]] == [
        (OFF, 64, 0),
        (PEDAL, 0, 64),
        (KeyEventKind.ALL_NOTES_OFF, 0, 0),
    ]


def test_speed_stretches_time(two_notes: str) -> None:
    events = [e for e in perform(MidiFileConfig(two_notes, speed=2.0), 3) if e.kind is ON]
    assert [(e.stamp_ns - START_NS) / 1e6 for e in events] == [0.0, 750.0]


def test_a_file_may_begin_again(two_notes: str) -> None:
    events = perform(MidiFileConfig(two_notes, repeat=True, pause_s=1.0), 7)
    onsets = [(e.stamp_ns - START_NS) / 1e6 for e in events if e.kind is ON]
    assert onsets == [0.0, 1500.0, 3000.0, 4500.0, 6000.0]


def test_heartbeats_go_on_after_the_end(two_notes: str) -> None:
    events = perform(MidiFileConfig(two_notes), 6)
    assert events[-1].kind is _BEAT
    assert (events[-1].stamp_ns - START_NS) / NS_PER_S > 5.9


@pytest.mark.parametrize("jump_s", [-3600, 3600])
def test_the_music_waits_while_the_clock_is_set(two_notes: str, jump_s: int) -> None:
    keys = MidiKeys(MidiFilePlayer(MidiFileConfig(two_notes)))
    events = []
    for step in range(400):
        now_ns = START_NS + step * 10_000_000 + (jump_s * NS_PER_S if step >= 100 else 0)
        events += keys.poll(now_ns)
    second = [event for event in events if event.kind is ON][1]
    assert abs((second.stamp_ns - START_NS) / NS_PER_S - jump_s - 1.51) < 0.001


def test_what_cannot_be_played_is_refused(tmp_path: Path, two_notes: str) -> None:
    with pytest.raises(ValueError, match=r"no MIDI file at .*nowhere\.mid"):
        MidiFilePlayer(MidiFileConfig(str(tmp_path / "nowhere.mid")))
    with pytest.raises(ValueError, match=r"speed is .*, but must be from"):
        MidiFileConfig(two_notes, speed=0.0)


_BEAT = KeyEventKind.HEARTBEAT
