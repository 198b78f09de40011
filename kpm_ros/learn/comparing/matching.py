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

"""Which note of one performance is which note of another of the same piece.

First chords are paired in order by the pitches that they share, whatever the tempo: a wrong or
missing note costs little, and a passage that only one plays (a repeat left out) costs the same
however long it is. Then once more, now that the tempo is known, so that rhythm decides among chords
that are alike. The pairs say at which time of the second performance each time of the first is; by
that, each pitch's notes are paired one by one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.comparing.chord_kernels import chords_in_common, notes_in_common
from kpm_ros.sense.midi.score import Score

MOST_NOTES = 10_000
"""Of one performance: time and memory grow with the product of both."""
TOGETHER_S = 0.035
"""Notes that begin within this time of a chord's first belong to it."""
_ROUNDS = 2
_TRUST = 1.5
"""What a step costs that takes e times as long as the tempo says, where a shared note gains 1."""
FEWEST_AFTER_STOP = 12
_STRAY = 4.0
"""So many notes that only one plays weigh as much, at the end, as one that is paired by chance."""
_AROUND = 12
"""Chords before and after from which the tempo is read."""


class Matched(NamedTuple):
    """Notes of two performances, by their places in order of onset."""

    pairs: NDArray[np.int64]
    """(n, 2): first and second, in order of the first's onset."""
    only_first: NDArray[np.int64]
    only_second: NDArray[np.int64]
    expected_s: NDArray[np.float64]
    """When the second would play each note of the first by the chords around it."""

    @property
    def after_second(self) -> NDArray[np.int64]:
        """Notes of the first that follow when the second has stopped; few notes are no stop."""
        return _after_stop(self.pairs[:, 0], self.only_first)

    @property
    def after_first(self) -> NDArray[np.int64]:
        """Notes of the second that follow when the first has stopped."""
        return _after_stop(self.pairs[:, 1], self.only_second)


def _after_stop(paired: NDArray[np.int64], alone: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of the notes that only one plays, those at the end among which hardly any is paired."""
    which = np.concatenate([paired, alone])
    counts = np.concatenate([np.full(len(paired), -_STRAY), np.ones(len(alone))])
    order = np.argsort(which)
    rest = np.cumsum(counts[order][::-1])[::-1]
    if not len(rest) or rest.max() < FEWEST_AFTER_STOP:
        return alone[:0]
    return alone[alone >= which[order][rest.argmax()]]


def match_scores(first: Score, second: Score) -> Matched:
    """Pair the notes of two performances.

    >>> from kpm_ros.sense.midi.score import Note
    >>> scale = [Note(float(k), 0.9, pitch, 64) for k, pitch in enumerate((60, 62, 64, 65, 67))]
    >>> fast = [Note(note.onset_s / 3, 0.2, note.pitch, 64) for note in scale if note.pitch != 64]
    >>> match_scores(Score.of(scale), Score.of(fast)).only_first
    array([2])
    """
    for score in (first, second):
        if len(score.notes) > MOST_NOTES:
            raise ValueError(
                f"{score.name} has {len(score.notes)} notes, but performances of up to "
                f"{MOST_NOTES} are compared"
            )
    return match_notes(*_onsets_and_pitches(first), *_onsets_and_pitches(second))


def match_notes(
    first_s: NDArray[np.float64],
    first_pitch: NDArray[np.int64],
    second_s: NDArray[np.float64],
    second_pitch: NDArray[np.int64],
) -> Matched:
    """Pair notes that are given by their onsets, in order, and pitches."""
    starts = chords_of(first_s), chords_of(second_s)
    first, second = (starts[0], first_pitch, first_s), (starts[1], second_pitch, second_s)
    chord_s, chord_there_s = first_s[starts[0][:-1]], second_s[starts[1][:-1]]
    log_tempo, trust = np.zeros(len(chord_s)), 0.0
    for _ in range(_ROUNDS + 1):
        chords = chords_in_common(*first, *second, log_tempo, trust)
        at, there = chord_s[chords[:, 0]], chord_there_s[chords[:, 1]]
        log_tempo, trust = _log_tempo(chord_s, at, there), _TRUST
    expected = expected_times(first_s, at, there)
    pairs = notes_in_common(first_pitch, expected, second_pitch, second_s)
    return Matched(
        pairs,
        np.setdiff1d(np.arange(len(first_s)), pairs[:, 0]),
        np.setdiff1d(np.arange(len(second_s)), pairs[:, 1]),
        expected,
    )


def chords_of(onset_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Where chords begin among onsets in order, and the number of onsets at the end."""
    starts: list[int] = []
    for note, onset in enumerate(onset_s):
        if not starts or onset - onset_s[starts[-1]] > TOGETHER_S:
            starts.append(note)
    return np.array([*starts, len(onset_s)], dtype=np.int64)


def expected_times(
    times_s: NDArray[np.float64], at: NDArray[np.float64], there: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Where the second performance is at times of the first, by what is paired around them.

    Before the first pair and after the last, and where one of them stands still, time runs alike.
    """
    if not len(at):
        return np.full(len(times_s), np.inf)
    at, own = np.unique(at, return_index=True)
    there = there[own]
    inside = np.interp(times_s, at, there)
    before, after = np.minimum(times_s - at[0], 0.0), np.maximum(times_s - at[-1], 0.0)
    return np.asarray(inside + before + after)


def _log_tempo(
    times_s: NDArray[np.float64], at: NDArray[np.float64], there: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How much longer the second takes at each time, over some chords around it: a logarithm."""
    if not len(at):
        return np.zeros(len(times_s))
    k = np.arange(len(at))
    left, right = np.maximum(k - _AROUND, 0), np.minimum(k + _AROUND, len(at) - 1)
    least = 1e-3
    spent = np.maximum(at[right] - at[left], least)
    spent_there = np.maximum(there[right] - there[left], least)
    return np.interp(times_s, at, np.log(spent_there / spent))


def _onsets_and_pitches(score: Score) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    onsets = np.array([note.onset_s for note in score.notes])
    return onsets, np.array([note.pitch for note in score.notes], dtype=np.int64)
