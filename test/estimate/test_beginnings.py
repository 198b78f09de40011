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
from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.core.chunks import AlignedChunk
from kpm_ros.core.flags import Flag
from kpm_ros.core.grid import Grid
from kpm_ros.core.resources import find_model
from kpm_ros.estimate.estimator import EffortEstimator
from kpm_ros.models.pianokpm.batch import Stretch
from kpm_ros.models.registry import batch_estimator, span_of, streaming_estimator
from kpm_ros.models.touchnet.shapes import ARCHITECTURES as TOUCH
from kpm_ros.models.weight_files import load_model

SHIPPED = ("touchnet-sim", "touchnet-sim-causal", "touchnet-sim-senses", "pianokpm-sim")
SAMPLES = 1100
START = 1_700_000_000 * 1024 + 5
BEGINS = (*range(200, 208), 341)
"""Samples at which streams begin: one for each place within a frame, and one more."""
ROUNDING = 1e-6
"""PianoKPM Net sums a resting key's weights in a hop's own way."""


@pytest.fixture(scope="module", params=SHIPPED)
def shipped(request, played):
    """A shipped model, a signal for it, and the effort of a stream that began with the signal."""
    card, tensors = load_model(find_model(request.param))
    pose, keys = played(card, SAMPLES)
    network = streaming_estimator(card, tensors)
    return card, tensors, network, pose, keys, in_hops(network, pose, keys, START)


def in_hops(network, pose, keys, first_index, hop=10):
    network.reset(first_index)
    starts = range(0, len(pose), hop)
    return np.concatenate([network.push(pose[s : s + hop], keys[s : s + hop]) for s in starts])


def assert_same(card, effort, expected):
    """Bit by bit where the arithmetic of a frame does not depend on the hop it comes in."""
    assert len(effort) == len(expected) > 0
    assert expected.std() > 0.01
    if card.architecture in TOUCH:
        np.testing.assert_array_equal(effort, expected)
    else:
        np.testing.assert_allclose(effort, expected, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("begin", BEGINS)
def test_a_stream_that_begins_later_gives_the_same_effort_once_it_has_settled(shipped, begin):
    card, _, network, pose, keys, whole = shipped
    later = in_hops(network, pose[begin:], keys[begin:], START + begin)
    settled = max(network.settling, round(0.1 * card.rate_hz))
    assert_same(card, later[settled:], whole[begin + settled :])


def test_a_model_settles_when_it_says_and_hardly_sooner(shipped):
    card, _, network, pose, keys, whole = shipped
    if card.architecture not in TOUCH:
        pytest.skip("a decoder that is fed its own output forgets, but at no fixed time")
    last = []
    for begin in BEGINS:
        later = in_hops(network, pose[begin:], keys[begin:], START + begin)
        last.append(np.flatnonzero((later != whole[begin:]).any(axis=1))[-1])
    assert network.settling - network.stride < max(last) < network.settling


@pytest.mark.parametrize("begin", BEGINS)
def test_whole_stretches_give_what_streams_give_wherever_they_begin(shipped, begin):
    card, tensors, network, pose, keys, whole = shipped
    stretch = Stretch(START + begin, pose[begin:], keys[begin:])
    (effort,) = batch_estimator(card, tensors).run([stretch])
    settled = max(network.settling, round(0.1 * card.rate_hz))
    inside = slice(settled, len(effort) - card.lookahead)
    # Torch adds up in another order, and this hand is none that the models have seen. A frame in
    # another place would be off by 0.01 and more.
    assert np.abs(effort[inside] - whole[begin + settled :]).max() < 1e-3


def test_a_stored_state_knows_where_on_the_grid_it_is(shipped):
    card, tensors, network, pose, keys, whole = shipped
    network.reset(START)
    network.push(pose[:205], keys[:205])
    stored = io.BytesIO()
    np.savez(stored, **network.state())
    stored.seek(0)
    other = streaming_estimator(card, tensors)
    other.restore(np.load(stored))
    rest = np.concatenate(
        [other.push(pose[i : i + 7], keys[i : i + 7]) for i in range(205, 905, 7)]
    )
    assert_same(card, rest, whole[205 - card.lookahead :][: len(rest)])


def live(card, network, pose, keys, begin=0, lost=(0, 0)):
    """Effort of the estimator that the node drives, from one sample on, some of them lost."""
    estimator, grid, made = EffortEstimator(card, network), Grid(card.rate_hz), []
    for at in range(begin, SAMPLES - 9, 10):
        if lost[0] <= at < lost[1]:
            continue
        rows, flags = slice(at, at + 10), np.zeros(10, np.uint8)
        index = START + at
        chunk = AlignedChunk(
            grid.stamp_ns(index), at, index, card.rate_hz, pose[rows], keys[rows], flags
        )
        made += [found] if (found := estimator.push(chunk)) is not None else []
    stamps = np.concatenate([c.stamp_ns + np.arange(len(c)) * 500_000 for c in made])
    effort, flags = (np.concatenate([getattr(c, n) for c in made]) for n in ("effort", "flags"))
    return dict(zip(stamps.tolist(), zip(effort, flags, strict=True), strict=True))


@pytest.mark.parametrize("later", [{"begin": 203}, {"lost": (200, 310)}], ids=["start", "gap"])
def test_valid_effort_is_the_same_however_lately_the_network_began(shipped, later):
    card, _, network, pose, keys, _ = shipped
    whole, other = live(card, network, pose, keys), live(card, network, pose, keys, **later)
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
    card, _, network, pose, keys, _ = shipped
    estimator = EffortEstimator(card, network, warm_up_s=0.0)
    chunk = AlignedChunk(0, 0, START + 3, card.rate_hz, pose, keys, np.zeros(SAMPLES, np.uint8))
    flags = estimator.push(chunk).flags
    assert abs((flags & Flag.WARMING_UP != 0).sum() * card.rate_hz / 2000 - network.settling) < 3


def test_a_stream_that_nobody_began_takes_nothing(shipped):
    card, tensors, *_ = shipped
    fresh = streaming_estimator(card, tensors)
    fresh.warm_up()
    for use in (lambda: fresh.push(None, None), fresh.flush, fresh.state):
        with pytest.raises(RuntimeError, match="reset"):
            use()


def test_a_longer_look_ahead_settles_sooner():
    card, _ = load_model(find_model("touchnet-sim"))
    settling = [span_of(replace(card, lookahead=ahead)).settling for ahead in (0, 31, 128)]
    assert settling == [503, 472, 375]
