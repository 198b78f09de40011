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

"""Which of a person's takes a model is adapted to, and which show what that gained."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.scores.protocols import given
from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Array
from kpm_ros.models.intervals import Checked
from kpm_ros.models.trained import Trained

HELD_OUT = 3
"""Where the data set keeps none for tests, one take of so many is held out, or such a share of one
take."""


@dataclass(frozen=True, eq=False)
class Part:
    """A recording of which the effort is told only from one sample to another."""

    recording: GridRecording
    start: int
    stop: int

    @property
    def person(self) -> str:
        """Whose it is."""
        return self.recording.person

    @property
    def seconds(self) -> float:
        """How long its effort is told."""
        return (self.stop - self.start) / self.recording.rate_hz

    @cached_property
    def effort(self) -> Array:
        """True effort; NaN where it is not told."""
        effort = np.full(self.recording.effort.shape, np.nan, np.float32)
        effort[self.start : self.stop] = self.recording.effort[self.start : self.stop]
        return effort

    def values(self, start: int = 0, stop: int | None = None) -> Array:
        """Rows of the grid, which are all told."""
        return self.recording.values(start, stop)

    def check(self, model: Trained) -> Checked:
        """Estimate it as used live."""
        some = slice(self.start, self.stop)
        said = model.estimate(given(model.card, self.recording))
        return Checked(self.person, said[some], np.asarray(self.recording.effort[some]))


class Takes(NamedTuple):
    """A person's takes."""

    own: list[Part]
    """To adapt to: tasks by turns."""
    held_out: list[Part]


def takes_of(dataset: DataSet, card: ModelCard, person: str) -> Takes:
    """Sort a person's takes; a ValueError says why there are none to adapt to."""
    recordings = {name: dataset.recording(name) for name in dataset.names}
    names = [name for name, one in recordings.items() if one.person == person]
    if not names:
        people = ", ".join(sorted({one.person for one in recordings.values()}))
        raise ValueError(f"the data set has nobody called {person!r}: its people are {people}")
    for_tests = {
        name for split, some in dataset.splits.items() for name in some if split.startswith("test")
    }
    held = [name for name in names if name in for_tests]
    if not 0 < len(held) < len(names):
        held = names[HELD_OUT - 1 :: HELD_OUT]
    by_task: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if name not in held:
            by_task[recordings[name].task].append(name)
    turns = itertools.zip_longest(*by_task.values())
    own = [name for turn in turns for name in turn if name is not None]
    if not held:
        return _one_take(dataset, card, own)
    return Takes(_whole(dataset, card, own), _whole(dataset, card, held))


def names_of(parts: Sequence[Part]) -> list[str]:
    """Name the recordings of some parts."""
    return list(dict.fromkeys(one.recording.name for one in parts))


def shortened(parts: Sequence[Part], seconds: float) -> list[Part]:
    """Take so many seconds from the beginning."""
    kept: list[Part] = []
    for part in parts:
        left_s = min(part.seconds, seconds - sum(one.seconds for one in kept))
        samples = round(left_s * part.recording.rate_hz)
        if samples <= 0:
            break
        kept.append(Part(part.recording, part.start, part.start + samples))
    return kept


def _whole(dataset: DataSet, card: ModelCard, names: Sequence[str]) -> list[Part]:
    return [Part(one, 0, len(one)) for one in dataset.on_grid(names, card)]


def _one_take(dataset: DataSet, card: ModelCard, names: Sequence[str]) -> Takes:
    """Hold out the last part of each of a few takes."""
    own, held = [], []
    for one in _whole(dataset, card, names):
        cut = one.stop - one.stop // HELD_OUT
        own.append(Part(one.recording, 0, cut))
        held.append(Part(one.recording, cut, one.stop))
    return Takes(own, held)
