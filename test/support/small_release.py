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

"""A data set in the published layout, small enough to train on within a test."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np

SPLITS = {
    "train": ["t1_p1_1", "t1_p2_1", "t2_p1_1"],
    "val": ["t1_p1_2"],
    "test": ["t2_p2_1"],
    "test_cross_user": ["t1_p3_1"],
    "test_cross_task": [],
}
SECONDS = 4
"""Of each performance to train on; the others last one second."""


def write_release(folder: Path, simulated: bool = True, seconds: int = SECONDS) -> Path:
    """Write performances whose effort follows a hand and five keys under it."""
    for number, name in enumerate(dict.fromkeys(n for names in SPLITS.values() for n in names)):
        length = seconds if name in SPLITS["train"] else 1
        _write_performance(folder, name, number, length)
    for split_file in ("dataset_held_out.json", "dataset_architectural.json"):
        (folder / split_file).write_text(json.dumps(SPLITS))
    if simulated:
        (folder / "simulated").mkdir()
        manifest = {"simulated": True, "request": {"pianists": 3, "seed": 1}}
        (folder / "simulated" / "dataset.json").write_text(json.dumps(manifest))
    return folder


def _write_performance(folder: Path, name: str, seed: int, seconds: int) -> None:
    random = np.random.default_rng(seed)
    frames, samples = 60 * seconds, 1024 * seconds
    press = _smooth(random.random((samples, 5)) > 0.5, 120)
    keys = np.zeros((samples, 88), np.float32)
    keys[:, 40:45] = press
    effort = 0.1 + 0.3 * np.concatenate([press, press[:, :1]], axis=1)
    hand = np.repeat(press[np.arange(frames) * 1024 // 60], 4, axis=1)
    for view, shift in (("top", 0.3), ("right", 0.5)):
        points = np.full((frames, 21, 2), shift, np.float32)
        points[:, 1:, 1] += 0.02 * hand
        # The whole hand travels along the keyboard, much farther than its fingers move.
        points += 0.2 * np.sin(np.arange(frames) / 40 + seed)[:, None, None]
        points += random.normal(0, 0.002, points.shape)
        _dump(folder / "hand_data" / f"keyp_{view}" / f"{name}.pkl", points)
    _dump(folder / "keystroke_data" / f"{name}.pkl", keys)
    _dump(folder / "emg_data" / f"{name}.pkl", effort.astype(np.float32))


def _smooth(values: np.ndarray, width: int) -> np.ndarray:
    """Hold each draw for a while, then round the corners off."""
    held = np.repeat(values[::width].astype(np.float64), width, axis=0)[: len(values)]
    kernel = np.hanning(width)
    kernel /= kernel.sum()
    return np.stack([np.convolve(x, kernel, "same") for x in held.T], axis=1).astype(np.float32)


def _dump(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(np.asarray(array, np.float32), protocol=4))
