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

"""Models side by side on the same recordings: what makes a `ScoreTable`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.recordings.identity import what_was_met
from kpm_ros.learn.recordings.leakage import NEW_IN
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.scores.measuring import Measuring
from kpm_ros.learn.scores.metrics import OTD_POINTS, Interval
from kpm_ros.learn.scores.protocols import check_fit, given
from kpm_ros.learn.scores.score_table import ModelRow, MuscleScore, RecordingScore
from kpm_ros.learn.scores.scored_models import ScoredModel
from kpm_ros.learn.scores.take_cache import TakeCache
from kpm_ros.learn.scores.take_figures import short
from kpm_ros.learn.scores.takes import Take, seen_by_second
from kpm_ros.learn.scores.threads import one_thread
from kpm_ros.models.seen import Seen
from kpm_ros.models.trained import Trained

if TYPE_CHECKING:
    from kpm_ros.learn.recordings.data_set import DataSet

TEST_SETS = {
    "test": "known people and tasks, other takes",
    "test_cross_user": "unseen people",
    "test_cross_task": "unseen tasks",
    "recorded": "effort and EMG of the same bags",
}
COST_SECONDS, COST_TURNS = 3, 5
"""Signal that a cost is measured on, and how often all models take turns at it."""

Array = NDArray[np.float32]
Listener = Callable[[str], None]


@dataclass
class SplitScores:
    """One model's scores on one test set."""

    takes: list[Take] = field(default_factory=list)

    @property
    def recordings(self) -> list[RecordingScore]:
        """What the table keeps of each recording."""
        return [
            RecordingScore(
                one.recording,
                one.figures.seconds,
                one.figures.rmse,
                one.figures.otd,
                one.figures.correlation,
                one.person,
            )
            for one in self.takes
        ]

    def by_muscle(self, muscles: Sequence[str]) -> dict[str, MuscleScore]:
        """Mean RMSE and correlation of each muscle."""
        found: dict[str, MuscleScore] = {}
        for name in muscles:
            known = [one.figures.muscles[name] for one in self.takes if name in one.figures.muscles]
            follows = [one.correlation for one in known if np.isfinite(one.correlation)]
            if known:
                found[name] = (
                    short(float(np.mean([one.rmse for one in known]))),
                    short(float(np.mean(follows))) if follows else None,
                )
        return found


Scores = dict[str, dict[str, SplitScores]]
"""By model, then by test set."""


def choose_splits(dataset: DataSet, wanted: Sequence[str]) -> list[str]:
    """Name the test sets to score: those asked for, or all that the data set has."""
    had = [name for name in TEST_SETS if dataset.splits.get(name)]
    for name in wanted:
        if not dataset.splits.get(name):
            raise ValueError(
                f"the data set has no recordings in {name!r}; it has some in "
                f"{', '.join(had) or 'no test set'}"
            )
    if not had:
        raise ValueError("the data set has no test set with a recording in it")
    return list(dict.fromkeys(wanted)) or had


def check_models(dataset: DataSet, models: Sequence[ScoredModel]) -> None:
    """Refuse models that cannot be scored on the data set, and two of one name."""
    names = [one.name for one in models]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two models are called {name!r}: the table could not tell them apart")
    for one in models:
        check_fit(one.model.card, dataset, one.name)


def met(model: Trained, dataset: DataSet, split: str) -> dict[str, str]:
    """What a model has met of a test set that is to be new to it: recordings, and in what."""
    seen = Seen.from_card(model.card.seen)
    if seen is None or split not in NEW_IN:
        return {}
    found = {
        name: what_was_met(dataset.identities[name], seen, NEW_IN[split])
        for name in dataset.splits[split]
    }
    return {name: what for name, what in found.items() if what}


