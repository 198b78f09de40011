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
"""A list of streams says what there is, and nothing that cannot be."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kpm_ros.core.skeletons import Skeleton, find_skeleton
from kpm_ros.core.streams import (
    MOST_STREAMS,
    Channels,
    Landmarks,
    PianoKeys,
    StreamError,
    Streams,
)

HAND, BODY = find_skeleton("mediapipe-hand"), find_skeleton("mediapipe-body")
OWN = Skeleton("my-hand", ("near", "far"), ((0, 1),), {"tips": (1,)})
FORCE = Channels("force", ("left", "right"), "N", 100.0)
MANY = Streams(
    (
        Landmarks("top", HAND),
        Landmarks("side", OWN, dimensions=3, rate_hz=30.0),
        Landmarks("room", BODY, sense="body"),
        PianoKeys(first_note=36, count=61),
        FORCE,
    )
)


def test_each_stream_and_sense_has_its_columns_side_by_side() -> None:
    assert MANY.width == 42 + 6 + 66 + 61 + 2
    assert MANY.columns["side"] == slice(42, 48)
    assert MANY.senses == {
        "pose": slice(0, 48),
        "body": slice(48, 114),
        "keys": slice(114, 175),
        "force": slice(175, 177),
    }
    assert [MANY.bits(sense) for sense in MANY.senses] == [0b11, 0b100, 0b1000, 0b10000]
    assert MANY["side"].columns == ("near.x", "near.y", "near.z", "far.x", "far.y", "far.z")
    assert MANY["keys"].columns[0] == "note36"


def test_a_row_of_which_nothing_is_known_says_not_sensed_for_keys_only() -> None:
    row = MANY.missing_row
    assert (row[MANY.senses["keys"]] == -1).all()
    assert np.count_nonzero(row) == 61


def test_what_was_written_is_read_back_also_through_json_and_with_a_skeleton_of_ones_own() -> None:
    plain = json.loads(json.dumps(MANY.as_plain()))
    assert Streams.from_plain(plain, "the card") == MANY
    assert plain[0]["skeleton"] == "mediapipe-hand"
    assert plain[1]["skeleton"]["points"] == ["near", "far"]


@pytest.mark.parametrize(
    ("listed", "says"),
    [
        ((Landmarks("top", HAND), Landmarks("top", BODY)), "two streams named 'top'"),
        ((PianoKeys(), PianoKeys("more", sense="more")), "two pianos"),
        ((Landmarks("a", HAND), PianoKeys(), Landmarks("b", HAND)), "must follow each other"),
        ((Landmarks("a b", HAND),), "as in a topic"),
        ((Landmarks("../x", HAND),), "as in a topic"),
        ((Landmarks("a", HAND, dimensions=4),), "2 or 3"),
        ((Landmarks("a", HAND, rate_hz=0.0),), "samples a second"),
        ((Landmarks("a", HAND, rate_hz=float("nan")),), "no number"),
        ((PianoKeys(first_note=100, count=88),), "notes 0 to 127"),
        ((PianoKeys(count=0),), "notes 0 to 127"),
        ((Channels("f", (), "N", 1.0),), "name each of its channels"),
        ((Channels("f", ("x", "x"), "N", 1.0),), "names a channel twice"),
        (tuple(Landmarks(f"v{k}", HAND) for k in range(MOST_STREAMS + 1)), "at most 32"),
        ((Channels("f", tuple(f"c{k}" for k in range(9000)), "N", 1.0),), "at most 8192"),
    ],
)
def test_streams_that_cannot_be_are_refused_in_words(listed: tuple, says: str) -> None:
    with pytest.raises(StreamError, match=says):
        Streams(listed)


GOOD = MANY.as_plain()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "smell"}, "kind 'smell'"),
        ({"skeleton": "nobody"}, "no skeleton 'nobody'"),
        ({"skeleton": {"name": "x"}}, "as its points"),
        ({"speed": 1}, "field too many or too few"),
        ({"dimensions": "2"}, "2 or 3"),
        ({"rate_hz": "fast"}, "no number"),
    ],
)
def test_a_written_stream_that_was_damaged_is_refused_in_words(changes: dict, says: str) -> None:
    with pytest.raises(StreamError, match=says):
        Streams.from_plain([GOOD[0] | changes], "the card")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*GOOD[0], *GOOD[4]]), inner, max_size=6)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(anything)
@example([{"kind": []}])
@example([{**GOOD[0], "skeleton": {"name": "x", "points": [[]], "roles": {"tips": [[]]}}}])
def test_whatever_is_read_is_a_list_of_streams_or_a_sentence(value: object) -> None:
    with contextlib.suppress(StreamError):
        assert isinstance(Streams.from_plain(value, "the card"), Streams)
