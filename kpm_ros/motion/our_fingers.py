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

"""The fingers that our simulated hands take for a line of notes, or for their part of a piece."""

from __future__ import annotations

from dataclasses import replace

from kpm_ros.core.hands import mirrored_note
from kpm_ros.core.piano import FIRST_NOTE
from kpm_ros.core.sides import LEFT
from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.simulate.finger_habits import HABITS
from kpm_ros.simulate.fingering import assign
from kpm_ros.simulate.hand import HandModel

_STEP_S = 0.25
_VELOCITY = 64


class OurFingers:
    """Fingers notes with a right hand, or with what a mirror shows of it."""

    def __init__(self, hand: HandModel) -> None:
        """Take a hand: what it cannot reach it plays with no finger."""
        self._hand = hand

    def __call__(self, side: str, pitches: tuple[int, ...]) -> list[int]:
        """Fingers from 1 = thumb to 5 of notes at an even pace, 0 for one that is not played."""
        notes = [Note(k * _STEP_S, _STEP_S, pitch, _VELOCITY) for k, pitch in enumerate(pitches)]
        return self.of(side, Score.of(notes))

    def of(self, side: str, score: Score) -> list[int]:
        """The same of a hand's part of a piece, in the order of its notes."""
        notes = score.notes
        if side == LEFT:
            notes = tuple(replace(note, pitch=mirrored_note(note.pitch)) for note in notes)
        # What is struck together lies the other way round in the mirror.
        order = sorted(range(len(notes)), key=lambda k: (notes[k].onset_s, notes[k].pitch))
        fingering = assign(Score.of(notes), self._hand, FIRST_NOTE, HABITS)
        fingers = dict(zip(order, fingering.finger, strict=True))
        return [int(fingers[k]) + 1 for k in range(len(notes))]
