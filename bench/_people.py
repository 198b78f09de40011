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

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kpm_ros.cli import main as kpm
from kpm_ros.learn.adaptation.gained import gain_curve
from kpm_ros.learn.adaptation.takes import Part, Takes, shortened
from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.models.card import ModelCard
from kpm_ros.models.trained import load

LAGS_S = np.arange(-0.2, 0.21, 0.05)
"""Moments that ridge regression is given."""
PENALTY = 0.1
"""Its penalty, a sample, on columns of unit size."""
SIMULATED_BASE = "touchnet-sim"
SEED, TASKS, TAKES, HOURS = 4711, 3, 2, 0.09
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


def simulated_gain(people: int) -> float:
    """Share of RMSE that 100 s of SIMULATED people take away from a model that never met them."""
    base = load(SIMULATED_BASE)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "people"
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
        if kpm(["simulate", *map(str, words), "--out", str(place)]):
            raise RuntimeError("the SIMULATED people could not be made")
        dataset = open_dataset(place)
        names = {dataset.recording(name).person for name in dataset.names}
        shares = []
        for person in sorted(names):
            gained = gain_curve(base, _first_and_second(dataset, base.card, person), OWN_S)
            print(f"SIMULATED {person}\n{gained.table()}")
            shares.append(1 - gained.after.rmse / gained.before.rmse)
    return float(np.mean(shares))


def _first_and_second(dataset: DataSet, card: ModelCard, person: str) -> Takes:
    """Adapt to 100 s of the first takes, as much of each task, and hold out the second ones."""
    names = [name for name in dataset.names if dataset.recording(name).person == person]
    parts = [Part(one, 0, len(one)) for one in dataset.on_grid(names, card)]
    first = [one for one in parts if one.recording.recording.take == "1"]
    own = [part for one in first for part in shortened([one], OWN_S / len(first))]
    return Takes(own, [one for one in parts if one not in first])
