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

"""The networks of the comparison: what they take, give, and see."""

from __future__ import annotations

import pytest
import torch
from kpm_ros.learn.models.zoo import ARCHITECTURES, build, new_card

COMPARED = [family.name for family in ARCHITECTURES.values() if family.windowed]


def signal(samples, batch=1):
    draw = torch.Generator().manual_seed(0)
    pose = torch.rand(batch, 84, samples, generator=draw)
    return pose, (torch.rand(batch, 88, samples, generator=draw) < 0.1).float()


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.parametrize("samples", [1024, 500])
def test_effort_comes_sample_by_sample_whatever_the_length(name, samples):
    network = build(new_card(name), None, 0).eval()
    assert network(*signal(samples, batch=2)).shape == (2, 6, samples)


@pytest.mark.parametrize("name", COMPARED)
def test_a_window_is_judged_by_itself(name):
    network = build(new_card(name), None, 0).eval()
    pose, keys = signal(256, batch=3)
    with torch.inference_mode():
        together = network(pose, keys)
        alone = network(pose[1:2], keys[1:2])
    assert torch.allclose(together[1:2], alone, atol=1e-5)


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.parametrize("inputs", [("pose",), ("keys",)])
def test_senses_that_the_card_does_not_name_are_not_looked_at(name, inputs):
    network = build(new_card(name, inputs=inputs), None, 0).eval()
    pose, keys = signal(256)
    with torch.inference_mode():
        both = network(pose, keys)
        one = network(pose if "pose" in inputs else None, keys if "keys" in inputs else None)
    assert torch.equal(both, one)
    missing = (None, keys) if "pose" in inputs else (pose, None)
    with pytest.raises(ValueError, match=f"needs {inputs[0]}"):
        network(*missing)


@pytest.mark.parametrize("name", COMPARED)
def test_the_pose_is_normalised_as_the_card_says(name):
    torch.manual_seed(0)
    plain = build(new_card(name), None, 3).eval()
    card = new_card(name, pose_offset=(0.5,) * 84, pose_scale=(2.0,) * 84)
    scaled = build(card, None, 3).eval()
    pose, keys = signal(256)
    with torch.inference_mode():
        assert torch.allclose(plain((pose - 0.5) / 2, keys), scaled(pose, keys), atol=1e-5)


@pytest.mark.parametrize("name", COMPARED)
def test_every_weight_takes_part(name):
    network = build(new_card(name), None, 0)
    (network(*signal(512)) ** 2).sum().backward()
    still = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not still


def test_the_transformer_sees_its_whole_window_and_the_cnn_a_part():
    seen = {}
    for name in ("mia-transformer", "mia-cnn"):
        network = build(new_card(name), None, 0).eval()
        pose, keys = signal(1024)
        changed = pose.clone()
        changed[..., 1000:] += 1
        with torch.inference_mode():
            moved = (network(pose, keys) - network(changed, keys)).abs().amax(dim=(0, 1)) > 1e-6
        seen[name] = int(moved.nonzero()[0])
    assert seen["mia-transformer"] == 0
    assert seen["mia-cnn"] > 700


def test_the_transformer_tells_instants_apart_that_look_alike():
    found = {}
    for name in ("mia-transformer", "mia-cnn"):
        network = build(new_card(name), None, 0).eval()
        still = (torch.full((1, 84, 1024), 0.5), torch.zeros(1, 88, 1024))
        with torch.inference_mode():
            middle = network(*still)[..., 400:624]
        found[name] = float((middle - middle[..., :1]).abs().max())
    assert found["mia-transformer"] > 0.01
    assert found["mia-cnn"] < 1e-5


def test_what_neuropose_finds_on_the_way_down_is_added_on_the_way_up():
    network = build(new_card("neuropose"), None, 0).eval()
    with torch.no_grad():
        for parameter in network.up.parameters():
            parameter.zero_()
    with torch.inference_mode():
        effort = network(*signal(512))
    assert (effort - effort[..., :1]).abs().max() > 0.01
