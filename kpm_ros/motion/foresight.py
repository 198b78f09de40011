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

"""What a piece will ask of hands: effort by bar and muscle, and where it is hardest. SIMULATED."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.midi.bars import Bars
from kpm_ros.sense.midi.score import Score
from kpm_ros.simulate.anatomy.muscle_meanings import meaning

Array = NDArray[np.float64]

THRESHOLD = 0.5
"""Effort above which a muscle works hard, unless another is asked for."""
MOST_BARS = 4
"""Of a passage."""
NEARLY = 0.75
"""Neighbours that ask for this much of the hardest bar's load belong to its passage."""
NAMED = 3
"""Muscles that a sentence names."""


@dataclass(frozen=True)
class HandEffort:
    """Effort of one hand's muscles over time."""

    side: str
    by: str
    """Who says so: the anatomical model, or an estimator."""
    muscles: tuple[str, ...]
    times_s: Array
    """(n,), on the piece's clock, evenly apart."""
    effort: Array
    """(n, muscles), in 0..1; not numbers where nothing is known."""

    def within(self, start_s: float, end_s: float) -> HandEffort:
        """Keep what is from one time on and before another."""
        first, last = np.searchsorted(self.times_s, (start_s - 1e-9, end_s - 1e-9))
        return HandEffort(
            self.side, self.by, self.muscles, self.times_s[first:last], self.effort[first:last]
        )

    @property
    def step_s(self) -> float:
        """Between two samples."""
        return float(self.times_s[1] - self.times_s[0]) if len(self.times_s) > 1 else 0.0

    @property
    def load(self) -> float:
        """Sum of squared effort over all muscles, on average over time: what muscles keep small."""
        squares = np.square(self.effort).sum(axis=1)
        return float(np.nanmean(squares)) if np.isfinite(squares).any() else float("nan")


class BarEffort(NamedTuple):
    """What one bar asks of one muscle."""

    bar: int
    """Counted from 1."""
    start_s: float
    end_s: float
    side: str
    by: str
    muscle: str
    mean: float
    peak: float
    above_s: float
    """How long it is above the threshold."""


class Passage(NamedTuple):
    """Bars that ask much of one hand."""

    first_bar: int
    last_bar: int
    start_s: float
    end_s: float
    side: str
    times_usual: float
    """Its load over that of the piece's middle bar, of the same hand."""
    muscles: tuple[BarEffort, ...]
    """Those that work hardest, over the whole passage."""
    notes: int

    @property
    def name(self) -> str:
        """Which bars of which hand."""
        several = f"Bars {self.first_bar} to {self.last_bar}"
        bars = f"Bar {self.first_bar}" if self.first_bar == self.last_bar else several
        return f"{bars}, {self.side} hand"

    def sentence(self, threshold: float) -> str:
        """Say what it asks for."""
        muscles = "; ".join(
            f"{meaning(one.muscle)}, up to {one.peak:.2f} and above {threshold:g} for "
            f"{one.above_s:.1f} s"
            for one in self.muscles
        )
        return (
            f"{self.name} ({self.start_s:.1f} to {self.end_s:.1f} s): {self.times_usual:.1f} times "
            f"the load of this hand's middle bar, {self.notes} notes by both hands. {muscles}."
        )


def by_bar(
    effort: HandEffort, bars: Bars, threshold: float, spans: Sequence[tuple[int, int]] = ()
) -> Iterator[BarEffort]:
    """Give peak, mean and time above the threshold of each muscle in each bar that is known.

    Instead of single bars, spans from one bar through another may be asked for.
    """
    for first, last in spans or [(k, k) for k in range(1, len(bars) + 1)]:
        start_s, end_s = bars.starts_s[first - 1], bars.starts_s[last]
        part = effort.within(start_s, end_s)
        if not np.isfinite(part.effort).any():
            continue
        mean, peak = np.nanmean(part.effort, axis=0), np.nanmax(part.effort, axis=0)
        above_s = (part.effort > threshold).sum(axis=0) * effort.step_s
        for k, muscle in enumerate(effort.muscles):
            yield BarEffort(
                first,
                float(start_s),
                float(end_s),
                effort.side,
                effort.by,
                muscle,
                float(mean[k]),
                float(peak[k]),
                float(above_s[k]),
            )


def loads(effort: HandEffort, bars: Bars) -> Array:
    """Load of each bar: (bars,); not a number where nothing is known."""
    edges = zip(bars.starts_s[:-1], bars.starts_s[1:], strict=True)
    return np.array([effort.within(start_s, end_s).load for start_s, end_s in edges])


def hardest(
    efforts: Sequence[HandEffort], bars: Bars, score: Score, threshold: float, count: int
) -> list[Passage]:
    """List the passages that ask most of a hand, the hardest first; none shares a bar with another.

    Each hand is measured by its own middle bar, so that neither is hard by being another's size.
    """
    onsets = np.array([note.onset_s for note in score.notes])
    table = {effort.side: loads(effort, bars) for effort in efforts}
    usual = {side: _middle(values) for side, values in table.items()}
    left = {side: values / usual[side] for side, values in table.items()}
    by_side = {effort.side: effort for effort in efforts}
    found: list[Passage] = []
    while len(found) < count:
        most = {side: np.nanmax(v) if np.isfinite(v).any() else -1.0 for side, v in left.items()}
        side = max(most, key=lambda one: most[one])
        # A hand that does nothing but rest has no passage that is hard.
        if most[side] <= 0:
            break
        first, last = _around(left[side], int(np.nanargmax(left[side])))
        left[side][first : last + 1] = np.nan
        start_s, end_s = float(bars.starts_s[first]), float(bars.starts_s[last + 1])
        part = by_side[side].within(start_s, end_s)
        every = by_bar(by_side[side], bars, threshold, [(first + 1, last + 1)])
        ranked = sorted(every, key=lambda one: -one.mean * one.peak)
        found.append(
            Passage(
                first + 1,
                last + 1,
                start_s,
                end_s,
                side,
                part.load / usual[side],
                tuple(ranked[:NAMED]),
                int(((onsets >= start_s) & (onsets < end_s)).sum()),
            )
        )
    return found


def _middle(values: Array) -> float:
    known = values[np.isfinite(values)]
    return max(float(np.median(known)), 1e-9) if len(known) else 1e-9


def _around(values: Array, hardest_bar: int) -> tuple[int, int]:
    """First and last bar of the passage around the hardest one, both counted from 0."""
    first = last = hardest_bar
    enough = NEARLY * values[hardest_bar]
    while last - first + 1 < MOST_BARS:
        before = values[first - 1] if first > 0 else np.nan
        after = values[last + 1] if last + 1 < len(values) else np.nan
        best = np.fmax(before, after)
        if not best >= enough:
            break
        if before == best:
            first -= 1
        else:
            last += 1
    return first, last
