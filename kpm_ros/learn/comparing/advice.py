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

"""Which bars differ most, and what a teacher could say of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.piano import note_name
from kpm_ros.learn.comparing.bars import BarsOfNotes
from kpm_ros.learn.comparing.differences import Differences
from kpm_ros.learn.comparing.fingers import UNKNOWN

MOST_BARS = 10
_NOTICED = 1.0
"""A difference below what is noticed (below) is not spoken of."""
TIMING_NOTICED_S = 0.03
LOUDNESS_NOTICED = 10.0
HELD_NOTICED_S = 0.12
TEMPO_NOTICED = 0.15
EFFORT_NOTICED = 0.08
"""Of the muscle's maximum."""
_SAID_AT_ONCE = 2
_NAMED_NOTES = 4
_FEWEST_OF_FINGER = 2
"""Notes in a bar by which a finger is told from the others."""


class BarDifference(NamedTuple):
    """One bar: how far the two are apart there, and in words."""

    bar: int
    name: str
    begin_s: float
    """In the first performance."""
    size: float
    """How many times what is noticed, over all kinds of difference."""
    sentence: str


class _Finding(NamedTuple):
    size: float
    words: str


def bar_differences(differences: Differences, bars: BarsOfNotes) -> list[BarDifference]:
    """Tell every bar's difference, in order of the bars."""
    matched = differences.matched
    own = bars.of_note[matched.pairs[:, 0]]
    # Who has stopped makes no more mistakes.
    left_out = np.setdiff1d(matched.only_first, matched.after_second)
    put_in = np.setdiff1d(matched.only_second, matched.after_first)
    missing = bars.of_note[left_out]
    added = _bars_of_added(differences, bars, put_in)
    pace = float(np.nanmedian(differences.tempo)) if len(own) else np.nan
    found = []
    for bar, name in enumerate(bars.names):
        notes = np.flatnonzero(own == bar)
        findings = [
            _missing(differences, left_out[missing == bar]),
            _added(differences, put_in[added == bar]),
            *(find(differences, notes) for find in _KINDS if len(notes)),
            _tempo(differences, notes, pace),
        ]
        findings = sorted(findings, key=lambda finding: -finding.size)
        said = [one for one in findings if one.size >= _NOTICED][:_SAID_AT_ONCE]
        nothing = "nothing that is noticed" if len(notes) else "not played"
        sentence = "; ".join(one.words for one in said) or nothing
        size = float(np.sqrt(sum(finding.size**2 for finding in findings)))
        first_note = np.flatnonzero(bars.of_note == bar)[0]
        begin_s = differences.first.score.notes[first_note].onset_s
        sentence = f"{sentence[0].upper()}{sentence[1:]}."
        found.append(BarDifference(bar, name, begin_s, size, sentence))
    return found


def worst(found: Sequence[BarDifference], most: int = MOST_BARS) -> list[BarDifference]:
    """Choose the bars that differ most, the worst first, of those in which anything is noticed."""
    noticed = [bar for bar in found if bar.size >= _NOTICED]
    return sorted(noticed, key=lambda bar: -bar.size)[:most]


def _bars_of_added(
    differences: Differences, bars: BarsOfNotes, added: NDArray[np.int64]
) -> NDArray[np.int64]:
    """In whose bar the notes are that only the second plays: that of the pair before."""
    pairs = differences.matched.pairs
    by_second = pairs[np.argsort(pairs[:, 1])]
    place = np.searchsorted(by_second[:, 1], added) - 1
    return bars.of_note[by_second[np.maximum(place, 0), 0]]


def _missing(differences: Differences, notes: NDArray[np.int64]) -> _Finding:
    return _Finding(1.5 * len(notes), f"{_notes(differences.first.pitch[notes])} not played")


def _added(differences: Differences, notes: NDArray[np.int64]) -> _Finding:
    return _Finding(
        1.5 * len(notes), f"{_notes(differences.second.pitch[notes])} played that the other has not"
    )


def _notes(pitches: NDArray[np.int64]) -> str:
    """Name a few notes, or count many."""
    names = [note_name(int(pitch)) for pitch in pitches]
    verb = "is" if len(names) == 1 else "are"
    if len(names) > _NAMED_NOTES:
        return f"{len(names)} notes are"
    return f"{', '.join(names)} {verb}"


