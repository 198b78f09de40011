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

import numpy as np
import pytest
import torch

from kpm_ros.core.keyboard import KEY_TOP_M, KEY_X_M, TRAVEL_M, WHITE_WIDTH_M
from kpm_ros.core.skeletons import Skeleton, find_skeleton
from kpm_ros.core.streams import Channels, Landmarks, PianoKeys, Streams
from kpm_ros.models.card import CardError, ModelCard
from kpm_ros.models.missing_senses import neutral_row
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.touchnet.features import Features
from kpm_ros.models.touchnet.network import TouchNet
from kpm_ros.models.touchnet.shapes import HEIGHTS, OFFSETS, tensor_shapes
from support.models import (
    HAND_IN_SPACE,
    IN_SPACE,
    KEYS_ONLY,
    POSE_ONLY,
    listed,
    places_of,
    playing,
    small,
)

HAND = find_skeleton("mediapipe-hand")
TIPS = HAND.role("tips")
POINTS = len(HAND)
POSE, KEYS = listed().senses["pose"], listed().senses["keys"]


def features_of(card: ModelCard, tensors, values) -> np.ndarray:
    """Features of every frame, without the network behind them."""
    features = Features(card)
    own = {
        name.removeprefix("features."): torch.from_numpy(array)
        for name, array in tensors.items()
        if name.startswith("features.")
    }
    features.load_state_dict(own)
    return features(torch.from_numpy(values.T.copy())[None], 0)[0].numpy()


@pytest.fixture(scope="module")
def plain():
    """A model whose features are as they were measured, a signal, and its features."""
    card, tensors = small(optional=("pose", "keys"))
    tensors["features.offset"][:] = 0
    values = playing(card, 160)
    return card, tensors, values, features_of(card, tensors, values)


def test_a_hand_elsewhere_in_the_picture_or_nearer_is_the_same_hand(plain) -> None:
    card, tensors, values, features = plain
    local, palm = slice(0, 2 * POINTS), slice(2 * POINTS, 2 * POINTS + 3)
    middle = 0.5
    for move in (lambda x: x + np.float32(0.1), lambda x: middle + (x - middle) * np.float32(1.2)):
        moved = values.copy()
        moved[:, POSE] = move(values[:, POSE])
        there = features_of(card, tensors, moved)
        assert np.abs(there[:, local] - features[:, local]).max() < 2e-3
        assert np.abs(there[:, palm] - features[:, palm]).max() > 0.05


