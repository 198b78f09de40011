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

"""`kpm adapt`: what it writes, what it refuses to write, and what it says."""

from __future__ import annotations

import json

import pytest

from kpm_ros.cli import main
from kpm_ros.core.session_file import Session, Step, Take
from kpm_ros.models.weight_files import read_card
from support.people import few_features, write_people


@pytest.fixture(scope="module", autouse=True)
def _quick():
    with few_features():
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapt")
    write_people(folder / "set")
    train = ["train", str(folder / "set"), "--out", str(folder / "run"), "--model", "kernel"]
    assert main([*train, "--recipe", "quick", "--score-minutes", "0.2"]) == 0
    return folder


def adapt(place, *words, out="new.safetensors"):
    model = str(place / "run" / "model.safetensors")
    return main(["adapt", model, *words, "--out", str(place / out)])


def test_a_model_is_adapted_shown_and_written(place, capsys):
    assert adapt(place, str(place / "set"), "--person", "p5", "--json", str(place / "c.json")) == 0
    said = capsys.readouterr().out
    assert "SIMULATED" in said
    assert "within intervals" in said
    card = read_card(place / "new.safetensors")
    assert card.name.endswith("-p5")
    assert card.licence == "CC0-1.0"
    assert (place / "new.png").is_file()
    curve = json.loads((place / "c.json").read_text())
    assert curve[-1]["rmse"] < curve[0]["rmse"]


def test_what_became_worse_is_not_written(place, capsys, monkeypatch):
    monkeypatch.setattr("kpm_ros.learn.adaptation.gained.adapt", _spoilt(place))
    assert adapt(place, str(place / "set"), "--person", "p5", out="worse.safetensors") == 1
    assert "nothing was written" in capsys.readouterr().out
    assert not (place / "worse.safetensors").exists()


def _spoilt(place):
    from dataclasses import replace

    from kpm_ros.learn.adaptation.adapting import adapt as really

    def adapted(*given):
        found = really(*given)
        tensors = {**found.model.tensors, "readout.bias": found.model.tensors["readout.bias"] + 5}
        return replace(found, model=replace(found.model, tensors=tensors))

    return adapted


def test_rest_and_maximum_alone_make_a_model(place):
    levels = ["--rest", "FDS=0.01,EDC=0.01", "--mvc", "FDS=1,EDC=2"]
    assert adapt(place, "--person", "p5", *levels, out="levels.safetensors") == 0
    card = read_card(place / "levels.safetensors")
    assert card.levels == {"FDS": [0.01, 1.0], "EDC": [0.01, 2.0]}
    assert "was not looked at" in card.notes


def test_a_session_tells_rest_and_maximum(place, capsys):
    steps = (
        Step("rest", "rest", 5.0, "Rest."),
        *(Step("mvc", "mvc", 3.0, "Press.", muscle=name) for name in ("FDS", "EDC")),
    )
    takes = (
        Take(1, 1, "done", "takes/1", typical={"FDS": 2.0, "EDC": 3.0}),
        Take(2, 1, "done", "takes/2", strongest={"FDS": 80.0}),
        Take(3, 1, "skipped", "takes/3"),
    )
    (place / "session").mkdir()
    Session("P07", "short", steps, takes).write(place / "session")
    assert adapt(place, "--session", str(place / "session"), out="session.safetensors") == 0
    card = read_card(place / "session.safetensors")
    assert card.name.endswith("-P07")
    assert card.levels["FDS"] == [2.0, 80.0]
    assert "rest or maximum is not known: EDC" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "either to a data set's takes or to levels"),
        (("SET",), "--person CODE must say"),
        (("SET", "--person", "p5", "--seconds", "0"), "--seconds must be above 0"),
        (("SET", "--person", "nobody"), "nobody called 'nobody'"),
        (("SET", "--person", "p1"), "was trained on the take p1_3"),
        (("--person", "p5", "--rest", "FDS=0.1"), "rest and maximum are known of none"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(place, capsys, words, sentence):
    given = [str(place / "set") if word == "SET" else word for word in words]
    assert adapt(place, *given, out="none.safetensors") == 2
    assert sentence in capsys.readouterr().err
