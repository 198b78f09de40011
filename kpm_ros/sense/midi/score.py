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

"""Scores: the notes and pedal moves of one piece, read from a MIDI file or written by hand."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import mido

from kpm_ros.core.foreign_files import (
    MIDI_BYTES,
    ForeignFileError,
    printable,
    read_bytes,
    reading,
)
from kpm_ros.sense.samples import Pedal

_NOTES = ("note_on", "note_off")
_PEDALS = frozenset(int(pedal) for pedal in Pedal)
SHORTEST_NOTE_S = 0.01
"""A note that ends when it begins still takes this long."""
LONGEST_S = 6 * 3600.0
"""A file can state rests of years in a few bytes."""


@dataclass(frozen=True, slots=True)
class Note:
    """One key held down: from when, for how long, which, and how fast it was struck."""

    onset_s: float
    duration_s: float
    pitch: int
    velocity: int

    @property
    def end_s(self) -> float:
        """When the key is let go."""
        return self.onset_s + self.duration_s


@dataclass(frozen=True, slots=True)
class PedalMove:
    """One pedal at a new depth: 0 = up, 1 = fully down."""

    time_s: float
    pedal: int
    value: float


@dataclass(frozen=True, slots=True)
class Score:
    """The notes and pedal moves of one piece, each in order of time."""

    notes: tuple[Note, ...]
    pedals: tuple[PedalMove, ...] = ()
    duration_s: float = 0.0
    name: str = ""

    @classmethod
    def of(cls, notes: Iterable[Note], pedals: Iterable[PedalMove] = (), name: str = "") -> Score:
        """Put notes and pedal moves in order; the piece lasts until the last of them."""
        ordered = tuple(sorted(notes, key=lambda note: (note.onset_s, note.pitch)))
        moves = tuple(sorted(pedals, key=lambda move: move.time_s))
        ends = [note.end_s for note in ordered] + [move.time_s for move in moves]
        return cls(ordered, moves, max(ends, default=0.0), name)

    def later(self, by_s: float) -> Score:
        """The same, so much later."""
        return Score.of(
            (replace(note, onset_s=note.onset_s + by_s) for note in self.notes),
            (replace(move, time_s=move.time_s + by_s) for move in self.pedals),
            self.name,
        )


def read_midi(path: str | Path) -> Score:
    """Read a Standard MIDI File; one that cannot be read or holds no note is a ValueError."""
    path = Path(path).expanduser()
    score = _score_of(midi_messages(path), printable(path.stem))
    if not score.notes:
        raise ForeignFileError(f"{path} is a MIDI file without a single note")
    return score


def read_voices(path: str | Path) -> list[Score]:
    """Read the notes of each track and channel of a MIDI file by themselves, in its order.

    Pedals go with each. A file that cannot be read or holds no note is a ValueError.
    """
    path = Path(path).expanduser()
    midi, _ = _whole_file(path)
    name = printable(path.stem)
    with reading(path, "a MIDI file that is whole"):
        common = [message for track in midi.tracks for message in _in_ticks(track, None)]
        voices = []
        for track in midi.tracks:
            channels = sorted({m.channel for m in track if m.type in _NOTES})
            for channel in channels:
                at = sorted([*common, *_in_ticks(track, channel)], key=lambda one: one.time)
                alone = mido.MidiTrack(
                    m.copy(time=m.time - before)
                    for m, before in zip(at, [0, *(m.time for m in at)], strict=False)
                )
                file = mido.MidiFile(ticks_per_beat=midi.ticks_per_beat, tracks=[alone])
                voices.append(_score_of(file, name))
    sounding = [voice for voice in voices if voice.notes]
    if not sounding:
        raise ForeignFileError(f"{path} is a MIDI file without a single note")
    return sounding


def _in_ticks(track: mido.MidiTrack, channel: int | None) -> list[mido.Message]:
    """Messages of a track with their time since its beginning: all but notes, or a channel's."""
    now, found = 0, []
    for message in track:
        now += message.time
        noted = message.type in _NOTES
        if (noted and message.channel == channel) or (not noted and channel is None):
            found.append(message.copy(time=now))
    return found


def midi_messages(path: Path) -> list[mido.Message]:
    """Read the messages of a MIDI file, each with the seconds since the one before it."""
    return _whole_file(path)[1]


def _whole_file(path: Path) -> tuple[mido.MidiFile, list[mido.Message]]:
    """Read a MIDI file, and its messages in order of time."""
    if not path.exists():
        raise ForeignFileError(f"there is no MIDI file at {path}")
    with reading(path, "a MIDI file that is whole"):
        content = read_bytes(path, MIDI_BYTES)
        if not content.startswith(b"MThd"):
            raise ForeignFileError(f"{path} is not a MIDI file: it does not begin with 'MThd'")
        midi = mido.MidiFile(file=io.BytesIO(content))
        if midi.ticks_per_beat <= 0:
            raise ForeignFileError(
                f"{path} counts time in film frames: only MIDI files in beats are read"
            )
        messages = list(midi)
    length_s = sum(message.time for message in messages)
    if not length_s <= LONGEST_S:
        raise ForeignFileError(
            f"{path} lasts {length_s / 3600:.3g} h, but only pieces of up to {LONGEST_S / 3600:g} "
            "h are read"
        )
    return midi, messages


def _score_of(messages: Iterable[mido.Message], name: str) -> Score:
    """Pair note-ons with note-offs; `time` of each message is seconds since the one before."""
    now = 0.0
    notes: list[Note] = []
    pedals: list[PedalMove] = []
    down: dict[tuple[int, int], tuple[float, int]] = {}

    def end(key: tuple[int, int]) -> None:
        """Close the note of this channel and pitch, if one is open."""
        if key in down:
            onset, velocity = down.pop(key)
            notes.append(Note(onset, max(now - onset, SHORTEST_NOTE_S), key[1], velocity))

    for message in messages:
        now += message.time
        if message.type == "note_on" and message.velocity > 0:
            end((message.channel, message.note))
            down[message.channel, message.note] = (now, message.velocity)
        elif message.type in _NOTES:
            end((message.channel, message.note))
        elif message.type == "control_change" and message.control in _PEDALS:
            pedals.append(PedalMove(now, message.control, message.value / 127))
    for key in list(down):
        end(key)
    return Score.of(notes, pedals, name)
