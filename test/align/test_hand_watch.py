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

"""A hand, or a view of one, that is unlike those of the training is noticed, and others are not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from kpm_ros.align.hand_measures import MOMENT_S, MOMENTS, measured, ranges_of
from kpm_ros.align.hand_watch import HandWatch
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.hands import streams_of
from kpm_ros.core.resources import find_model
from kpm_ros.core.streams import Landmarks, Streams
from kpm_ros.learn.recordings.aligned_performance import AlignedPerformance, align_performance
from kpm_ros.models.weight_files import read_card
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.example_scores import five_finger_study
from kpm_ros.simulate.hand import HAND_SKELETON
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import Performer
from kpm_ros.simulate.rooms import Room, published_room
from support.models import HAND_IN_SPACE, IN_SPACE

S = 1_000_000_000
RATE_HZ = 64
STRANGE = Flag.UNFAMILIAR | Flag.STRANGE_ROOM
JUDGED_S = MOMENT_S * (MOMENTS + 2)
"""From when on something may be said."""
PICTURES = Streams((Landmarks("top", HAND_SKELETON),))


@cache
def pianist(hand_size: float) -> Performer:
    person = replace(Person(), hand_size=hand_size)
    return make_pianist(five_finger_study(), seed=1, person=person, body="plain")


def watched(
    streams: Streams, familiar: dict[str, list[float]], rows: AlignedPerformance, at_once: int = 7
) -> tuple[np.ndarray, str]:
    """Hand a performance's rows over, some at a time; what is said of each, and at the end."""
    watch, flags = HandWatch(streams, familiar), np.zeros(len(rows.values), FlagBits)
    stamps_ns = np.arange(len(flags), dtype=np.int64) * S // RATE_HZ
    for start in range(0, len(flags), at_once):
        part = slice(start, start + at_once)
        watch.look(stamps_ns[part], rows.values[part], rows.missing[part], flags[part])
    return flags, watch.trouble


def played(hand_size: float, streams: Streams, room: Room) -> AlignedPerformance:
    given = {"seed": 1, "rate_hz": RATE_HZ}
    return align_performance(pianist(hand_size), room, streams, 6.0, **given)


@pytest.mark.parametrize(
    ("hand_size", "cameras", "said"),
    [
        (1.0, 2, ""),
        (0.7, 2, "times as large as usual"),
        (1.35, 2, "times as large as usual"),
        (1.35, 1, "the hand is known to"),
    ],
)
def test_a_hand_of_a_size_that_no_training_had_is_noticed(hand_size, cameras, said) -> None:
    familiar = read_card(find_model("touchnet-sim-rooms")).familiar
    room = published_room()
    room = replace(
        room,
        cameras=room.cameras[:cameras],
        errors=room.errors[:cameras],
        registered=room.registered[:cameras],
    )
    flags, trouble = watched(IN_SPACE, familiar, played(hand_size, IN_SPACE, room))
    assert said in trouble
    assert bool(trouble) == bool(said)
    assert not flags[: int(JUDGED_S * RATE_HZ) - RATE_HZ].any()
    assert (flags[int(JUDGED_S * RATE_HZ) :] == (STRANGE if said else 0)).all()


@pytest.mark.parametrize(("moved_m", "said"), [(0.0, ""), (0.25, "in the view 'top'")])
def test_pictures_of_a_camera_that_stands_elsewhere_are_noticed_without_registration(
    moved_m: float, said: str
) -> None:
    card = read_card(find_model("touchnet-sim"))
    top, *others = published_room().cameras
    place, look_at = (
        tuple(float(value) for value in np.add(point, (0.0, moved_m, 0.0)))
        for point in (top.position, top.look_at)
    )
    room = replace(
        published_room(), cameras=(replace(top, position=place, look_at=look_at), *others)
    )
    flags, trouble = watched(card.streams, card.familiar, played(1.0, card.streams, room))
    assert said in trouble
    assert (flags[-RATE_HZ:] == (STRANGE if said else 0)).all()


def test_what_is_said_does_not_depend_on_how_many_samples_come_at_a_time() -> None:
    rows = played(1.0, IN_SPACE, published_room())
    said = [
        watched(IN_SPACE, {"hand_size": [2.0, 3.0]}, rows, at_once)[0] for at_once in (1, 13, 999)
    ]
    assert (said[0] == said[1]).all()
    assert (said[0] == said[2]).all()
    assert said[0].any()


def test_a_card_that_says_nothing_of_hands_finds_none_strange() -> None:
    flags, trouble = watched(IN_SPACE, {}, played(1.35, IN_SPACE, published_room()))
    assert not flags.any()
    assert not trouble


def test_of_two_hands_the_strange_one_is_named_and_one_that_is_out_of_sight_is_not_judged() -> None:
    streams = streams_of(Streams((HAND_IN_SPACE,)), "both")
    row = np.random.default_rng(1).normal(0.0, 0.1, streams.width).astype(np.float32)
    values = np.tile(row, (6 * RATE_HZ, 1))
    size = float(measured(streams.landmarks[1], values[:1, streams.columns["hand_right"]])[0, 0])
    rows = AlignedPerformance(values, np.ones(len(values), np.uint32), np.zeros(0, FlagBits))
    _, trouble = watched(streams, {"hand_size": [size + 0.1, size + 0.2]}, rows)
    assert "the right hand is" in trouble


def test_ranges_hold_all_that_training_had_and_little_more() -> None:
    hand = PICTURES.landmarks[0]
    draw = np.random.default_rng(3)
    takes = [draw.normal(0.5, 0.05, (40, 21, 2)).reshape(40, 42) + 0.1 * take for take in range(3)]
    found = ranges_of(hand, [take.astype(np.float32) for take in takes])
    assert set(found) == {"top_across", "top_down", "top_wide", "top_tall"}
    low, high = found["top_across"]
    assert 0.44 < low < 0.47
    assert 0.73 < high < 0.76
    assert ranges_of(hand, [takes[0][: MOMENTS - 1]]) == {}
