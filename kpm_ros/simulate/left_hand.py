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
left hand plays its notes as a right hand plays their mirror images, and is exactly what is seen of
that in the mirror: movement, forces and muscles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hands import mirrored, mirrored_note, muscles_of
from kpm_ros.core.piano import FIRST_NOTE, OCTAVE, PIANO_KEYS
from kpm_ros.core.sides import BOTH, LEFT, RIGHT
from kpm_ros.sense.midi.key_depth import RELEASE_S
from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.sense.samples import KeyEventKind
from kpm_ros.simulate.example_scores import BEAT_S, five_finger_study
from kpm_ros.simulate.finger_habits import HABITS
from kpm_ros.simulate.fingering import Manner
from kpm_ros.simulate.hand_shares import Shares, share_out
from kpm_ros.simulate.movement_plan import TAIL_S
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import WHOLE, Move, Part, Performer, Pianist
from kpm_ros.simulate.strokes import LEAD_S
from kpm_ros.simulate.tracked_view import Visible

_IDLE_NOTE = 48
_SEED = 0x1EF7
_KEYS = np.arange(PIANO_KEYS)
_SOURCE = mirrored_note(0) - 2 * FIRST_NOTE - _KEYS
_INSIDE = (_SOURCE >= 0) & (_SOURCE < PIANO_KEYS)
"""Keys that have a mirror image."""

MakePianist = Callable[[Score, int, Part], Pianist]
"""Sets a pianist at the piano, with a seed and a part of the music."""


def mirrored_score(score: Score) -> Score:
    """Write a score as it is seen in the mirror; mirrored again it is what it was."""
    return replace(score, notes=_mirrored(score.notes))


def study_of(hand: str) -> Score:
    """Write the built-in study for the right hand, the left one, or both."""
    return music_of(five_finger_study(), hand)


def music_of(score: Score, hand: str) -> Score:
    """Turn music for a right hand into its mirror image for the left one, or into a canon for both.

    In the canon the left hand follows four beats behind, in mirrored movement, an octave below.
    """
    if hand == RIGHT:
        return score
    if hand == LEFT:
        return mirrored_score(score)
    follows = [
        replace(note, onset_s=note.onset_s + 4 * BEAT_S, pitch=note.pitch - OCTAVE)
        for note in _mirrored(score.notes)
    ]
    return Score.of([*score.notes, *follows], score.pedals, f"{score.name}, in canon")


def _mirrored(notes: Sequence[Note]) -> tuple[Note, ...]:
    return tuple(
        sorted(
            (replace(note, pitch=mirrored_note(note.pitch)) for note in notes),
            key=lambda note: (note.onset_s, note.pitch),
        )
    )


class LeftHanded:
    """The mirror image of a pianist: plays with the left hand in sight."""

    def __init__(self, seen: Pianist) -> None:
        """Take the pianist who is before the mirror, and plays the mirrored score."""
        self.seen = seen
        self.person: Person = seen.person
        self.period_s = seen.period_s
        self.muscles = muscles_of(seen.muscles, LEFT)

    @property
    def hands(self) -> Mapping[str, Visible]:
        """What is in sight, by its side."""
        return {LEFT: self}

    def landmarks(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Landmarks of the left hand in the piano's frame: (n, points, 3) in metres."""
        return mirrored(self.seen.landmarks(times_s))

    def key_depth(self, times_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """Depth of every key: (n, keys), 0 at rest, 1 fully down."""
        seen = self.seen.key_depth(times_s)
        depth = np.zeros_like(seen)
        depth[:, _INSIDE] = seen[:, _SOURCE[_INSIDE]]
        return depth

    def activation(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Activation of every muscle: (n, muscles), in 0..1."""
        return self.seen.activation(times_s)

    def moves(self, since_s: float, until_s: float) -> Iterator[Move]:
        """List what the keyboard reports from one time up to, not including, another."""
        notes = (KeyEventKind.NOTE_ON, KeyEventKind.NOTE_OFF)
        for move in self.seen.moves(since_s, until_s):
            if move.kind in notes:
                yield move._replace(note=mirrored_note(move.note))
            else:
                yield move


class TwoHanded:
    """One person who plays with both hands, both in sight.

    Each hand plays its share; what it cannot reach in time or hold is `unplayed`. Where both are at
    the same keys, the left one is over the right one.
    """

    def __init__(
        self, shares: Shares, seed: int, make: MakePianist, manner: Manner = HABITS
    ) -> None:
        """Learn the score with each hand, in a manner of choosing fingers."""
        idle = mirrored_note(_IDLE_NOTE)
        until_s = LEAD_S + shares.right.duration_s + RELEASE_S + TAIL_S
        part = Part(FIRST_NOTE, idle, until_s, own_keys_only=True, manner=manner)
        self.right = make(shares.right, seed, part)
        over = part._replace(over=self.right.reach.mirrored())
        self.left = LeftHanded(make(mirrored_score(shares.left), seed ^ _SEED, over))
        self.period_s = until_s
        if not self.period_s == self.right.period_s == self.left.period_s:
            raise ValueError(f"a hand ends {shares.right.name!r} later than the other one can")
        self.person: Person = self.right.person
        self.muscles = muscles_of(self.right.muscles, BOTH)

    @property
    def unplayed(self) -> tuple[Note, ...]:
        """Notes that neither hand plays, in order of time."""
        return tuple(
            sorted(
                [*_unplayed(self.right), *_mirrored(_unplayed(self.left.seen))],
                key=lambda note: (note.onset_s, note.pitch),
            )
        )

    @property
    def hands(self) -> Mapping[str, Visible]:
        """What is in sight, by its side."""
        return {LEFT: self.left, RIGHT: self.right}

    def landmarks(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Landmarks of the right hand in the piano's frame: (n, points, 3) in metres."""
        return self.right.landmarks(times_s)

    def key_depth(self, times_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """Depth of every key: (n, keys), 0 at rest, 1 fully down."""
        return np.maximum(self.right.key_depth(times_s), self.left.key_depth(times_s))

    def activation(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Activation of every muscle: (n, muscles), in 0..1."""
        each = [hand.activation(times_s) for hand in (self.left, self.right)]
        return np.concatenate(each, axis=1)

    def moves(self, since_s: float, until_s: float) -> Iterator[Move]:
        """List what the keyboard reports from one time up to, not including, another."""
        both = [*self.right.moves(since_s, until_s), *self.left.moves(since_s, until_s)]
        yield from sorted(both, key=lambda move: move.time_s)


def _unplayed(pianist: Pianist) -> list[Note]:
    """Notes of a hand's own share that it does not play."""
    fingers = pianist.plan.strokes.finger
    notes = pianist.score.notes
    return [note for note, finger in zip(notes, fingers, strict=True) if finger < 0]


def set_at_the_piano(
    score: Score, seed: int, make: MakePianist, hand: str, voices: Sequence[Score] = ()
) -> Performer:
    """Let a score be played by the right hand, the left one, or both.

    A right hand alone takes what it can from middle C up, a left one what it can from the E above
    that down, its mirror image; what is not taken is played out of sight. Both share the score, or
    each plays its own of two voices.
    """
    if hand == BOTH:
        return TwoHanded(share_out(voices or [score]), seed, make)
    if hand == LEFT:
        return LeftHanded(make(mirrored_score(score), seed, WHOLE))
    return make(score, seed, WHOLE)
