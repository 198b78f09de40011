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

"""Names of hands from made-up detections: what holds, and what may change them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpm_ros.sense.hands.detection import Detection
from kpm_ros.sense.hands.hand_identity import HandIdentities

FRAME_NS = 33_333_333
SIZE = (640, 360)
SHAPE = np.random.default_rng(1).uniform(-0.04, 0.04, (21, 3)).astype(np.float32)


def seen(x, y, label, confidence=0.95):
    return Detection(SHAPE + np.array([x, y, 0], np.float32), label, confidence)


class Film:
    """Frames one after another; tells where each named hand was found."""

    def __init__(self):
        self.identities = HandIdentities()
        self.number = 0

    def frame(self, *detections):
        self.number += 1
        named = self.identities.name(detections, self.number * FRAME_NS, SIZE)
        return {
            name: round(float(d.points[:, 0].mean() - SHAPE[:, 0].mean()), 3)
            for name, d in named.items()
        }

    def frames(self, count, *detections):
        for _ in range(count):
            named = self.frame(*detections)
        return named


@pytest.fixture
def film():
    made = Film()
    made.frames(10, seen(0.3, 0.5, "left"), seen(0.6, 0.5, "right"))
    return made


def test_a_wrong_label_does_not_rename_a_hand(film):
    assert film.frames(5, seen(0.3, 0.5, "right"), seen(0.6, 0.5, "right")) == {
        "left": 0.3,
        "right": 0.6,
    }
    assert film.frame(seen(0.3, 0.5, "right", 0.99)) == {"left": 0.3}


def test_hands_keep_their_names_while_one_passes_over_the_other(film):
    for x in np.arange(0.6, 0.1, -0.02):
        hidden = abs(x - 0.3) < 0.07
        moving = seen(x, 0.45, "right")
        named = film.frame(moving) if hidden else film.frame(seen(0.3, 0.5, "left"), moving)
        assert named["right"] == pytest.approx(x, abs=1e-3)
    assert named == {"left": 0.3, "right": pytest.approx(0.12, abs=1e-3)}
    assert film.identities.renamed == 0


def test_a_name_that_was_wrong_from_the_start_is_put_right_by_votes():
    film = Film()
    film.frame(seen(0.3, 0.5, "right", 0.9), seen(0.6, 0.5, "left", 0.9))
    named = film.frames(20, seen(0.3, 0.5, "left", 0.9), seen(0.6, 0.5, "right", 0.9))
    assert named == {"left": 0.3, "right": 0.6}
    assert film.identities.renamed == 1


def test_labels_alone_never_exchange_hands_that_stay_in_sight(film):
    film.frames(60, seen(0.3, 0.5, "left"), seen(0.6, 0.5, "right"))
    named = film.frames(300, seen(0.3, 0.5, "right", 0.99), seen(0.6, 0.5, "left", 0.99))
    assert named == {"left": 0.3, "right": 0.6}
    assert film.identities.renamed == 0


def test_crossed_hands_keep_their_names_whatever_their_labels_say(film):
    film.frames(60, seen(0.3, 0.5, "left"), seen(0.6, 0.5, "right"))
    for step in np.arange(0.0, 0.32, 0.02):
        named = film.frame(seen(0.3 + step, 0.6, "left"), seen(0.6 - step, 0.4, "right"))
    named = film.frames(90, seen(0.6, 0.6, "right"), seen(0.3, 0.4, "left"))
    assert named == {"left": 0.6, "right": 0.3}


def test_of_a_hand_that_was_long_out_of_sight_labels_may_say_that_the_name_is_wrong(film):
    film.frames(60, seen(0.3, 0.5, "left"), seen(0.6, 0.5, "right"))
    film.frames(30)
    named = film.frames(40, seen(0.32, 0.5, "right"), seen(0.62, 0.5, "left"))
    assert named == {"left": 0.62, "right": 0.32}


def test_a_hand_seen_twice_is_one_hand(film):
    named = film.frame(seen(0.3, 0.5, "left", 0.9), seen(0.305, 0.5, "right", 0.8))
    assert named == {"left": 0.3}


def test_a_hand_that_comes_back_elsewhere_is_known_by_its_label(film):
    film.frames(20, seen(0.3, 0.5, "left"))
    assert film.frame(seen(0.3, 0.5, "left"), seen(0.8, 0.2, "right")) == {
        "left": 0.3,
        "right": 0.8,
    }
    film.frames(200)
    assert film.frame(seen(0.3, 0.5, "right")) == {"right": 0.3}


def test_a_film_that_starts_again_is_a_new_film(film):
    film.number = 0
    assert film.frame(seen(0.6, 0.5, "left")) == {"left": 0.6}


hands = st.builds(
    seen,
    st.floats(-0.5, 1.5),
    st.floats(-0.5, 1.5),
    st.sampled_from(["left", "right"]),
    st.floats(0.0, 1.0),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(hands, max_size=4), max_size=20))
def test_every_frame_names_each_hand_at_most_once(frames):
    film = Film()
    for detections in frames:
        named = film.identities.name(detections, film.number * FRAME_NS, SIZE)
        film.number += 1
        assert set(named) <= {"left", "right"}
        assert len({id(d) for d in named.values()}) == len(named)
        assert bool(named) == bool(detections)
