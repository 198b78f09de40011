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

"""Runs, repeated notes and chords of a piece, and how evenly each player plays them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.comparing.differences import Differences
from kpm_ros.learn.comparing.matching import chords_of
from kpm_ros.learn.comparing.performance import Performance

FEWEST_IN_RUN = 5
FEWEST_REPEATED = 4
FEWEST_IN_CHORD = 3
_NEXT_S = (0.04, 0.6)
"""From one note of a run to the next."""
_STEADY = 1.8
"""A run's steps take alike in the first performance, up to this factor."""
_SCALE_STEPS = frozenset((1, 2))


class Evenness(NamedTuple):
    """How even the same notes are with each of two players."""

    kind: str
    notes: NDArray[np.int64]
    """Which pairs of notes, in order."""
    time: tuple[float, float]
    """Spread of the steps' lengths, as a part of their mean."""
    loudness: tuple[float, float]
    """Spread of the MIDI velocities about a line, so that a crescendo is even."""


class Balance(NamedTuple):
    """How two players strike the same chord."""

    notes: NDArray[np.int64]
    top: tuple[float, float]
    """How much louder the top note is than the others on average, in MIDI velocities."""
    spread_s: tuple[float, float]
    """From the first of its notes to the last."""


def runs(differences: Differences) -> list[Evenness]:
    """Find scales: notes that follow each other by step in one direction."""

    def steps(before: int, now: int, direction: int) -> int:
        step = now - before
        along = abs(step) in _SCALE_STEPS and direction in (0, np.sign(step))
        return int(np.sign(step)) if along else 0

    return _followed(differences, "scale", FEWEST_IN_RUN, steps)


def repeated(differences: Differences) -> list[Evenness]:
    """Find notes that are struck again and again."""
    return _followed(
        differences, "repeated note", FEWEST_REPEATED, lambda before, now, _: int(before == now)
    )


def chords(differences: Differences) -> list[Balance]:
    """Find chords of three notes or more that both play whole."""
    first, second = differences.first, differences.second
    pairs = differences.matched.pairs
    starts = chords_of(first.onset_s)
    found = []
    place = np.full(len(first.score.notes), -1)
    place[pairs[:, 0]] = np.arange(len(pairs))
    for begin, end in pairwise(starts):
        notes = place[begin:end]
        if end - begin < FEWEST_IN_CHORD or np.any(notes < 0):
            continue
        notes = notes[np.argsort(first.pitch[pairs[notes, 0]])]
        balance = [
            _chord(played, pairs[notes, side]) for side, played in enumerate((first, second))
        ]
        tops, spreads = zip(*balance, strict=True)
        found.append(Balance(notes, tops, spreads))
    return found


def _chord(played: Performance, notes: NDArray[np.int64]) -> tuple[float, float]:
    velocity, onset = played.velocity[notes], played.onset_s[notes]
    return float(velocity[-1] - velocity[:-1].mean()), float(np.ptp(onset))


def _followed(
    differences: Differences, kind: str, fewest: int, follows: Callable[[int, int, int], int]
) -> list[Evenness]:
    """Chain notes of the first performance, each to the next one that follows it steadily."""
    pairs = differences.matched.pairs
    onset = differences.first.onset_s[pairs[:, 0]]
    pitch = differences.first.pitch[pairs[:, 0]]
    used: set[int] = set()
    found = []
    for begin in range(len(pairs)):
        chain, direction = [begin], 0
        while begin not in used:
            now = chain[-1]
            last_s = onset[now] - onset[chain[-2]] if len(chain) > 1 else None
            chosen = None
            for after in range(now + 1, len(pairs)):
                step_s = onset[after] - onset[now]
                if step_s > _NEXT_S[1] or (last_s and step_s > _STEADY * last_s):
                    break
                steady = last_s is None or step_s * _STEADY > last_s
                turn = follows(int(pitch[now]), int(pitch[after]), direction)
                if turn and step_s >= _NEXT_S[0] and steady and after not in used:
                    chosen, direction = after, turn
                    break
            if chosen is None:
                break
            chain.append(chosen)
        if len(chain) >= fewest:
            used.update(chain)
            found.append(_evenness(differences, kind, np.array(chain)))
    return found


def _evenness(differences: Differences, kind: str, notes: NDArray[np.int64]) -> Evenness:
    pairs = differences.matched.pairs
    both = (differences.first, differences.second)
    times, loudness = [], []
    for side, played in enumerate(both):
        own = pairs[notes, side]
        steps = np.diff(played.onset_s[own])
        times.append(float(np.std(steps) / max(float(np.mean(np.abs(steps))), 1e-6)))
        count = np.arange(len(own))
        line = np.polyval(np.polyfit(count, played.velocity[own], 1), count)
        loudness.append(float(np.std(played.velocity[own] - line)))
    return Evenness(kind, notes, (times[0], times[1]), (loudness[0], loudness[1]))
