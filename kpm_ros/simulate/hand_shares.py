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

"""Which hand plays which note of a score.

Two tracks, or channels, are two hands: the higher one is the right one's. Otherwise the notes of
each moment are split at a pitch that moves with the music. A beam of the cheapest splits so far is
led through the moments; a split costs the way of each hand since its last notes, more where there
is no time for it, hands spread too wide or in each other's way, and a little for each hand on the
other's side of the keyboard.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from kpm_ros.core.keyboard import KEY_X_M, WHITE_WIDTH_M
from kpm_ros.core.piano import FIRST_NOTE, MIDDLE_C, PIANO_KEYS
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.simulate.fingering import TOGETHER_S
from kpm_ros.simulate.hand import FINGERS

_BEAM = 24
_WHITE_KEYS = [float(x / WHITE_WIDTH_M) for x in KEY_X_M]
"""Place of each key, in white keys from the lowest."""
_MIDDLE = _WHITE_KEYS[MIDDLE_C - FIRST_NOTE]
_HOME = {LEFT: _MIDDLE - 7, RIGHT: _MIDDLE + 7}
_EASY_SPAN, _FULL_SPAN = 7.0, 9.0
"""From thumb to little finger, in white keys: an octave, and what few hands hold."""
_WIDE, _TOO_WIDE = 1.5, 30.0
"""Cost of each white key beyond them."""
_EASY_PACE = 30.0
"""White keys a second, beyond five that fingers cover by themselves."""
_FIVE_FINGERS = 4.0
_NEXT_KEYS = 2.0
"""How far beyond its last notes a hand's other fingers are."""
_HURRIED = 3.0
_CROSSED = 2.0
_FOREIGN = 0.05
_SILENT_S = 1.5
"""After so long without a note a hand may be anywhere."""
_LOADED, _SPREAD = 0.6, 0.05
"""Of each further note of a hand, and of each white key that it spans: both hands do their part."""
_TOO_MANY = 60.0


class Shares(NamedTuple):
    """A piece for two hands."""

    right: Score
    left: Score
    told: bool
    """Whether the piece itself says which hand plays what; else that was found."""


class _Hand(NamedTuple):
    """Where one hand is after some moments."""

    low: float
    high: float
    last_s: float
    held: tuple[tuple[float, float], ...]
    """Place and end of each of its notes that may still be down."""


class _Way(NamedTuple):
    """One way to have split the music so far."""

    cost: float
    left: _Hand
    right: _Hand
    cuts: tuple[Any, ...]
    """The newest cut, then the cuts before it in the same form; empty at the start."""


def share_out(voices: Sequence[Score]) -> Shares:
    """Share a piece between two hands, by its voices or by what they can reach."""
    everything = Score.of(
        [note for voice in voices for note in voice.notes], voices[0].pedals, voices[0].name
    )
    notes = tuple(n for n in everything.notes if 0 <= n.pitch - FIRST_NOTE < PIANO_KEYS)
    whole = replace(everything, notes=notes)
    if len(voices) == 2:
        low, high = sorted(voices, key=_mean_pitch)
        return Shares(_part(whole, high.notes), _part(whole, low.notes, pedals=False), told=True)
    shares: dict[str, list[Note]] = {LEFT: [], RIGHT: []}
    moments = list(_moments(notes))
    for moment, cut in zip(moments, _cuts(moments), strict=True):
        shares[LEFT] += moment[:cut]
        shares[RIGHT] += moment[cut:]
    right = _part(whole, shares[RIGHT])
    return Shares(right, _part(whole, shares[LEFT], pedals=False), told=False)


def _part(whole: Score, notes: Sequence[Note], *, pedals: bool = True) -> Score:
    """One hand's notes of a score that lasts as long; the pedals go with the right hand."""
    ordered = tuple(sorted(notes, key=lambda note: (note.onset_s, note.pitch)))
    return replace(whole, notes=ordered, pedals=whole.pedals if pedals else ())


