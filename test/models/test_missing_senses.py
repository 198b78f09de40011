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

"""What a network is given in place of a missing sense, and when effort is still believed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.models.card import CardError, ModelCard
from kpm_ros.models.missing_senses import blank, judge, neutral_row
from kpm_ros.models.pianokpm.published import published_card
from support.models import POSE_ONLY, listed, signal

STREAMS = listed()
TOP, RIGHT, KEYS = 1, 2, 4
"""Bits of the streams, in the order of the list."""
OFFSET = (*np.linspace(0.2, 0.8, 84).tolist(), *[0.0] * 88)
SCALE = (*[0.1] * 84, *[1.0] * 88)


@pytest.mark.parametrize("optional", [(), ("keys",)])
def test_a_sense_the_model_needs_makes_effort_invalid(optional) -> None:
    card = published_card(optional=optional)
    missing = np.array([0, TOP, RIGHT, KEYS, TOP | KEYS], np.uint32)
    flags = np.zeros(5, FlagBits)
    invalid = (judge(flags, missing, card) & Flag.INVALID) != 0
    assert invalid.tolist() == [False, True, True, not optional, True]
    assert not flags.any()


def test_without_any_sense_effort_is_invalid_even_if_the_model_can_do_without_each() -> None:
    card = published_card(optional=("pose", "keys"))
    missing = np.array([TOP, KEYS, TOP | KEYS], np.uint32)
    invalid = (judge(np.zeros(3, FlagBits), missing, card) & Flag.INVALID) != 0
    assert invalid.tolist() == [False, False, True]


def test_what_the_model_cannot_do_without_is_not_blanked() -> None:
    card = published_card(optional=("keys",), offset=OFFSET, scale=SCALE)
    pose, keys = STREAMS.senses["pose"], STREAMS.senses["keys"]
    values = signal(card, 20)
    before = values.copy()
    missing = np.full(20, TOP | KEYS, np.uint32)
    missing[:5] = 0
    seen = blank(values, missing, card)
    assert np.array_equal(seen[:, pose], values[:, pose])
    assert np.array_equal(seen[:5], values[:5])
    assert (seen[5:, keys] == -1).all()
    assert seen.dtype == np.float32
    assert np.array_equal(values, before)


def test_the_neutral_row_is_nothing_once_normalised_and_keys_that_are_not_sensed() -> None:
    for offset in (OFFSET, ()):
        row = neutral_row(published_card(offset=offset))
        assert np.array_equal(row[:84], np.float32(offset[:84] or [0.0] * 84))
        assert (row[84:] == -1).all()


def test_a_card_of_an_earlier_version_can_do_without_nothing() -> None:
    metadata = published_card(optional=("keys",)).to_metadata()
    assert ModelCard.from_metadata(metadata).optional == ("keys",)
    fields = json.loads(metadata["kpm_card"])
    del fields["version"], fields["streams"], fields["offset"], fields["scale"], fields["optional"]
    fields |= {"inputs": ["pose", "keys"], "views": ["top", "right"], "landmarks": 21}
    fields |= {"first_note": 21, "keys": 88, "pose_offset": [], "pose_scale": []}
    assert ModelCard.from_metadata({"kpm_card": json.dumps(fields)}) == published_card()


@pytest.mark.parametrize("optional", [("keys",), ("emg",)])
def test_a_card_that_does_without_what_it_does_not_take_is_refused(optional) -> None:
    with pytest.raises(CardError, match="can do without its senses pose only"):
        published_card(streams=POSE_ONLY, optional=optional)
