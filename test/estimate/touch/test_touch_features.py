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

"""TouchNet sees the hand from its own palm, and the keys from the fingertips above them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from kpm_ros.estimate.tables import TABLES, tensor_table

from kpm_ros.models.card import ModelCard
from kpm_ros.models.missing_senses import neutral_pose
from kpm_ros.models.pianokpm.shapes import CardError
from kpm_ros.models.touchnet.features import Features
from kpm_ros.models.touchnet.network import TouchNet
from kpm_ros.models.touchnet.shapes import OFFSETS, TIPS, structure_of


def features_of(card: ModelCard, tensors, pose, keys) -> np.ndarray:
    """Features of every frame, without the network behind them."""
    features = Features(card)
    own = {
        name.removeprefix("features."): torch.from_numpy(array)
        for name, array in tensors.items()
        if name.startswith("features.")
    }
    features.load_state_dict(own)
    return features(*(torch.from_numpy(x.T.copy())[None] for x in (pose, keys)), 0)[0].numpy()


@pytest.fixture(scope="module")
def plain(small, played):
    """A model whose features are as they were measured, a signal, and its features."""
    card, tensors = small(optional=("pose", "keys"))
    tensors["features.offset"][:] = 0
    pose, keys = played(card, 160)
    return card, tensors, pose, keys, features_of(card, tensors, pose, keys)


def test_a_hand_elsewhere_in_the_picture_or_nearer_is_the_same_hand(plain) -> None:
    card, tensors, pose, keys, features = plain
    local = np.arange(45)[: 2 * 21]
    middle = 0.5
    for moved in (pose + np.float32(0.1), middle + (pose - middle) * np.float32(1.2)):
        there = features_of(card, tensors, moved, keys)
        assert np.abs(there[:, local] - features[:, local]).max() < 2e-3
        assert np.abs(there[:, 42:45] - features[:, 42:45]).max() > 0.05


def test_a_pressed_key_is_felt_by_the_finger_above_it(plain) -> None:
    card, tensors, pose, _, _ = plain
    span = Features(card).span
    keys = np.zeros((160, card.keys), np.float32)
    still = np.repeat(pose[:1], 160, axis=0)
    at = tensors["features.place"][-1] + 50 * still[0, 2 * TIPS[3]]
    places = Features(card).keys_at.numpy()
    keys[:, np.abs(places - at).argmin()] = 1
    touch = features_of(card, tensors, still, keys)[:, span.touch]
    depths = touch[:, : touch.shape[1] // 2].reshape(-1, len(TIPS), len(OFFSETS))
    assert (depths.sum(axis=2).argmax(axis=1) == 3).all()
    assert depths[0, 3].max() > 0.7
    assert depths[0, 0].max() == 0


def test_the_same_music_a_tone_higher_feels_the_same(plain) -> None:
    card, tensors, pose, keys, _ = plain
    span = Features(card).span
    octave = keys.copy()
    octave[:, -1] = 0
    higher = np.roll(octave, 12, axis=1)
    shifted = pose.reshape(len(pose), 2, 21, 2).copy()
    shifted[:, 0, :, 0] += np.float32(7 / 50)
    one = features_of(card, tensors, pose, octave)
    other = features_of(card, tensors, shifted.reshape(len(pose), -1), higher)
    for part in (span.touch, span.keys):
        assert np.abs(one[:, part]).max() > 0.5
        assert np.abs(one[:, part] - other[:, part]).max() < 5e-4


def test_a_missing_sense_leaves_zeros_and_says_so(plain) -> None:
    card, tensors, pose, keys, features = plain
    span = Features(card).span
    without_pose, without_keys = pose.copy(), keys.copy()
    without_pose[40:80] = neutral_pose(card)
    without_keys[40:80] = -1
    frames = slice(5, 10)  # those that end within samples 40 to 79
    blind = features_of(card, tensors, without_pose, keys)
    assert not blind[frames, span.hand].any()
    assert not blind[frames, span.touch].any()
    assert np.array_equal(blind[:, span.keys], features[:, span.keys])
    assert np.array_equal(blind[frames, span.absent], [[1, 0]] * 5)
    deaf = features_of(card, tensors, pose, without_keys)
    assert not deaf[frames, span.touch].any()
    assert not deaf[frames, span.keys].any()
    assert np.array_equal(deaf[frames, span.absent], [[0, 1]] * 5)
    assert not features[:, span.absent].any()


def test_what_a_tracker_gets_wildly_wrong_stays_within_bounds(plain) -> None:
    card, tensors, pose, keys, _ = plain
    wild = pose.copy()
    wild[56:64] = 1e6
    wild[64:72, ::2] = -1e6
    assert np.abs(features_of(card, tensors, wild, keys)).max() <= 8


def test_features_are_the_same_in_training_with_few_digits(plain) -> None:
    card, tensors, pose, keys, features = plain
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert np.array_equal(features_of(card, tensors, pose, keys), features)


@pytest.mark.parametrize("inputs", [("pose", "keys"), ("pose",), ("keys",)])
@pytest.mark.parametrize("architecture", ["touchnet", "touchnet-light"])
def test_the_network_holds_exactly_the_tensors_of_the_table(inputs, architecture) -> None:
    card = replace(ModelCard(), architecture=architecture, inputs=inputs)
    state = TouchNet(card).state_dict()
    shapes = {name: spec.shape for name, spec in tensor_table(card).items()}
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == shapes


def test_a_card_that_no_touchnet_fits_is_refused_in_words() -> None:
    card = replace(ModelCard(), architecture="touchnet")
    for fields, words in (
        ({"lookahead": 129}, "look-ahead of 129 samples is outside 0..128"),
        ({"landmarks": 20}, "needs 21 landmarks a view, not 20"),
        ({"inputs": ("emg",)}, "inputs are of pose, keys"),
        ({"keys": 0}, "a model with 0 keys"),
    ):
        with pytest.raises(CardError, match=words):
            structure_of(replace(card, **fields))
    with pytest.raises(CardError, match=r"'nonsense' is not known: .*touchnet"):
        tensor_table(replace(card, architecture="nonsense"))
    assert {"pianokpm-net", "touchnet"} <= set(TABLES)
