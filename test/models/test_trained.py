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

"""Models of every architecture: how they begin, their files, and what they estimate."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from kpm_ros.models.card import CardError
from kpm_ros.models.pianokpm.published import MUSCLES, RATE_HZ, UNIT, published_card
from kpm_ros.models.registry import architectures, find_architecture
from kpm_ros.models.trained import Trained, load
from kpm_ros.models.weight_files import ModelFileError, save_model
from support.bodies import exercising
from support.models import LARGE, light, listed, made_examples, one_pass, playing, signal
from support.streams import fitting

MODELS = [name for name in architectures() if name not in LARGE]
NETWORKS = [name for name in MODELS if not find_architecture(name).fitted]
CARD = published_card(architecture="pianokpm-light")
EXAMPLES = made_examples(CARD)
PLAYING = playing(published_card(architecture="touchnet"), 3000)


def new_card(name, **fields):
    one = find_architecture(name)
    rate_hz = one.grid_rate_hz or RATE_HZ
    given = {"streams": fitting(one), "muscles": MUSCLES, "unit": UNIT, "rate_hz": rate_hz}
    return one.new_card(**given | fields)


def moving(card, samples):
    """Rows of what the card's model sees."""
    return PLAYING[:samples] if card.streams == listed() else exercising(card, samples)


def tensors_of(network):
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def made(name):
    one, card = find_architecture(name), new_card(name)
    if one.fitted:
        return one.fit(card, EXAMPLES)
    return card, tensors_of(one.initial_network(card, [], 0))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_from_its_file_and_estimates_alike(name, tmp_path):
    card, tensors = made(name)
    path = tmp_path / "model.safetensors"
    save_model(path, card, tensors)
    again = load(path)
    assert again.card == card
    assert again.architecture.name == name
    assert again.parameters == sum(tensor.size for tensor in tensors.values())
    values = moving(card, 50 if again.architecture.own_windows else 1500)
    effort = again.estimate(values)
    assert effort.shape == (len(values), 6)
    expected = Trained(card, tensors).estimate(values)
    assert np.abs(effort - expected).max() < 0.02 * max(1, np.abs(expected).max())
    single = {array.dtype for array in load_file(path).values()} == {np.dtype(np.float32)}
    assert single == again.architecture.fitted


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_seed_gives_the_same_weights_and_leaves_other_draws_alone(name):
    one, card = find_architecture(name), new_card(name)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, second = (tensors_of(one.initial_network(card, [], 1)) for _ in range(2))
    assert torch.rand(1) == expected
    assert all(np.array_equal(first[key], second[key]) for key in first)
    other = tensors_of(one.initial_network(card, [], 2))
    assert any(not np.array_equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("name", ["mia-cnn", "mia-transformer", "neuropose"])
def test_a_compared_network_begins_about_the_mean_effort(name):
    one, card = find_architecture(name), new_card(name)
    mean = np.concatenate([example.effort for example in EXAMPLES]).mean(axis=0)
    errors = []
    for network in (one.initial_network(card, EXAMPLES, 1), one.initial_network(card, [], 1)):
        effort = Trained(card, tensors_of(network)).estimate_alone(EXAMPLES[0].rows)
        errors.append(np.abs(effort.mean(axis=0) - mean).max())
    assert errors[0] < 0.05
    assert errors[1] > 2 * errors[0]


def test_a_streamed_model_sees_the_end_held_in_a_recording_and_nothing_in_a_window():
    card, tensors = light()
    model, values = Trained(card, tensors), signal(card, 400)
    held = np.concatenate([values, np.repeat(values[-1:], 31, 0)])
    estimate = model.estimate(values)
    assert estimate == pytest.approx(one_pass(card, tensors, held)[:400].clip(0), abs=1e-4)
    assert (estimate == 0).any()
    alone = one_pass(card, tensors, values)
    assert model.estimate_alone(values) == pytest.approx(alone, abs=1e-4)
    assert model.estimate_in_hops(values)[:369] == pytest.approx(estimate[:369], abs=1e-6)


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
        ("shape", r"has shape \(7,\) where the model's card asks for \(6,\)"),
        ("nan", "values that are not finite"),
    ],
)
def test_a_file_that_does_not_fit_its_card_is_refused(how, says, tmp_path):
    card, tensors = made("neuropose")
    path = tmp_path / "model.safetensors"
    save_model(path, card, tensors)
    stored = load_file(path)
    spoilt(stored, how)
    save_file(stored, path, metadata=card.to_metadata())
    with pytest.raises(ModelFileError, match=says):
        load(path)


def test_a_network_is_not_fitted_and_a_baseline_is_no_network():
    with pytest.raises(CardError, match="ridge is fitted in one go"):
        find_architecture("ridge").network(new_card("ridge"))
    with pytest.raises(CardError, match="mia-cnn is a network"):
        find_architecture("mia-cnn").fit(new_card("mia-cnn"), EXAMPLES)
