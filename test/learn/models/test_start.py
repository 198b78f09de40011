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

"""The weights that a PianoKPM Net begins with."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from kpm_ros.learn.recordings.release import open_release
from kpm_ros.learn.training.outcome import normalised
from kpm_ros.models.card import ModelCard
from kpm_ros.models.pianokpm.initial_values import fresh_network
from support.small_release import write_release


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    release = open_release(write_release(tmp_path_factory.mktemp("data")))
    return [release.performance(name) for name in release.splits["train"]]


@pytest.fixture(scope="module")
def card(recordings):
    return normalised(ModelCard(architecture="pianokpm-light"), recordings)


def test_the_normalised_pose_has_no_offset_and_unit_size(card, recordings):
    frames = np.concatenate([one.frames for one in recordings]).astype(np.float64)
    normal = (frames - card.pose_offset) / card.pose_scale
    assert np.abs(normal.mean(axis=0)).max() < 1e-6
    assert normal.std(axis=0) == pytest.approx(np.ones(frames.shape[1]))


def test_a_fresh_network_sees_small_movements_as_well_as_large_ones(card, recordings):
    rows = np.concatenate([one.pose()[::32] for one in recordings])
    variance, directions = np.linalg.eigh(np.cov(((rows - card.pose_offset) / card.pose_scale).T))
    moves = directions * np.sqrt(np.maximum(variance, 0))  # each as large as such movements are
    weights = fresh_network(card, recordings, 5).get_parameter("pose.0.conv.weight")
    seen = np.linalg.norm(weights.detach().numpy().sum(axis=2) @ moves, axis=0)
    assert variance[-1] > 50 * variance[-7]
    assert 0.3 < seen[-1] / seen[-7] < 3


@pytest.mark.parametrize("lookahead", [0, 31])
def test_a_fresh_network_hands_its_input_on_at_its_own_instant(card, recordings, lookahead):
    network = fresh_network(dataclasses.replace(card, lookahead=lookahead), recordings, seed=5)
    one = recordings[0]
    keys = torch.from_numpy(one.keys[:300].T.copy())[None]
    pose = torch.from_numpy(one.pose()[:300].T.copy())[None]
    moved = pose.clone()
    moved[:, :, 150] += network.pose_scale[:, 0] * torch.linspace(-2, 2, pose.shape[1])
    with torch.no_grad():
        change = (network.encode(moved, keys) - network.encode(pose, keys))[0].square().sum(dim=0)
    # The first layer spreads it over 11 instants; what is passed through stays among them.
    before = 5 if lookahead else 0
    assert change[150 - before : 161 - before].sum() > 0.6 * change.sum()


def test_a_fresh_network_follows_from_its_seed(card, recordings):
    states = [fresh_network(card, recordings, seed).state_dict() for seed in (5, 5, 6)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not all(torch.equal(states[0][name], states[2][name]) for name in states[0])
