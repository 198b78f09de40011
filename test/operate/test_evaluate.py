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

"""`kpm evaluate` on a tiny data set."""

from __future__ import annotations

import json

import pytest

from kpm_ros.cli import main
from kpm_ros.learn.scores import excerpt_plot
from kpm_ros.learn.scores.metrics import rmse
from kpm_ros.learn.scores.score_table import read_score_table
from support.performances import write_release


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_release(tmp_path_factory.mktemp("set"))


def test_the_table_the_files_and_the_picture_come_of_one_command(data, tmp_path, capsys):
    words = ["--models", "mean", "linear=ridge", "--otd-points", "50"]
    files = {"--json": tmp_path / "a" / "table.json", "--markdown": tmp_path / "table.md"}
    words += [str(word) for pair in files.items() for word in pair]
    words += ["--figure", str(tmp_path / "excerpt.png"), "--excerpt", "t1_p3_a:0.5-2"]
    assert main(["evaluate", str(data), *words]) == 0
    text = capsys.readouterr().out
    table = read_score_table(tmp_path / "a" / "table.json")
    assert [model.name for model in table.models] == ["mean", "linear"]
    assert table.splits == ("test", "test_cross_user")
    assert not table.simulated
    assert text.startswith("Recorded people")
    assert "Unseen people" in text
    assert "| linear | pose+keys |" in (tmp_path / "table.md").read_text()
    assert (tmp_path / "excerpt.png").read_bytes().startswith(b"\x89PNG")


def test_a_simulated_data_set_makes_a_simulated_table(data, capsys):
    manifest = data / "simulated" / "dataset.json"
    manifest.parent.mkdir()
    manifest.write_text(json.dumps({"request": {"pianists": 3}}))
    try:
        assert main(["evaluate", str(data), "--models", "mean", "--split", "test"]) == 0
    finally:
        manifest.unlink()
        manifest.parent.rmdir()
    text = capsys.readouterr().out
    assert text.startswith("SIMULATED hands and muscles")
    assert "Data: simulated: pianists 3" in text
    assert "test_cross_user" not in text


@pytest.mark.parametrize("seed", ["1", None])
def test_people_of_the_shipped_models_training_are_no_test_for_them(seed, tmp_path, capsys):
    """Whoever simulates with their seed meets them again, however much or little is asked for."""
    words = ["--pianists", "2", "--tasks", "1", "--takes", "1", "--hours", "0.0012"]
    words += ["--body", "plain", "--workers", "1", "--out", str(tmp_path)]
    assert main(["simulate", *words, *(["--seed", seed] if seed else [])]) == 0
    table = tmp_path / "table.json"
    words = ["--models", "mean", "touchnet-sim", "--split", "test_cross_user"]
    assert main(["evaluate", str(tmp_path), *words, "--json", str(table)]) == 0
    mean, shipped = read_score_table(table).models
    assert [one.performance for one in mean.scores["test_cross_user"]] == ["t1_p2_1"]
    text = capsys.readouterr().out
    if seed:
        assert list(shipped.met["test_cross_user"]) == ["t1_p2_1"]
        assert not shipped.scores["test_cross_user"]
        assert "touchnet-sim (seen in training)" in text
    else:
        assert not shipped.met["test_cross_user"]
        assert shipped.scores["test_cross_user"]
        assert "seen in training" not in text


def test_published_windows_can_be_asked_for(data, capsys):
    words = ["--models", "mean", "--split", "test", "--protocol", "published"]
    assert main(["evaluate", str(data), *words]) == 0
    assert "Protocol `published`: separate windows of a second" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--models", "lstm"], "no model named 'lstm'"),
        (["--models", "mean", "mean"], "two models are called 'mean'"),
        (["--split", "test_cross_task"], "no recordings in 'test_cross_task'"),
        (["--split", "holdout"], "no recordings in 'holdout'"),
        (["--otd-points", "0"], "--otd-points must be at least 1, not 0"),
        (["--excerpt", "t1_p3_a"], "--excerpt says what --figure FILE is to show"),
        (["--figure", "excerpt.txt"], "excerpt.txt is to be a picture"),
        (["--figure", "x.png", "--excerpt", "t1_p3_a:5"], "'t1_p3_a:5' names no excerpt"),
        (["--figure", "x.png", "--excerpt", "t1_p3_a:7-9"], "t1_p3_a is 3.0 s long"),
        (["--figure", "x.png", "--excerpt", "t9_p9_z"], "t9_p9_z"),
        (["--split-file", "other.json"], "other.json"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(data, words, says, capsys):
    given = words if "--models" in words else ["--models", "mean", *words]
    assert main(["evaluate", str(data), *given]) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.err.count("\n") == 1
    assert not captured.out


def test_a_folder_that_is_no_data_set_is_refused(tmp_path, capsys):
    assert main(["evaluate", str(tmp_path / "nothing"), "--models", "mean"]) == 2
    assert "nothing" in capsys.readouterr().err


def test_the_picture_is_of_the_models_estimates(data, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(excerpt_plot, "draw_excerpt", lambda *given: drawn.append(given))
    words = ["--models", "mean", "linear=ridge", "--split", "test", "--protocol", "published"]
    words += ["--otd-points", "50", "--figure", str(tmp_path / "x.png"), "--excerpt", "t1_p3_a:1-2"]
    assert main(["evaluate", str(data), *words]) == 0
    _, shown, excerpt, estimates, simulated = drawn[0]
    assert (shown.name, excerpt.samples(1024), simulated) == ("t1_p3_a", slice(1024, 2048), False)
    assert list(estimates) == ["mean", "linear"]
    for rate_hz, effort in estimates.values():
        assert rate_hz == 1024
        assert effort.shape == shown.effort.shape
        assert rmse(shown.effort, effort) < 0.2
        assert effort.mean() > 0.05
