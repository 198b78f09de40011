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

from kpm_ros.core.skeletons import Skeleton, find_skeleton
from kpm_ros.core.streams import NEWEST, Landmarks, PianoKeys, Streams
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.touchnet.network import build_network
from kpm_ros.models.touchnet.shapes import STRIDE
from kpm_ros.models.touchnet.stream import TouchNetStream
from kpm_ros.models.weight_files import random_tensors
from support.models import (
    IN_SPACE,
    KEYS_ONLY,
    POSE_ONLY,
    listed,
    looks_at_no_others,
    one_pass,
    playing,
    small,
)
from support.streams import stream

TOLERANCE = 1e-5
HAND = find_skeleton("mediapipe-hand")
MITTEN = Skeleton("mitten", tuple("abcdefg"), roles={"palm": (1, 0), "tips": (2, 3, 4, 5, 6)})
DIFFERENT = Streams(
    (
        PianoKeys("piano", first_note=36, count=49, sense="sound"),
        Landmarks("top", HAND, sense="hand"),
        Landmarks("side", MITTEN, dimensions=3, sense="hand"),
    )
)
"""Keys first, and views of different skeletons and dimensions."""
AGED = Streams((Landmarks("top", HAND, timing=NEWEST), PianoKeys()))


@pytest.mark.parametrize("lookahead", [0, 5, 8, 31])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"streams": POSE_ONLY},
        {"streams": KEYS_ONLY},
        {"streams": listed(views=("top",))},
        {"streams": listed(keys=61, first_note=36), "muscles": ("ADM",)},
        {"streams": DIFFERENT, "optional": ("sound",)},
        {"streams": IN_SPACE, "optional": ("pose", "keys")},
        {"streams": AGED},
    ],
    ids=[
        "pose+keys",
        "pose",
        "keys",
        "one view",
        "other sizes",
        "different views",
        "in space",
        "newest",
    ],
)
def test_every_combination_of_senses_and_lookahead_streams_exactly(fields, lookahead) -> None:
    card, tensors = small(lookahead=lookahead, **fields)
    values = playing(card, 150)
    for sense in card.optional:
        values[50:90, card.streams.senses[sense]] = card.streams.missing_row[
            card.streams.senses[sense]
        ]
    effort = stream(TouchNetStream(card, tensors), values, (10, 11, 3))
    expected = one_pass(card, tensors, values)
    assert expected.std() > 0.05
    assert np.abs(effort - expected).max() < TOLERANCE


@pytest.mark.parametrize("lookahead", [0, 5, 8, 31])
@pytest.mark.parametrize("first_index", [*range(1, 8), 1_700_000_000 * 1024 + 13])
def test_it_streams_exactly_wherever_on_the_grid_it_begins(lookahead, first_index) -> None:
    card, tensors = small(lookahead=lookahead)
    values = playing(card, 90)
    effort = stream(TouchNetStream(card, tensors), values, (10, 11, 3), first_index)
    expected = one_pass(card, tensors, values, first_index)
    assert np.abs(effort - expected).max() < TOLERANCE
    # The frame in which it begins ended before it did: nothing is known of what is left of it.
    unknown = -first_index % STRIDE if lookahead < first_index % STRIDE else 0
    assert not effort[:unknown].any()
    assert effort[unknown:].any(axis=1).all()


def test_the_full_network_streams_exactly() -> None:
    narrow, place = small()
    card = replace(narrow, architecture="touchnet")
    tensors = random_tensors(card)
    tensors["features.place"] = place["features.place"]
    tensors["outlet.weight"] *= np.float32(0.2)
    values = playing(card, 600)
    effort = stream(TouchNetStream(card, tensors), values, (10,))
    assert np.abs(effort - one_pass(card, tensors, values)).max() < TOLERANCE


@pytest.mark.parametrize("lookahead", [0, 12, 31])
def test_no_effort_depends_on_what_lies_beyond_the_lookahead(lookahead) -> None:
    card, tensors = small(lookahead=lookahead)
    values = playing(card, 120)
    pose = card.streams.senses["pose"]
    changed = values.copy()
    changed[80:, pose] += np.linspace(0, 0.3, pose.stop - pose.start, dtype=np.float32)
    one, other = (stream(TouchNetStream(card, tensors), x, (10,)) for x in (values, changed))
    # The network runs every eighth sample, so that an effort may see less than it might.
    first = np.flatnonzero(np.abs(one - other).max(axis=1) > 1e-6)[0]
    assert 80 - lookahead <= first < 80 - lookahead + 8


@pytest.mark.parametrize("lookahead", [0, 5, 31])
def test_effort_does_not_step_where_frames_meet(lookahead) -> None:
    card, tensors = small(lookahead=lookahead)
    values = playing(card, 400)
    effort = stream(TouchNetStream(card, tensors), values, (10,))
    own = build_network(card, tensors).train()
    with torch.inference_mode():
        apart = own(torch.from_numpy(values.T.copy())[None])[0].T.numpy()[: len(effort)]
    meets = slice(STRIDE - 1, None, STRIDE)
    joined_step, step = (np.abs(np.diff(x, axis=0))[meets].mean() for x in (effort, apart))
    assert joined_step < 0.2 * step
    # Each frame has come to its own line at its end.
    assert np.abs(effort - apart)[meets].max() < TOLERANCE
    assert np.abs(effort - apart).max() > 0.05


def test_a_longer_look_ahead_settles_sooner() -> None:
    cards = [small(lookahead=ahead, architecture="touchnet")[0] for ahead in (0, 31, 128)]
    assert [architecture_of(card).span(card).settling for card in cards] == [503, 472, 375]


@pytest.mark.parametrize("lookahead", [0, 5, 24])
def test_it_looks_at_the_samples_that_it_says_and_no_others(lookahead) -> None:
    card, tensors = small(lookahead=lookahead)
    assert looks_at_no_others(card, tensors, playing(card, 96))
