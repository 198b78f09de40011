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

"""`kpm train` on a command line: what it refuses, and that it trains."""

from __future__ import annotations

import pytest

from kpm_ros.cli import main
from kpm_ros.learn.training.training_loop import TrainingLoop, TrainingStopped
from support.small_release import write_release


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_release(tmp_path_factory.mktemp("data"), seconds=1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--model", "big"], "there is no model 'big'"),
        (["--inputs", "emg"], "inputs are of pose, keys, not ['emg']"),
        (["--streams", "left"], "streams are of top, right, keys, not ['left']"),
        (["--streams", "top", "--inputs", "keys"], "have none in common"),
        (["--rate-hz", "-1"], "rate-hz must be 0 or more"),
        (["--lookahead-s", "-1"], "lookahead-s must be from 0 to 60"),
        (["--lookahead", "3", "--lookahead-s", "0.1"], "give one of them"),
        (["--lookahead", "32"], "look-ahead of 32 samples is outside"),
        (["--lookahead", "soon"], "invalid int value: 'soon'"),
        (["--drop-senses", "2"], "drop-senses must be from 0 to 1"),
        (["--drop-senses", "0.5", "--inputs", "keys"], "the inputs are keys alone"),
        (["--epochs", "0"], "epochs must be above 0"),
        (["--threads", "0"], "threads must be at least 1"),
        (["--window", "1000"], "give multiples of 256"),
        (["--recipe", "quick", "--window", "62"], "window of 62 samples is within"),
        (["--window", "102400"], "no recording is as long as a window"),
        (["--init-from", "none.safetensors"], "no weights file at none.safetensors"),
        (["--precision", "half"], "invalid choice: 'half'"),
        (["--recipe", "slow"], "invalid choice: 'slow'"),
        (["--split-file", "mine.json"], "mine.json"),
        (["--teacher-forcing", "--model", "neuropose"], "neuropose has no such decoder"),
        (["--accelerator", "abacus"], "abacus"),
        (["--devices", "many"], "many"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(data, tmp_path, capsys, words, sentence):
    try:
        status = main(["train", str(data), "--out", str(tmp_path / "run"), *words])
    except SystemExit as end:
        status = end.code
    said = capsys.readouterr().err
    assert status == 2
    assert sentence in said
    assert said.startswith("kpm train: ")
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_a_folder_that_is_not_there_is_named(tmp_path, capsys):
    assert main(["train", str(tmp_path / "none"), "--out", str(tmp_path / "run")]) == 2
    assert "there is no data set at" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_folder_that_cannot_be_written_is_named(data, tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    assert main(["train", str(data), "--out", str(tmp_path / "file")]) == 2
    assert "file is a file: give a folder" in capsys.readouterr().err


def test_it_trains_and_says_how_good_it_has_become(data, tmp_path, capsys):
    words = ["--model", "ridge", "--recipe", "quick"]
    assert main(["train", str(data), "--out", str(tmp_path / "run"), *words]) == 0
    said = capsys.readouterr().out
    assert "test_cross_user  RMSE 0." in said
    assert (tmp_path / "run" / "model.safetensors").is_file()


def test_a_stopped_training_says_how_to_go_on(data, tmp_path, capsys, monkeypatch):
    def stopped(*_):
        raise TrainingStopped

    monkeypatch.setattr(TrainingLoop, "run", stopped)
    words = ["train", str(data), "--out", str(tmp_path / "run"), "--model", "pianokpm-light"]
    monkeypatch.setattr("sys.argv", ["kpm", *words])
    assert main(words) == 130
    assert f"give the same command again:\n  kpm {' '.join(words)}" in capsys.readouterr().err


def test_every_setting_can_be_given(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    said = capsys.readouterr().out
    for option in ("--sinkhorn-points", "--patience", "--no-shifted", "--max-train-minutes"):
        assert option in said
    assert "[200; quick: 20]" in said.replace("\n", " ").replace("  ", " ")
