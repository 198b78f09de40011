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

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from kpm_ros.models.framed import initial_values
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.touchnet.initial_values import keyboard_map
from kpm_ros.models.touchnet.shapes import STRIDE, inputs_of
from support.models import KEYS_ONLY, POSE_ONLY, Made, listed, places_of

WHITES = 50.0
CARD = published_card(architecture="touchnet-light")
TIPS = list(inputs_of(CARD).views[0].tips)


def play(seed: int, samples: int = 6000) -> Made:
    """Press the key beneath one finger after another; every fourth stroke is another hand's."""
    random = np.random.default_rng(seed)
    places = places_of(CARD)
    points = random.normal(0, 0.002, (samples, 2, 21, 2))
    points[:, 0, TIPS, 0] += np.linspace(-2.2, 2.2, 5) / WHITES
    points[:, 0, :, 0] += 0.6 + 0.15 * np.sin(np.arange(samples) / 300)[:, None]
    keys = np.zeros((samples, len(places)))
    for turn, start in enumerate(range(20, samples - 60, 40)):
        at = places[0] - 0.5 + WHITES * points[start, 0, TIPS[random.integers(5)], 0]
        key = random.integers(20) if turn % 4 == 0 else np.abs(places - at).argmin()
        keys[start : start + 30, key] = 1
    level = keys.sum(axis=1)
    effort = 0.1 + 0.2 * level[:, None] * np.arange(1, 7) / 6
    rows = np.concatenate([points.reshape(samples, -1), keys], axis=1)
    return Made(rows.astype(np.float32), effort.astype(np.float32))


@pytest.fixture(scope="module")
def examples() -> list[Made]:
    """Three of them."""
    return [play(seed) for seed in range(3)]


def only(examples: list[Made], streams) -> list[Made]:
    """Leave of each example the columns of some streams."""
    all_of = listed().columns
    columns = [column for name in streams.names for column in range(172)[all_of[name]]]
    return [Made(one.rows[:, columns], one.effort) for one in examples]


def test_the_map_of_the_keyboard_is_found_although_another_hand_plays_too(examples) -> None:
    place = keyboard_map(CARD, examples)
    left = places_of(CARD)[0] - 0.5
    for x in (0.45, 0.6, 0.75):
        assert place @ (x, 0, 0, 0, 1) == pytest.approx(left + WHITES * x, abs=0.5)


def test_strokes_are_found_wherever_recordings_are_cut_into_pieces(examples, monkeypatch) -> None:
    whole = keyboard_map(CARD, examples)
    # Some pieces begin with a key that has just gone down.
    monkeypatch.setattr("kpm_ros.models.examples.pieces.__defaults__", (20,))
    assert keyboard_map(CARD, examples) == pytest.approx(whole, abs=1e-6)


def test_too_little_playing_to_find_it_is_refused_in_words(examples) -> None:
    short = Made(examples[0].rows[:200], examples[0].effort[:200])
    with pytest.raises(ValueError, match="key strokes are too few"):
        keyboard_map(CARD, [short])


@pytest.mark.parametrize("streams", [listed(), POSE_ONLY, KEYS_ONLY], ids=["both", "pose", "keys"])
def test_a_network_begins_with_the_mean_effort_and_features_of_one_size(examples, streams) -> None:
    card = published_card(architecture="touchnet-light", streams=streams, lookahead=9)
    made = only(examples, streams)
    network = architecture_of(card).initial_network(card, made, 0)
    rows = torch.from_numpy(np.stack([one.rows.T for one in made]))
    with torch.inference_mode():
        effort, features = network(rows), network.features(rows, 0)
    mean = np.mean([one.effort.mean(axis=0) for one in made], axis=0)
    assert np.abs(effort.mean(dim=(0, 2)).numpy() - mean).max() < 1e-3
    spread = features.flatten(0, 1).std(dim=0)[: network.features.span.absent.start]
    moving = spread > 1e-3
    assert moving.sum() > 5  # one key at a time leaves most of the picture of chords empty
    assert spread[moving].median() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("lookahead", [0, 9, 31])
def test_in_however_large_pieces_examples_are_read_the_features_are_the_same(
    examples, monkeypatch, lookahead
) -> None:
    card = published_card(architecture="touchnet-light", lookahead=lookahead)
    network = architecture_of(card).network(card)

    def rows(size: int) -> Iterator[np.ndarray]:
        monkeypatch.setattr(initial_values, "PIECE", size)
        yield from initial_values._rows(network.features, card, STRIDE, examples[:1], 1)

    whole, cut = (np.concatenate(list(rows(size))) for size in (8000, 333))
    assert whole.shape == cut.shape
    assert np.abs(whole - cut).max() < 1e-4


def test_a_stroke_takes_few_steps_to_learn(examples) -> None:
    network = architecture_of(CARD).initial_network(CARD, examples, 0)
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    part = slice(1000, 2000)
    one = examples[0]
    rows, effort = (torch.from_numpy(x[part].T[None].copy()) for x in (one.rows, one.effort))
    errors = []
    for _ in range(25):
        error = (network(rows) - effort).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(float(error.detach()))
    assert errors[-1] < 0.3 * errors[0]