def _timing(differences: Differences, notes: NDArray[np.int64]) -> _Finding:
    late = differences.late_s[notes]
    late = late[np.isfinite(late)]
    if not len(late):
        return _Finding(0.0, "")
    rms = float(np.sqrt(np.mean(late**2)))
    if abs(late.mean()) > 0.6 * rms:
        words = f"notes come {abs(late.mean()) * 1e3:.0f} ms {_way(late.mean(), 'late', 'early')}"
    else:
        words = f"timing is uneven: notes are off by {rms * 1e3:.0f} ms"
    return _Finding(rms / TIMING_NOTICED_S, f"{words}, against the tempo around")


def _loudness(differences: Differences, notes: NDArray[np.int64]) -> _Finding:
    louder = differences.louder[notes]
    rms = float(np.sqrt(np.mean(louder**2)))
    if abs(louder.mean()) > 0.6 * rms:
        words = f"{abs(louder.mean()):.0f} of 127 {_way(louder.mean(), 'louder', 'softer')}"
    else:
        words = f"touch differs from note to note, by {rms:.0f} of 127"
    return _Finding(rms / LOUDNESS_NOTICED, words)


def _held(differences: Differences, notes: NDArray[np.int64]) -> _Finding:
    held = differences.held_s[notes]
    held = held[np.isfinite(held)]
    if not len(held):
        return _Finding(0.0, "")
    middle = float(np.median(held))
    words = f"keys are held {abs(middle) * 1e3:.0f} ms {_way(middle, 'longer', 'shorter')}"
    return _Finding(abs(middle) / HELD_NOTICED_S, words)


def _tempo(differences: Differences, notes: NDArray[np.int64], pace: float) -> _Finding:
    tempo = differences.tempo[notes]
    tempo = tempo[np.isfinite(tempo) & (tempo > 0)]
    if not len(tempo):
        return _Finding(0.0, "")
    off = float(np.log(np.median(tempo) / pace))
    words = (
        f"{np.expm1(abs(off)):.0%} {_way(off, 'slower', 'faster')} than in the rest of the piece"
    )
    return _Finding(abs(off) / TEMPO_NOTICED, words)


def _effort(differences: Differences, notes: NDArray[np.int64]) -> _Finding:
    if differences.more_effort is None:
        return _Finding(0.0, "")
    more = differences.more_effort[notes]
    known = np.isfinite(more)
    if not known.any():
        return _Finding(0.0, "")
    mean = np.where(known, more, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    muscle = int(np.abs(mean).argmax())
    words = (
        f"muscle {differences.muscles[muscle]} works {abs(mean[muscle]):.2f} of its maximum "
        f"{_way(mean[muscle], 'more', 'less')}"
    )
    return _Finding(abs(float(mean[muscle])) / EFFORT_NOTICED, words)


def _finger(differences: Differences, notes: NDArray[np.int64]) -> _Finding:
    """Find the finger that comes late, or early, where the others do not."""
    found = _Finding(0.0, "")
    if differences.fingers is None:
        return found
    fingers = np.array(differences.fingers.of_note, dtype=object)[notes]
    late = differences.late_s[notes]
    known = np.isfinite(late) & (fingers != UNKNOWN)
    for name in dict.fromkeys(fingers[known]):
        own, others = late[known & (fingers == name)], late[known & (fingers != name)]
        if len(own) < _FEWEST_OF_FINGER or len(others) < _FEWEST_OF_FINGER:
            continue
        off = float(own.mean() - others.mean())
        is_it = abs(own.mean()) > abs(others.mean())
        if is_it and abs(off) > found.size * TIMING_NOTICED_S:
            who = f"the {name} comes" if differences.fingers.seen else f"notes for the {name} come"
            words = f"{who} {abs(off) * 1e3:.0f} ms {_way(off, 'later', 'earlier')} than the others"
            found = _Finding(abs(off) / TIMING_NOTICED_S, words)
    return found


_KINDS: Sequence[Callable[[Differences, NDArray[np.int64]], _Finding]] = (
    _timing,
    _loudness,
    _held,
    _effort,
    _finger,
)


def _way(value: float, more: str, less: str) -> str:
    return more if value > 0 else less
