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

"""PianoKPM Net: equal to the published one, and built as its card says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import Channels, Landmarks, Streams
from kpm_ros.models.card import CardError
from kpm_ros.models.pianokpm.network import PianoKPMNet, build_network
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.pianokpm.shapes import PUBLISHED, share_lookahead, tensor_table
from kpm_ros.models.registry import architecture_of
from support.models import light, listed, signal


def columns(values: np.ndarray) -> torch.Tensor:
    """Turn rows into what a network is given."""
    return torch.from_numpy(values.T.copy())[None]


@pytest.fixture(scope="module")
def published(shared: Path) -> PianoKPMNet:
    stored = np.load(shared / "parity" / "weights_f16.npz")
    table = tensor_table(published_card())
    tensors = {name: stored[spec.published].astype(np.float32) for name, spec in table.items()}
    return build_network(published_card(), tensors)


@pytest.mark.parametrize("name", ["window_1s", "continuous_3s"])
@torch.inference_mode()
def test_it_gives_what_the_published_network_gives(
    shared: Path, published: PianoKPMNet, name: str
) -> None:
    reference = np.load(shared / "parity" / f"{name}.npz")
    keys = torch.from_numpy(reference["keys"])
    frames = torch.from_numpy(reference["pose_60hz"])[None]
    pose = F.interpolate(frames, size=keys.shape[1], mode="linear", align_corners=True)[0]
    features = published.encode(torch.cat((pose, keys))[None])
    effort = published.decode_in_sequence(features)
    assert np.abs(pose.numpy() - reference["pose_1024hz"]).max() < 1e-6
    assert np.abs(features[0].numpy() - reference["features"]).max() < 1e-4
    assert np.abs(effort[0].numpy() - reference["effort"]).max() < 1e-3


@torch.inference_mode()
def test_decoding_all_instants_at_once_equals_decoding_one_by_one() -> None:
    card, tensors = light()
    network = build_network(card, tensors)
    values = columns(signal(card, 60))
    effort = network(values)
    previous = torch.nn.functional.pad(effort[:, :, :-1], (1, 0))
    assert torch.allclose(network.decode(network.encode(values), previous), effort, atol=1e-6)


@pytest.mark.parametrize("lookahead", [0, 1, 7, 16, 31])
@torch.inference_mode()
def test_an_output_sees_as_much_of_the_future_as_the_card_says_and_no_more(lookahead: int) -> None:
    card, tensors = light(lookahead=lookahead)
    network = build_network(card, tensors)
    values = columns(signal(card, 90))
    before = network.encode(values)
    values[:, card.streams.senses["keys"], 60:] += 1
    changed = (network.encode(values) != before).any(dim=1)[0].nonzero()
    assert changed.min() == 60 - lookahead


@pytest.mark.parametrize("total", range(32))
def test_the_lookahead_is_shared_among_the_layers_without_remainder(total: int) -> None:
    shares = share_lookahead(PUBLISHED, total)
    assert sum(shares) == total
    assert all(0 <= share <= k // 2 for share, k in zip(shares, PUBLISHED.kernels, strict=True))


@torch.inference_mode()
def test_all_columns_are_normalised_inside_the_network() -> None:
    plain, tensors = light()
    width = plain.streams.width
    offset, scale = np.linspace(0.1, 0.9, width), np.linspace(0.5, 2, width)
    values = signal(plain, 50)
    moved = (values * scale + offset).astype(np.float32)
    card = replace(plain, offset=tuple(offset.tolist()), scale=tuple(scale.tolist()))
    expected = build_network(plain, tensors).encode(columns(values))
    found = build_network(card, tensors).encode(columns(moved))
    assert torch.allclose(found, expected, atol=1e-4)


@torch.inference_mode()
def test_there_is_a_branch_for_each_sense_of_any_width() -> None:
    body = Landmarks("front", find_skeleton("mediapipe-body"), dimensions=3, rate_hz=30.0)
    gloves = Channels("force", ("thumb", "index"), "N", 200.0)
    card, tensors = light(streams=Streams((body, gloves)), muscles=tuple("abcdefgh"))
    network = build_network(card, tensors)
    values = columns(signal(card, 80))
    assert network(values).shape == (1, 8, 80)
    for sense, part in card.streams.senses.items():
        branch = network.get_submodule(sense)
        assert branch[0].conv.in_channels == part.stop - part.start
        changed = values.clone()
        changed[:, part] += 1
        assert not torch.allclose(network(changed), network(values))


def test_weights_survive_going_in_and_out_of_the_network() -> None:
    card, tensors = light()
    again = build_network(card, tensors).state_dict()
    assert again.keys() == tensors.keys()
    assert all(np.array_equal(again[name].numpy(), tensors[name]) for name in tensors)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"architecture": "transformer"}, "'transformer' is not known"),
        ({"streams": Streams()}, "needs a stream or more"),
        ({"lookahead": 32}, r"look-ahead of 32 samples is outside 0\.\.31"),
        ({"streams": listed(keys=0, more=[Channels("decoder", ("a",), "V", 9.0)])}, "'decoder'"),
    ],
)
def test_a_card_that_no_network_fits_is_refused_in_words(fields: dict, words: str) -> None:
    with pytest.raises(CardError, match=words):
        architecture_of(published_card(**fields))


def test_a_sense_that_torch_has_another_meaning_for_is_refused_in_words() -> None:
    card = light(streams=listed(keys=0, more=[Channels("training", ("a",), "V", 9.0)]))[0]
    with pytest.raises(CardError, match="something named 'training'"):
        PianoKPMNet(card)
