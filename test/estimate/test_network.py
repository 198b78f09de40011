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

"""The network: equal to the published one, and built as its card says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from kpm_ros.models.pianokpm.network import PianoKPMNet, build_network
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.pianokpm.shapes import CardError, Structure, share_lookahead, tensor_table


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
    features = published.encode(pose[None], keys[None])
    effort = published.decode_stepwise(features)
    assert np.abs(pose.numpy() - reference["pose_1024hz"]).max() < 1e-6
    assert np.abs(features[0].numpy() - reference["features"]).max() < 1e-4
    assert np.abs(effort[0].numpy() - reference["effort"]).max() < 1e-3


@torch.inference_mode()
def test_decoding_all_instants_at_once_equals_decoding_one_by_one(light, play) -> None:
    card, tensors = light()
    network = build_network(card, tensors)
    pose, keys = (torch.from_numpy(x.T.copy())[None] for x in play(card, 60))
    effort = network(pose, keys)
    previous = torch.nn.functional.pad(effort[:, :, :-1], (1, 0))
    assert torch.allclose(network.decode(network.encode(pose, keys), previous), effort, atol=1e-6)


@pytest.mark.parametrize("lookahead", [0, 1, 7, 16, 31])
@torch.inference_mode()
def test_an_output_sees_as_much_of_the_future_as_the_card_says_and_no_more(
    light, play, lookahead: int
) -> None:
    card, tensors = light(lookahead=lookahead)
    network = build_network(card, tensors)
    pose, keys = (torch.from_numpy(x.T.copy())[None] for x in play(card, 90))
    before = network.encode(pose, keys)
    keys[:, :, 60:] += 1
    changed = (network.encode(pose, keys) != before).any(dim=1)[0].nonzero()
    assert changed.min() == 60 - lookahead


@pytest.mark.parametrize("total", range(32))
def test_the_lookahead_is_shared_among_the_layers_without_remainder(total: int) -> None:
    structure = Structure()
    shares = share_lookahead(structure, total)
    assert sum(shares) == total
    assert all(0 <= share <= k // 2 for share, k in zip(shares, structure.kernels, strict=True))


@torch.inference_mode()
def test_the_pose_is_normalised_inside_the_network(light, play) -> None:
    plain, tensors = light()
    width = plain.pose_channels
    offset, scale = tuple(np.linspace(0.1, 0.9, width)), tuple(np.linspace(0.5, 2, width))
    pose, keys = (torch.from_numpy(x.T.copy())[None] for x in play(plain, 50))
    moved = pose * torch.tensor(scale)[:, None].float() + torch.tensor(offset)[:, None].float()
    card = replace(plain, pose_offset=offset, pose_scale=scale)
    expected = build_network(plain, tensors).encode(pose, keys)
    assert torch.allclose(build_network(card, tensors).encode(moved, keys), expected, atol=1e-4)


def test_weights_survive_going_in_and_out_of_the_network(light) -> None:
    card, tensors = light()
    again = build_network(card, tensors).state_dict()
    assert again.keys() == tensors.keys()
    assert all(np.array_equal(again[name].numpy(), tensors[name]) for name in tensors)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"architecture": "transformer"}, "'transformer' is not known"),
        ({"inputs": ("pose", "sound")}, "inputs are of pose, keys"),
        ({"inputs": ()}, "inputs are of pose, keys"),
        ({"lookahead": 32}, r"look-ahead of 32 samples is outside 0\.\.31"),
        ({"lookahead": -1}, "look-ahead of -1"),
        ({"muscles": ()}, "0 muscles"),
        ({"views": ()}, "0 views"),
        ({"rate_hz": 0}, "0 samples a second"),
        ({"pose_scale": (1.0,)}, "1 values where the pose has 84"),
        ({"pose_scale": (0.0,) * 84}, "holds a zero"),
        ({"pose_offset": (float("nan"),) * 84}, "not a number"),
    ],
)
def test_a_card_that_no_network_fits_is_refused_in_words(fields: dict, words: str) -> None:
    with pytest.raises(CardError, match=words):
        PianoKPMNet(published_card(**fields))
