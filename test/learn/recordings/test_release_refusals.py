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

"""Data sets on disk that are wrong: each way is told in one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from support.releases import FOLDERS, NAME, fill, refusal, write


def test_a_missing_folder_is_named(root: Path, tmp_path: Path) -> None:
    assert "no data set at" in refusal(tmp_path / "nowhere")
    shutil.rmtree(root / "emg_data")
    assert "no emg_data/" in refusal(root)


def test_a_missing_view_is_named_with_those_there_are(root: Path) -> None:
    said = refusal(root, views=("top", "left"))
    assert "'left'" in said
    assert "right, top" in said


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_missing_file_is_named(root: Path, folder: str) -> None:
    (root / folder / f"{NAME}.pkl").unlink()
    said = refusal(root)
    assert folder in said
    assert f"lacks {NAME}.pkl" in said


@pytest.mark.parametrize(
    ("folder", "array", "said"),
    [
        ("hand_data/keyp_top", np.zeros((120, 20, 2)), "(120, 20, 2), but must be (frames, 21"),
        ("hand_data/keyp_top", np.zeros((120, 42)), "(120, 42)"),
        ("hand_data/keyp_right", np.zeros((120, 21, 1)), "(120, 21, 1)"),
        ("keystroke_data", np.zeros((2048, 87)), "(2048, 87), but must be (samples, 88)"),
        ("emg_data", np.zeros((2048, 8)), "(2048, 8), but must be (samples, 6)"),
        ("emg_data", np.zeros(2048), "(2048)"),
        ("emg_data", np.full((2048, 6), np.nan), "2048 rows"),
        ("keystroke_data", np.full((2048, 88), np.inf), "not numbers"),
        ("hand_data/keyp_top", np.full((120, 21, 2), np.nan), "row 0"),
        ("hand_data/keyp_top", np.zeros((240, 21, 2)), "different numbers of frames"),
        ("emg_data", np.zeros((4096, 6)), "do not belong together"),
        ("keystroke_data", np.zeros((0, 88)), "do not belong together"),
        ("emg_data", {"adm": 1}, "something else than arrays of numbers"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    root: Path, folder: str, array: object, said: str
) -> None:
    write(root, folder, array)
    assert said in refusal(root)


def test_a_performance_of_less_than_a_second_is_refused(root: Path) -> None:
    fill(root, frames=30, samples=512)
    assert "at least a second" in refusal(root)


def test_a_hostile_file_is_named(root: Path) -> None:
    (root / f"emg_data/{NAME}.pkl").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    said = refusal(root)
    assert f"emg_data/{NAME}.pkl" in said
    assert "posix.system" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[]", "no such table"),
        ("[" * 100_000, "not JSON"),
        ("{}", "names no recording"),
        ('{"train": []}', "names no recording"),
        ('{"train": "t1_p1_1"}', "must be a list"),
        ('{"train": [1]}', "must be a list"),
        ('{"train": ["scales.pkl"]}', "t<task>_p<pianist>_<take>"),
        ('{"train": ["../t1_p1_1/"]}', "t<task>_p<pianist>_<take>"),
        ('{"train": ["t1_p1_1"], "test": ["t1_p1_1.pkl"]}', "in 'train' and in 'test'"),
        ('{"val": ["t1_p1_1"], "train": ["t1_p1_1"]}', "in 'train' and in 'val'"),
        ('{"train": ["t1_p1_1", "t9_p9_9", "t9_p9_8"]}', "lacks t9_p9_9.pkl and 1 more"),
    ],
)
def test_a_broken_split_file_is_refused(root: Path, content: str, said: str) -> None:
    (root / "dataset_held_out.json").write_text(content)
    assert said in refusal(root)


def test_a_missing_split_file_is_told_with_those_there_are(root: Path) -> None:
    assert "there are dataset_held_out.json" in refusal(root, split_file="dataset_other.json")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"views": ()}, "views must"),
        ({"views": ("top", "top")}, "views must"),
        ({"image_size": (0, 720)}, "image_size must"),
    ],
)
def test_wrong_options_are_refused(root: Path, options: dict, said: str) -> None:
    assert said in refusal(root, **options)
