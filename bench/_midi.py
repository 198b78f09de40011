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

"""Twelve real performances played as MIDI files: every note once, and when.

The clock is a virtual one whose steps are those of a node that is not quite regular, so that what
is measured is the player and the dating of events, not this machine's load.
"""

from __future__ import annotations

from pathlib import Path

from _report import print_table

from kpm_ros.sense.connection import NS_PER_S
from kpm_ros.sense.midi.midi_file import MidiFileConfig, MidiFilePlayer
from kpm_ros.sense.midi.midi_keys import MidiKeys
from kpm_ros.sense.midi.score import Score, read_midi
from kpm_ros.sense.samples import KeyEvent, KeyEventKind

FOLDER = Path("data/midi")
START_NS = 1_700_000_000 * NS_PER_S
STEP_NS = 23_000_000


def measure(shared: Path) -> dict[str, float]:
    """Play all performances and compare what is published with what is written."""
    files = sorted((shared / FOLDER).glob("*.mid"))
    if not files:
        print(f"\nkeys: left out, there are no .mid files in {FOLDER} beside the project")
        return {}
    rows = [(path.stem, *_judge(read_midi(path), _perform(path))) for path in files]
    print_table(
        "notes of real performances",
        ("performance", "notes", "lost", "extra", "hanging", "error ms max"),
        rows,
    )
    return {
        "notes_played": sum(row[1] for row in rows),
        "notes_lost": sum(row[2] for row in rows),
        "notes_extra": sum(row[3] for row in rows),
        "notes_hanging": sum(row[4] for row in rows),
        "note_time_error_ms_max": max(row[5] for row in rows),
    }


def _perform(path: Path) -> list[KeyEvent]:
    keys = MidiKeys(MidiFilePlayer(MidiFileConfig(str(path))))
    seconds = read_midi(path).duration_s + 2
    events: list[KeyEvent] = []
    for now_ns in range(START_NS, START_NS + round(seconds * NS_PER_S), STEP_NS):
        events += keys.poll(now_ns)
    return events


def _judge(score: Score, events: list[KeyEvent]) -> tuple[int, int, int, int, float]:
    """Notes, those lost, those too many, those that do not end, and the largest error of time."""
    written: dict[tuple[int, int], list[float]] = {}
    for note in score.notes:
        written.setdefault((note.pitch, note.velocity), []).append(note.onset_s)
    played: dict[tuple[int, int], list[float]] = {}
    sounding: dict[int, int] = {}
    for event in events:
        if event.kind is KeyEventKind.NOTE_ON:
            at_s = (event.stamp_ns - START_NS) / NS_PER_S
            played.setdefault((event.note, event.velocity), []).append(at_s)
            sounding[event.note] = sounding.get(event.note, 0) + 1
        elif event.kind is KeyEventKind.NOTE_OFF:
            sounding[event.note] = sounding.get(event.note, 0) - 1
    lost = extra = 0
    worst_s = 0.0
    for key in written.keys() | played.keys():
        wanted, found = sorted(written.get(key, [])), sorted(played.get(key, []))
        lost += max(len(wanted) - len(found), 0)
        extra += max(len(found) - len(wanted), 0)
        worst_s = max([worst_s, *(abs(a - b) for a, b in zip(wanted, found, strict=False))])
    hanging = sum(abs(count) for count in sounding.values())
    return len(score.notes), lost, extra, hanging, 1e3 * worst_s
