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

from kpm_ros.models.examples import normalised_card
from kpm_ros.models.normalisation import normalised
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.registry import architecture_of
from support.models import Made


def performance(seed: int, samples: int = 4000) -> Made:
    """Move a whole hand far, and each of its points a little by itself, while keys rest."""
    random = np.random.default_rng(seed)
    rows = np.zeros((samples, 172))
    at, knots = np.arange(samples), np.arange(0, samples + 40, 40)

    def movement() -> np.ndarray:
        return np.interp(at, knots, random.normal(size=len(knots)))

    for start in (0, 1, 42, 43):  # x and y of one view, then of the other
        rows[:, start : start + 41 : 2] += 0.1 * movement()[:, None]
    rows[:, :84] += 0.002 * np.stack([movement() for _ in range(84)], axis=1) + 0.5
    rows[::50, 120] = 1
    effort = 0.2 + 0.05 * rows[:, :6]
    return Made(rows.astype(np.float32), effort.astype(np.float32))


@pytest.fixture(scope="module")
def examples() -> list[Made]:
    return [performance(seed) for seed in range(3)]


@pytest.fixture(scope="module")
def card(examples):
    return normalised_card(published_card(architecture="pianokpm-light"), examples)


def fresh(card, examples, seed=5):
    return architecture_of(card).initial_network(card, examples, seed)


def test_a_normalised_hand_has_no_offset_and_unit_size_and_keys_stay_as_they_are(card, examples):
    rows = np.concatenate([one.values() for one in examples])
    normal = normalised(card, rows).astype(np.float64)
    assert np.abs(normal[:, :84].mean(axis=0)).max() < 0.03
    assert normal[:, :84].std(axis=0) == pytest.approx(np.ones(84), abs=0.03)
    assert np.array_equal(normal[:, 84:], rows[:, 84:])


def test_a_fresh_network_begins_with_the_mean_effort(card, examples):
    with torch.inference_mode():
        effort = fresh(card, examples)(torch.from_numpy(examples[0].rows[:600].T.copy())[None])
    mean = np.concatenate([one.effort for one in examples]).mean(axis=0)
    assert np.abs(effort.mean(dim=(0, 2)).numpy() - mean).max() < 0.1


def test_a_fresh_network_sees_small_movements_as_well_as_large_ones(card, examples):
    rows = np.concatenate([one.values()[::32] for one in examples])
    variance, directions = np.linalg.eigh(np.cov(normalised(card, rows)[:, :84].T))
    moves = directions * np.sqrt(np.maximum(variance, 0))  # each as large as such movements are
    weights = fresh(card, examples).get_parameter("pose.0.conv.weight")
    seen = np.linalg.norm(weights.detach().numpy().sum(axis=2) @ moves, axis=0)
    assert variance[-1] > 50 * variance[-7]
    assert 0.3 < seen[-1] / seen[-7] < 3


@pytest.mark.parametrize("lookahead", [0, 31])
def test_a_fresh_network_hands_its_input_on_at_its_own_instant(card, examples, lookahead):
    network = fresh(dataclasses.replace(card, lookahead=lookahead), examples)
    values = torch.from_numpy(examples[0].values(0, 300).T.copy())[None]
    moved = values.clone()
    moved[:, :84, 150] += network.normalise.scale[:84, 0] * torch.linspace(-2, 2, 84)
    with torch.no_grad():
        change = (network.encode(moved) - network.encode(values))[0].square().sum(dim=0)
    # The first layer spreads it over 11 instants; what is passed through stays among them.
    before = 5 if lookahead else 0
    assert change[150 - before : 161 - before].sum() > 0.6 * change.sum()


def test_a_fresh_network_follows_from_its_seed(card, examples):
    states = [fresh(card, examples, seed).state_dict() for seed in (5, 5, 6)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not all(torch.equal(states[0][name], states[2][name]) for name in states[0])
