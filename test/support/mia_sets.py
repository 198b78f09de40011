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
"""A small data set in the layout of Muscles in Action, as its authors might have written it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

EXERCISES = ("Squat", "ElbowPunch")


def write_window(folder: Path, seed: Sequence[int] = (0,), points: int = 49) -> None:
    """Write a window of 3 s: EMG that follows how the joints move, and files nobody asks for."""
    draw = np.random.default_rng(list(seed))
    folder.mkdir(parents=True, exist_ok=True)
    phase = 2 * np.pi * (np.arange(30) / 10 * draw.uniform(0.3, 0.9) + draw.random())
    bend = np.abs(np.sin(phase))[:, None, None]
    still = np.random.default_rng(5).uniform(-0.9, 0.9, (2, points, 3))
    joints = still[0] + 0.3 * bend * still[1] + 0.002 * draw.normal(size=(30, points, 3))
    np.save(folder / "joints3d.npy", joints)
    pixels = np.array([540, 960]) + np.array([300, 300]) * joints[:, :, :2]
    np.save(folder / "joints2d.npy", pixels.astype(np.float32))
    muscles = 20 + 90 * bend[:, 0] * np.linspace(0.2, 1, 8)
    np.save(folder / "emgvalues.npy", np.round(muscles + draw.uniform(0, 4, (30, 8))))
    np.save(folder / "emgvaluesstd.npy", draw.normal(size=(30, 8)))
    np.save(folder / "predcam.npy", draw.normal(size=(30, 3)))


def write_mia(
    root: Path,
    people: int = 2,
    exercises: Sequence[str] = EXERCISES,
    train: int = 5,
    val: int = 2,
) -> Path:
    """Write so many windows of each person and exercise; gives the folder of the windows."""
    inner = root / "MIADatasetOfficial"
    for person in range(people):
        for place, exercise in enumerate(exercises):
            for number in range(train + val):
                part = "train" if number < train else "val"
                folder = inner / part / f"Subject{person}" / exercise / str(number)
                write_window(folder, (person, place, number))
    return inner
