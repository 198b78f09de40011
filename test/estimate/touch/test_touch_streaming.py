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

"""TouchNet's stream gives what one pass over the whole signal gives, however it is cut up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from kpm_ros.core.chunks import AlignedChunk
from kpm_ros.estimate.estimator import EffortEstimator
from kpm_ros.models.registry import streaming_estimator
from kpm_ros.models.touchnet.network import build_network
from kpm_ros.models.touchnet.shapes import STRIDE
from kpm_ros.models.touchnet.stream import TouchStreaming
from kpm_ros.models.weight_files import random_tensors
from support.streams import stream

TOLERANCE = 1e-5


@pytest.mark.parametrize("lookahead", [0, 5, 8, 31])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"inputs": ("pose",)},
        {"inputs": ("keys",)},
        {"views": ("top",)},
        {"keys": 61, "first_note": 36, "muscles": ("ADM",)},
    ],
    ids=["pose+keys", "pose", "keys", "one view", "other sizes"],
)
def test_every_combination_of_senses_and_lookahead_streams_exactly(
    small, played, one_pass, fields, lookahead
) -> None:
    card, tensors = small(lookahead=lookahead, **fields)
    pose, keys = played(card, 150)
    effort = stream(streaming_estimator(card, tensors), pose, keys, (10, 11, 3))
    expected = one_pass(card, tensors, pose, keys)
    assert expected.std() > 0.05
    assert np.abs(effort - expected).max() < TOLERANCE


@pytest.mark.parametrize("lookahead", [0, 5, 8, 31])
@pytest.mark.parametrize("first_index", [*range(1, 8), 1_700_000_000 * 1024 + 13])
def test_it_streams_exactly_wherever_on_the_grid_it_begins(
    small, played, one_pass, lookahead, first_index
) -> None:
    card, tensors = small(lookahead=lookahead)
    pose, keys = played(card, 90)
    effort = stream(streaming_estimator(card, tensors), pose, keys, (10, 11, 3), first_index)
    expected = one_pass(card, tensors, pose, keys, first_index)
    assert np.abs(effort - expected).max() < TOLERANCE
    # The frame in which it begins ended before it did: nothing is known of what is left of it.
    untold = -first_index % STRIDE if lookahead < first_index % STRIDE else 0
    assert not effort[:untold].any()
    assert effort[untold:].any(axis=1).all()


def test_the_full_network_streams_exactly(small, played, one_pass) -> None:
    light, place = small()
    card = replace(light, architecture="touchnet")
    tensors = random_tensors(card)
    tensors["features.place"] = place["features.place"]
    tensors["outlet.weight"] *= np.float32(0.2)
    pose, keys = played(card, 600)
    effort = stream(TouchStreaming(card, tensors), pose, keys, (10,))
    assert np.abs(effort - one_pass(card, tensors, pose, keys)).max() < TOLERANCE


@pytest.mark.parametrize("lookahead", [0, 12, 31])
def test_no_effort_depends_on_what_lies_beyond_the_lookahead(small, played, lookahead) -> None:
    card, tensors = small(lookahead=lookahead)
    pose, keys = played(card, 120)
    changed = pose.copy()
    changed[80:] += np.linspace(0, 0.3, pose.shape[1], dtype=np.float32)
    one, other = (stream(TouchStreaming(card, tensors), x, keys, (10,)) for x in (pose, changed))
    # The network runs every eighth sample, so that an effort may see less than it might.
    first = np.flatnonzero(np.abs(one - other).max(axis=1) > 1e-6)[0]
    assert 80 - lookahead <= first < 80 - lookahead + 8


@pytest.mark.parametrize("lookahead", [0, 5, 31])
def test_effort_does_not_step_where_frames_meet(small, played, lookahead) -> None:
    card, tensors = small(lookahead=lookahead)
    effort = stream(TouchStreaming(card, tensors), *played(card, 400), (10,))
    own = build_network(card, tensors).train()
    pose, keys = (torch.from_numpy(x.T[None]) for x in played(card, 400))
    with torch.inference_mode():
        apart = own(pose, keys)[0].T.numpy()[: len(effort)]
    meets = slice(STRIDE - 1, None, STRIDE)
    joined_step, step = (np.abs(np.diff(x, axis=0))[meets].mean() for x in (effort, apart))
    assert joined_step < 0.2 * step
    # Each frame has come to its own line at its end.
    assert np.abs(effort - apart)[meets].max() < TOLERANCE
    assert np.abs(effort - apart).max() > 0.05


def test_it_runs_in_the_live_estimator(small, played) -> None:
    card, tensors = small()
    pose, keys = played(card, 400)
    live = EffortEstimator(card, streaming_estimator(card, tensors), warm_up_s=0.0)
    got = []
    for start in range(0, len(pose), 10):
        part = slice(start, start + 10)
        flags = np.zeros(len(pose[part]), np.uint8)
        chunk = live.push(AlignedChunk(0, start, start, 1024, pose[part], keys[part], flags))
        if chunk is not None:
            got.append(chunk.effort)
    assert live.counts.not_finite == live.counts.resets == 0
    assert abs(sum(map(len, got)) - (400 - card.lookahead) * 2000 / 1024) < 3
