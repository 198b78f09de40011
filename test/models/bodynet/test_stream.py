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

"""BodyNet's stream gives what one pass over the whole signal gives, however it is cut up."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kpm_ros.core.streams import NEWEST
from kpm_ros.models.architecture import Stretch
from kpm_ros.models.bodynet.stream import BodyNetStream
from kpm_ros.models.registry import architecture_of
from support.bodies import body_model, exercising
from support.models import Made, looks_at_no_others, one_pass
from support.streams import body, stream

TOLERANCE = 2e-5
START = 1_700_000_000 * 100 + 1


def gone(values):
    """Let the person be away for a while."""
    values[60:90] = 0
    return values


@pytest.mark.parametrize("first_index", [0, START])
@pytest.mark.parametrize("lookahead", [0, 10])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"rate_hz": 30},
        {"rate_hz": 60, "muscles": ("LQuad", "RQuad", "trunk")},
        {"rate_hz": 1000, "streams": body("openpose-body25")},
        {"streams": body(timing=NEWEST)},
    ],
    ids=["100 Hz", "30 Hz", "60 Hz", "1 kHz", "newest points"],
)
def test_every_rate_and_lookahead_streams_exactly(fields, lookahead, first_index):
    card, tensors = body_model(
        lookahead=min(lookahead, 15 * fields.get("rate_hz", 100) // 30), **fields
    )
    values = gone(exercising(card, 230))
    effort = stream(BodyNetStream(card, tensors), values, (10, 11, 3), first_index)
    expected = one_pass(card, tensors, values, first_index)
    assert expected.std() > 0.03
    assert np.abs(effort - expected).max() < TOLERANCE
    (whole,) = architecture_of(card).batch(card, tensors).run([Stretch(first_index, values)])
    assert np.abs(whole - expected).max() < TOLERANCE


def test_the_full_network_streams_exactly():
    card, tensors = body_model(architecture="bodynet", lookahead=5)
    values = exercising(card, 500)
    effort = stream(BodyNetStream(card, tensors), values, (1,))
    assert np.abs(effort - one_pass(card, tensors, values)).max() < 5 * TOLERANCE


@pytest.fixture(scope="module")
def worked():
    card, tensors = body_model(lookahead=7)
    values = gone(exercising(card, 180))
    network = BodyNetStream(card, tensors)
    return network, values, stream(network, values, (180,))


@given(hops=st.lists(st.integers(1, 60), min_size=1, max_size=12))
@settings(max_examples=20, deadline=None)
def test_hops_of_any_sizes_give_the_same_bits(worked, hops):
    network, values, expected = worked
    np.testing.assert_array_equal(stream(network, values, hops), expected)


@given(cut=st.integers(0, 179), hop=st.integers(1, 40))
@settings(max_examples=10, deadline=None)
def test_a_restored_state_goes_on_as_if_nothing_had_happened(worked, cut, hop):
    network, values, expected = worked
    network.reset(0)
    first = network.push(values[:cut])
    stored = io.BytesIO()
    np.savez(stored, **network.state())
    network.reset(2)
    network.push(values[::-1])
    stored.seek(0)
    network.restore(np.load(stored))
    rest = [network.push(values[at : at + hop]) for at in range(cut, len(values), hop)]
    np.testing.assert_array_equal(np.concatenate([first, *rest, network.flush()]), expected)


@pytest.mark.parametrize("lookahead", [0, 7])
def test_it_settles_when_it_says_wherever_a_stream_begins(lookahead):
    card, tensors = body_model(lookahead=lookahead)
    values = exercising(card, 260)
    network = BodyNetStream(card, tensors)
    whole = stream(network, values, (10,), START)
    last = []
    for begin in range(100, 107):
        later = stream(network, values[begin:], (10,), START + begin)
        differs = np.abs(later - whole[begin:]).max(axis=1) > 0
        np.testing.assert_array_equal(later[network.settling :], whole[begin + network.settling :])
        last.append(np.flatnonzero(differs[:100])[-1])
    assert network.settling - network.stride < max(last) + 1 <= network.settling


@pytest.mark.parametrize("lookahead", [0, 10])
def test_no_effort_depends_on_what_lies_beyond_the_lookahead(lookahead):
    card, tensors = body_model(lookahead=lookahead)
    values = exercising(card, 150)
    other = values.copy()
    other[100:] += np.linspace(0, 0.3, values.shape[1], dtype=np.float32)
    one, two = (stream(BodyNetStream(card, tensors), rows, (10,)) for rows in (values, other))
    first = np.flatnonzero(np.abs(one - two).max(axis=1) > 1e-6)[0]
    assert 100 - lookahead <= first < 103 - lookahead


def test_a_tracker_that_goes_wild_leaves_effort_finite():
    card, tensors = body_model()
    values = exercising(card, 120)
    values[40:45] *= 1e6
    values[50:55] = 1.0
    assert np.isfinite(stream(BodyNetStream(card, tensors), values, (10,))).all()


def test_training_begins_with_the_mean_effort_and_features_of_one_size():
    card, _ = body_model(lookahead=10)
    random = np.random.default_rng(1)
    made = [
        Made(exercising(card, 900, seed), random.uniform(0, 0.2, (900, 8)).astype(np.float32))
        for seed in (1, 2)
    ]
    network = architecture_of(card).initial_network(card, made, 0)
    rows = torch.from_numpy(np.stack([one.rows.T for one in made]))
    with torch.inference_mode():
        effort, features = network(rows), network.features(rows, 0)
    assert effort.numpy() == pytest.approx(np.full(effort.shape, 0.1), abs=0.01)
    spread = features.flatten(0, 2).std(dim=0)[:-1]
    moving = spread > 1e-3
    assert moving.sum() > 200
    assert spread[moving].median() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("lookahead", [0, 5, 24])
def test_it_looks_at_the_samples_that_it_says_and_no_others(lookahead):
    card, tensors = body_model(lookahead=lookahead // 3)
    assert looks_at_no_others(card, tensors, exercising(card, 96))
