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

"""`kpm evaluate --report mia`, and the series of trainings that it scores."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kpm_ros.cli import main
from kpm_ros.learn.scores.mia_report import read_mia_report
from support.body_set import SPLITS, make_body, write_bodies


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_bodies(tmp_path_factory.mktemp("set"))


def rmse(names, estimate):
    """By hand: the root of the mean square at 10 Hz of the whole windows of 3 s."""
    truth = np.concatenate([make_body(*_parts(name)).truth.values[:120:2] for name in names])
    return np.sqrt(np.mean((truth.astype(np.float64) - estimate) ** 2))


def _parts(name):
    person, exercise, take = name.split("_")
    return int(person[1:]), exercise, int(take)


def test_the_tables_come_of_one_command_and_are_what_they_say(data, tmp_path, capsys):
    files = ["--json", str(tmp_path / "r.json"), "--markdown", str(tmp_path / "r.md")]
    words = ["--models", "mean", "ridge", "--lengths", "--length-windows", "2", *files]
    assert main(["evaluate", str(data), "--report", "mia", *words]) == 0
    text = capsys.readouterr().out
    assert text.startswith("SIMULATED bodies and muscles")
    assert "| FrontKick | 4 |" in (tmp_path / "r.md").read_text()
    report = read_mia_report(tmp_path / "r.json")
    assert list(report.exercises) == ["test", "test_cross_user", "test_cross_task"]
    mean = np.mean(
        np.concatenate([make_body(*_parts(name)).truth.values for name in SPLITS["train"]]), axis=0
    )
    scores = report.exercises["test"]["mean"]
    assert scores.pooled == pytest.approx(rmse(SPLITS["test"], mean), rel=1e-4)
    squats = [name for name in SPLITS["test"] if "Squat" in name]
    assert scores.rmse["Squat"] == pytest.approx(rmse(squats, mean), rel=1e-4)
    assert scores.windows == {"FrontKick": 4, "Squat": 4}
    assert report.exercises["test"]["ridge"].pooled < 0.5 * scores.pooled
    assert report.lengths.windows == 2
    assert len(set(report.lengths.rmse["mean"])) == 1
    assert (report.protocol, report.people, report.unit) == ("windows", 3, "fraction of maximum")


def test_a_stream_without_ends_is_another_protocol(data, capsys):
    words = ["--models", "ridge", "--split", "test", "--protocol", "continuous", "--windows", "2"]
    assert main(["evaluate", str(data), "--report", "mia", *words]) == 0
    text = capsys.readouterr().out
    assert "Protocol continuous: whole recordings in one stream" in text
    assert "all, pooled" in text
    assert "test_cross_user" not in text


def test_models_that_met_no_such_exercise_are_trained_and_scored_together(data, tmp_path, capsys):
    runs = tmp_path / "folds"
    train = ["train", str(data), "--out", str(runs), "--leave-out", "exercise", "--model", "ridge"]
    assert main(train) == 0
    capsys.readouterr()
    # What was trained is kept; a fold that is lost is trained again, alone.
    before = (runs / "without-Squat" / "model.safetensors").stat().st_mtime_ns
    (runs / "without-FrontKick" / "scores.json").unlink()
    assert main(train) == 0
    said = capsys.readouterr().out
    assert "1 of 2 trainings" in said
    assert "training 1 of 2: without-FrontKick" in said
    assert (runs / "without-Squat" / "model.safetensors").stat().st_mtime_ns == before

    table = tmp_path / "r.json"
    words = ["--models", "mean", f"ridge={runs}", "--split", "test", "--json", str(table)]
    assert main(["evaluate", str(data), "--report", "mia", *words]) == 0
    scores = read_mia_report(table).exercises["left_out_exercise"]["ridge"]
    assert set(scores.rmse) == {"FrontKick", "Squat"}
    # Of the three known people's recordings of it, whatever list they were on.
    assert scores.windows["Squat"] == 2 * 5
    assert not scores.met
    members = json.loads((runs / "series.json").read_text())["members"]
    assert not any("Squat" in name for name in members["without-Squat"]["splits"]["train"])


def test_a_new_person_is_learnt_from_ever_more_exercises(data, tmp_path, capsys):
    base, runs, table = tmp_path / "base", tmp_path / "new", tmp_path / "r.json"
    quick = ["--model", "mia-cnn", "--recipe", "quick", "--epochs", "2", "--batch", "8"]
    assert main(["train", str(data), "--out", str(base), *quick]) == 0
    model = str(base / "model.safetensors")
    words = [*quick, "--transfer", "auto", "--init-from", model, "--budget-min", "4"]
    assert main(["train", str(data), "--out", str(runs), *words, "--exercises", "1,2"]) == 0
    assert "training 4 of 4: 02-fine-tuned" in capsys.readouterr().out
    (runs / "01-from-scratch" / "scores.json").unlink()
    words = ["--models", "mean", "--split", "test", "--transfer", str(runs), "--json", str(table)]
    assert main(["evaluate", str(data), "--report", "mia", *words]) == 0
    transfer = read_mia_report(table).transfer
    assert (transfer.person, transfer.exercises, transfer.base) == ("p4", (1, 2), "model")
    assert transfer.from_scratch[0] is None
    found = (transfer.from_scratch[1], *transfer.fine_tuned, transfer.before)
    assert len(set(found)) == 4
    config = json.loads((runs / "02-fine-tuned" / "config.json").read_text())
    assert config["settings"]["time_limit_min"] == 1
    assert config["settings"]["init_from"] == model
    assert not set(transfer.tested) & {name.split("_")[1] for name in config["data"]["trained_on"]}
    # The base must not know the person.
    known = ["--transfer", "p1", "--init-from", model, "--exercises", "1"]
    assert main(["train", str(data), "--out", str(tmp_path / "p1"), *quick, *known]) == 2
    assert "has met the person 'p1' in training" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--lengths"], "--lengths is of --report mia"),
        (["--protocol", "windows"], "accuracy has the protocols continuous and published"),
        (["--report", "mia", "--protocol", "published"], "the protocols windows and continuous"),
        (["--report", "mia", "--windows", "-1"], "--windows must be 0 or more"),
        (["--report", "mia", "--figure", "x.png"], "draws no excerpt"),
        (["--report", "mia", "--transfer", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_reported_is_said_in_a_sentence(data, words, says, capsys):
    assert main(["evaluate", str(data), "--models", "mean", *words]) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert not captured.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--leave-out", "exercise", "--which", "Jump"], "no exercise 'Jump' to leave out: F"),
        (["--leave-out", "exercise", "--transfer", "p4"], "two series"),
        (["--which", "Squat"], "--which says what --leave-out is to leave out"),
        (["--budget-min", "5"], "--budget-min is of a series"),
        (["--transfer", "p4", "--exercises", "3"], "so 1 to 2 can"),
        (["--transfer", "p9"], "0 exercises of the person 'p9'"),
        (["--transfer", "p4", "--exercises", "few"], "must be numbers such as 1,2,4"),
    ],
)
def test_a_series_that_cannot_be_trained_is_refused(data, words, says, tmp_path, capsys):
    out = str(tmp_path / "runs")
    assert main(["train", str(data), "--out", out, "--model", "ridge", *words]) == 2
    assert says in capsys.readouterr().err


def test_a_folder_of_another_series_is_refused(data, tmp_path, capsys):
    words = ["train", str(data), "--out", str(tmp_path), "--model", "mean"]
    assert main([*words, "--leave-out", "person", "--which", "p1"]) == 0
    assert main([*words, "--leave-out", "person", "--which", "p2"]) == 2
    assert "holds another series of trainings" in capsys.readouterr().err
