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

"""Scores from MIDI files, and what is no MIDI file."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from kpm_ros.sense.midi.score import Note, PedalMove, Score, read_midi
from kpm_ros.sense.samples import Pedal


def save(path: Path, messages: list[mido.Message], kind: int = 0) -> Path:
    midi = mido.MidiFile(type=kind, ticks_per_beat=480)
    midi.tracks.append(mido.MidiTrack(messages))
    midi.save(str(path))
    return path


def test_times_follow_every_change_of_tempo(tmp_path: Path) -> None:
    score = read_midi(
        save(
            tmp_path / "tempo.mid",
            [
                mido.MetaMessage("set_tempo", tempo=500_000),
                mido.Message("note_on", note=60, velocity=80),
                mido.Message("note_off", note=60, time=480),
                mido.MetaMessage("set_tempo", tempo=1_000_000),
                mido.Message("note_on", note=62, velocity=70),
                mido.Message("note_on", note=62, velocity=0, time=480),
            ],
        )
    )
    assert score.notes == (Note(0.0, 0.5, 60, 80), Note(0.5, 1.0, 62, 70))
    assert score.duration_s == pytest.approx(1.5)
    assert score.name == "tempo"


def test_tracks_are_played_together(tmp_path: Path) -> None:
    midi = mido.MidiFile(type=1, ticks_per_beat=480)
    for note in (48, 72):
        on = mido.Message("note_on", note=note, velocity=64, time=note)
        midi.tracks.append(mido.MidiTrack([on, mido.Message("note_off", note=note, time=480)]))
    midi.save(str(tmp_path / "two.mid"))
    score = read_midi(tmp_path / "two.mid")
    assert [note.pitch for note in score.notes] == [48, 72]
    assert score.notes[1].onset_s > score.notes[0].onset_s


def test_only_the_three_pedals_are_kept(tmp_path: Path) -> None:
    controls = [
        mido.Message("control_change", control=control, value=127, time=48)
        for control in (64, 7, 66, 67)
    ]
    notes = [mido.Message("note_on", note=60), mido.Message("note_off", note=60, time=9)]
    score = read_midi(save(tmp_path / "pedals.mid", notes + controls))
    assert [move.pedal for move in score.pedals] == list(Pedal)
    assert all(move.value == 1.0 for move in score.pedals)


def test_notes_without_an_end_last_until_the_next_strike_or_the_file_ends(tmp_path: Path) -> None:
    score = read_midi(
        save(
            tmp_path / "open.mid",
            [
                mido.Message("note_off", note=50),
                mido.Message("note_on", note=60, velocity=64),
                mido.Message("note_on", note=60, velocity=65, time=480),
                mido.MetaMessage("end_of_track", time=480),
            ],
        )
    )
    assert [(note.onset_s, note.duration_s) for note in score.notes] == [(0.0, 0.5), (0.5, 0.5)]


def test_the_real_performances_are_read_whole(shared: Path) -> None:
    files = sorted((shared / "data" / "midi").glob("*.mid"))
    assert len(files) == 12
    for file in files:
        score = read_midi(file)
        struck = [m for m in mido.MidiFile(str(file)) if m.type == "note_on" and m.velocity]
        assert len(score.notes) == len(struck)
        assert score.pedals
        assert all(note.duration_s > 0 for note in score.notes)
        assert max(note.end_s for note in score.notes) <= score.duration_s


def test_what_is_not_midi_is_refused_with_its_name(tmp_path: Path, shared: Path) -> None:
    wrong = tmp_path / "letter.mid"
    wrong.write_text("Dear Clara, the sonata is finished.")
    empty = tmp_path / "empty.mid"
    empty.touch()
    real = next((shared / "data" / "midi").glob("*.mid")).read_bytes()
    cut = tmp_path / "cut.mid"
    cut.write_bytes(real[: len(real) // 2])
    header = tmp_path / "header.mid"
    header.write_bytes(real[:10])
    noise = tmp_path / "noise.mid"
    noise.write_bytes(real[:60] + bytes(range(255, 0, -1)) + real[400:])
    for path in (wrong, empty, cut, header, noise, tmp_path / "nowhere.mid", tmp_path):
        with pytest.raises(ValueError) as refusal:
            read_midi(path)
        assert str(path) in str(refusal.value)
        assert "\n" not in str(refusal.value)


def test_a_file_without_notes_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "silence.mid", [mido.MetaMessage("set_tempo", tempo=500_000)])
    with pytest.raises(ValueError, match=r"silence\.mid.*without a single note"):
        read_midi(path)


def test_time_in_film_frames_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "film.mid", [mido.Message("note_on", note=60)])
    raw = bytearray(path.read_bytes())
    raw[12:14] = b"\xe7\x28"
    path.write_bytes(bytes(raw))
    with pytest.raises(ValueError, match=r"film\.mid.*film frames"):
        read_midi(path)


def test_a_piece_of_years_is_refused(tmp_path: Path) -> None:
    """A few bytes state it, and whoever makes room for every instant of it needs 500 GB."""
    rests = [mido.Message("note_on", note=60, time=2**28 - 1) for _ in range(20)]
    path = save(tmp_path / "rests.mid", [mido.MetaMessage("set_tempo", tempo=2**24 - 1), *rests])
    assert path.stat().st_size < 300
    with pytest.raises(ValueError, match=r"rests\.mid lasts .* h, but only pieces of up to 6 h"):
        read_midi(path)


def test_a_score_orders_its_notes_and_lasts_until_the_last_of_them() -> None:
    late, early = Note(1.0, 0.5, 60, 64), Note(0.0, 0.5, 72, 64)
    score = Score.of([late, early], [PedalMove(2.0, Pedal.SUSTAIN, 0.0)], "two")
    assert score.notes == (early, late)
    assert score.duration_s == 2.0
