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

"""Models by name, and their files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from kpm_ros.learn.models import zoo
from kpm_ros.learn.models.zoo import ARCHITECTURES, build, fit, load, new_card, save, window_of
from safetensors.numpy import load_file, save_file

from kpm_ros.models.pianokpm.network import build_network
from kpm_ros.models.trained import Trained
from kpm_ros.models.weight_files import random_tensors
from support.performances import MadeRelease, make_performance

ONE = make_performance("t1_p1_a")
TRAINING = [ONE]
NETWORKS = [family.name for family in ARCHITECTURES.values() if family.kind == "network"]
WINDOWED = [family.name for family in ARCHITECTURES.values() if family.windowed]


def tensors_of(network):
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def made(name):
    card = new_card(name)
    if ARCHITECTURES[name].kind == "closed-form":
        return fit(card, TRAINING)
    return card, tensors_of(build(card, None, 0))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_model_comes_back_from_its_file_and_estimates_alike(name, tmp_path):
    card, tensors = made(name)
    path = tmp_path / "model.safetensors"
    save(path, card, tensors)
    again = load(path)
    assert again.card == card
    assert again.family.name == name
    assert again.parameters == sum(tensor.size for tensor in tensors.values())
    effort = again.estimate(ONE.pose(), ONE.keys)
    assert effort.shape == ONE.effort.shape
    assert np.abs(effort - Trained(card, tensors).estimate(ONE.pose(), ONE.keys)).max() < 0.02


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_seed_gives_the_same_weights_and_leaves_other_draws_alone(name):
    card = new_card(name)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, second = tensors_of(build(card, None, 1)), tensors_of(build(card, None, 1))
    assert torch.rand(1) == expected
    assert all(np.array_equal(first[key], second[key]) for key in first)
    other = tensors_of(build(card, None, 2))
    assert any(not np.array_equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("name", WINDOWED)
def test_a_compared_network_begins_about_the_mean_effort(name):
    card = new_card(name)
    mean = ONE.effort.mean(axis=0)
    errors = []
    for network in (build(card, TRAINING, 1), build(card, None, 1)):
        effort = Trained(card, tensors_of(network)).estimate(ONE.pose(), ONE.keys)
        errors.append(np.abs(effort.mean(axis=0) - mean).max())
    assert errors[0] < 0.05
    assert errors[1] > 2 * errors[0]


def test_fitting_to_a_data_set_uses_its_training_and_validation_parts():
    _, tensors = fit(new_card("mean"), MadeRelease())
    training = [make_performance(name).effort for name in MadeRelease.splits["train"]]
    assert tensors["mean"] == pytest.approx(np.concatenate(training).mean(axis=0), rel=1e-4)
    ridge, _ = fit(new_card("ridge"), MadeRelease())
    assert "chosen on the validation data" in ridge.notes


def test_a_streamed_model_sees_the_end_held_in_a_performance_and_nothing_in_a_window():
    card = new_card("pianokpm-light")
    tensors = random_tensors(card)
    model, network = Trained(card, tensors), build_network(card, tensors)
    pose, keys = ONE.pose()[:400], ONE.keys[:400]
    held = [np.concatenate([x, np.repeat(x[-1:], 31, 0)]) for x in (pose, keys)]

    def whole(*senses):
        with torch.inference_mode():
            rows = (torch.from_numpy(np.ascontiguousarray(x.T))[None] for x in senses)
            return network(*rows)[0].T.numpy()

    estimate = model.estimate(pose, keys)
    assert estimate == pytest.approx(whole(*held)[:400].clip(0), abs=1e-4)
    assert (estimate == 0).any()
    assert model.estimate_alone(pose, keys) == pytest.approx(whole(pose, keys), abs=1e-4)
    assert model.estimate_live(pose, keys)[:369] == pytest.approx(
        model.estimate(pose, keys)[:369], abs=1e-6
    )


def test_a_windowed_model_uses_the_middle_of_overlapping_windows():
    card = new_card("mia-cnn")
    network = build(card, None, 0).eval()
    model = Trained(card, tensors_of(network))
    pose, keys = ONE.pose(), ONE.keys

    def window(start):
        with torch.inference_mode():
            rows = (torch.from_numpy(x[start : start + 1024].T.copy())[None] for x in (pose, keys))
            return network(*rows)[0].T.numpy()

    effort = model.estimate_alone(pose, keys)
    assert effort[:768] == pytest.approx(window(0)[:768], abs=1e-5)
    assert effort[768:1280] == pytest.approx(window(512)[256:768], abs=1e-5)
    assert effort[-256:] == pytest.approx(window(len(pose) - 1024)[-256:], abs=1e-5)


def test_what_a_window_is_follows_from_the_look_ahead():
    assert window_of(new_card("neuropose")) == 1024
    assert window_of(new_card("neuropose", lookahead=383)) == 512
    assert window_of(new_card("pianokpm")) is None
    with pytest.raises(ValueError, match="191, 383, 575 or 767 samples and so on, not 31"):
        new_card("neuropose", lookahead=31)


def test_names_and_kinds_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="no model 'lstm': choose from mean, nearest"):
        new_card("lstm")
    with pytest.raises(ValueError, match="ridge is fitted in one go"):
        build(new_card("ridge"), None, 0)
    with pytest.raises(ValueError, match="mia-cnn is a network"):
        fit(new_card("mia-cnn"), TRAINING)
    with pytest.raises(ValueError, match="mean takes no inputs"):
        new_card("mean", inputs=("pose",))
    with pytest.raises(ValueError, match="not \\['sound'\\]"):
        new_card("mia-cnn", inputs=("sound",))
    with pytest.raises(ValueError, match="architecture 'lstm' is not known"):
        zoo.family_of(replace(new_card("mean"), architecture="lstm"))


def spoilt(tensors, how):
    if how == "missing":
        tensors.pop("muscles.bias")
    elif how == "extra":
        tensors["more"] = np.zeros(3, np.float32)
    elif how == "shape":
        tensors["muscles.bias"] = np.zeros(7, np.float32)
    else:
        tensors["muscles.bias"] = np.full(6, np.nan, np.float32)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("missing", "'muscles.bias' is missing"),
        ("extra", "'more' belongs to no layer"),
        ("shape", r"has shape \(7,\), not \(6,\)"),
        ("nan", "other than finite numbers"),
    ],
)
def test_a_file_that_does_not_fit_its_card_is_refused(how, says, tmp_path):
    card, tensors = made("neuropose")
    path = tmp_path / "model.safetensors"
    save(path, card, tensors)
    stored = load_file(path)
    spoilt(stored, how)
    save_file(stored, path, metadata=card.to_metadata())
    with pytest.raises(ValueError, match=says):
        load(path)


def test_nothing_is_left_of_a_file_that_could_not_be_written(tmp_path):
    card, tensors = made("mia-cnn")
    tensors["convs.4.bias"] = np.full(6, 1e6, np.float32)
    with pytest.raises(ValueError, match="beyond float16"):
        save(tmp_path / "model.safetensors", card, tensors)
    assert not list(tmp_path.iterdir())
