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

"""The left hand: a right hand before a mirror.

Seen in a mirror that stands on any D, a keyboard is a keyboard: black keys fall on black ones. So a
left hand plays its notes as a right hand plays their mirror images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.keyboard import KEY_X_M
from kpm_ros.core.piano import FIRST_NOTE
from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.simulate.hand import HandModel
from kpm_ros.simulate.movement import Movement
from kpm_ros.simulate.movement_plan import make_plan
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.strokes import playable

_MIRROR_NOTE = 62
"""The D next to middle C."""
_IDLE_NOTE = 48
_SEED = 0x1EF7


class LeftHand:
    """Where the left hand is while it plays some of a score's notes."""

    def __init__(
        self,
        notes: Sequence[Note],
        period_s: float,
        hand: HandModel,
        person: Person,
        seed: int,
    ) -> None:
        """Plan the left hand's part of a pass; `hand` is the same person's right one."""
        self._hand = hand
        mirrored = Score.of([replace(note, pitch=_mirrored(note.pitch)) for note in notes])
        plan = make_plan(playable(mirrored), hand, FIRST_NOTE, _mirrored(_IDLE_NOTE), period_s)
        self.plan = plan
        self._movement = Movement(plan, hand, person, seed ^ _SEED)

    def landmarks(self, now: NDArray[np.float64]) -> NDArray[np.float64]:
        """Landmarks in the piano's frame at moments within the pass: (n, points, 3)."""
        landmarks = self._hand.landmarks(self._movement.at(now))
        landmarks[..., 0] = 2 * KEY_X_M[_MIRROR_NOTE - FIRST_NOTE] - landmarks[..., 0]
        return landmarks


def _mirrored(pitch: int) -> int:
    """The note that a key's mirror image plays."""
    return 2 * _MIRROR_NOTE - pitch
