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

"""A sheet that a task is written on: notes of both hands, one after another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kpm_ros.core.piano import MIDDLE_C
from kpm_ros.sense.midi.score import Note, Score

HIGHEST = 103
"""Notes above are moved down by octaves: the cameras are to see the hand that plays them."""
MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
HARMONIC_MINOR = (0, 2, 3, 5, 7, 8, 11)
_TIMING_S = 0.006
"""Standard deviation of a pianist's timing about the beat."""
_SHADE = 3.5
"""Standard deviation of loudness from note to note, in MIDI velocity."""
_ROLL_S = 0.006
"""Standard deviation of the times at which the notes of a chord sound."""
SOFTEST, LOUDEST = 14, 122


class Sheet:
    """Notes put one after another, with the small unevenness of a person's playing."""

    def __init__(self, draw: np.random.Generator, step_s: float) -> None:
        """Begin empty; `step_s` is the length of the shortest regular note."""
        self.draw = draw
        self.step_s = step_s
        self.now_s = 0.0
        self._notes: list[Note] = []

    def play(
        self, pitches: Sequence[int], steps: float, velocity: float, held: float = 0.95
    ) -> None:
        """Strike right-hand keys together and go on by some steps; `held` is a part of them."""
        self.under([_within(pitch) for pitch in pitches], steps, velocity, held)
        self.now_s += steps * self.step_s

    def under(
        self, pitches: Sequence[int], steps: float, velocity: float, held: float = 0.95
    ) -> None:
        """Strike keys of either hand now, without going on."""
        length_s = max(steps * self.step_s * held, 0.045)
        for pitch in pitches:
            onset = self.now_s + float(self.draw.normal(0.0, _TIMING_S + _ROLL_S))
            loud = np.clip(velocity + self.draw.normal(0.0, _SHADE), SOFTEST, LOUDEST)
            self._notes.append(Note(max(onset, 0.0), length_s, int(pitch), round(float(loud))))

    def rest(self, steps: float) -> None:
        """Play nothing for some steps."""
        self.now_s += steps * self.step_s

    def score(self, duration_s: float, name: str) -> Score:
        """Everything that begins within so many seconds."""
        notes = [note for note in self._notes if note.onset_s < duration_s]
        return Score.of(notes, name=name)


def _within(pitch: int) -> int:
    """Bring a right-hand note into the right hand's half of the keyboard."""
    while pitch < MIDDLE_C:
        pitch += 12
    while pitch > HIGHEST:
        pitch -= 12
    return pitch


def step(scale: Sequence[int], degree: int) -> int:
    """Semitones of a scale's degree, counted from 0 and going on through the octaves."""
    octave, place = divmod(degree, len(scale))
    return 12 * octave + scale[place]


def swell(count: int, start: float, end: float) -> list[float]:
    """Loudness that goes evenly from one value to another over so many notes."""
    return [float(value) for value in np.linspace(start, end, max(count, 1))]
