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

"""One performance of a piece: its notes, and the effort of the muscles where it is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.comparing.fingers import Fingers
from kpm_ros.sense.midi.score import Score


@dataclass(frozen=True)
class MuscleTraces:
    """Effort of each muscle at increasing times, on the clock of the notes."""

    times_s: NDArray[np.float64]
    effort: NDArray[np.float32]
    """(samples, muscles); NaN where it is not valid."""
    muscles: tuple[str, ...]

    def mean(self, since_s: float, until_s: float) -> NDArray[np.float64]:
        """Average each muscle from one time to another; NaN where nothing is known."""
        part = self._within(since_s, until_s)
        known = np.isfinite(part)
        total = np.where(known, part, 0.0).sum(axis=0, dtype=np.float64)
        count = known.sum(axis=0)
        return np.divide(total, count, out=np.full(len(self.muscles), np.nan), where=count > 0)

    def peak_s(self, since_s: float, until_s: float) -> NDArray[np.float64]:
        """When each muscle works hardest between two times; NaN where nothing is known."""
        first = int(np.searchsorted(self.times_s, since_s))
        part = self._within(since_s, until_s)
        if not len(part):
            return np.full(len(self.muscles), np.nan)
        highest = np.where(np.isfinite(part), part, -np.inf)
        when = self.times_s[first + highest.argmax(axis=0)]
        return np.where(np.isfinite(highest.max(axis=0)), when, np.nan)

    def _within(self, since_s: float, until_s: float) -> NDArray[np.float32]:
        first, last = np.searchsorted(self.times_s, (since_s, until_s))
        return self.effort[first:last]


@dataclass(frozen=True)
class Performance:
    """What was played, and what the muscles did."""

    title: str
    score: Score
    traces: MuscleTraces | None = None
    simulated: bool = False
    fingers: Fingers | None = None
    """Those that were seen."""

    @property
    def onset_s(self) -> NDArray[np.float64]:
        """When each note begins."""
        return np.array([note.onset_s for note in self.score.notes])

    @property
    def duration_s(self) -> NDArray[np.float64]:
        """How long each key is down."""
        return np.array([note.duration_s for note in self.score.notes])

    @property
    def pitch(self) -> NDArray[np.int64]:
        """Each note's key, as MIDI counts them."""
        return np.array([note.pitch for note in self.score.notes], dtype=np.int64)

    @property
    def velocity(self) -> NDArray[np.float64]:
        """How fast each key was struck, as MIDI says it."""
        return np.array([note.velocity for note in self.score.notes], dtype=np.float64)
