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

"""Checkpoints of Muscles in Action as its code leaves them: imported whole, or refused."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from kpm_ros import cli
from kpm_ros.models.card import ModelCard
from kpm_ros.models.imported import convert_checkpoint, import_checkpoint
from kpm_ros.models.mia.published import FIRST_MUSCLES, MUSCLES
from kpm_ros.models.registry import find_architecture
from kpm_ros.models.trained import Trained, load
from kpm_ros.models.weight_files import ModelFileError
from support.mia_models import NETWORKS, network_of, new_card, rows_of, tensors_of


def published(card: ModelCard, network: nn.Module) -> dict[str, torch.Tensor]:
    """Name and shape tensors as the published code does, with the layers that it does not use."""
    own = network.state_dict()
    state: dict[str, torch.Tensor] = {}
    if card.architecture == "mia-paper-cnn":
        for name, value in own.items():
            kind, number, rest = name.split(".")
            if value.ndim == 3:
                value = value[:, None] if number == "0" else value[:, :, None]
            published_kind = "conv" if kind == "convs" else "bn"
            state[f"{published_kind}{int(number) + 1}.{rest}"] = value
        for number in (1, 2, 3):
            state[f"bn{number}.num_batches_tracked"] = torch.tensor(7)
        return state
    wide = own["conv.weight"].shape[0]
    at, pair = torch.arange(30.0)[:, None], torch.arange(0, wide, 2)
    angle = at / 10_000 ** (pair / wide)
    told = torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1)
    state["positional_encoder.pos_encoding"] = told[None]
    state["jointdim.weight"], state["jointdim.bias"] = torch.zeros(8, 128), torch.zeros(8)
    state["conv1.weight"], state["conv1.bias"] = own["conv.weight"][:, None], own["conv.bias"]
    state["bn.running_mean"], state["bn.num_batches_tracked"] = torch.zeros(128), torch.tensor(0)
    for name, value in own.items():
        if name.startswith("encoder."):
            state[name.replace("encoder.", "transformer0.", 1)] = value
        if name.startswith("encoder.layers.0."):
            state[name.replace("encoder.layers.0.", "encoder_layer.")] = torch.zeros_like(value)
    state["out0.weight"], state["out0.bias"] = own["last.weight"], own["last.bias"]
    return state


def save(path: Path, state: dict[str, torch.Tensor]) -> Path:
    """Save what the published training saves."""
    moments = {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 5e-5}]}
    arguments = argparse.Namespace(seed=100, learn_rate=5e-5, device="cuda", data_path=None)
    content = {"optimizer": moments, "epoch": 100, "train_args": arguments, "my_model": state}
    torch.save(content, path)
    return path


@pytest.fixture(scope="module", params=NETWORKS)
def made(request: pytest.FixtureRequest) -> tuple[ModelCard, nn.Module]:
    card = new_card(request.param)
    return card, network_of(card, seed=2)


def test_a_published_checkpoint_becomes_a_model_that_estimates_alike(made, tmp_path) -> None:
    card, network = made
    source = save(tmp_path / "model_100.pth", published(card, network))
    convert_checkpoint(source, tmp_path / "mia.safetensors", name="mia", licence="not stated")
    model = load(tmp_path / "mia.safetensors")
    first = card.architecture.startswith("mia-paper")
    assert model.architecture.name == card.architecture
    assert model.card.streams == card.streams
    assert model.card.unit == card.unit
    turned = card.muscles if card.architecture == "mia-iccv-pose" else MUSCLES
    assert model.card.muscles == (FIRST_MUSCLES if first else turned)
    expected = Trained(card, tensors_of(network)).estimate_alone(rows_of(card))
    assert np.array_equal(model.estimate_alone(rows_of(card)), expected)


@pytest.fixture(scope="module")
def pose() -> dict[str, torch.Tensor]:
    card = new_card("mia-iccv")
    return published(card, network_of(card))


def test_the_command_imports_what_was_released(pose, tmp_path, capsys) -> None:
    source, target = save(tmp_path / "model_100.pth", pose), tmp_path / "mia.safetensors"
    assert cli.main(["import", str(source), str(target), "--views", "front"]) == 0
    said = capsys.readouterr().out
    assert "stream front" in said
    assert "25 points of openpose-body25 in 3 dimensions in metres" in said
    assert "15 samples (1500.0 ms)" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"conv1.weight": torch.zeros(126, 1, 99, 9)}, "turns 99 columns into 8"),
        ({"out0.weight": torch.zeros(75, 128)}, "turns 75 columns into 75"),
        ({"conv1.weight": torch.zeros(126, 1, 75, 7)}, r"shape \(126, 1, 75, 7\) where"),
        ({"transformer0.layers.8.norm1.weight": torch.zeros(128)}, "which mia-iccv has not"),
        ({"transformer0.layers.7.norm1.weight": None}, "lacks the tensor"),
        ({"out0.bias": torch.full((8,), float("nan"))}, "not finite"),
        ({"out0.bias": torch.zeros(8, dtype=torch.int64)}, "not a plain array"),
        ({"conv1.bias": torch.zeros(1).expand(126)}, "repeats the numbers"),
        ({"positional_encoder.pos_encoding": torch.zeros(1, 30, 126)}, "other numbers than sines"),
        ({"positional_encoder.pos_encoding": torch.zeros(1, 29, 126)}, r"\(1, 30, 126\) is due"),
        ({"more.weight": torch.zeros(3)}, "holds 'more.weight', which mia-iccv has not"),
    ],
)
def test_a_checkpoint_of_another_network_is_refused_in_a_sentence(
    pose, tmp_path, change: dict, said: str
) -> None:
    state = {name: value for name, value in (pose | change).items() if value is not None}
    with pytest.raises(ModelFileError, match=said) as refusal:
        import_checkpoint(save(tmp_path / "model_100.pth", state))
    assert "\n" not in str(refusal.value)


def test_two_views_or_another_architecture_that_it_is_not_are_refused(pose, tmp_path) -> None:
    source = save(tmp_path / "model_100.pth", pose)
    with pytest.raises(ModelFileError, match="sees one view, but 2 are named: top, side"):
        import_checkpoint(source, views=("top", "side"))
    one, _ = import_checkpoint(source, muscles=tuple("abcdefgh"))
    assert one.muscles == tuple("abcdefgh")
    assert find_architecture("mia-iccv").live
