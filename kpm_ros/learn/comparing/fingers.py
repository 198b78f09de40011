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

"""Which finger plays each note: as the hands were seen, else as hands like ours would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.motion.key_contacts import contacts_of
from kpm_ros.motion.our_fingers import OurFingers
from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.simulate.hand import KinematicHand
from kpm_ros.simulate.hand_shares import share_out
from kpm_ros.simulate.person import Person

NAMES = ("thumb", "index finger", "middle finger", "ring finger", "little finger")
UNKNOWN = ""
EVERY_FINGER = tuple(
    f"{side} {name} ({number})"
    for side, names in ((LEFT, reversed([*enumerate(NAMES, 1)])), (RIGHT, enumerate(NAMES, 1)))
    for number, name in names
)
"""As they lie on the keyboard, with the numbers that pianists give them."""


@dataclass(frozen=True)
class Fingers:
    """The fingers of a performance."""

    of_note: tuple[str, ...]
    """Of each note of its score, one of `EVERY_FINGER`; empty where none is known."""
    seen: bool
    """Whether hands were seen on the keys; else they are what is usual for these notes."""


def seen_fingers(score: Score, motion: HandMotion, later_s: float) -> Fingers | None:
    """Take for each note the fingertip on its key; the movement's clock shows so much more.

    None where no finger was seen on any key.
    """
    shifted = score.later(later_s)
    found = {
        _key(one.note): _word(one.side, one.finger + 1)
        for one in contacts_of(motion, shifted)
        if one.side
    }
    of_note = tuple(found.get(_key(note), UNKNOWN) for note in shifted.notes)
    return Fingers(of_note, True) if found else None


def usual_fingers(score: Score, voices: Sequence[Score] = ()) -> Fingers:
    """Share a piece between two hands of an average adult, and choose their fingers.

    Two voices are two hands' (`read_voices`); else the score is shared out by reach.
    """
    ours = OurFingers(KinematicHand(Person()))
    shares = share_out(voices if len(voices) == 2 else [score])
    found = {}
    for side, part in ((LEFT, shares.left), (RIGHT, shares.right)):
        for note, number in zip(part.notes, ours.of(side, part), strict=True):
            if number:
                found[_key(note)] = _word(side, number)
    return Fingers(tuple(found.get(_key(note), UNKNOWN) for note in score.notes), False)


def _key(note: Note) -> tuple[int, int]:
    """By which a note is found again: its instant in microseconds, and its pitch."""
    return round(note.onset_s * 1e6), note.pitch


def _word(side: str, number: int) -> str:
    return f"{side} {NAMES[number - 1]} ({number})"
