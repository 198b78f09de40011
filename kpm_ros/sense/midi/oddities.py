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

"""What is odd about the notes of a MIDI file, and how `read_midi` mends it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kpm_ros.sense.midi.score import Note, Score, midi_messages

FINGERS = 10


def oddities(path: Path | str, score: Score) -> list[str]:
    """Say in a sentence each what is odd about a file that has been read as this score."""
    overlapping, open_at_the_end = _unpaired(Path(path).expanduser())
    most = _most_at_once(score.notes)
    found = (
        (
            overlapping,
            "{} notes begin before the one before them on their key has ended: that ends",
        ),
        (open_at_the_end, "{} notes are never let go: they end with the file"),
        (most if most > FINGERS else 0, "{} keys are down at once, more than there are fingers"),
    )
    return [sentence.format(count) for count, sentence in found if count]


def _unpaired(path: Path) -> tuple[int, int]:
    """Count notes that begin on a key that is down, and keys that are down at the end."""
    down: set[tuple[int, int]] = set()
    twice = 0
    for message in midi_messages(path):
        if message.type not in ("note_on", "note_off"):
            continue
        key = (message.channel, message.note)
        if message.type == "note_on" and message.velocity > 0:
            twice += key in down
            down.add(key)
        else:
            down.discard(key)
    return twice, len(down)


def _most_at_once(notes: Sequence[Note]) -> int:
    """How many keys are down together at most; one that goes up as another goes down does not."""
    events = sorted([(note.onset_s, 1) for note in notes] + [(note.end_s, -1) for note in notes])
    most = now = 0
    for _, change in events:
        now += change
        most = max(most, now)
    return most
