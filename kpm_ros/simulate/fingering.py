"""Which finger plays which note, and where the right hand is meanwhile.

The right hand takes the notes from middle C up, with these exceptions, which go to the other hand
(heard and seen in the keys, but not seen by the cameras): what five fingers cannot hold together
(the lowest of the newly struck notes go first), and what is further from the notes before than 5 cm
plus 0.6 m for each second between. A note that is still held when the hand must leave its reach, or
its finger is wanted elsewhere, is let go.

Fingers come from dynamic programming over the moments at which notes begin. The cost of a choice is
in millimetres of hand movement; everything else is stated as worth so many of them, below.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.samples import FIRST_NOTE, PIANO_KEYS
from kpm_ros.sense.score import Note, Score
from kpm_ros.simulate.hand import FINGERS, HandModel
from kpm_ros.simulate.keyboard import IS_BLACK, KEY_TOP_M, KEY_X_M, TRAVEL_M

MIDDLE_C = 60
TOGETHER_S = 0.040
"""A note that begins within this time after another one is struck with it, from one position."""
FREE_MOVE_M = 0.05
"""Distance between keys that fingers cover without the hand's help."""
FASTEST_MOVE_M_PER_S = 0.6
"""From strike to strike, beyond that distance."""
FURTHEST_STRETCH = 0.97
"""Of a finger's full length; beyond it a key counts as out of reach."""

_BLACK_KEY_MM = np.array([8.0, 1.0, 0.0, 1.0, 6.0])
"""Thumb and little finger are too short for black keys."""
_WEAK_FINGER_MM = np.array([0.0, 0.0, 0.5, 3.0, 2.0])
_SAME_FINGER_MM = 25.0
"""The same finger on another key right after: no legato."""
_OTHER_FINGER_MM = 4.0
"""Another finger on the same key right after."""
_SWAPPED_FINGER_MM = 500.0
"""A finger taken from a key that is to stay down."""
_HURRY_S = 0.1
"""A movement within this time costs twice its length."""
_SPREAD_MM_PER_M = 300.0
"""For each metre by which the fingers are further apart (or closer) than in rest."""
_STRETCH_MM = 40.0
"""A finger at full stretch, compared with one at 0.85."""

_BLACK_TOUCH_M = np.array([0.060, 0.068, 0.070, 0.068, 0.060])
"""How far from the white keys' front each finger touches a black key."""


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
    palm: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))


@dataclass
class Fingering:
    """What each note of a score is played with."""

    finger: NDArray[np.int64]
    """Finger of each note: 0 = thumb .. 4 = little finger, -1 = the other hand."""
    grips: list[Grip]
    last_grip: NDArray[np.int64]
    """The last grip that holds each note."""
    within_reach: NDArray[np.bool_]
    """Whether each note's finger could stay on it while the hand goes to the grip after that."""