def test_a_pressed_key_is_felt_by_the_finger_above_it(plain) -> None:
    card, tensors, values, _ = plain
    span = Features(card).span
    still = np.repeat(values[:1], 160, axis=0)
    still[:, KEYS] = 0
    at = tensors["features.place"][-1] + 50 * still[0, 2 * TIPS[3]]
    still[:, KEYS.start + np.abs(places_of(card) - at).argmin()] = 1
    touch = features_of(card, tensors, still)[:, span.touch]
    depths = touch[:, : touch.shape[1] // 2].reshape(-1, len(TIPS), len(OFFSETS))
    assert (depths.sum(axis=2).argmax(axis=1) == 3).all()
    assert depths[0, 3].max() > 0.7
    assert depths[0, 0].max() == 0


def test_the_same_music_an_octave_higher_feels_the_same(plain) -> None:
    card, tensors, values, _ = plain
    span = Features(card).span
    low = values.copy()
    low[:, -1] = 0
    high = low.copy()
    high[:, KEYS] = np.roll(low[:, KEYS], 12, axis=1)
    high[:, POSE.start : POSE.start + 2 * POINTS : 2] += np.float32(7 / 50)
    one, other = (features_of(card, tensors, x) for x in (low, high))
    for part in (span.touch, span.keys):
        assert np.abs(one[:, part]).max() > 0.5
        assert np.abs(one[:, part] - other[:, part]).max() < 5e-4


def test_in_the_keyboards_frame_an_octave_higher_feels_the_same() -> None:
    """All of it but where the palm is, of which the network is told nothing."""
    card, tensors = small(streams=IN_SPACE)
    tensors["features.offset"][:] = 0
    low = playing(card, 160)
    high = low.copy()
    high[:, IN_SPACE.columns["keys"]] = np.roll(low[:, IN_SPACE.columns["keys"]], 12, axis=1)
    high[:, 0 : 3 * POINTS : 3] += np.float32(7 * WHITE_WIDTH_M)
    palm_x = 3 * POINTS
    one, other = (np.delete(features_of(card, tensors, x), palm_x, axis=1) for x in (low, high))
    assert np.abs(one - other).max() < 5e-3


def test_a_finger_on_a_key_is_at_its_height_wherever_the_key_is() -> None:
    """On black keys and white ones, up and down."""
    card, tensors = small(streams=IN_SPACE)
    tensors["features.offset"][:] = 0
    still = np.repeat(playing(card, 40)[:1], 40, axis=0)
    columns, keys = 3 * TIPS[1] + np.arange(3), IN_SPACE.columns["keys"]
    place = Features(card).span.touch.start + len(TIPS) * len(OFFSETS) + HEIGHTS
    for key, along, up, depth in (
        (40, 0.08, KEY_TOP_M[40], 0.0),
        (40, 0.08, KEY_TOP_M[40] - TRAVEL_M, 1.0),
        (39, 0.02, 0.0, 0.0),
        (39, 0.02, -TRAVEL_M, 1.0),
    ):
        still[:, columns] = (KEY_X_M[key], along, up)
        still[:, keys] = 0
        still[:, keys.start + key] = depth
        heights = features_of(card, tensors, still)[-1, place : place + HEIGHTS]
        assert np.allclose(heights, (along, up, 0.0), atol=3e-3)


def test_how_old_and_how_sure_points_are_is_told() -> None:
    """Behind the hand's own features, spread as its logarithm."""
    card, tensors = small(streams=IN_SPACE)
    tensors["features.offset"][:] = 0
    values = playing(card, 40)
    measures = features_of(card, tensors, values)[:, 3 * POINTS + 4 : 3 * POINTS + 6]
    ends = np.arange(len(measures)) * 8 + card.lookahead % 8
    told = values[np.minimum(ends, 39), 3 * POINTS : 3 * POINTS + 2]
    assert np.allclose(measures, np.stack([told[:, 0], np.log(told[:, 1])], axis=1), atol=1e-5)


@pytest.mark.parametrize("places", ["whites", "blacks", "anywhere", "beyond the keyboard"])
def test_keys_near_a_place_count_by_how_near_they_are(places) -> None:
    card, _ = small(streams=IN_SPACE)
    features = Features(card)
    drawn = np.random.default_rng(3)
    at = {
        "whites": features.keys_at[None, None, ::2].contiguous(),
        "blacks": features.keys_at[None, None, 1::2].contiguous(),
        "anywhere": torch.from_numpy(drawn.uniform(0, 52, (1, 1, 200)).astype(np.float32)),
        "beyond the keyboard": torch.tensor([[[-30.0, -0.9, 53.1, 90.0]]]),
    }[places]
    motion = torch.from_numpy(drawn.random((1, 1, len(features.keys_at), 2), dtype=np.float32))
    near = (1 - (features.keys_at - at[..., None]).abs()).clamp(min=0)
    assert torch.allclose(features._sum_near_keys(at, motion), near @ motion, atol=1e-5)


def test_a_missing_sense_leaves_zeros_and_says_so(plain) -> None:
    card, tensors, values, features = plain
    span = Features(card).span
    without_pose, without_keys = values.copy(), values.copy()
    without_pose[40:80, POSE] = neutral_row(card)[POSE]
    without_keys[40:80, KEYS] = -1
    frames = slice(5, 10)  # those that end within samples 40 to 79
    blind = features_of(card, tensors, without_pose)
    assert not blind[frames, span.hand].any()
    assert not blind[frames, span.touch].any()
    assert np.array_equal(blind[:, span.keys], features[:, span.keys])
    assert np.array_equal(blind[frames, span.absent], [[1, 0]] * 5)
    deaf = features_of(card, tensors, without_keys)
    assert not deaf[frames, span.touch].any()
    assert not deaf[frames, span.keys].any()
    assert np.array_equal(deaf[frames, span.absent], [[0, 1]] * 5)
    assert not features[:, span.absent].any()


def test_what_a_tracker_gets_wildly_wrong_stays_within_bounds(plain) -> None:
    card, tensors, values, _ = plain
    wild = values.copy()
    wild[56:64, POSE] = 1e6
    wild[64:72, POSE][:, ::2] = -1e6
    assert np.abs(features_of(card, tensors, wild)).max() <= 8


def test_features_are_the_same_in_training_with_few_digits(plain) -> None:
    card, tensors, values, features = plain
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert np.array_equal(features_of(card, tensors, values), features)


@pytest.mark.parametrize(
    "streams", [listed(), POSE_ONLY, KEYS_ONLY, IN_SPACE], ids=["both", "pose", "keys", "in space"]
)
@pytest.mark.parametrize("architecture", ["touchnet", "touchnet-light"])
def test_the_network_holds_exactly_the_tensors_of_the_table(streams, architecture) -> None:
    card = published_card(architecture=architecture, streams=streams)
    state = TouchNet(card).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == tensor_shapes(card)


PAIR = Skeleton("pair", ("a", "b"), roles={"palm": (0, 1), "tips": (1,)})


@pytest.mark.parametrize(
    ("streams", "words"),
    [
        (listed(skeleton="fingertips"), "'fingertips' does not say which points are its palm"),
        (listed(skeleton="mediapipe-body", keys=0), "'mediapipe-body' does not say"),
        (Streams((*POSE_ONLY, Landmarks("side", PAIR), PianoKeys())), "top has 5 and side 1"),
        (Streams(), "takes views of one hand, a piano's keys, or both, not nothing"),
        (
            Streams((Landmarks("l", HAND, sense="left"), Landmarks("r", HAND, sense="right"))),
            "not left, right",
        ),
        (Streams((HAND_IN_SPACE, Landmarks("top", HAND))), "hand is one of 2"),
        (listed(keys=0, more=[Channels("force", ("thumb",), "N", 100.0)]), "not 'force'"),
    ],
)
def test_streams_that_no_touchnet_takes_are_refused_in_words(streams, words) -> None:
    with pytest.raises(CardError, match=words):
        architecture_of(published_card(architecture="touchnet", streams=streams))


def test_a_longer_look_ahead_than_any_may_have_is_refused_in_words() -> None:
    with pytest.raises(CardError, match=r"look-ahead of 129 samples is outside 0\.\.128"):
        architecture_of(published_card(architecture="touchnet", lookahead=129))
