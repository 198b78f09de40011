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

"""The networks of Muscles in Action as published: their sizes, what they see, and live use."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from kpm_ros.core.streams import Streams
from kpm_ros.models.architecture import Stretch
from kpm_ros.models.card import CardError, ModelCard
from kpm_ros.models.mia.published import PERSONS
from kpm_ros.models.registry import find_architecture
from kpm_ros.models.trained import Trained
from support.mia_models import IMAGE, METRIC, NETWORKS, network_of, new_card, rows_of, tensors_of
from support.models import Made
from support.streams import stream

UNUSED = 593_024 + 256
"""Of each published Transformer: a layer that the others are copies of, and a normalisation."""


def parameters(card: ModelCard) -> int:
    return sum(parameter.numel() for parameter in network_of(card).parameters())


def test_the_networks_have_the_published_numbers_of_parameters() -> None:
    """A published Transformer also holds a last layer that it does not use."""
    assert parameters(new_card("mia-iccv")) + UNUSED + (128 * 8 + 8) == 5_424_712
    assert parameters(new_card("mia-iccv-pose")) + UNUSED + (126 * 8 + 8) == 5_357_361
    flat = new_card("mia-iccv", streams=Streams((IMAGE, PERSONS)))
    assert parameters(new_card("mia-iccv")) - parameters(flat) == 126 * 25 * 9
    assert parameters(new_card("mia-paper-transformer")) == (
        128 * 50 * 9 + 128 + 4 * 593_024 + 128 * 8 + 8
    )
    widths = (128, 64, 128, 64, 8)
    weights = 128 * 50 * 9 + 9 * (128 * 64 + 64 * 128 + 128 * 64 + 64 * 8)
    assert parameters(new_card("mia-paper-cnn")) == weights + sum(widths) + 2 * (128 + 64 + 128)


def test_the_transformer_of_2023_computes_what_was_published() -> None:
    """By hand, as the facts say it: a kernel over all columns, places, the person, eight layers."""
    card = new_card("mia-iccv")
    network, rows = network_of(card), rows_of(card)
    state = network.state_dict()
    values = torch.from_numpy(rows[:, :75].T.copy())[None, None] * math.sqrt(128)
    kernel = state["conv.weight"][:, None]
    found = nn.functional.conv2d(values, kernel, state["conv.bias"], padding=(0, 4))[0, :, 0].T
    at, pair = torch.arange(30.0)[:, None], torch.arange(0, 126, 2)
    angle = at / 10_000 ** (pair / 126)
    found[:, 0::2] += angle.sin()
    found[:, 1::2] += angle.cos()
    x = torch.cat((found, torch.full((30, 2), 0.7)), dim=1)[:, None]
    for layer in range(8):
        one = nn.TransformerEncoderLayer(128, 16, 2048).eval()
        own = f"encoder.layers.{layer}."
        one.load_state_dict({k.removeprefix(own): v for k, v in state.items() if own in k})
        x = one(x)
    expected = x[:, 0] @ state["last.weight"].T + state["last.bias"]
    with torch.inference_mode():
        effort = network(torch.from_numpy(rows.T.copy())[None])[0].T
    assert torch.allclose(effort, expected, atol=1e-4)


def test_nobody_in_particular_is_told_by_a_tenth() -> None:
    card = new_card("mia-iccv")
    tensors = tensors_of(network_of(card))
    told, rows = Trained(card, tensors), rows_of(card)
    untold = Trained(new_card("mia-iccv", streams=Streams((METRIC,))), tensors)
    efforts = {}
    for condition in (0.0, 0.1, 1.0):
        rows[:, 75] = condition
        efforts[condition] = told.estimate_alone(rows)
    assert card.optional == ("person",)
    assert np.array_equal(efforts[0.0], efforts[0.1])
    assert efforts[0.1] == pytest.approx(untold.estimate_alone(rows[:, :75]), abs=1e-5)
    assert not np.allclose(efforts[0.1], efforts[1.0], atol=1e-3)


@pytest.mark.parametrize("name", ["mia-paper-transformer", "mia-paper-cnn"])
def test_the_first_version_learns_hundreds_of_counts_and_is_never_negative(name: str) -> None:
    counts = new_card(name)
    fraction = new_card(name, unit="fraction of maximum")
    tensors, rows = tensors_of(network_of(counts)), rows_of(counts)
    effort = Trained(fraction, tensors).estimate_alone(rows)
    assert Trained(counts, tensors).estimate_alone(rows) == pytest.approx(100 * effort, abs=1e-3)
    assert effort.min() == 0
    assert effort.max() > 0


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_begins_near_the_mean_in_any_unit(name: str) -> None:
    card = new_card(name)
    effort = np.full((300, len(card.muscles)), 40.0, np.float32)
    examples = [Made(rows_of(card, 300), effort)]
    network = find_architecture(name).initial_network(card, examples, 0)
    made = Trained(card, tensors_of(network)).estimate_alone(rows_of(card))
    assert made.mean() == pytest.approx(40, abs=3)


@pytest.mark.parametrize(
    ("name", "lookahead"),
    [("mia-paper-cnn", 0), ("mia-paper-cnn", 15), ("mia-paper-cnn", 29), ("mia-iccv", 15)],
)
def test_live_a_window_slides_and_the_last_one_says_what_is_left(name: str, lookahead: int) -> None:
    card = new_card(name, lookahead=lookahead)
    one, tensors = find_architecture(name), tensors_of(network_of(card))
    rows = rows_of(card, 40)
    expected = np.zeros((40, 8), np.float32)
    held = np.concatenate([np.repeat(rows[:1], 29, axis=0), rows])
    alone = one.separate_windows(card, tensors)
    windows = alone.run([Stretch(0, held[end : end + 30]) for end in range(40)])
    for end, window in enumerate(windows):
        if end >= lookahead:
            expected[end - lookahead] = window[29 - lookahead]
    if lookahead:
        expected[40 - lookahead :] = windows[-1][30 - lookahead :]
    for hops in ((1, 7, 9), (40,)):
        live = stream(one.stream(card, tensors), rows, hops)
        assert live == pytest.approx(expected, abs=2e-3)
    assert one.span(card).settling == 29 - lookahead


def test_a_stream_can_be_left_and_taken_up_again() -> None:
    card = new_card("mia-paper-cnn")
    one, tensors = find_architecture("mia-paper-cnn"), tensors_of(network_of(card))
    rows = rows_of(card, 60)
    first, second = one.stream(card, tensors), one.stream(card, tensors)
    first.reset(3)
    first.push(rows[:41])
    second.restore(first.state())
    first.warm_up()
    rest = [part.push(rows[41:]) for part in (first, second)]
    assert np.array_equal(*rest)
    assert len(rest[0]) == 19


def test_half_a_window_of_delay_is_stated_and_a_pose_is_never_live() -> None:
    assert new_card("mia-iccv").lookahead_s == 1.5
    pose = find_architecture("mia-iccv-pose")
    with pytest.raises(CardError, match="cannot be run live"):
        pose.stream(new_card("mia-iccv-pose"), {})


def test_a_pose_may_be_negative() -> None:
    card = new_card("mia-iccv-pose")
    model = Trained(card, tensors_of(network_of(card)))
    for made in (model.estimate(rows_of(card, 40)), model.estimate_alone(rows_of(card))):
        assert made.shape[1] == 75
        assert made.min() < 0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rate_hz": 100}, "must run at 10 Hz, not 100"),
        ({"lookahead": 30}, "outside 0..29"),
        ({"streams": Streams((PERSONS,))}, "besides 'person'"),
        ({"streams": Streams()}, "needs a stream or more"),
        ({"scale": (1.0,) * 76}, "takes its columns as they are"),
    ],
)
def test_a_card_that_it_was_not_published_with_is_refused(fields: dict, said: str) -> None:
    with pytest.raises(CardError, match=said):
        new_card("mia-iccv", **fields)
