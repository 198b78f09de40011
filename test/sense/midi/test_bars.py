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

"""Bars of a MIDI file."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np

from kpm_ros.sense.midi.bars import read_bars

BEAT = 480


def _file(folder: Path, *messages: mido.Message | mido.MetaMessage) -> Path:
    piece = mido.MidiFile(ticks_per_beat=BEAT)
    piece.tracks.append(mido.MidiTrack(messages))
    path = folder / "a.mid"
    piece.save(str(path))
    return path


def _signature(numerator: int, denominator: int, time: int = 0) -> mido.MetaMessage:
    return mido.MetaMessage(
        "time_signature", numerator=numerator, denominator=denominator, time=time
    )


def _on(note: int, time: int = 0) -> mido.Message:
    return mido.Message("note_on", note=note, velocity=80, time=time)


def _off(note: int, time: int = 0) -> mido.Message:
    return mido.Message("note_off", note=note, time=time)


def test_bars_follow_the_signature_and_the_tempo(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        _signature(3, 4),
        mido.MetaMessage("set_tempo", tempo=500_000),
        _on(60),
        mido.MetaMessage("set_tempo", tempo=1_000_000, time=3 * BEAT),
        _signature(6, 8),
        _off(60, 6 * BEAT),
    )
    bars = read_bars(path)
    # Three beats of half a second, then bars of three whole seconds.
    assert bars.starts_s.tolist() == [0.0, 1.5, 4.5, 7.5]
    assert bars.beats.tolist() == [3.0, 6.0, 6.0]
    assert [bars.bar_at(at) for at in (-1.0, 0.0, 1.5, 4.4, 99.0)] == [1, 1, 2, 2, 3]
    number, beat = bars.position(np.array([0.5, 3.0]))
    assert (number.tolist(), beat.tolist()) == ([1, 2], [2.0, 4.0])


def test_a_signature_begins_a_bar_and_without_one_four_beats_are_taken(tmp_path: Path) -> None:
    upbeat = _file(tmp_path, _on(60), _signature(3, 4, time=BEAT), _off(60, 3 * BEAT))
    assert read_bars(upbeat).starts_s.tolist() == [0.0, 0.5, 2.0]
    assert read_bars(_file(tmp_path, _on(60), _off(60, BEAT))).starts_s.tolist() == [0.0, 2.0]
