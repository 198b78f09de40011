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

"""A report's summary in words: what a reader would say of the tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kpm_ros.learn.scores.metrics import Interval
from kpm_ros.learn.scores.score_table import ModelRow, ScoreTable
from kpm_ros.learn.scores.summaries import muscle_summary, muscles_of, of_take, summary
from kpm_ros.learn.scores.take_figures import Moment
from kpm_ros.learn.scores.takes import Take, people_of


def best_first(table: ScoreTable, split: str) -> list[ModelRow]:
    """Order the models that were scored on a test set by RMSE."""
    scored = [model for model in table.models_on(split) if model.takes_of(split)]
    return sorted(scored, key=lambda model: model.interval(split, "rmse").mean)


def summary_of(table: ScoreTable, split: str) -> list[str]:
    """Say in sentences how the best model did on a test set, and how it compares."""
    ordered = best_first(table, split)
    if not ordered:
        return ["No recording was scored: the models have met all of them in training."]
    best = ordered[0]
    takes = best.takes_of(split)
    found, people = summary(takes), people_of(takes)
    minutes = sum(take.figures.seconds for take in takes) / 60
    whose = f" of {len(people)} people" if len(people) > 1 else " of one person"
    sentences = [
        f"{best.name} was off by {_number(found['rmse'], 3)} (RMSE) on {_count(takes)}"
        f"{whose if people != ('',) else ''}, "
        f"{minutes:.1f} minutes, with a correlation of {_number(found['correlation'], 2)}.",
        _timing(found),
        _onsets(found),
        _size(found),
        _muscles(takes),
    ]
    if len(people) > 1:
        sentences.append(_people(takes))
    if len(ordered) > 1:
        ratio = found["rmse"].mean / ordered[-1].interval(split, "rmse").mean
        second = ordered[1]
        sentences.append(
            f"Next came {second.name} with {second.interval(split, 'rmse').mean:.3f}; the error of "
            f"{ordered[-1].name} was largest, {1 / ratio:.1f} times that of {best.name}."
        )
    return [sentence for sentence in sentences if sentence]


def in_words(moment: Moment, take: Take) -> str:
    """Say what was wrong in one of the worst moments."""
    amount = "too much" if moment.error > 0 else "too little"
    return (
        f"{take.recording}, second {moment.start_s:g}: RMSE {moment.rmse:.3f}; of {moment.muscle} "
        f"{abs(moment.error):.3f} {amount} on average"
    )


def _timing(found: dict[str, Interval]) -> str:
    lag = found["lag_ms"].mean
    if np.isnan(lag):
        return "It never changed, so that no lag can be told."
    when = "at the same time" if abs(lag) < 1 else f"{abs(lag):.0f} ms {_late(lag)}"
    return f"It was most like what was measured {when} (r {found['lag_correlation'].mean:.2f})."


def _late(lag_ms: float) -> str:
    return "later" if lag_ms > 0 else "earlier"


def _onsets(found: dict[str, Interval]) -> str:
    missed, late = found["missed"].mean, found["late_ms"].mean
    if np.isnan(missed):
        return "No onset was measured."
    sentence = (
        f"{missed:.0f} % of the onsets were missed, and {found['false_per_h'].mean:.0f} an hour "
        "and muscle were estimated where none was measured"
    )
    if np.isnan(late):
        return f"{sentence}."
    return f"{sentence}; those that were met came {abs(late):.0f} ms {_late(late)}."


def _size(found: dict[str, Interval]) -> str:
    slope, offset = found["slope"].mean, found["offset"].mean
    if np.isnan(slope):
        return ""
    return (
        f"Where the measured effort rose by 1, the estimate rose by {slope:.2f}, from "
        f"{offset:.3f} at rest: this is told, and removed from no figure."
    )


def _muscles(takes: Sequence[Take]) -> str:
    follows = {name: muscle_summary(takes, name)["correlation"].mean for name in muscles_of(takes)}
    known = {name: r for name, r in follows.items() if np.isfinite(r)}
    if len(known) < 2:
        return ""
    best, worst = max(known, key=known.__getitem__), min(known, key=known.__getitem__)
    return f"{best} was followed best (r {known[best]:.2f}), {worst} least (r {known[worst]:.2f})."


def _people(takes: Sequence[Take]) -> str:
    errors = {
        person: float(np.mean([of_take(take)["rmse"] for take in takes if take.person == person]))
        for person in people_of(takes)
    }
    near, far = min(errors, key=errors.__getitem__), max(errors, key=errors.__getitem__)
    return (
        f"From person to person RMSE went from {errors[near]:.3f} ({near}) to {errors[far]:.3f} "
        f"({far})."
    )


def _number(interval: Interval, places: int) -> str:
    """Write a mean, and its interval where there is one."""
    mean = f"{interval.mean:.{places}f}"
    if np.isnan(interval.low) or interval.low == interval.high:
        return mean
    return f"{mean} (95 %: {interval.low:.{places}f} to {interval.high:.{places}f})"


def _count(takes: Sequence[Take]) -> str:
    return f"{len(takes)} recordings" if len(takes) > 1 else "one recording"
