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

"""TouchNet begins with a map of the keyboard, and near the best straight line."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from kpm_ros.models.card import ModelCard
from kpm_ros.models.touchnet.initial_values import keyboard_map, suit
from kpm_ros.models.touchnet.network import TouchNet
from kpm_ros.models.touchnet.shapes import TIPS, key_places

WHITES = 50.0
SENSES = ("rows", "keys")


@dataclass
class Played:
    """A made-up performance."""

    rows: np.ndarray
    keys: np.ndarray
    effort: np.ndarray

    def pose(self) -> np.ndarray:
        """Pose channels on the grid."""
        return self.rows


def play(seed: int, samples: int = 6000) -> Played:
    """Press the key beneath one finger after another; every fourth stroke is another hand's."""
    random = np.random.default_rng(seed)
    card = ModelCard()
    places = key_places(card)
    points = random.normal(0, 0.002, (samples, 2, 21, 2))
    points[:, 0, TIPS, 0] += np.linspace(-2.2, 2.2, 5) / WHITES
    points[:, 0, :, 0] += 0.6 + 0.15 * np.sin(np.arange(samples) / 300)[:, None]
    keys = np.zeros((samples, card.keys))
    for turn, start in enumerate(range(20, samples - 60, 40)):
        at = places[0] - 0.5 + WHITES * points[start, 0, TIPS[random.integers(5)], 0]
        key = random.integers(20) if turn % 4 == 0 else np.abs(places - at).argmin()
        keys[start : start + 30, key] = 1
    level = keys.sum(axis=1)
    effort = 0.1 + 0.2 * level[:, None] * np.arange(1, 7) / 6
    return Played(*(x.astype(np.float32) for x in (points.reshape(samples, -1), keys, effort)))


@pytest.fixture(scope="module")
def performances() -> list[Played]:
    """Three of them."""
    return [play(seed) for seed in range(3)]


def test_the_map_of_the_keyboard_is_found_although_another_hand_plays_too(performances) -> None:
    place = keyboard_map(performances, 2)
    left = key_places(ModelCard())[0] - 0.5
    for x in (0.45, 0.6, 0.75):
        assert place @ (x, 0, 0, 0, 1) == pytest.approx(left + WHITES * x, abs=0.5)


def test_too_little_playing_to_find_it_is_refused_in_words(performances) -> None:
    one = performances[0]
    short = Played(one.rows[:200], one.keys[:200], one.effort[:200])
    with pytest.raises(ValueError, match="key strokes are too few"):
        keyboard_map([short], 2)


@pytest.mark.parametrize("inputs", [("pose", "keys"), ("pose",), ("keys",)])
def test_a_network_begins_with_the_mean_effort_and_features_of_one_size(
    performances, inputs
) -> None:
    card = replace(ModelCard(), architecture="touchnet-light", inputs=inputs, lookahead=9)
    network = TouchNet(card)
    suit(network, performances)
    rows = [torch.from_numpy(np.stack([getattr(p, x).T for p in performances])) for x in SENSES]
    with torch.inference_mode():
        effort, features = network(*rows), network.features(*rows, 0)
    mean = np.mean([one.effort.mean(axis=0) for one in performances], axis=0)
    assert np.abs(effort.mean(dim=(0, 2)).numpy() - mean).max() < 1e-3
    spread = features.flatten(0, 1).std(dim=0)[: network.features.span.absent.start]
    moving = spread > 1e-3
    assert moving.sum() > 5  # one key at a time leaves most of the picture of chords empty
    assert spread[moving].median() == pytest.approx(1, abs=0.15)


def test_a_stroke_takes_few_steps_to_learn(performances) -> None:
    torch.manual_seed(0)
    network = TouchNet(replace(ModelCard(), architecture="touchnet-light"))
    suit(network, performances)
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    one = performances[0]
    part = slice(1000, 2000)
    rows = [torch.from_numpy(getattr(one, x)[part].T[None].copy()) for x in (*SENSES, "effort")]
    errors = []
    for _ in range(25):
        error = (network(*rows[:2]) - rows[2]).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(float(error.detach()))
    assert errors[-1] < 0.3 * errors[0]