def _mean_pitch(voice: Score) -> float:
    return sum(note.pitch for note in voice.notes) / len(voice.notes)


def _moments(notes: Sequence[Note]) -> Iterator[list[Note]]:
    """Notes that are struck together, each time from the lowest."""
    struck: list[Note] = []
    for note in notes:
        if struck and note.onset_s - struck[0].onset_s > TOGETHER_S:
            yield sorted(struck, key=lambda one: one.pitch)
            struck = []
        struck.append(note)
    if struck:
        yield sorted(struck, key=lambda one: one.pitch)


def _cuts(moments: Sequence[list[Note]]) -> list[int]:
    """How many of each moment's notes, from the lowest, the left hand plays."""
    left, right = (_Hand(_HOME[side], _HOME[side], -_SILENT_S, ()) for side in (LEFT, RIGHT))
    ways = [_Way(0.0, left, right, ())]
    for moment in moments:
        now_s = moment[0].onset_s
        found = []
        for way in ways:
            held = [_still(hand, now_s) for hand in (way.left, way.right)]
            for cut in range(len(moment) + 1):
                cost_left, left = _play(held[0], moment[:cut], now_s, LEFT)
                cost_right, right = _play(held[1], moment[cut:], now_s, RIGHT)
                cost = way.cost + cost_left + cost_right
                cost += _CROSSED * max(0.0, _middle(left) + _FIVE_FINGERS - _middle(right))
                found.append(_Way(cost, left, right, (cut, way.cuts)))
        ways = sorted(found, key=lambda one: one.cost)[:_BEAM]
    cuts: list[int] = []
    linked = min(ways, key=lambda one: one.cost).cuts
    while linked:
        cut, linked = linked
        cuts.append(cut)
    return cuts[::-1]


def _still(hand: _Hand, now_s: float) -> _Hand:
    """Forget the notes that are over."""
    return hand._replace(held=tuple(one for one in hand.held if one[1] > now_s + TOGETHER_S))


def _middle(hand: _Hand) -> float:
    return (hand.low + hand.high) / 2


def _play(hand: _Hand, notes: Sequence[Note], now_s: float, side: str) -> tuple[float, _Hand]:
    """Give what it costs a hand to play some notes now, and where it is then."""
    if not notes:
        return 0.0, hand
    places = [_WHITE_KEYS[note.pitch - FIRST_NOTE] for note in notes]
    struck = (places[0], places[-1])
    low, high = min([struck[0], *(at for at, _ in hand.held)]), struck[1]
    high = max([high, *(at for at, _ in hand.held)])
    cost = _TOO_MANY * max(0, len(notes) - FINGERS)
    cost += _LOADED * (len(notes) - 1) + _SPREAD * (struck[1] - struck[0])
    cost += _WIDE * max(0.0, struck[1] - struck[0] - _EASY_SPAN)
    cost += _TOO_WIDE * max(0.0, struck[1] - struck[0] - _FULL_SPAN)
    # What is held can be let go, which the pedal may hide.
    cost += _WIDE * max(0.0, high - low - _EASY_SPAN)
    way = max(0.0, struck[1] - hand.high - _NEXT_KEYS, hand.low - struck[0] - _NEXT_KEYS)
    way = max(way, abs(sum(struck) / 2 - _middle(hand)) - _FIVE_FINGERS)
    time_s = now_s - hand.last_s
    if time_s < _SILENT_S:
        cost += way + _HURRIED * max(0.0, way - _EASY_PACE * time_s)
    foreign = (_HOME[side] - struck[0]) if side == RIGHT else (struck[1] - _HOME[side])
    cost += _FOREIGN * len(notes) * max(0.0, foreign)
    held = (*hand.held, *((at, note.end_s) for at, note in zip(places, notes, strict=True)))
    return cost, _Hand(*struck, now_s, held)