def touch_points(
    hand: HandModel, keys: NDArray[np.int64], fingers: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Where fingers touch keys at rest: (..., 3)."""
    flat = hand.natural[:, 1] - hand.natural[2, 1] + _WHITE_TOUCH_MIDDLE_M
    y = np.where(IS_BLACK[keys], _BLACK_TOUCH_M[fingers], flat[fingers])
    return np.stack([KEY_X_M[keys], y, KEY_TOP_M[keys]], axis=-1)


_WHITE_TOUCH_MIDDLE_M = 0.040


class _Chooser:
    """Possible grips of one hand, remembered by their keys."""

    def __init__(self, hand: HandModel) -> None:
        self.hand = hand
        self.grips = lru_cache(maxsize=4096)(self._grips)

    def _grips(
        self, keys: tuple[int, ...]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Fingers (choices, keys), palm (choices, 3) and cost (choices) of what can be held."""
        choices = np.array(list(combinations(range(FINGERS), len(keys))), dtype=np.int64)
        key = np.broadcast_to(np.array(keys), choices.shape)
        tips = touch_points(self.hand, key, choices)
        natural = self.hand.natural[choices]
        centre = (tips - natural).mean(axis=1)
        width = np.ptp(tips[..., 0] - natural[..., 0], axis=1)
        # A spread hand goes flatter and further in, which is what lets it spread.
        spread = np.clip(width / 0.06, 0.0, 1.0)
        best = np.full(len(choices), np.inf)
        palm = np.zeros((len(choices), 3))
        for aside in (0.0, -0.012, 0.012):
            for ahead in (0.0, 0.012, -0.012):
                place = centre + np.array([aside, ahead, 0.0])
                place[:, 1] += 0.008 * spread
                place[:, 2] -= 0.018 * spread
                stretch = self._worst_stretch(place, tips, choices) + abs(aside) + abs(ahead)
                better = stretch < best
                best[better], palm[better] = stretch[better], place[better]
        cost = (_BLACK_KEY_MM[choices] * IS_BLACK[key] + _WEAK_FINGER_MM[choices]).sum(axis=1)
        cost += _STRETCH_MM * np.maximum(best - 0.85, 0.0) / 0.12
        cost += _SPREAD_MM_PER_M * width
        ok = best <= FURTHEST_STRETCH
        return choices[ok], palm[ok], cost[ok]

    def _worst_stretch(
        self, palm: NDArray[np.float64], tips: NDArray[np.float64], fingers: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Stretch of the most stretched finger, with keys up or down."""
        whole = palm[:, None, :] + self.hand.natural
        worst = np.zeros(len(palm))
        row = np.arange(len(palm))[:, None]
        for depth in (0.0, TRAVEL_M):
            every = whole.copy()
            every[row, fingers] = tips - np.array([0.0, 0.0, depth])
            worst = np.maximum(worst, self.hand.stretch(palm, every)[row, fingers].max(axis=1))
        return worst

    def reaches(self, palm: NDArray[np.float64], key: int, finger: int) -> bool:
        """Whether the finger reaches the key from this palm."""
        fingers = np.array([[finger]])
        tips = touch_points(self.hand, np.array([[key]]), fingers)
        return bool(self._worst_stretch(palm[None], tips, fingers)[0] <= FURTHEST_STRETCH)


def assign(score: Score, hand: HandModel, lowest: int = MIDDLE_C) -> Fingering:
    """Give every note of the score a finger of the right hand, or to the other hand."""
    chooser = _Chooser(hand)
    grips = _gather(score.notes, chooser, lowest)
    _choose(grips, score.notes, chooser)
    finger = np.full(len(score.notes), -1, dtype=np.int64)
    last_grip = np.full(len(score.notes), -1, dtype=np.int64)
    for k, grip in enumerate(grips):
        for note in grip.struck:
            finger[note] = grip.fingers[note]
            last_grip[note] = k
        for note in grip.held:
            # Once another finger is wanted on it, the key has been let go.
            if grip.fingers[note] == finger[note] and last_grip[note] == k - 1:
                last_grip[note] = k
    within_reach = np.ones(len(score.notes), dtype=np.bool_)
    for note, k in enumerate(last_grip):
        if 0 <= k < len(grips) - 1:
            key = score.notes[note].pitch - FIRST_NOTE
            within_reach[note] = chooser.reaches(grips[k + 1].palm, key, int(finger[note]))
    return Fingering(finger, grips, last_grip, within_reach)


def _gather(notes: tuple[Note, ...], chooser: _Chooser, lowest: int) -> list[Grip]:
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
        _drop_what_is_too_fast(struck, notes, grips)
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


def _drop_what_is_too_fast(struck: list[int], notes: tuple[Note, ...], grips: list[Grip]) -> None:
    """Leave to the other hand what the hand cannot get to in time."""
    if not grips or not struck:
        return
    before = KEY_X_M[_keys(notes, grips[-1].struck)].mean()
    now = KEY_X_M[_keys(notes, struck)].mean()
    time = notes[struck[0]].onset_s - grips[-1].last_onset_s
    if abs(now - before) > FREE_MOVE_M + FASTEST_MOVE_M_PER_S * time:
        struck.clear()


def _drop_what_does_not_fit(
    struck: list[int], held: list[int], notes: tuple[Note, ...], chooser: _Chooser
) -> None:
    """Let go of the oldest notes, then leave the lowest new ones, until one hand can hold it."""
    while struck:
        keys = tuple(sorted(_keys(notes, struck + held)))
        if len(keys) <= FINGERS and len(chooser.grips(keys)[0]):
            return
        if held:
            held.pop(0)
        else:
            struck.remove(min(struck, key=lambda i: notes[i].pitch))


class _Moment(NamedTuple):
    """What can be held at one moment, in which ways."""

    notes: list[int]
    fingers: NDArray[np.int64]
    """(choices, notes)"""
    palm: NDArray[np.float64]
    """(choices, 3)"""
    cost: NDArray[np.float64]
    """(choices)"""


def _choose(grips: list[Grip], notes: tuple[Note, ...], chooser: _Chooser) -> None:
    """Find the cheapest fingers for all grips together."""
    if not grips:
        return
    moments = []
    for grip in grips:
        order = sorted(grip.struck + grip.held, key=lambda i: notes[i].pitch)
        moments.append(_Moment(order, *chooser.grips(tuple(_keys(notes, order)))))
    total = moments[0].cost
    came_from: list[NDArray[np.int64]] = []
    for (before, after), grip in zip(pairwise(moments), grips[1:], strict=True):
        through = total[:, None] + _step_cost(before, after, notes, grip)
        came_from.append(through.argmin(axis=0))
        total = through.min(axis=0) + after.cost
    choice = int(total.argmin())
    for k in range(len(grips) - 1, -1, -1):
        which = (int(finger) for finger in moments[k].fingers[choice])
        grips[k].fingers = dict(zip(moments[k].notes, which, strict=True))
        grips[k].palm = moments[k].palm[choice]
        if k:
            choice = int(came_from[k - 1][choice])


def _step_cost(
    before: _Moment, after: _Moment, notes: tuple[Note, ...], grip: Grip
) -> NDArray[np.float64]:
    """Cost of going from each old choice to each new one, in millimetres: (old, new)."""
    move = after.palm[None, :, :] - before.palm[:, None, :]
    newest = max(notes[i].onset_s for i in before.notes)
    hurry = 1.0 + _HURRY_S / max(grip.time_s - newest, TOGETHER_S)
    cost: NDArray[np.float64] = 1000.0 * hurry * np.linalg.norm(move, axis=2)
    for b, note_b in enumerate(before.notes):
        finger_b = before.fingers[:, b][:, None]
        legato = notes[note_b].end_s > grip.time_s - 0.15
        for a, note_a in enumerate(after.notes):
            same = finger_b == after.fingers[:, a][None, :]
            if note_a == note_b:
                cost += _SWAPPED_FINGER_MM * ~same
            elif note_a in grip.held or not legato:
                continue
            elif notes[note_a].pitch == notes[note_b].pitch:
                cost += _OTHER_FINGER_MM * ~same
            else:
                cost += _SAME_FINGER_MM * same
    return cost
