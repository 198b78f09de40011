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

"""What takes come to: per muscle, recording and person, and overall, with intervals over people.

Each measure is taken of a recording and a muscle first. Of a recording it is the mean over muscles
(or what was measured over all of them at once), of everything larger the mean over recordings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kpm_ros.learn.scores.metrics import Interval, mean_interval
from kpm_ros.learn.scores.take_figures import NAN, MuscleFigures
from kpm_ros.learn.scores.takes import Take

SECONDS_AN_HOUR = 3600


class Measure(NamedTuple):
    """One measure as tables have it."""

    name: str
    title: str
    unit: str
    places: int
    meaning: str

    @property
    def head(self) -> str:
        """Head a column with it."""
        words = {"": "", "per hour": " per hour"}.get(self.unit, f" in {self.unit}")
        return f"{self.title}{words}"


MEASURES = (
    Measure("rmse", "RMSE", "", 3, "root mean square error over samples and muscles"),
    Measure("otd", "OTD", "", 3, "Sinkhorn distance between the clouds of samples"),
    Measure("correlation", "correlation", "", 2, "Pearson's, 0 of an estimate that never changes"),
    Measure("lag_ms", "best lag", "ms", 0, "by how much later the estimate is most alike"),
    Measure("lag_correlation", "r at it", "", 2, "correlation at the best lag"),
    Measure("missed", "onsets missed", "%", 0, "of those measured"),
    Measure("false_per_h", "false onsets", "per hour", 0, "estimated where none was measured"),
    Measure("late_ms", "onset late", "ms", 0, "median of those that were met"),
    Measure("slope", "slope", "", 2, "of the estimate on what was measured"),
    Measure("offset", "offset", "", 3, "estimate where nothing is measured"),
)
BY_NAME = {measure.name: measure for measure in MEASURES}
TIMING = ("lag_ms", "lag_correlation", "missed", "false_per_h", "late_ms", "slope", "offset")
"""Measures that the published table does not have."""


def of_muscle(figures: MuscleFigures) -> dict[str, float]:
    """Give each measure of one muscle in one recording; OTD is of all muscles together."""
    return {
        "rmse": figures.rmse,
        "correlation": figures.correlation,
        "lag_ms": figures.lag_s * 1000,
        "lag_correlation": figures.lag_correlation,
        "missed": 100 * figures.missed / figures.onsets if figures.onsets else NAN,
        "false_per_h": figures.false / figures.seconds * SECONDS_AN_HOUR,
        "late_ms": figures.late_s * 1000,
        "slope": figures.slope,
        "offset": figures.offset,
    }


def of_take(take: Take) -> dict[str, float]:
    """Give each measure of one recording."""
    figures = take.figures
    muscles = list(figures.muscles.values())
    tables = [of_muscle(one) for one in muscles]
    means = {name: _mean(table[name] for table in tables) for name in TIMING}
    onsets = sum(one.onsets for one in muscles)
    return {
        "rmse": figures.rmse,
        "otd": figures.otd,
        "correlation": figures.correlation,
        **means,
        "lag_ms": figures.lag_s * 1000,
        "lag_correlation": figures.lag_correlation,
        "missed": 100 * sum(one.missed for one in muscles) / onsets if onsets else NAN,
    }


@dataclass(frozen=True)
class Row:
    """One measure of something, by one model on one test set."""

    model: str
    test_set: str
    level: str
    """overall, person, recording, muscle, or muscle of a recording."""
    person: str
    recording: str
    muscle: str
    measure: str
    interval: Interval
    """Low and high are not numbers where there is only one to draw."""
    recordings: int


def rows(takes: Sequence[Take]) -> Iterator[Row]:
    """Sum takes up, the overall first."""
    for model, test_set in dict.fromkeys((take.model, take.test_set) for take in takes):
        own = [take for take in takes if (take.model, take.test_set) == (model, test_set)]
        yield from _rows(own, "overall", of_take)
        for name in muscles_of(own):
            yield from _rows(own, "muscle", _muscle(name), muscle=name)
        for person in dict.fromkeys(take.person for take in own):
            theirs = [take for take in own if take.person == person]
            yield from _rows(theirs, "person", of_take, person=person)
            for name in muscles_of(theirs):
                yield from _rows(
                    theirs, "muscle of a person", _muscle(name), person=person, muscle=name
                )
        for take in own:
            yield from _rows([take], "recording", of_take, take.person, take.recording)
            for name in take.figures.muscles:
                yield from _rows(
                    [take],
                    "muscle of a recording",
                    _muscle(name),
                    take.person,
                    take.recording,
                    name,
                )


def summary(takes: Sequence[Take], level: str = "overall") -> dict[str, Interval]:
    """Sum takes of one model up, each measure by its name."""
    return {row.measure: row.interval for row in _rows(takes, level, of_take)}


def muscle_summary(takes: Sequence[Take], muscle: str) -> dict[str, Interval]:
    """Sum one muscle of one model up."""
    return {row.measure: row.interval for row in _rows(takes, "muscle", _muscle(muscle))}


def muscles_of(takes: Sequence[Take]) -> tuple[str, ...]:
    """Every muscle that some take has, in order."""
    return tuple(dict.fromkeys(name for take in takes for name in take.figures.muscles))


def _rows(
    takes: Sequence[Take],
    level: str,
    measured: Callable[[Take], dict[str, float]],
    person: str = "",
    recording: str = "",
    muscle: str = "",
) -> Iterator[Row]:
    tables = [table for table in map(measured, takes) if table]
    people = [take.person for take in takes if measured(take)]
    for name in tables[0] if tables else ():
        interval = mean_interval([table[name] for table in tables], people=people)
        if len(tables) < 2:
            interval = Interval(interval.mean, NAN, NAN)
        yield Row(
            takes[0].model,
            takes[0].test_set,
            level,
            person,
            recording,
            muscle,
            name,
            interval,
            len(tables),
        )


def _muscle(name: str) -> Callable[[Take], dict[str, float]]:
    def measured(take: Take) -> dict[str, float]:
        found = take.figures.muscles.get(name)
        return of_muscle(found) if found else {}

    return measured


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else NAN
