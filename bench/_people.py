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

"""What `bench/people.py` compares with, and the SIMULATED people that it adapts to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from _report import ROOT, print_table
from numpy.typing import NDArray

from kpm_ros.cli import main as kpm
from kpm_ros.learn.adaptation.adapting import adapt
from kpm_ros.learn.adaptation.gained import score, score_of
from kpm_ros.learn.adaptation.takes import Part, Takes, shortened
from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.models.card import ModelCard
from kpm_ros.models.intervals import Checked, Intervals, coverage
from kpm_ros.models.trained import Trained, load

LAGS_S = np.arange(-0.2, 0.21, 0.05)
"""Moments that ridge regression is given."""
PENALTY = 0.1
"""Its penalty, a sample, on columns of unit size."""
SIMULATED_BASE = "touchnet-sim"
SIMULATED_PEOPLE = ROOT / "out" / "bench" / "people"
SEED, TASKS, TAKES, HOURS = 2026, 3, 2, 0.09
OWN_S = 100.0

Array = NDArray[np.float64]


def ridge_error(own: Sequence[Part], tests: Sequence[Part]) -> float:
    """RMSE of ridge regression on angles and speeds at moments within 200 ms."""
    seen, effort = _rows(own)
    mean, size = seen.mean(axis=0), seen.std(axis=0) + 1e-6
    inputs = (seen - mean) / size
    middle = effort.mean(axis=0)
    gram = inputs.T @ inputs + PENALTY * len(inputs) * np.eye(inputs.shape[1])
    weights = np.linalg.solve(gram, inputs.T @ (effort - middle))
    tested, truth = _rows(tests)
    said = np.maximum((tested - mean) / size @ weights + middle, 0)
    return float(np.sqrt(np.mean((said - truth) ** 2)))


def _rows(parts: Sequence[Part]) -> tuple[Array, Array]:
    seen, effort = [], []
    for part in parts:
        angles = part.values().astype(np.float64)
        rate_hz = part.recording.rate_hz
        columns = np.concatenate([angles, np.gradient(angles, axis=0) * rate_hz], axis=1)
        at = np.arange(part.start, part.stop)[:, None] + np.round(LAGS_S * rate_hz).astype(int)
        seen.append(columns[np.clip(at, 0, len(columns) - 1)].reshape(len(at), -1))
        effort.append(np.asarray(part.recording.effort[part.start : part.stop], np.float64))
    return np.concatenate(seen), np.concatenate(effort)


def simulated_people(people: int) -> dict[str, float]:
    """Tell what 100 s of SIMULATED people take from the RMSE of a model that never met them.

    And how much of the truth lies within the model's intervals before, of each person's muscles.
    """
    base = load(SIMULATED_BASE)
    words = [
        "--pianists",
        people,
        "--tasks",
        TASKS,
        "--takes",
        TAKES,
        "--hours",
        HOURS * people,
        "--seed",
        SEED,
    ]
    if kpm(["simulate", *map(str, words), "--out", str(SIMULATED_PEOPLE)]):
        raise RuntimeError("the SIMULATED people could not be made")
    dataset = open_dataset(SIMULATED_PEOPLE)
    names = {dataset.recording(name).person for name in dataset.names}
    figures: dict[str, float] = {}
    within: dict[str, Array] = {}
    shares: list[float] = []
    for person in sorted(names):
        own, held_out = _first_and_second(dataset, base.card, person)
        adapted = adapt(base, own, [one.recording.recording.task for one in own])
        checked = [part.check(base) for part in held_out]
        before, after = score_of(base, checked), score(adapted.model, held_out)
        shares.append(1 - after.rmse / before.rmse)
        print(
            f"SIMULATED {person}, by {adapted.choice.step}: RMSE {before.rmse:.4f} to "
            f"{after.rmse:.4f}, {shares[-1]:.0%} less",
            flush=True,
        )
        figures[f"sim_gain_100s_{person}"] = shares[-1]
        if base.card.interval:
            within[f"SIMULATED {person}"] = within_intervals(base, checked)
    figures["sim_gain_100s"] = float(np.mean(shares))
    if within:
        figures |= coverage_figures("sim_interval_coverage_unseen", within, base.card.muscles)
    return figures


def within_intervals(model: Trained, checked: Sequence[Checked]) -> Array:
    """Share of one person's truth within the intervals, of each muscle."""
    intervals = Intervals.of(model.card)
    if intervals is None:
        raise ValueError(f"{model.card.name} has no intervals")
    told = [coverage(intervals, one) * len(one.truth) for one in checked]
    return np.sum(told, axis=0) / sum(len(one.truth) for one in checked)


def coverage_figures(
    name: str, within: Mapping[str, Array], muscles: Sequence[str]
) -> dict[str, float]:
    """Print coverage of each person and muscle, and sum it up."""
    shares = np.array(list(within.values()))
    rows = [(person, *each.tolist(), float(each.mean())) for person, each in within.items()]
    rows.append(("mean", *shares.mean(axis=0).tolist(), float(shares.mean())))
    print_table(
        "share of the truth within intervals of 90 %, people whom the model has not met",
        ("person", *muscles, "mean"),
        rows,
    )
    return {
        name: float(shares.mean()),
        f"{name}_least_person": float(shares.mean(axis=1).min()),
        f"{name}_least_muscle": float(shares.mean(axis=0).min()),
        f"{name}_least_muscle_of_a_person": float(shares.min()),
        **{
            f"{name}_{person.split()[-1]}_{muscle}": float(share)
            for person, each in within.items()
            for muscle, share in zip(muscles, each, strict=True)
        },
    }


def _first_and_second(dataset: DataSet, card: ModelCard, person: str) -> Takes:
    """Adapt to 100 s of the first takes, as much of each task, and hold out the second ones."""
    names = [name for name in dataset.names if dataset.recording(name).person == person]
    parts = [Part(one, 0, len(one)) for one in dataset.on_grid(names, card)]
    first = [one for one in parts if one.recording.recording.take == "1"]
    own = [part for one in first for part in shortened([one], OWN_S / len(first))]
    return Takes(own, [one for one in parts if one not in first])
