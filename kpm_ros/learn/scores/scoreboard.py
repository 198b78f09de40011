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

"""Models side by side on the same performances: what makes a `Board`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import printable, read_json
from kpm_ros.learn.recordings.identity import what_was_met
from kpm_ros.learn.scores.board import ModelRow, PerformanceScore
from kpm_ros.learn.scores.metrics import (
    OTD_POINTS,
    Interval,
    mean_correlation,
    rmse,
    transport_distance,
)
from kpm_ros.learn.scores.protocols import (
    check_fit,
    estimate_continuous,
    estimate_published,
    senses,
)
from kpm_ros.models.seen import Seen
from kpm_ros.models.trained import Trained

if TYPE_CHECKING:
    from kpm_ros.learn.recordings.release import Recording, Release

TEST_SETS = {
    "test": "known pianists and tasks, other takes",
    "test_cross_user": "unseen pianists",
    "test_cross_task": "unseen tasks",
}
_NEW_IN = {"test": "", "test_cross_user": "person", "test_cross_task": "task"}
"""What no model may have met in a test set, besides the takes themselves."""
COST_SECONDS, COST_TURNS = 3, 5
"""Signal that a cost is measured on, and how often all models take turns at it."""

Array = NDArray[np.float32]
Listener = Callable[[str], None]
Scores = dict[str, dict[str, list[PerformanceScore]]]
"""By model, then by test set."""


@dataclass(frozen=True)
class Contestant:
    """A model under the name that the table gives it."""

    name: str
    model: Trained


def choose_splits(release: Release, wanted: Sequence[str]) -> list[str]:
    """Name the test sets to score: those asked for, or all that the data set has."""
    had = [name for name in TEST_SETS if release.splits.get(name)]
    for name in wanted:
        if not release.splits.get(name):
            raise ValueError(
                f"the data set has no performances in {name!r}; it has some in "
                f"{', '.join(had) or 'no test set'}"
            )
    if not had:
        raise ValueError("the data set has no test set with a performance in it")
    return list(dict.fromkeys(wanted)) or had


def describe_data(root: Path) -> str:
    """Say in one line what a data set in a folder is, as far as it says so itself."""
    manifest = root / "simulated" / "dataset.json"
    if not manifest.is_file():
        return "recorded, or without a manifest"
    try:
        request = read_json(manifest)["request"]
        words = [f"{name.replace('_', ' ')} {_plain(value)}" for name, value in request.items()]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{manifest} is no manifest of a simulated data set") from None
    return printable(f"simulated: {'; '.join(words)}")


def _plain(value: object) -> str:
    return ", ".join(str(one) for one in value) or "none" if isinstance(value, list) else str(value)


def check_contestants(release: Release, contestants: Sequence[Contestant]) -> None:
    """Refuse models that cannot be scored on the data set, and two of one name."""
    names = [one.name for one in contestants]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two models are called {name!r}: the table could not tell them apart")
    for one in contestants:
        check_fit(one.model.card, release.muscles, release.views, one.name)


def estimate(
    model: Trained, recording: Recording, pose: Array, views: Sequence[str], protocol: str
) -> Array:
    """Estimate one performance in one of the protocols; `pose` is on the grid."""
    if protocol == "published":
        return estimate_published(model, recording, views)
    return estimate_continuous(model, pose, recording.keys, views)


def met(model: Trained, release: Release, split: str) -> dict[str, str]:
    """What a model has met of a test set that is to be new to it: performances, and in what."""
    seen = Seen.from_card(model.card.seen)
    if seen is None or split not in _NEW_IN:
        return {}
    found = {
        name: what_was_met(release.identities[name], seen, _NEW_IN[split])
        for name in release.splits[split]
    }
    return {name: what for name, what in found.items() if what}


def score_all(
    release: Release,
    contestants: Sequence[Contestant],
    splits: Sequence[str],
    protocol: str = "continuous",
    otd_points: int = OTD_POINTS,
    listener: Listener = lambda what: None,
) -> Scores:
    """Score every model on every performance; `listener` hears of each that is done.

    What a model has met in training is left out of its scores on tests.
    """
    scores: Scores = {one.name: {split: [] for split in splits} for one in contestants}
    for split in splits:
        known = {one.name: met(one.model, release, split) for one in contestants}
        for name in release.splits[split]:
            recording = release.performance(name)
            pose = recording.pose() if protocol == "continuous" else recording.frames
            for one in contestants:
                if name in known[one.name]:
                    listener(f"{one.name} has met {name}")
                    continue
                effort = estimate(one.model, recording, pose, release.views, protocol)
                if not np.isfinite(effort).all():
                    raise ValueError(f"{one.name} put out something that is no number on {name}")
                scores[one.name][split].append(_score(recording, effort, otd_points))
                listener(f"{one.name} on {name}")
    return scores


def _score(recording: Recording, effort: Array, otd_points: int) -> PerformanceScore:
    truth = np.asarray(recording.effort[: len(effort)])
    figures = {
        "seconds": len(truth) / 1024,
        "rmse": rmse(truth, effort),
        "otd": transport_distance(truth, effort, otd_points),
        "correlation": mean_correlation(truth, effort),
    }
    # Further digits would only be different from machine to machine.
    return PerformanceScore(
        recording.name, **{name: float(f"{value:.6g}") for name, value in figures.items()}
    )


def measure_costs(
    contestants: Sequence[Contestant], recording: Recording, views: Sequence[str]
) -> dict[str, Interval]:
    """Take each model's CPU seconds per second of signal, on one thread, in turns.

    Live models run in the hops of the live pipeline. Gives the median, the least and the most.
    """
    samples = min(len(recording.keys), COST_SECONDS * 1024)
    pose, keys = recording.pose()[:samples], np.asarray(recording.keys[:samples], np.float32)
    given = {one.name: senses(one.model.card, pose, keys, views) for one in contestants}
    taken: dict[str, list[float]] = {one.name: [] for one in contestants}
    with one_thread():
        for one in contestants:
            # What is compiled or loaded at the first call is no part of the cost.
            one.model.estimate_live(*given[one.name])
        for _ in range(COST_TURNS):
            for one in contestants:
                before = time.process_time()
                one.model.estimate_live(*given[one.name])
                spent = time.process_time() - before
                taken[one.name].append(spent * 1024 / samples)
    return {
        name: Interval(float(np.median(times)), min(times), max(times))
        for name, times in taken.items()
    }


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold the numerical libraries to one thread each."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def rows(
    release: Release,
    contestants: Sequence[Contestant],
    scores: Scores,
    costs: Mapping[str, Interval],
) -> tuple[ModelRow, ...]:
    """Put together what the table says of each model."""
    return tuple(
        ModelRow(
            name=one.name,
            description=one.model.family.description,
            inputs=one.model.card.inputs,
            parameters=one.model.parameters,
            lookahead_ms=one.model.card.lookahead_s * 1000,
            trained_on=one.model.card.trained_on,
            cost=costs[one.name],
            scores={split: tuple(found) for split, found in scores[one.name].items()},
            met={split: met(one.model, release, split) for split in scores[one.name]},
            provenance=_provenance(one.model),
        )
        for one in contestants
    )


def _provenance(model: Trained) -> str:
    """Say in how far it is known what a model has met."""
    seen = Seen.from_card(model.card.seen)
    if seen is None:
        return "unknown"
    return f"unknown before {', '.join(sorted(seen.unknown))}" if seen.unknown else ""


def compare(
    release: Release,
    contestants: Sequence[Contestant],
    splits: Sequence[str],
    protocol: str = "continuous",
    otd_points: int = OTD_POINTS,
    listener: Listener = lambda what: None,
) -> tuple[ModelRow, ...]:
    """Score all models and measure what they cost."""
    check_contestants(release, contestants)
    scores = score_all(release, contestants, splits, protocol, otd_points, listener)
    first = release.performance(release.splits[splits[0]][0])
    listener("cost, all models in turns")
    return rows(release, contestants, scores, measure_costs(contestants, first, release.views))
