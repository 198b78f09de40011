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

"""Two hands that play a piece: statistics and search, from a score to every joint's angle.

The notes are shared between the hands, fingers chosen, palms and fingertips led from key to key,
and the joints found that put them there, so that keys are pressed as the score says
(`simulate.left_hand`). Nothing is drawn from a network; how a pianist holds the hands can be learnt
from movements (`playing_style`). Everything is SIMULATED.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from kpm_ros.core.hand_motion import HandMotion, OneHandMotion
from kpm_ros.core.hands import mirrored
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.motion.bone_rotations import rotations_of
from kpm_ros.motion.note_fingers import fingers_of_notes
from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.simulate.anatomy.anatomical_pianist import WholeHand
from kpm_ros.simulate.anatomy.body import PLACE, Body
from kpm_ros.simulate.anatomy.posture import AnatomicalHand
from kpm_ros.simulate.bodies import check_anatomy, check_length
from kpm_ros.simulate.finger_habits import HABITS
from kpm_ros.simulate.fingering import Manner
from kpm_ros.simulate.hand_shares import share_out
from kpm_ros.simulate.left_hand import TwoHanded
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import Part, Pianist
from kpm_ros.simulate.strokes import LEAD_S

RATE_HZ = 60.0
LONGEST_NOTE_S = 30.0
"""A key that is held for longer was not let go in the file, which is mended."""


@dataclass(frozen=True)
class Performed:
    """A piece as two hands play it."""

    hands: TwoHanded
    score: Score
    """What they were given, mended; `hands.unplayed` of it is out of their reach."""
    remarks: tuple[str, ...]
    """What was mended or left out, in sentences."""

    def motion(self, rate_hz: float = RATE_HZ) -> HandMotion:
        """Give all of the movement, from the hands' rest before the first note to that at the end.

        Its clock is the score's.
        """
        times = np.arange(int(self.hands.period_s * rate_hz)) / rate_hz
        moved = {}
        for side, one in ((RIGHT, self.hands.right), (LEFT, self.hands.left.seen)):
            posture = one.posture(times)
            landmarks, place = one.hand.landmarks(posture), posture[:, :PLACE]
            joints = posture[:, PLACE:].astype(np.float32)
            fingers = fingers_of_notes(one.score.notes, one.plan.strokes.finger, side)
            if side == LEFT:
                landmarks, place = mirrored(landmarks), mirrored(place)
            moved[side] = OneHandMotion(
                np.ones(len(times), bool),
                landmarks=landmarks.astype(np.float32),
                rotations=rotations_of(joints),
                place=place.astype(np.float32),
                joints=joints,
                fingers=(fingers - [-LEAD_S, 0.0, 0.0]) * [rate_hz, 1.0, 1.0],
            )
        return HandMotion(
            rate_hz,
            moved,
            start_s=-LEAD_S,
            simulated=True,
            title=self.score.name,
            source=" ".join(("SIMULATED: two hands led over the keys.", *self.remarks)),
        )


def generate(
    piece: Score | Sequence[Score],
    person: Person | None = None,
    seed: int = 0,
    rate_hz: float = RATE_HZ,
) -> HandMotion:
    """Play a piece with two hands; as voices of a file (`read_voices`) two are two hands'."""
    return perform(piece, person, seed).motion(rate_hz)


def perform(
    piece: Score | Sequence[Score],
    person: Person | None = None,
    seed: int = 0,
    manner: Manner = HABITS,
) -> Performed:
    """Let a person play a piece with two hands, in a manner of choosing fingers."""
    check_anatomy()
    voices = [piece] if isinstance(piece, Score) else list(piece)
    if not any(voice.notes for voice in voices):
        raise ValueError(f"{_named(voices)} has no note, so there is nothing to play")
    remarks = []
    cut = sum(note.duration_s > LONGEST_NOTE_S for voice in voices for note in voice.notes)
    if cut:
        remarks.append(f"{_notes(cut)} held for over {LONGEST_NOTE_S:g} s, and let go by then.")
        voices = [_let_go(voice) for voice in voices]
    shares = share_out(voices)
    check_length(shares.right)
    someone = person or Person()
    hand, muscles = _hand_of(someone)

    def make(music: Score, own_seed: int, part: Part) -> Pianist:
        return Pianist(music, own_seed, someone, hand, muscles, part=part)

    hands = TwoHanded(shares, seed, make, manner)
    lost = len(hands.unplayed)
    if lost:
        remarks.append(f"{_notes(lost)} out of reach of ten fingers, and left out.")
    everything = [*shares.right.notes, *shares.left.notes]
    score = replace(Score.of(everything), pedals=shares.right.pedals, name=shares.right.name)
    return Performed(hands, score, tuple(remarks))


@lru_cache(maxsize=4)
def _hand_of(person: Person) -> tuple[AnatomicalHand, WholeHand]:
    """A person's hand and muscles, which take seconds to measure."""
    body = Body(person)
    return AnatomicalHand(body), WholeHand(person, body)


def _let_go(voice: Score) -> Score:
    """End what is held for too long."""
    notes: list[Note] = [
        replace(note, duration_s=min(note.duration_s, LONGEST_NOTE_S)) for note in voice.notes
    ]
    return Score.of(notes, voice.pedals, voice.name)


def _named(voices: Sequence[Score]) -> str:
    return f"the piece {voices[0].name!r}" if voices else "the piece"


def _notes(count: int) -> str:
    return f"{count} note was" if count == 1 else f"{count} notes were"
