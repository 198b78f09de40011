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

"""How pianists are taught to choose fingers: the thumb passes under, and fingers pass over it.

What a finger costs after another is a sum of features, most of them after Parncutt et al. (Music
Perception 14, 1997): spans wider or narrower than the fingers' own, passing, the thumb or little
finger on a black key, weak fingers. Distances are in widths of white keys. `motion.habit_fitting`
fitted the weights to the published scales and arpeggios on C, E flat, F sharp and A; those on the
other tonics are left for judging them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.keyboard import IS_BLACK, KEY_X_M, WHITE_WIDTH_M
from kpm_ros.core.piano import PIANO_KEYS
from kpm_ros.sense.midi.score import Note
from kpm_ros.simulate.fingering import Grip, Moment
from kpm_ros.simulate.gliding import glide
from kpm_ros.simulate.grips import Chooser
from kpm_ros.simulate.hand import FINGERS

_THUMB, _INDEX, _MIDDLE, _RING, _LITTLE = range(FINGERS)
_SWAPPED = 60.0
"""A finger taken from a key that is to stay down."""
_DETACHED = 0.3
"""What going from note to note counts when there is silence between them."""
_DETACHED_S = 0.15


@dataclass(frozen=True)
class HabitWeights:
    """What each feature of a choice costs."""

    same_finger: float = 10.72
    """The same finger on another key right after: no legato."""
    same_finger_far: float = 1.73
    """The same, for each white key between."""
    same_key: float = 1.5
    """Another finger on the same key right after."""
    thumb_stretch: float = 0.44
    """Fingers further apart than their own distance, for each white key; one is the thumb."""
    stretch: float = 0.55
    """The same without the thumb."""
    thumb_cramp: float = 1.88
    """Fingers nearer to each other than their own distance; one is the thumb."""
    cramp: float = 1.2
    """The same without the thumb."""
    passing: float = 2.6
    """The thumb passes under, or a finger over it."""
    passing_far: float = 0.32
    """The same, for each white key beyond the next."""
    passing_index: float = 0.05
    passing_ring: float = 0.2
    passing_little: float = 6.0
    """The same, when it is this finger that the thumb passes, and not the middle one."""
    passing_black_thumb: float = 5.4
    """The same, when the thumb's key is black."""
    passing_black_finger: float = -0.5
    """The same, when that finger is on a black key and the thumb's is white: there is room."""
    crossing: float = 10.24
    """Other fingers in each other's way."""
    middle: float = 0.3
    ring: float = 0.24
    little: float = 0.32
    """A note of this finger."""
    black_thumb: float = 4.8
    black_little: float = 7.6
    """A black key for a finger that is too short for it."""


def step_features(before: NDArray[np.int64], after: NDArray[np.int64]) -> NDArray[np.float64]:
    """Features of going from keys (...) to keys (...): (..., old finger, new finger, weights).

    Those of a single note are zero.
    """
    old, new = np.arange(FINGERS)[:, None], np.arange(FINGERS)[None]
    way = ((KEY_X_M[after] - KEY_X_M[before]) / WHITE_WIDTH_M)[..., None, None]
    black = (IS_BLACK[before][..., None, None], IS_BLACK[after][..., None, None])
    far, apart = np.abs(way), np.abs(new - old)
    moves, same = way != 0, old == new
    with_thumb = (old == _THUMB) | (new == _THUMB)
    in_order = np.sign(new - old) * np.sign(way) > 0
    passing = ((new == _THUMB) & (way > 0) | (old == _THUMB) & (way < 0)) & ~same
    passed = np.where(old == _THUMB, new, old)
    wide = np.maximum(far - apart, 0.0) * in_order
    narrow = np.maximum(apart - far, 0.0) * in_order
    found = {
        "same_finger": same & moves,
        "same_finger_far": same * far,
        "same_key": ~same & ~moves,
        "thumb_stretch": wide * with_thumb,
        "stretch": wide * ~with_thumb,
        "thumb_cramp": narrow * with_thumb,
        "cramp": narrow * ~with_thumb,
        "passing": passing,
        "passing_far": passing * np.maximum(far - 1.0, 0.0),
        "passing_index": passing & (passed == _INDEX),
        "passing_ring": passing & (passed == _RING),
        "passing_little": passing & (passed == _LITTLE),
        "passing_black_thumb": passing & np.where(old == _THUMB, *black),
        "passing_black_finger": passing
        & np.where(old == _THUMB, *black[::-1])
        & ~np.where(old == _THUMB, *black),
        "crossing": ~in_order & ~same & ~passing & moves,
    }
    return _stacked(found, np.broadcast_shapes(way.shape, same.shape))


