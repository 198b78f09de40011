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

"""A small data set in the published layout, as a lab might have written it."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.learn.recordings.pianokpm_release import open_release

NAME = "t1_p1_1"
FOLDERS = ("hand_data/keyp_top", "hand_data/keyp_right", "keystroke_data", "emg_data")


def write(root: Path, folder: str, array: object, name: str = NAME) -> None:
    path = root / folder / f"{name}.pkl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(array))


def write_splits(root: Path, **splits: list[str]) -> None:
    (root / "dataset_held_out.json").write_text(json.dumps(splits))


def fill(root: Path, name: str = NAME, frames: int = 120, samples: int = 2048) -> None:
    draw = np.random.default_rng(frames)
    write(root, "hand_data/keyp_top", draw.random((frames, 21, 2)), name)
    write(root, "hand_data/keyp_right", draw.random((frames, 21, 3)), name)
    write(root, "keystroke_data", draw.random((samples, 88)), name)
    write(root, "emg_data", draw.random((samples, 6)), name)


def raw(root: Path, folder: str, name: str = NAME) -> np.ndarray:
    array: np.ndarray = pickle.loads((root / folder / f"{name}.pkl").read_bytes())
    return array


def refusal(root: Path, **options: object) -> str:
    """What is said when the data set is opened and all of it is looked at."""
    with pytest.raises(ValueError) as said:
        release = open_release(root, **options)  # type: ignore[arg-type]
        for name in release.names:
            release.recording(name)
    message = str(said.value)
    assert "\n" not in message
    return message
