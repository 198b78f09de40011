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

"""`kpm simulate`: what it says, what it refuses, and how an interruption ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from kpm_ros.cli import main

SMALL = ["--pianists", "2", "--tasks", "1", "--takes", "1", "--hours", "0.00112", "--body", "plain"]


def simulate(*words: str) -> int:
    return main(["simulate", *SMALL, *words])


def test_a_data_set_is_made_and_found_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--out", str(tmp_path / "set"), "--workers", "1"]
    assert simulate(*words) == 0
    assert json.loads((tmp_path / "set/dataset_held_out.json").read_text())["train"]
    said = capsys.readouterr().out
    assert "SIMULATED" in said
    assert "2 simulated performances" in said
    assert simulate(*words) == 0
    assert "2 of them were there already" in capsys.readouterr().out


def test_rooms_are_written_into_a_container(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--out", str(tmp_path / "set"), "--workers", "1", "--rooms", "published"]
    assert simulate(*words, "--rooms-a-take", "2") == 0
    assert json.loads((tmp_path / "set/dataset.json").read_text())["simulated"]
    assert len(list((tmp_path / "set/recordings").iterdir())) == 4
    assert "each in 2 published room(s)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--hours", "0"], "hours is 0.0, but must be above 0"),
        (["--held-out-tasks", "a"], "--held-out-tasks is 'a'"),
        (["--held-out-tasks", "4"], "task 4 cannot be held out"),
        (["--workers", "0"], "workers is 0, but must be at least 1"),
        (["--midi", "nothing.mid"], "nothing.mid"),
        (["--persons", "2"], "--persons is an option of --subject body: leave it away"),
        (["--rooms-a-take", "2"], "give --rooms, too"),
        (["--rooms", "random", "--rooms-a-take", "0"], "rooms-a-take is 0"),
        (["--subject", "body"], "--pianists is an option of --subject hand or hands: leave it"),
        (["--subject", "hands"], "--tasks is an option of --subject hand: leave it away"),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert simulate("--out", str(tmp_path / "set"), *words) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "set").exists()


def test_other_arguments_do_not_touch_a_data_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--out", str(tmp_path / "set"), "--workers", "1"]
    assert simulate(*words) == 0
    assert simulate(*words, "--seed", "5") == 2
    assert "begun with seed 2, not 5" in capsys.readouterr().err


def test_a_missing_library_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_mujoco(*arguments: object) -> None:
        raise ModuleNotFoundError("No module named 'mujoco'", name="mujoco")

    monkeypatch.setattr("kpm_ros.simulate.release.pianists.make", without_mujoco)
    assert simulate("--out", str(tmp_path / "set"), "--workers", "1") == 2
    assert "needs the library mujoco" in capsys.readouterr().err


def test_ctrl_c_is_the_main_processes_affair_and_ends_all_of_them(tmp_path: Path) -> None:
    out = tmp_path / "set"
    command = [sys.executable, "-m", "kpm_ros.cli", "simulate", "--out", str(out), "--body"]
    command += ["plain", "--pianists", "20", "--tasks", "7", "--takes", "1", "--hours", "0.08"]
    reader, writer = os.pipe()
    started = subprocess.Popen(
        [*command, "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        pass_fds=[writer],
    )
    os.close(writer)
    assert started.stdout is not None
    assert "SIMULATED" in started.stdout.readline()
    assert "of 140 performances" in started.stdout.readline()
    for child in psutil.Process(started.pid).children(recursive=True):
        child.send_signal(signal.SIGINT)
    more = [started.stdout.readline() for _ in range(6)]
    assert all("of 140 performances" in line for line in more)
    # As a terminal does, to every process of the command.
    os.killpg(started.pid, signal.SIGINT)
    said = started.stdout.read()
    assert started.wait() == 130
    assert os.read(reader, 1) == b""
    os.close(reader)
    started.stdout.close()
    assert "Traceback" not in said
    assert "goes on from here" in said
