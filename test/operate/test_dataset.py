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

"""`kpm dataset` says what a data set holds, and what about it will hinder training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.cli import main
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import Channels, Landmarks
from kpm_ros.learn.recordings.container_writer import About, write_dataset
from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth

VIEW = Landmarks("front", find_skeleton("fingertips"), rate_hz=50.0)
FORCE = Channels("force", ("thumb",), "N", 100.0)


def made(name: str, **changes: object) -> Recording:
    person, task, take = name.split("_")
    random = np.random.default_rng(list(name.encode()))
    frames = random.random((100, VIEW.width))
    frames[:10] = np.nan
    series = (TimeSeries(VIEW, frames), TimeSeries(FORCE, random.random((200, 1))))
    truth = Truth(("FPL", "FDI"), "fraction of MVC", 100.0, random.random((200, 2)))
    return replace(Recording(name, person, task, take, series, truth), **changes)


def written(folder: Path, *recordings: Recording, **splits: list[str]) -> Path:
    about = About(name="hands", simulated=True)
    return write_dataset(folder / "set", about, recordings, splits, streams=(VIEW, FORCE))


def test_a_good_data_set_is_told_in_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["p1_grip_1", "p1_tap_1", "p2_tap_1"]
    splits = {"train": names[:1], "val": names[1:2], "test_cross_user": names[2:]}
    assert main(["dataset", str(written(tmp_path, *map(made, names), **splits))]) == 0
    said = capsys.readouterr().out
    assert "simulated: hands" in said
    assert "effort: FPL, FDI; fraction of MVC; 100 Hz" in said
    assert "3 recordings of 2 people doing 2 tasks" in said
    assert "splits.json: train 1 (0.0 min), val 1 (0.0 min), test_cross_user 1 (0.0 min)" in said
    front = next(line.split() for line in said.splitlines() if line.startswith(" front"))
    assert front[-5:] == ["3", "0.1", "50", "10.0%", "10.0%"]
    assert "problem" not in said


def test_what_hinders_training_is_said_in_sentences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = made("p1_grip_1").series[0]
    late = replace(late, stamps_s=1.5 + np.arange(100) / 25)
    still = np.zeros((200, 2))
    still[:, 1] = np.sin(np.arange(200))
    odd = made("p1_grip_1", series=(late,))
    odd = replace(odd, truth=replace(odd.truth, values=still))
    folder = written(
        tmp_path,
        odd,
        made("p1_tap_1"),
        made("p2_tap_1"),
        train=["p1_grip_1"],
        test_cross_user=["p1_tap_1"],
        test=["p2_tap_1"],
    )
    effort = folder / "recordings/p2_tap_1/effort.npy"
    np.save(effort, np.full((200, 2), np.nan, np.float32))
    assert main(["dataset", str(folder)]) == 1
    said = capsys.readouterr().out
    for problem in (
        "p1_grip_1: the stream 'front' says 50 frames a second, but its stamps say 25.0",
        "p1_grip_1: of the stream 'front' nothing is known for",
        "p1_grip_1: the effort of FPL never changes",
        "p1_grip_1: the effort of FDI goes down to -1, but envelopes are not negative",
        "p2_tap_1: the effort is not known in any sample",
        "splits.json has no recordings to choose the best step by ('val')",
        "splits.json: 1 recording(s) of 'test_cross_user', such as p1_tap_1, have a person that is",
    ):
        assert f"problem: {problem}" in said


def test_what_is_no_data_set_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", str(tmp_path)]) == 2
    assert "is no data set that can be read" in capsys.readouterr().err
