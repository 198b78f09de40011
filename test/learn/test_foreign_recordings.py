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

"""Recordings of any points, muscles and rates go from a container to scored models."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.cli import main
from kpm_ros.learn.recordings.container_writer import About, write_dataset
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.scores.score_table import read_score_table
from kpm_ros.models.trained import load
from kpm_ros.models.weight_files import read_card

ROOT = Path(__file__).resolve().parents[2]
KINDS = {"fingertips": (5, 100.0, 12), "body": (33, 30.0, 8)}
"""Points of a view, its frames a second, muscles."""


@pytest.fixture(scope="module", params=KINDS)
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the example writes, shorter."""
    example = runpy.run_path(str(ROOT / "examples" / "made_up_recordings.py"))
    example["made_up"].__globals__["SECONDS"] = 6
    about = About(name=request.param, simulated=True)
    folder = tmp_path_factory.mktemp("sets") / request.param
    return write_dataset(folder, about, example["made_up"](request.param), example["SPLITS"])


def train(data: Path, out: Path, *words: str) -> Path:
    short = ("--recipe", "quick", "--score-minutes", "0.01")
    assert main(["train", str(data), "--out", str(out), *short, *words]) == 0
    return out / "model.safetensors"


def test_a_foreign_data_set_is_trained_on_and_models_of_it_are_scored(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    points, rate_hz, muscles = KINDS[data.name]
    ridge = train(data, tmp_path / "ridge", "--model", "ridge")
    tiny = ("--window", "128", "--batch", "4", "--epochs", "0.5")
    words = ("--model", "pianokpm-light", *tiny, "--lookahead-s", "0.03", "--augment", "1")
    network = train(data, tmp_path / "network", *words)
    for path in (ridge, network):
        card = read_card(path)
        (view,) = card.streams
        assert (view.name, len(view.skeleton), view.rate_hz) == ("front", points, rate_hz)
        assert card.muscles == tuple(f"M{k + 1}" for k in range(muscles))
        assert (card.unit, card.rate_hz, card.lookahead) == ("made-up effort", 100, 3)
        assert "SIMULATED" in card.trained_on
        assert card.seen["people"]
    table = tmp_path / "table.json"
    models = ["mean", str(tmp_path / "ridge"), str(tmp_path / "network"), "--otd-points", "50"]
    picture = ["--figure", str(tmp_path / "excerpt.png"), "--excerpt", "p3_t1_1:1-3"]
    assert main(["evaluate", str(data), "--models", *models, "--json", str(table), *picture]) == 0
    mean, fitted, trained = read_score_table(table).models
    for split in ("test", "test_cross_user"):
        assert fitted.interval(split, "rmse").mean < 0.3 * mean.interval(split, "rmse").mean
        assert np.isfinite(trained.interval(split, "rmse").mean)
        assert list(fitted.muscles[split]) == list(card.muscles)
    assert {one.seconds for one in fitted.scores["test"]} == {6}
    text = capsys.readouterr().out
    assert "Unseen people (`test_cross_user`, 2 recordings" in text
    assert f"  M{muscles} " in text
    assert (tmp_path / "excerpt.png").read_bytes().startswith(b"\x89PNG")


def test_a_model_may_run_on_another_grid_than_its_data(data: Path, tmp_path: Path) -> None:
    card = load(str(train(data, tmp_path / "run", "--model", "ridge", "--rate-hz", "250"))).card
    assert (card.rate_hz, card.lookahead) == (250, 8)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["data"]["fingerprint"] == open_dataset(data).fingerprint
