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

"""Which finger plays which note, and where the right hand is meanwhile.

The right hand takes the notes from middle C up, or those it is given, with these exceptions, which
go to the other hand (heard and seen in the keys, but not seen by the cameras): what five fingers
cannot hold together (the lowest of the newly struck notes go first), and what is further from the
notes before than 5 cm plus what its manner can cover in the time between. A note that is still held
when the hand must leave its reach, or its finger is wanted elsewhere, is let go.

Fingers come from dynamic programming over the moments at which notes begin; what a choice costs is
a matter of manner. Here is `HandOverKeys`, to which the cost of a choice is in millimetres of hand
movement, and everything else is stated as worth so many of them; `finger_habits` has the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.keyboard import KEY_X_M
from kpm_ros.core.piano import FIRST_NOTE, MIDDLE_C, PIANO_KEYS
from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.simulate.grips import Chooser, Grips
from kpm_ros.simulate.hand import FINGERS, HandModel

TOGETHER_S = 0.040
"""A note that begins within this time after another one is struck with it, from one position."""
FREE_MOVE_M = 0.05
"""Distance between keys that fingers cover without the hand's help."""
_SAME_FINGER_MM = 25.0
"""The same finger on another key right after: no legato."""
_OTHER_FINGER_MM = 4.0
"""Another finger on the same key right after."""
_SWAPPED_FINGER_MM = 500.0
"""A finger taken from a key that is to stay down."""
_HURRY_S = 0.1
"""A movement within this time costs twice its length."""


@dataclass
class Grip:
    """What the right hand holds from one moment on."""

    time_s: float
    last_onset_s: float
    struck: list[int]
    """Notes of the score that begin now."""
    held: list[int]
    """Notes that stay down from before."""
    fingers: dict[int, int] = field(default_factory=dict)
    """Finger on each note, struck or held."""
    touch: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    """Where it touches each note's key at rest."""
    palm: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))


@dataclass
class Fingering:
    """What each note of a score is played with."""

    finger: NDArray[np.int64]
    """Finger of each note: 0 = thumb .. 4 = little finger, -1 = the other hand."""
    touch: NDArray[np.float64]
    """(notes, 3): where it touches its key at rest."""
    grips: list[Grip]
    last_grip: NDArray[np.int64]
    """The last grip that holds each note."""
    within_reach: NDArray[np.bool_]
    """Whether each note's finger could stay on it while the hand goes to the grip after that."""


class Moment(NamedTuple):
    """What can be held at one moment, in which ways."""

    notes: list[int]
    keys: tuple[int, ...]
    ways: Grips


class Manner(Protocol):
    """What a pianist finds easy."""

    @property
    def fastest_move_m_per_s(self) -> float:
        """From strike to strike, beyond what fingers cover without the hand's help."""

    def grip_cost(self, moment: Moment) -> NDArray[np.float64]:
        """Cost of each way to hold what is held at one moment: (ways,)."""

    def step_cost(
        self, before: Moment, after: Moment, notes: tuple[Note, ...], grip: Grip
    ) -> NDArray[np.float64]:
        """Cost of going from each way of one moment to each of the next grip's: (old, new)."""

    def settle(self, grips: list[Grip], chooser: Chooser) -> None:
        """Say where the palm is at each grip, once fingers are chosen."""


def assign(
    score: Score, hand: HandModel, lowest: int = MIDDLE_C, manner: Manner | None = None
) -> Fingering:
    """Give every note of the score a finger of the right hand, or to the other hand."""
    mine = manner or HAND_OVER_KEYS
    chooser = Chooser(hand)
    grips = _gather(score.notes, chooser, lowest, mine)
    _choose(grips, score.notes, chooser, mine)
    mine.settle(grips, chooser)
    finger = np.full(len(score.notes), -1, dtype=np.int64)
    touch = np.zeros((len(score.notes), 3))
    last_grip = np.full(len(score.notes), -1, dtype=np.int64)
    for k, grip in enumerate(grips):
        for note in grip.struck:
            finger[note] = grip.fingers[note]
            touch[note] = grip.touch[note]
            last_grip[note] = k
        for note in grip.held:
            # Once another finger is wanted on it, the key has been let go.
            if grip.fingers[note] == finger[note] and last_grip[note] == k - 1:
                last_grip[note] = k
    within_reach = np.ones(len(score.notes), dtype=np.bool_)
    for note, k in enumerate(last_grip):
        if 0 <= k < len(grips) - 1:
            palm = grips[k + 1].palm
            within_reach[note] = chooser.reaches(palm, touch[note], int(finger[note]))
    return Fingering(finger, touch, grips, last_grip, within_reach)


