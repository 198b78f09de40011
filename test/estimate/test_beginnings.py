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

"""What effort is does not depend on when somebody began to estimate it."""

from __future__ import annotations

import io

import numpy as np
import pytest

from kpm_ros.core.chunks import AlignedChunk
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import Grid
from kpm_ros.core.resources import find_model
from kpm_ros.estimate.estimator import EffortEstimator
from kpm_ros.models.architecture import Stretch
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.weight_files import load_model
from support.bodies import moving

SHIPPED = (
    "touchnet-sim",
    "touchnet-sim-causal",
    "touchnet-sim-senses",
    "pianokpm-sim",
    "bodynet-sim",
)
SAMPLES = 1100
START = 1_700_000_000 * 1024 + 5
BEGINS = (*range(200, 208), 341)
"""Samples at which streams begin: one for each place within a frame, and one more."""
ROUNDING = 1e-6
"""PianoKPM Net sums a resting key's weights in a hop's own way."""


@pytest.fixture(scope="module", params=SHIPPED)
def shipped(request):
    """A shipped model, a signal for it, and the effort of a stream that began with the signal."""
    card, tensors = load_model(find_model(request.param))
    values = moving(card, SAMPLES)
    network = architecture_of(card).stream(card, tensors)
    return card, tensors, network, values, in_hops(network, values, START)


def in_hops(network, values, first_index, hop=10):
    network.reset(first_index)
    return np.concatenate([network.push(values[s : s + hop]) for s in range(0, len(values), hop)])


def forgets_at_once(card):
    """Whether effort does not depend on where a stream began once it has settled, to the bit."""
    return not architecture_of(card).fed_back


def assert_same(card, effort, expected):
    """Bit by bit where the arithmetic of a frame does not depend on the hop it comes in."""
    assert len(effort) == len(expected) > 0
    assert expected.std() > 0.01
    if forgets_at_once(card):
        np.testing.assert_array_equal(effort, expected)
    else:
        np.testing.assert_allclose(effort, expected, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("begin", BEGINS)
def test_a_stream_that_begins_later_gives_the_same_effort_once_it_has_settled(shipped, begin):
    card, _, network, values, whole = shipped
    later = in_hops(network, values[begin:], START + begin)
    settled = max(network.settling, round(0.1 * card.rate_hz))
    assert_same(card, later[settled:], whole[begin + settled :])


def test_a_model_settles_when_it_says_and_hardly_sooner(shipped):
    card, _, network, values, whole = shipped
    if not forgets_at_once(card):
        pytest.skip("a decoder that is fed its own output forgets, but at no fixed time")
    last = []
    for begin in BEGINS:
        later = in_hops(network, values[begin:], START + begin)
        last.append(np.flatnonzero((later != whole[begin:]).any(axis=1))[-1])
    assert network.settling - network.stride < max(last) < network.settling


@pytest.mark.parametrize("begin", BEGINS)
def test_whole_stretches_give_what_streams_give_wherever_they_begin(shipped, begin):
    card, tensors, network, values, whole = shipped
    stretch = Stretch(START + begin, values[begin:])
    (effort,) = architecture_of(card).batch(card, tensors).run([stretch])
    settled = max(network.settling, round(0.1 * card.rate_hz))
    inside = slice(settled, len(whole) - begin)
    # Torch adds up in another order, and this hand is none that the models have seen. A frame in
    # another place would be off by 0.01 and more.
    assert np.abs(effort[inside] - whole[begin + settled :]).max() < 1e-3


def test_a_stored_state_knows_where_on_the_grid_it_is(shipped):
    card, tensors, network, values, whole = shipped
    network.reset(START)
    network.push(values[:205])
    given = network.given
    stored = io.BytesIO()
    np.savez(stored, **network.state())
    stored.seek(0)
    other = architecture_of(card).stream(card, tensors)
    other.restore(np.load(stored))
    rest = np.concatenate([other.push(values[i : i + 7]) for i in range(205, 905, 7)])
    assert_same(card, rest, whole[given:][: len(rest)])


def live(card, network, values, begin=0, lost=(0, 0)):
    """Effort of the estimator that the node drives, from one sample on, some of them lost."""
    estimator, grid, made = EffortEstimator(card, network), Grid(card.rate_hz), []
    for at in range(begin, SAMPLES - 9, 10):
        if lost[0] <= at < lost[1]:
            continue
        rows, flags = slice(at, at + 10), np.zeros(10, FlagBits)
        index = START + at
        missing = np.zeros(10, np.uint32)
        chunk = AlignedChunk(
            grid.stamp_ns(index), at, index, card.rate_hz, values[rows], missing, flags
        )
        made += [found] if (found := estimator.push(chunk)) is not None else []
    stamps = np.concatenate([c.stamp_ns + np.arange(len(c)) * 500_000 for c in made])
    effort, flags = (np.concatenate([getattr(c, n) for c in made]) for n in ("effort", "flags"))
    return dict(zip(stamps.tolist(), zip(effort, flags, strict=True), strict=True))


@pytest.mark.parametrize("later", [{"begin": 203}, {"lost": (200, 310)}], ids=["start", "gap"])
def test_valid_effort_is_the_same_however_lately_the_network_began(shipped, later):
    card, _, network, values, _ = shipped
    whole, other = live(card, network, values), live(card, network, values, **later)
    warming = [stamp for stamp, (_, flags) in other.items() if flags & Flag.WARMING_UP]
    # From zero it comes back along a line of 50 ms.
    back = max(warming) + 51_000_000
    compared = [stamp for stamp in other if stamp > back and stamp in whole]
    assert len(compared) > 200
    efforts, others = (np.array([run[s][0] for s in compared]) for run in (whole, other))
    assert_same(card, others, efforts)
    assert not any(run[s][1] for run in (whole, other) for s in compared)
    for stamp in warming:
        assert other[stamp][1] & Flag.INVALID


def test_even_without_a_wish_for_it_the_network_warms_up(shipped):
    card, _, network, values, _ = shipped
    estimator = EffortEstimator(card, network, warm_up_s=0.0)
    missing, flags = np.zeros(SAMPLES, np.uint32), np.zeros(SAMPLES, FlagBits)
    chunk = AlignedChunk(0, 0, START + 3, card.rate_hz, values, missing, flags)
    flags = estimator.push(chunk).flags
    assert abs((flags & Flag.WARMING_UP != 0).sum() * card.rate_hz / 2000 - network.settling) < 3
