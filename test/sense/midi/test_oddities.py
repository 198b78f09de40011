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

import mido

from kpm_ros.sense.midi.oddities import oddities
from kpm_ros.sense.midi.score import read_midi


def written(path, messages):
    mido.MidiFile(tracks=[mido.MidiTrack(messages)]).save(str(path))
    return oddities(path, read_midi(path))


def note(number, velocity, time):
    return mido.Message("note_on", note=number, velocity=velocity, time=time)


def test_a_file_whose_notes_end_before_they_begin_again_is_not_odd(tmp_path) -> None:
    chord = [note(40 + key, 64, 0) for key in range(10)]
    ends = [note(40 + key, 0, 480 if not key else 0) for key in range(10)]
    assert written(tmp_path / "a.mid", [*chord, *ends, *chord, *ends]) == []


def test_overlapping_and_stuck_notes_and_more_keys_than_fingers_are_told(tmp_path) -> None:
    twice = [note(60, 64, 0), note(60, 64, 480), note(60, 0, 480)]
    open_ = [note(62, 64, 0), note(64, 0, 100)]
    many = [note(70 + key, 64, 0) for key in range(12)]
    ends = [note(70 + key, 0, 480 if not key else 0) for key in range(12)]
    told = written(tmp_path / "a.mid", [*twice, *open_, *many, *ends])
    assert [sentence.split()[0] for sentence in told] == ["1", "1", "13"]
    assert "more than there are fingers" in told[2]
