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

"""`kpm import` as a user types it: a checkpoint as published in, a model that runs out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kpm_ros import cli
from kpm_ros.core.registration import Registration
from kpm_ros.models.card import ModelCard
from kpm_ros.models.pianokpm.published import published_card, published_streams
from kpm_ros.models.pianokpm.shapes import tensor_table
from kpm_ros.models.pianokpm.stream import PianoKPMStream
from kpm_ros.models.weight_files import load_model, random_tensors
from kpm_ros.pipeline_options import simulated_room

torch = pytest.importorskip("torch")

LIGHT = published_card(architecture="pianokpm-light")


def published(path: Path, card: ModelCard, wrapped: bool = True) -> dict[str, np.ndarray]:
    """Write a checkpoint as training PianoKPM leaves it; gives its tensors under our names."""
    tensors = random_tensors(card)
    state = {
        f"model.{spec.published}": torch.from_numpy(tensors[name]).half()
        for name, spec in tensor_table(card).items()
    }
    if "pose" in card.streams.senses:  # listed a second time, under another name
        again = state["model.network.pose_conv.0.conv.0.bias"]
        state["model.network.pose_tds.0.conv.0.bias"] = again
    torch.save({"epoch": 200, "state_dict": state} if wrapped else state, path)
    return tensors


def imported(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run `kpm import`, and give what it says."""
    assert cli.main(["import", *map(str, words)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_a_published_checkpoint_becomes_a_model_that_gives_the_same_effort(
    tmp_path, capsys
) -> None:
    source, target = tmp_path / "epoch_200.pth", tmp_path / "new" / "studio.safetensors"
    tensors = published(source, published_card())
    words = ["--trained-on", "PianoKPM, architectural split", "--licence", "CC-BY-4.0"]
    said = imported(capsys, source, target, *words)
    for fact in ("studio", "pianokpm-net", "PianoKPM, architectural split", "CC-BY-4.0"):
        assert fact in said

    card, loaded = load_model(target)
    assert card == published_card(name="studio", trained_on=words[1], licence=words[3])
    random = np.random.default_rng(0)
    values = random.random((60, card.streams.width), np.float32)
    efforts = []
    for weights in (tensors, loaded):
        estimator = PianoKPMStream(card, weights)
        estimator.reset(0)
        efforts.append(estimator.push(values))
    assert np.array_equal(*efforts)

    assert cli.main(["info", str(target)]) == 0
    assert capsys.readouterr().out == said


def test_what_the_user_says_of_the_checkpoint_goes_on_its_card(tmp_path, capsys) -> None:
    source, target = tmp_path / "net.pth", tmp_path / "net.safetensors"
    published(
        source,
        replace(LIGHT, streams=published_streams(("top",)), muscles=("ADM", "PB")),
        wrapped=False,
    )
    imported(capsys, source, target, "--views", "left", "--muscles", "PB, ADM", "--name", "mine")
    card = load_model(target)[0]
    assert (card.name, card.streams.views, card.muscles) == ("mine", ("left",), ("PB", "ADM"))


def test_the_cameras_of_its_training_go_on_its_card(tmp_path, capsys) -> None:
    source, target = tmp_path / "net.pth", tmp_path / "net.safetensors"
    published(source, LIGHT)
    imported(capsys, source, target, "--cameras", simulated_room())
    known = Registration.read(simulated_room()).cameras
    card, tensors = load_model(target)
    assert {view.name: view.camera for view in card.streams.landmarks} == {
        view: one.camera for view, one in known.items()
    }
    assert tensors
    other = tmp_path / "other.yaml"
    Registration({"left": known["top"]}).write(other)
    words = ["import", str(source), str(tmp_path / "more.safetensors"), "--cameras", str(other)]
    assert cli.main(words) == 2
    assert "are of the views left, but the model more takes pictures of top" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "more.safetensors").exists()


def test_weights_are_kept_as_exactly_with_cameras_as_without(tmp_path, capsys) -> None:
    source = tmp_path / "net.pth"
    published(source, LIGHT)
    checkpoint = torch.load(source)
    fine = {name: 1.0001 * values.float() for name, values in checkpoint["state_dict"].items()}
    torch.save({**checkpoint, "state_dict": fine}, source)
    imported(capsys, source, tmp_path / "placed.safetensors", "--cameras", simulated_room())
    imported(capsys, source, tmp_path / "plain.safetensors")
    placed, plain = (
        load_model(tmp_path / f"{name}.safetensors")[1] for name in ("placed", "plain")
    )
    for name, values in plain.items():
        np.testing.assert_array_equal(placed[name], values)


def test_views_that_the_checkpoint_has_not_are_refused(tmp_path, capsys) -> None:
    source, target = tmp_path / "net.pth", tmp_path / "net.safetensors"
    published(source, replace(LIGHT, streams=published_streams(("top",), keys=False)))
    assert cli.main(["import", str(source), str(target), "--views", "top,right"]) == 2
    sentence = capsys.readouterr().err
    assert "has shape (128, 42, 11) where (128, 84, 11) is due" in sentence
    assert len(sentence.splitlines()) == 1
    assert not target.exists()
