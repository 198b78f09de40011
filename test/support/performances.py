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
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kpm_ros.learn.recordings.identity import Identity

MUSCLES = ("ADM", "PB", "1DI", "2DI", "3DI", "4DI")
VIEWS = ("top", "right")
SPLITS = {
    "train": ("t1_p1_a", "t2_p1_a", "t1_p2_a"),
    "val": ("t2_p2_a",),
    "test": ("t1_p1_b",),
    "test_cross_user": ("t1_p3_a", "t2_p3_a"),
    "test_cross_task": (),
}


@dataclass(frozen=True)
class Made:
    """One performance, as the data set's loader gives them."""

    name: str
    frames: np.ndarray
    keys: np.ndarray
    effort: np.ndarray

    def pose(self) -> np.ndarray:
        """Frames drawn onto the samples."""
        at = np.arange(len(self.keys)) * 60 / 1024
        known = np.arange(len(self.frames))
        columns = [np.interp(at, known, column) for column in self.frames.T]
        return np.stack(columns, axis=1).astype(np.float32)


def make_performance(name: str, seconds: int = 3) -> Made:
    """Make a slowly moving hand and some keys; effort is linear in a few of their channels."""
    draw = np.random.default_rng(list(name.encode()))
    # All landmarks follow a few movements of the hand, which are the same in all performances.
    movements = np.random.default_rng(0).normal(0, 1, (3, 84))
    steps = draw.normal(0, 0.02, (60 * seconds, 3))
    frames = (0.5 + np.cumsum(steps, axis=0) @ movements * 0.3).astype(np.float32)
    keys = np.zeros((1024 * seconds, 88), np.float32)
    for start in range(0, len(keys), 256):
        keys[start : start + 200, draw.integers(30, 50)] = 1
    made = Made(name, frames, keys, np.zeros((len(keys), 6), np.float32))
    effort = 0.3 * made.pose()[:, 3:9] + 0.1 * keys[:, 30:50].sum(axis=1, keepdims=True)
    made.effort[:] = effort
    return made


class MadeRelease:
    """A data set in memory."""

    splits = SPLITS
    views = VIEWS
    muscles = MUSCLES
    simulated = True
    fingerprint = "f" * 64

    @property
    def identities(self) -> dict[str, Identity]:
        """Whose each performance is and what is played, as its name says."""
        found = {}
        for name in sorted({name for names in SPLITS.values() for name in names}):
            task, person, _ = name.split("_")
            found[name] = Identity(frozenset({person}), frozenset({task}), frozenset({name}))
        return found

    def performance(self, name: str) -> Made:
        """Make it, the same each time."""
        return make_performance(name)


def write_release(root: Path) -> Path:
    """Write the same data set in the published layout."""
    folders = ("hand_data/keyp_top", "hand_data/keyp_right", "keystroke_data", "emg_data")
    for folder in folders:
        (root / folder).mkdir(parents=True)
    for name in sorted({name for names in SPLITS.values() for name in names}):
        made = make_performance(name)
        views = made.frames.reshape(-1, 2, 21, 2)
        arrays = (views[:, 0], views[:, 1], made.keys, made.effort)
        for folder, array in zip(folders, arrays, strict=True):
            (root / folder / f"{name}.pkl").write_bytes(pickle.dumps(np.ascontiguousarray(array)))
    lists = {split: [f"{name}.pkl" for name in names] for split, names in SPLITS.items()}
    (root / "dataset_held_out.json").write_text(json.dumps(lists))
    return root
