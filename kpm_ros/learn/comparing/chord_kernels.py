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

"""The best way through two rows of chords that are mostly the same, and note by note through them.

Chord k of a row holds the notes from `start[k]` to `start[k + 1]`; within, they count from 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import compiled

PAIRED, ALONE_FIRST, ALONE_SECOND, LEFT_OUT_FIRST, LEFT_OUT_SECOND = range(5)
"""What a chord is: played in both; in one only; or part of a passage that only one plays."""
STATES = 5
_FIRST_SPREAD, _SECOND_SPREAD = STATES, STATES + 1
"""A chord that goes on with the one before it, which the other strikes as one."""
_EXTRA = 0.6
"""What a note costs that only one of two paired chords has; one that they share gains 1."""
_ALONE = 0.7
"""What a note of a chord costs that only one plays."""
_BEGIN_LEFT_OUT = 7.0
"""What it costs to begin a passage that only one plays, however long it is."""
_LEFT_OUT = 0.01
"""What a note in such a passage costs."""
_SPREAD_S = 0.15
"""From one part of a spread chord to the next."""
_MOST_OFF = 1.0
"""A step that takes longer or shorter than the tempo says costs no more than this (a logarithm)."""
_NEAR_S = 0.5
"""A note further than this from where the chords say it is another note."""
_WORST = -1e30


@compiled
def chords_in_common(
    first_start: NDArray[np.int64],
    first_pitch: NDArray[np.int64],
    first_s: NDArray[np.float64],
    second_start: NDArray[np.int64],
    second_pitch: NDArray[np.int64],
    second_s: NDArray[np.float64],
    log_tempo: NDArray[np.float64],
    trust: float,
) -> NDArray[np.int64]:
    """Pair chords in order so that they share most notes: rows of (first, second), from 0.

    One chord may be paired with several that follow each other: some spread a chord that others
    strike at once. `log_tempo` says how much longer the second takes at each chord of the first;
    with some trust in it, rhythm decides among chords that are alike.
    """
    n, m = len(first_start) - 1, len(second_start) - 1
    came = np.zeros((n + 1, m + 1, STATES), dtype=np.int8)
    before, now = np.full((m + 1, STATES), _WORST), np.full((m + 1, STATES), _WORST)
    # Of each way so far, the times of the chords that it paired last.
    before_s, now_s = np.full((m + 1, STATES, 2), np.nan), np.full((m + 1, STATES, 2), np.nan)
    for i in range(n + 1):
        now[:] = _WORST
        if i == 0:
            now[0, PAIRED] = 0.0
        mine = first_start[i] - first_start[i - 1] if i > 0 else 0
        first_goes_on = _goes_on(first_start, first_pitch, first_s, i)
        for j in range(m + 1):
            other = second_start[j] - second_start[j - 1] if j > 0 else 0
            common = _common(first_pitch, second_pitch, first_start, second_start, i, j)
            if common > 0:
                at, there = first_s[first_start[i - 1]], second_s[second_start[j - 1]]
                best, origin = _best_before(
                    before[j - 1], before_s[j - 1], at, there, log_tempo[i - 1], trust
                )
                best += common - _EXTRA * (mine + other - 2 * common)
                # Its notes were counted as the other's extra ones once already.
                further = (1 + 2 * _EXTRA) * common
                if first_goes_on and before[j, PAIRED] + further - _EXTRA * mine > best:
                    best, origin = before[j, PAIRED] + further - _EXTRA * mine, _FIRST_SPREAD
                spread = now[j - 1, PAIRED] + further - _EXTRA * other
                if spread > best and _goes_on(second_start, second_pitch, second_s, j):
                    best, origin = spread, _SECOND_SPREAD
                if best > _WORST / 2:
                    now[j, PAIRED], came[i, j, PAIRED] = best, origin
                    now_s[j, PAIRED, 0], now_s[j, PAIRED, 1] = at, there
            if i > 0:
                _stay(before[j], before_s[j], now[j], now_s[j], came[i, j], ALONE_FIRST, mine)
            if j > 0:
                _stay(now[j - 1], now_s[j - 1], now[j], now_s[j], came[i, j], ALONE_SECOND, other)
        before, now = now, before
        before_s, now_s = now_s, before_s
    return _way_back(came, int(np.argmax(before[m])))


@compiled
def _common(
    first_pitch: NDArray[np.int64],
    second_pitch: NDArray[np.int64],
    first_start: NDArray[np.int64],
    second_start: NDArray[np.int64],
    i: int,
    j: int,
) -> int:
    """Count the pitches that two chords share; there is none before the first."""
    common = 0
    if i > 0 and j > 0:
        for a in range(first_start[i - 1], first_start[i]):
            for b in range(second_start[j - 1], second_start[j]):
                if first_pitch[a] == second_pitch[b]:
                    common += 1
                    break
    return common


@compiled
def _goes_on(
    start: NDArray[np.int64], pitch: NDArray[np.int64], onset_s: NDArray[np.float64], i: int
) -> bool:
    """Whether a chord may be the rest of the one before it: right after, and of other pitches."""
    if i < 2 or onset_s[start[i - 1]] - onset_s[start[i - 2]] >= _SPREAD_S:
        return False
    return _common(pitch, pitch, start, start, i, i - 1) == 0


@compiled
def _best_before(
    before: NDArray[np.float64],
    before_s: NDArray[np.float64],
    at: float,
    there: float,
    log_tempo: float,
    trust: float,
) -> tuple[float, int]:
    """Choose the way on which these chords are paired next, and tell its value.

    Nothing is said of the time since a passage that only one plays.
    """
    best, origin = _WORST, 0
    for state in range(STATES):
        value = before[state]
        spent, spent_there = at - before_s[state, 0], there - before_s[state, 1]
        if state <= ALONE_SECOND and spent > 0 and spent_there > 0:
            value -= trust * min(abs(np.log(spent_there / spent) - log_tempo), _MOST_OFF)
        if value > best:
            best, origin = value, state
    return best, origin


@compiled
def _stay(
    before: NDArray[np.float64],
    before_s: NDArray[np.float64],
    now: NDArray[np.float64],
    now_s: NDArray[np.float64],
    came: NDArray[np.int8],
    alone: int,
    notes: int,
) -> None:
    """Let the newest chord of one row be one that only its player plays."""
    left_out = alone + LEFT_OUT_FIRST - ALONE_FIRST
    for state in range(STATES):
        value = before[state] - _ALONE * notes
        if value > now[alone]:
            now[alone], came[alone] = value, state
            now_s[alone] = before_s[state]
        value = before[state] - _LEFT_OUT * notes
        if state != left_out:
            value -= _BEGIN_LEFT_OUT
        if value > now[left_out]:
            now[left_out], came[left_out] = value, state
            now_s[left_out] = before_s[state]


@compiled
def _way_back(came: NDArray[np.int8], state: int) -> NDArray[np.int64]:
    """Follow the best way back to the beginning, and list what it paired."""
    i, j = came.shape[0] - 1, came.shape[1] - 1
    pairs = np.empty((i + j, 2), dtype=np.int64)
    count = 0
    while i > 0 or j > 0:
        origin = came[i, j, state]
        if state == PAIRED:
            pairs[count, 0], pairs[count, 1] = i - 1, j - 1
            count += 1
            if origin != _SECOND_SPREAD:
                i -= 1
            if origin != _FIRST_SPREAD:
                j -= 1
            state = PAIRED if origin >= STATES else origin
        elif state in (ALONE_FIRST, LEFT_OUT_FIRST):
            i, state = i - 1, origin
        else:
            j, state = j - 1, origin
    return pairs[:count][::-1].copy()


@compiled
def notes_in_common(
    first_pitch: NDArray[np.int64],
    expected_s: NDArray[np.float64],
    second_pitch: NDArray[np.int64],
    second_s: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Pair the notes of each pitch in order, each near where it is expected: (first, second)."""
    pairs = np.empty((len(first_pitch), 2), dtype=np.int64)
    count = 0
    for pitch in range(128):
        mine = np.flatnonzero(first_pitch == pitch)
        other = np.flatnonzero(second_pitch == pitch)
        off = np.abs(expected_s[mine].reshape(-1, 1) - second_s[other].reshape(1, -1))
        for i, j in _nearest_in_order(off / _NEAR_S):
            pairs[count, 0], pairs[count, 1] = mine[i], other[j]
            count += 1
    found = pairs[:count]
    return found[np.argsort(found[:, 0])]


@compiled
def _nearest_in_order(off: NDArray[np.float64]) -> NDArray[np.int64]:
    """Pair rows and columns in order; two that stay alone cost what one pair costs at most."""
    n, m = off.shape
    cost = np.empty((n + 1, m + 1))
    cost[:, 0] = np.arange(n + 1) * 0.5
    cost[0] = np.arange(m + 1) * 0.5
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            alone = min(cost[i - 1, j], cost[i, j - 1]) + 0.5
            cost[i, j] = min(alone, cost[i - 1, j - 1] + off[i - 1, j - 1])
    pairs = np.empty((min(n, m), 2), dtype=np.int64)
    count, i, j = 0, n, m
    while i > 0 and j > 0:
        if cost[i, j] == cost[i - 1, j] + 0.5:
            i -= 1
        elif cost[i, j] == cost[i, j - 1] + 0.5:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs[count, 0], pairs[count, 1] = i, j
            count += 1
    return pairs[:count]