def _gather(notes: tuple[Note, ...], chooser: Chooser, lowest: int, manner: Manner) -> list[Grip]:
    """Find what the hand can hold at each moment a note begins."""
    grips: list[Grip] = []
    holding: list[int] = []
    right = [i for i, note in enumerate(notes) if lowest <= note.pitch < FIRST_NOTE + PIANO_KEYS]
    start = 0
    while start < len(right):
        first = notes[right[start]].onset_s
        stop = start
        struck: list[int] = []
        newest = first
        while stop < len(right) and notes[right[stop]].onset_s - newest <= TOGETHER_S:
            newest = notes[right[stop]].onset_s
            if notes[right[stop]].pitch not in [notes[i].pitch for i in struck]:
                struck.append(right[stop])
            stop += 1
        start = stop
        pitches = {notes[i].pitch for i in struck}
        held = [i for i in holding if notes[i].end_s > first and notes[i].pitch not in pitches]
        _drop_what_is_too_fast(struck, notes, grips, manner.fastest_move_m_per_s)
        _drop_what_does_not_fit(struck, held, notes, chooser)
        if not struck:
            continue
        last = max(notes[i].onset_s for i in struck)
        grips.append(Grip(first, last, struck, held))
        holding = held + struck
    return grips


def _keys(notes: tuple[Note, ...], which: list[int]) -> list[int]:
    """Keys of some notes."""
    return [notes[i].pitch - FIRST_NOTE for i in which]


def _drop_what_is_too_fast(
    struck: list[int], notes: tuple[Note, ...], grips: list[Grip], fastest_m_per_s: float
) -> None:
    """Leave to the other hand what the hand cannot get to in time."""
    if not grips or not struck:
        return
    before = KEY_X_M[_keys(notes, grips[-1].struck)].mean()
    now = KEY_X_M[_keys(notes, struck)].mean()
    time = notes[struck[0]].onset_s - grips[-1].last_onset_s
    if abs(now - before) > FREE_MOVE_M + fastest_m_per_s * time:
        struck.clear()


def _drop_what_does_not_fit(
    struck: list[int], held: list[int], notes: tuple[Note, ...], chooser: Chooser
) -> None:
    """Let go of the oldest notes, then leave the lowest new ones, until one hand can hold it."""
    while struck:
        keys = tuple(sorted(_keys(notes, struck + held)))
        if len(keys) <= FINGERS and len(chooser.grips(keys).cost):
            return
        if held:
            held.pop(0)
        else:
            struck.remove(min(struck, key=lambda i: notes[i].pitch))


def _choose(grips: list[Grip], notes: tuple[Note, ...], chooser: Chooser, manner: Manner) -> None:
    """Find the cheapest fingers for all grips together."""
    if not grips:
        return
    moments = []
    for grip in grips:
        order = sorted(grip.struck + grip.held, key=lambda i: notes[i].pitch)
        keys = tuple(_keys(notes, order))
        moments.append(Moment(order, keys, chooser.grips(keys)))
    total = manner.grip_cost(moments[0])
    came_from: list[NDArray[np.int64]] = []
    for (before, after), grip in zip(pairwise(moments), grips[1:], strict=True):
        through = total[:, None] + manner.step_cost(before, after, notes, grip)
        came_from.append(through.argmin(axis=0))
        total = through.min(axis=0) + manner.grip_cost(after)
    choice = int(total.argmin())
    for k in range(len(grips) - 1, -1, -1):
        ways = moments[k].ways
        which = (int(finger) for finger in ways.fingers[choice])
        grips[k].fingers = dict(zip(moments[k].notes, which, strict=True))
        grips[k].touch = dict(zip(moments[k].notes, ways.touch[choice], strict=True))
        grips[k].palm = ways.palm[choice]
        if k:
            choice = int(came_from[k - 1][choice])


@dataclass(frozen=True)
class HandOverKeys:
    """The hand stays over its keys as long as it can, and the thumb never passes under."""

    fastest_move_m_per_s: float = 0.6

    def grip_cost(self, moment: Moment) -> NDArray[np.float64]:
        """Cost in millimetres of hand movement, of each way: (ways,)."""
        return moment.ways.cost

    def settle(self, grips: list[Grip], chooser: Chooser) -> None:
        """Leave the palm where each grip strains it least."""

    def step_cost(
        self, before: Moment, after: Moment, notes: tuple[Note, ...], grip: Grip
    ) -> NDArray[np.float64]:
        """Cost in millimetres of going from each old choice to each new one: (old, new)."""
        move = after.ways.palm[None, :, :] - before.ways.palm[:, None, :]
        newest = max(notes[i].onset_s for i in before.notes)
        hurry = 1.0 + _HURRY_S / max(grip.time_s - newest, TOGETHER_S)
        cost: NDArray[np.float64] = 1000.0 * hurry * np.linalg.norm(move, axis=2)
        for b, note_b in enumerate(before.notes):
            finger_b = before.ways.fingers[:, b][:, None]
            legato = notes[note_b].end_s > grip.time_s - 0.15
            for a, note_a in enumerate(after.notes):
                same = finger_b == after.ways.fingers[:, a][None, :]
                if note_a == note_b:
                    cost += _SWAPPED_FINGER_MM * ~same
                elif note_a in grip.held or not legato:
                    continue
                elif notes[note_a].pitch == notes[note_b].pitch:
                    cost += _OTHER_FINGER_MM * ~same
                else:
                    cost += _SAME_FINGER_MM * same
        return cost


HAND_OVER_KEYS = HandOverKeys()
