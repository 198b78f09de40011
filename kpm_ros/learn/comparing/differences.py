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

"""How one performance differs from another of the same piece, note by note.

A player who takes all of a passage slower is not late: lateness is against the tempo that the notes
around set. Loudness is against the level of the whole performance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.comparing.fingers import Fingers
from kpm_ros.learn.comparing.matching import TOGETHER_S, Matched, match_scores
from kpm_ros.learn.comparing.performance import MuscleTraces, Performance

LEAST_IN_COMMON = 0.3
"""With a smaller part of the shorter performance's notes in common these are two pieces."""
_AROUND_S = 3.0
"""Notes within this time of a note set its tempo, the nearer the more."""
_FEWEST = 6
"""With fewer of them around, nothing is said of its timing."""
_BEFORE_S = 0.1
"""A muscle begins to work before the key is down."""
_PEAK_S = 0.3
"""Around an onset, the time within which the muscles' strike is looked for."""


class TwoPiecesError(ValueError):
    """Two performances that are not of one piece."""


@dataclass(frozen=True)
class Differences:
    """The second performance against the first: of each pair of notes, second minus first."""

    first: Performance
    second: Performance
    matched: Matched
    tempo: NDArray[np.float64]
    """How many times as long the second takes around each note."""
    late_s: NDArray[np.float64]
    louder: NDArray[np.float64]
    """In MIDI velocities, against the level of the whole performance."""
    level: float
    """How much louder the second is as a whole."""
    held_s: NDArray[np.float64]
    """How much longer the key is down than the first's would be at this tempo."""
    more_effort: NDArray[np.float64] | None
    """(pairs, muscles): while the key is down and just before; None without both efforts."""
    later_effort_s: NDArray[np.float64] | None
    """(pairs, muscles): how much later a muscle peaks, counted from each one's own onset."""
    muscles: tuple[str, ...] = ()
    fingers: Fingers | None = None
    """Of each pair's note: those that were seen, of the first if of both."""
    other_finger: NDArray[np.int64] | None = None
    """Pairs whose note each was seen to play with another finger; None unless both were seen."""

    @property
    def at_s(self) -> NDArray[np.float64]:
        """When each pair's note begins in the first performance."""
        return self.first.onset_s[self.matched.pairs[:, 0]]


def compare(first: Performance, second: Performance) -> Differences:
    """Match two performances and tell all their differences; two pieces are refused."""
    matched = match_scores(first.score, second.score)
    shorter = min(len(first.score.notes), len(second.score.notes))
    if len(matched.pairs) < LEAST_IN_COMMON * shorter:
        raise TwoPiecesError(
            f"{first.title} and {second.title} have {len(matched.pairs)} notes in common where the "
            f"shorter has {shorter}: these are two pieces"
        )
    mine, other = matched.pairs[:, 0], matched.pairs[:, 1]
    at, there = first.onset_s[mine], second.onset_s[other]
    tempo, late = _timing(at, there)
    louder = second.velocity[other] - first.velocity[mine]
    level = float(np.median(louder))
    muscles, more, later = _effort(first, second, matched)
    fingers = _of_notes(first.fingers, mine), _of_notes(second.fingers, other)
    return Differences(
        first,
        second,
        matched,
        tempo,
        late,
        louder - level,
        level,
        second.duration_s[other] - tempo * first.duration_s[mine],
        more,
        later,
        muscles,
        fingers[0] or fingers[1],
        _other_finger(*fingers),
    )


def with_fingers(found: Differences, fingers: Fingers) -> Differences:
    """Say by which fingers the first performance's notes are told apart."""
    return replace(found, fingers=_of_notes(fingers, found.matched.pairs[:, 0]))


def _of_notes(fingers: Fingers | None, notes: NDArray[np.int64]) -> Fingers | None:
    """Choose the fingers of some notes."""
    if fingers is None:
        return None
    return replace(fingers, of_note=tuple(fingers.of_note[note] for note in notes))


def _other_finger(first: Fingers | None, second: Fingers | None) -> NDArray[np.int64] | None:
    """Find the notes that each was seen to play with another finger."""
    if first is None or second is None:
        return None
    both = zip(first.of_note, second.of_note, strict=True)
    return np.flatnonzero([bool(one and other and one != other) for one, other in both])


def _timing(
    at: NDArray[np.float64], there: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw a line through the notes around each one: its slope, and how far the note is off it."""
    tempo, late = np.full(len(at), np.nan), np.full(len(at), np.nan)
    for k, time_s in enumerate(at):
        first, last = np.searchsorted(at, (time_s - _AROUND_S, time_s + _AROUND_S))
        x, y = at[first:last] - time_s, there[first:last] - there[k]
        # A passage that only one of them plays lies in between.
        whole = np.abs(y) < 3 * _AROUND_S
        chord = np.abs(x) <= TOGETHER_S
        weight = np.where(whole, 1.0 - np.abs(x) / (_AROUND_S + 1e-9), 0.0)
        if np.count_nonzero(weight[~chord]) < _FEWEST:
            continue
        others = np.where(chord, 0.0, weight)
        slope, offset = _line(x, y, others)
        tempo[k], late[k] = slope, -offset
    return tempo, late


def _line(
    x: NDArray[np.float64], y: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float, float]:
    """Fit a line by weighted least squares: its slope, and its height at zero."""
    total = weight.sum()
    x_mean, y_mean = weight @ x / total, weight @ y / total
    spread = weight @ (x - x_mean) ** 2
    slope = weight @ ((x - x_mean) * (y - y_mean)) / spread if spread > 0 else 1.0
    return float(slope), float(y_mean - slope * x_mean)


def _effort(
    first: Performance, second: Performance, matched: Matched
) -> tuple[tuple[str, ...], NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Compare the muscles that both know."""
    if first.traces is None or second.traces is None:
        return (), None, None
    both = tuple(name for name in first.traces.muscles if name in second.traces.muscles)
    if not both:
        return (), None, None
    (mean, peak), (mean_there, peak_there) = (
        _around_notes(played, played.traces, notes, both)
        for played, notes in ((first, matched.pairs[:, 0]), (second, matched.pairs[:, 1]))
        if played.traces is not None
    )
    return both, mean_there - mean, peak_there - peak


def _around_notes(
    played: Performance, traces: MuscleTraces, notes: NDArray[np.int64], muscles: tuple[str, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measure each muscle at each note: its average, and how long after the onset it peaks."""
    columns = [traces.muscles.index(name) for name in muscles]
    onset, duration = played.onset_s, played.duration_s
    mean, peak = np.empty((len(notes), len(muscles))), np.empty((len(notes), len(muscles)))
    for k, note in enumerate(notes):
        begin = onset[note]
        mean[k] = traces.mean(begin - _BEFORE_S, begin + duration[note])[columns]
        peak[k] = traces.peak_s(begin - _PEAK_S / 2, begin + _PEAK_S / 2)[columns] - begin
    return mean, peak
