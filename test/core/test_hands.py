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

"""Streams and muscles of either hand, and the mirror between them."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.hands import (
    MIRROR_X_M,
    Mirror,
    check_pictures,
    mirrored_note,
    muscles_of,
    side_of,
    streams_of,
)
from kpm_ros.core.keyboard import IS_BLACK, KEY_X_M, NOTES
from kpm_ros.core.registration import RegisteredCamera, Registration
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import Channels, Landmarks, PianoKeys, StreamError, Streams

HAND = find_skeleton("mediapipe-hand")
IN_SPACE = Landmarks("hand", HAND, 3, "keyboard", timing="newest")
STREAMS = Streams((IN_SPACE, PianoKeys()))


def rows(count: int = 5) -> np.ndarray:
    draw = np.random.default_rng(0)
    values = draw.uniform(0, 1, (count, STREAMS.width)).astype(np.float32)
    values[:, STREAMS.columns["keys"]] = np.round(values[:, STREAMS.columns["keys"]])
    return values


def test_a_key_falls_on_a_key_of_its_own_colour_in_the_mirror() -> None:
    for note in NOTES:
        if mirrored_note(note) in NOTES:
            there, here = mirrored_note(note) - NOTES[0], note - NOTES[0]
            assert IS_BLACK[there] == IS_BLACK[here]
            assert KEY_X_M[there] == pytest.approx(2 * MIRROR_X_M - KEY_X_M[here], abs=1e-12)


def test_a_mirror_image_of_a_mirror_image_is_what_it_was_but_for_keys_beyond_the_piano() -> None:
    values, mirror = rows(), Mirror(STREAMS)
    again = mirror(mirror(values))
    inside = [k for k, note in enumerate(NOTES) if mirrored_note(note) in NOTES]
    keys = STREAMS.columns["keys"]
    assert len(inside) == 83
    np.testing.assert_allclose(again[:, : keys.start], values[:, : keys.start], atol=1e-6)
    np.testing.assert_array_equal(again[:, keys][:, inside], values[:, keys][:, inside])


def test_points_and_keys_are_mirrored_and_age_and_spread_are_not() -> None:
    values = rows()
    seen = Mirror(STREAMS)(values)
    hand, keys = STREAMS.columns["hand"], STREAMS.columns["keys"]
    points = seen[:, hand][:, :63].reshape(-1, 21, 3)
    was = values[:, hand][:, :63].reshape(-1, 21, 3)
    np.testing.assert_allclose(points[..., 0], 2 * MIRROR_X_M - was[..., 0], atol=1e-6)
    np.testing.assert_array_equal(points[..., 1:], was[..., 1:])
    np.testing.assert_array_equal(seen[:, hand][:, 63:], values[:, hand][:, 63:])
    np.testing.assert_array_equal(seen[:, keys.start + 62 - 21], values[:, keys.start + 62 - 21])
    np.testing.assert_array_equal(seen[:, keys.start + 60 - 21], values[:, keys.start + 64 - 21])


def test_keys_beyond_the_piano_rest_and_are_unknown_where_keys_are() -> None:
    values = rows(2)
    keys = STREAMS.columns["keys"]
    values[1, keys] = -1
    seen = Mirror(STREAMS)(values)[:, keys]
    assert seen[0, -5:].tolist() == [0] * 5
    assert (seen[1] == -1).all()


def test_where_no_hand_is_known_there_is_none_in_the_mirror_either() -> None:
    values = rows(2)
    points = slice(0, IN_SPACE.points_width)
    values[1, points] = 0
    assert not Mirror(STREAMS)(values)[1, points].any()


def test_two_hands_have_a_stream_each_and_share_the_keys() -> None:
    both = streams_of(STREAMS, "both")
    assert both.names == ("hand_left", "hand_right", "keys")
    assert [view.side for view in both.landmarks] == ["left", "right"]
    assert both.views == ("hand",)
    assert Streams.from_plain(both.as_plain(), "it") == both
    assert streams_of(STREAMS, "left").names == ("hand", "keys")
    assert streams_of(STREAMS, "right") is STREAMS


def test_muscles_say_their_side() -> None:
    assert muscles_of(("FDS", "R_EDC"), "both") == ("L_FDS", "L_EDC", "R_FDS", "R_EDC")
    assert [side_of(name) for name in ("L_FDS", "R_FDS", "LUM", "FDS")] == ["left", "right", "", ""]


def test_what_has_no_mirror_image_is_refused() -> None:
    body = Streams((Landmarks("front", find_skeleton("mediapipe-body")),))
    with pytest.raises(StreamError, match="of a body"):
        streams_of(body, "left")
    glove = Streams((IN_SPACE, Channels("glove", ("a",), "V", 100.0)))
    with pytest.raises(StreamError, match="a left hand's glove"):
        streams_of(glove, "both")


def test_a_picture_is_mirrored_only_where_the_space_behind_it_is_known() -> None:
    camera = Camera((1280, 720), (1000.0, 1000.0, 640.0, 360.0), translation=(0.0, 0.0, 1.0))
    known = Registration({"mine": RegisteredCamera(camera)})
    flat = Streams((Landmarks("top", HAND),))
    trained = Streams((Landmarks("top", HAND, camera=camera),))
    for registration in (None, known):
        with pytest.raises(StreamError, match="of another room: choose a model"):
            check_pictures(flat, "left", registration)
        check_pictures(flat, "right", registration)
        check_pictures(STREAMS, "both", registration)
    with pytest.raises(StreamError, match="of another room: register the cameras"):
        check_pictures(trained, "both", None)
    check_pictures(trained, "left", known)
