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

"""Made-up performances whose effort follows from what is seen, in memory and as a data set."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np

from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.identity import Identity
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.pianokpm_release import KEYS
from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth
from kpm_ros.models.pianokpm.published import MUSCLES, UNIT, VIEWS, published_streams

SPLITS = {
    "train": ("t1_p1_a", "t2_p1_a", "t1_p2_a"),
    "val": ("t2_p2_a",),
    "test": ("t1_p1_b",),
    "test_cross_user": ("t1_p3_a", "t2_p3_a"),
    "test_cross_task": (),
}
RATE_HZ = 1024


def make_performance(name: str, seconds: int = 3) -> Recording:
    """Make a slowly moving hand and some keys; effort is linear in a few of their channels."""
    draw = np.random.default_rng(list(name.encode()))
    # All landmarks follow a few movements of the hand, which are the same in all performances.
    movements = np.random.default_rng(0).normal(0, 1, (3, 84))
    steps = draw.normal(0, 0.02, (60 * seconds, 3))
    frames = (0.5 + np.cumsum(steps, axis=0) @ movements * 0.3).astype(np.float32)
    keys = np.zeros((RATE_HZ * seconds, 88), np.float32)
    for start in range(0, len(keys), 256):
        keys[start : start + 200, draw.integers(30, 50)] = 1
    views = published_streams().landmarks
    halves = np.split(frames, len(views), axis=1)
    series = [TimeSeries(view, half) for view, half in zip(views, halves, strict=True)]
    effort = np.zeros((len(keys), len(MUSCLES)), np.float32)
    task, person, take = name.split("_")
    made = Recording(
        name,
        person,
        task,
        take,
        (*series, TimeSeries(KEYS, keys)),
        Truth(MUSCLES, UNIT, RATE_HZ, effort),
    )
    seen = GridRecording(made, published_streams(), RATE_HZ).values()
    effort[:] = 0.3 * seen[:, 3:9] + 0.1 * keys[:, 30:50].sum(axis=1, keepdims=True)
    return made


class MadeStore:
    """A data set's files, of which there are none."""

    def recording(self, name: str) -> Recording:
        """Make it, the same each time."""
        return make_performance(name)

    def digest(self, name: str) -> str:
        """Tell one from another."""
        return name

    def also_known_as(self, name: str) -> Identity:
        """Whose it is and what is played, as its name says."""
        task, person, _ = name.split("_")
        return Identity(frozenset({person}), frozenset({task}), frozenset({name}))


MADE = DataSet(
    root=Path("nowhere"),
    layout="made up",
    streams=make_performance("t1_p1_a").streams,
    muscles=MUSCLES,
    unit=UNIT,
    rate_hz=RATE_HZ,
    splits=dict(SPLITS),
    split_file="none",
    simulated=True,
    description="simulated: made up",
    store=MadeStore(),
)


def write_release(root: Path) -> Path:
    """Write the same data set in the published layout."""
    folders = [f"hand_data/keyp_{view}" for view in VIEWS] + ["keystroke_data", "emg_data"]
    for folder in folders:
        (root / folder).mkdir(parents=True)
    for name in MADE.names:
        made = make_performance(name)
        arrays = [one.values.reshape(-1, 21, 2) for one in made.series[:2]]
        arrays += [made.series[2].values, made.truth.values]
        for folder, array in zip(folders, arrays, strict=True):
            (root / folder / f"{name}.pkl").write_bytes(pickle.dumps(np.ascontiguousarray(array)))
    lists = {split: [f"{name}.pkl" for name in names] for split, names in SPLITS.items()}
    (root / "dataset_held_out.json").write_text(json.dumps(lists))
    return root