def score_all(
    dataset: DataSet,
    models: Sequence[ScoredModel],
    splits: Sequence[str],
    protocol: str = "continuous",
    otd_points: int = OTD_POINTS,
    listener: Listener = lambda what: None,
    kept: TakeCache | None = None,
) -> Scores:
    """Score every model on every recording; `listener` hears of each that is done.

    What a model has met in training is left out of its scores on tests. What is kept of an
    earlier time is not estimated again.
    """
    measuring = Measuring(dataset, protocol, otd_points, kept=kept)
    scores: Scores = {one.name: {split: SplitScores() for split in splits} for one in models}
    for split in splits:
        known = {one.name: met(one.model, dataset, split) for one in models}
        for name in dataset.splits[split]:
            recording = dataset.recording(name)
            valid = seen_by_second(recording)
            for one in models:
                if name in known[one.name]:
                    listener(f"{one.name} has met {name}")
                    continue
                figures = measuring.figures(recording, one)
                whose = recording.person, recording.task
                take = Take(one.name, split, name, *whose, figures, valid)
                scores[one.name][split].takes.append(take)
                listener(f"{one.name} on {name}")
    return scores


def measure_costs(
    models: Sequence[ScoredModel], dataset: DataSet, name: str
) -> dict[str, Interval]:
    """Take each model's CPU seconds per second of signal, on one thread, in turns.

    Live models run in the hops of the live pipeline. Gives the median, the least and the most.
    """
    recording = dataset.recording(name)
    rows: dict[str, Array] = {}
    for one in models:
        on_grid = GridRecording.of(recording, one.model.card)
        rows[one.name] = given(one.model.card, on_grid)[: COST_SECONDS * on_grid.rate_hz]
    taken: dict[str, list[float]] = {one.name: [] for one in models}
    with one_thread():
        for one in models:
            # What is compiled or loaded at the first call is no part of the cost.
            one.model.estimate_in_hops(rows[one.name])
        for _ in range(COST_TURNS):
            for one in models:
                before = time.process_time()
                one.model.estimate_in_hops(rows[one.name])
                spent = time.process_time() - before
                taken[one.name].append(spent * one.model.card.rate_hz / len(rows[one.name]))
    return {
        name: Interval(float(np.median(times)), min(times), max(times))
        for name, times in taken.items()
    }


def rows(
    dataset: DataSet,
    models: Sequence[ScoredModel],
    scores: Scores,
    costs: Mapping[str, Interval],
) -> tuple[ModelRow, ...]:
    """Put together what the table says of each model."""
    return tuple(
        ModelRow(
            name=one.name,
            description=one.model.architecture.description,
            inputs=tuple(one.model.card.streams.senses),
            parameters=one.model.parameters,
            lookahead_ms=one.model.card.lookahead_s * 1000,
            trained_on=one.model.card.trained_on,
            cost=costs[one.name],
            scores={split: tuple(found.recordings) for split, found in scores[one.name].items()},
            met={split: met(one.model, dataset, split) for split in scores[one.name]},
            provenance=_provenance(one.model),
            muscles={
                split: found.by_muscle(dataset.muscles) for split, found in scores[one.name].items()
            },
            takes=tuple(take for found in scores[one.name].values() for take in found.takes),
        )
        for one in models
    )


def _provenance(model: Trained) -> str:
    """Say in how far it is known what a model has met."""
    seen = Seen.from_card(model.card.seen)
    if seen is None:
        return "unknown"
    return f"unknown before {', '.join(sorted(seen.unknown))}" if seen.unknown else ""


def compare(
    dataset: DataSet,
    models: Sequence[ScoredModel],
    splits: Sequence[str],
    protocol: str = "continuous",
    otd_points: int = OTD_POINTS,
    listener: Listener = lambda what: None,
    kept: TakeCache | None = None,
) -> tuple[ModelRow, ...]:
    """Score all models and measure what they cost."""
    check_models(dataset, models)
    scores = score_all(dataset, models, splits, protocol, otd_points, listener, kept)
    listener("cost, all models in turns")
    costs = measure_costs(models, dataset, dataset.splits[splits[0]][0])
    return rows(dataset, models, scores, costs)