def note_features(keys: NDArray[np.int64]) -> NDArray[np.float64]:
    """Features of single notes on keys (...): (..., finger, weights)."""
    finger = np.arange(FINGERS)
    black = IS_BLACK[keys][..., None]
    found = {
        "middle": finger == _MIDDLE,
        "ring": finger == _RING,
        "little": finger == _LITTLE,
        "black_thumb": black & (finger == _THUMB),
        "black_little": black & (finger == _LITTLE),
    }
    return _stacked(found, (*keys.shape, FINGERS))


@dataclass(frozen=True)
class FingerHabits:
    """Fingers are chosen by habit, and the palm glides along with them."""

    fastest_move_m_per_s: float = 1.5
    """As fast as pianists leap; the hand of whom the other hand can take the note is slower."""
    weights: HabitWeights = HabitWeights()

    def grip_cost(self, moment: Moment) -> NDArray[np.float64]:
        """Cost of each way to hold some keys: (ways,)."""
        step, note = _tables(self.weights)
        keys, fingers = np.array(moment.keys), moment.ways.fingers
        cost = note[keys, fingers].sum(axis=1)
        for low in range(len(keys) - 1):
            pair = step[keys[low], keys[low + 1]]
            cost = cost + pair[fingers[:, low], fingers[:, low + 1]]
        return np.asarray(cost)

    def step_cost(
        self, before: Moment, after: Moment, notes: tuple[Note, ...], grip: Grip
    ) -> NDArray[np.float64]:
        """Cost of going from each old way to each new one, the mean over pairs: (old, new)."""
        step, _ = _tables(self.weights)
        old, new = before.ways.fingers, after.ways.fingers
        cost = np.zeros((len(old), len(new)))
        share = 1.0 / max(len(before.notes), len(after.notes))
        for b, note_b in enumerate(before.notes):
            silence = grip.time_s - notes[note_b].end_s > _DETACHED_S
            counts = share * (_DETACHED if silence else 1.0)
            for a, note_a in enumerate(after.notes):
                if note_a == note_b:
                    cost += _SWAPPED * (old[:, b][:, None] != new[:, a])
                elif note_a not in grip.held:
                    pair = step[before.keys[b], after.keys[a]]
                    cost += counts * pair[old[:, b][:, None], new[:, a]]
        return cost

    def settle(self, grips: list[Grip], chooser: Chooser) -> None:
        """Let the palm glide over keys that the fingers reach anyway."""
        glide(grips, chooser)


HABITS = FingerHabits()


@lru_cache(maxsize=4)
def _tables(weights: HabitWeights) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cost of steps (old key, new key, old finger, new finger) and of notes (key, finger)."""
    worth = np.array(list(asdict(weights).values()))
    keys = np.arange(PIANO_KEYS)
    steps = [step_features(np.full(PIANO_KEYS, key), keys) @ worth for key in keys]
    return np.array(steps), note_features(keys) @ worth


def _stacked(found: dict[str, NDArray[np.generic]], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Features in the order of the weights."""
    values = np.zeros((*shape, len(fields(HabitWeights))))
    for place, field in enumerate(fields(HabitWeights)):
        if field.name in found:
            values[..., place] = found[field.name]
    return values
