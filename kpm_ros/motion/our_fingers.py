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

"""The fingers that our simulated hands take for a line of notes."""

from __future__ import annotations

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
    """Fingers one line of notes after another with a right hand, or what a mirror shows of it."""

    def __init__(self, hand: HandModel) -> None:
        """Take a hand: what it cannot reach it plays with no finger."""
        self._hand = hand

    def __call__(self, side: str, pitches: tuple[int, ...]) -> list[int]:
        """Fingers from 1 = thumb to 5, 0 for a note that is not played."""
        seen = [mirrored_note(pitch) if side == LEFT else pitch for pitch in pitches]
        notes = [Note(k * _STEP_S, _STEP_S, pitch, _VELOCITY) for k, pitch in enumerate(seen)]
        fingering = assign(Score.of(notes), self._hand, FIRST_NOTE, HABITS)
        return [int(finger) + 1 for finger in fingering.finger]
