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

"""Which finger plays each note of a score, as a movement itself tells that was made from notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.core.hands import mirrored_note
from kpm_ros.core.sides import LEFT
from kpm_ros.sense.midi.score import Note, Score

SAME_S = 0.02
"""Two onsets of one key within this time are the same note: files round times."""

Fingers = NDArray[np.float64]
"""(notes, 3): onset in seconds, MIDI note, and finger from 0 = thumb on."""


class Contact(NamedTuple):
    """One note and the finger that plays it."""

    note: Note
    side: str
    """Empty where no finger is known to play it."""
    finger: int = -1
    """0 = thumb .. 4 = little finger."""


def fingers_of_motion(motion: HandMotion, score: Score) -> list[Contact]:
    """Tell the finger of each of a score's notes, in its order, as the movement itself has it."""
    clock = np.array([motion.rate_hz, 1.0, 1.0]), np.array([motion.start_s, 0.0, 0.0])
    known = {
        side: hand.fingers / clock[0] + clock[1]
        for side, hand in motion.hands.items()
        if hand.fingers is not None
    }
    return list(_told(score, known))


def fingers_of_notes(notes: Sequence[Note], fingers: NDArray[np.int64], side: str) -> Fingers:
    """Keep the notes that have a finger, 0 = thumb; a left hand's notes are as the mirror shows."""
    rows = [
        (note.onset_s, mirrored_note(note.pitch) if side == LEFT else note.pitch, finger)
        for note, finger in zip(notes, fingers, strict=True)
        if finger >= 0
    ]
    return np.array(rows, np.float64).reshape(-1, 3)


def _told(score: Score, known: Mapping[str, Fingers]) -> Iterator[Contact]:
    played = {
        (side, int(pitch)): rows[rows[:, 1] == pitch]
        for side, rows in known.items()
        for pitch in np.unique(rows[:, 1])
    }
    for note in score.notes:
        found = Contact(note, "")
        for side in known:
            rows = played.get((side, note.pitch))
            if rows is None:
                continue
            nearest = rows[np.abs(rows[:, 0] - note.onset_s).argmin()]
            if abs(nearest[0] - note.onset_s) <= SAME_S:
                found = Contact(note, side, int(nearest[2]))
        yield found
