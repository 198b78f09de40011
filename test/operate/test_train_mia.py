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

"""`kpm train` on Muscles in Action's layout: its own recipes, and from muscles to pose."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.cli import main
from kpm_ros.learn.explore.pose_models import PoseModel
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.turned import turned
from kpm_ros.learn.scores.body_windows import windows_of
from kpm_ros.learn.scores.scored_models import find_scored_model
from kpm_ros.learn.training.training_settings import make_settings
from kpm_ros.models.mia.published import MUSCLES, joints
from kpm_ros.models.trained import load
from support.mia_sets import write_mia


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mia(tmp_path_factory.mktemp("mia"), train=8)


def trained(data: Path, out: Path, *words: str) -> dict:
    assert main(["train", str(data), "--out", str(out), *words]) == 0
    return json.loads((out / "config.json").read_text())["settings"]


@pytest.mark.parametrize(
    ("model", "learning_rate", "batch", "weight_decay"),
    [
        ("mia-iccv", 5e-5, 64, 0.01),
        ("mia-iccv-pose", 5e-4, 64, 0.01),
        ("mia-paper-transformer", 5e-6, 32, 0.0),
        ("mia-paper-cnn", 5e-6, 8, 0.0),
    ],
)
def test_the_published_recipe_is_the_models_own(
    model: str, learning_rate: float, batch: int, weight_decay: float
) -> None:
    one = make_settings("published", model=model)
    assert (one.learning_rate, one.batch, one.weight_decay) == (learning_rate, batch, weight_decay)
    assert (one.schedule, one.epochs, one.seed, one.sinkhorn) == ("constant", 100, 100, 0)
    assert (one.pose_timing, one.keep, one.overlap) == ("stamps", "last", 0)
    assert make_settings("published", model=model, seed=3).seed == 3
    assert make_settings("published", model="pianokpm") == make_settings("published")


def test_a_network_learns_by_its_recipe_and_says_what_it_was_trained_on(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = data / "train/Subject0/Squat/0/emgvalues.npy"
    kept = np.load(broken)
    np.save(broken, kept[:5])
    words = ["--model", "mia-paper-cnn", "--epochs", "30", "--learning-rate", "0.003"]
    settings = trained(data, tmp_path / "run", *words, "--split-file", "published")
    np.save(broken, kept)
    assert "left out 1 recording that cannot be used: `kpm dataset" in capsys.readouterr().out
    assert (settings["window"], settings["batch"], settings["keep"]) == (30, 8, "last")
    model = load(tmp_path / "run/model.safetensors")
    assert (model.card.rate_hz, model.card.streams.names) == (10, ("joints2d",))
    assert "the last step was kept" in model.card.trained_on
    # What was not chosen by is new to it.
    assert model.card.scores["test_rmse"] < 0.6 * model.card.scores["test_baseline_mean_rmse"]
    scores = json.loads((tmp_path / "run/scores.json").read_text())["splits"]
    assert scores["test"]["protocol"] == "published"
    assert scores["test"]["recordings"] == 8


def test_a_pose_is_learnt_from_muscles_without_another_loop(data: Path, tmp_path: Path) -> None:
    words = ["--model", "mia-iccv-pose", "--epochs", "2", "--batch", "14"]
    trained(data, tmp_path / "run", *words)
    model = load(tmp_path / "run/model.safetensors")
    assert model.card.muscles == joints(3).columns
    assert (model.card.unit, model.card.streams.names) == ("m", ("muscles", "person"))
    dataset = open_dataset(data)
    windows = [one for n in dataset.splits["test"] for one in windows_of(dataset.recording(n))]
    error = PoseModel.of("pose", model, dataset).error(windows).seen
    rmse = model.card.scores["test_rmse"]
    assert rmse < 0.6 * np.sqrt(np.mean([_square(dataset, name) for name in dataset.names]))
    assert rmse < error < 3**0.5 * 2 * rmse


def test_ours_learns_a_pose_from_muscles_far_better_than_the_mean_pose(
    data: Path, tmp_path: Path
) -> None:
    words = ["--recipe", "quick", "--epochs", "60", "--batch", "8"]
    trained(data, tmp_path / "run", "--model", "muscles-to-pose", *words)
    dataset = open_dataset(data)
    windows = [one for n in dataset.splits["test"] for one in windows_of(dataset.recording(n))]
    scored = [find_scored_model(word, dataset) for word in (str(tmp_path / "run"), "mean-pose")]
    ours, mean = (PoseModel.of(one.name, one.model, dataset).error(windows) for one in scored)
    assert ours.seen < 0.5 * mean.seen
    assert ours.turned is not None
    assert ours.turned < ours.seen


def _square(dataset, name: str) -> float:
    return float(np.square(dataset.recording(name).series[0].values).mean())


def test_a_data_set_turned_round_keeps_its_people_and_splits(data: Path) -> None:
    dataset = open_dataset(data)
    other = turned(dataset)
    name = dataset.splits["train"][0]
    before, after = dataset.recording(name), other.recording(name)
    assert (other.splits, after.person, after.task) == (dataset.splits, before.person, before.task)
    assert other.streams.names == ("muscles", "person")
    assert other.streams["muscles"].columns == MUSCLES
    assert np.array_equal(after.series[0].values, before.truth.values)
    assert np.array_equal(after.truth.values, before.series[0].values)
    assert (after.truth.muscles, after.truth.rate_hz) == (joints(3).columns, 10)
    assert other.fingerprint != dataset.fingerprint
    assert turned(dataset, "joints2d").unit == "fraction of the picture"
    with pytest.raises(ValueError, match="no view 'top' to turn round: joints3d, joints2d"):
        turned(dataset, "top")
