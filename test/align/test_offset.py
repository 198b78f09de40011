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

"""How late a camera is, found from the playing alone."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from kpm_ros.align.offset import estimate_offset
from kpm_ros.align.view_offset import estimate_offsets, offset_between
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.sense.samples import HAND, KeyEvent, KeyEventKind, LandmarkFrame
from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.example_scores import five_finger_study, random_study
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import Pianist
from kpm_ros.simulate.session import SimulatedSession
from kpm_ros.simulate.tracked_view import TrackerErrors

MS = 1_000_000
SECONDS = 60
START_NS = 1_700_000_000_000_000_000
WRITABLE = 0.7
NEAR_S = 0.005

Played = tuple[list[LandmarkFrame], list[KeyEvent]]


@lru_cache
def played(seed: int, drop_fraction: float = 0.0) -> Played:
    score = five_finger_study() if seed == 0 else random_study(seed, SECONDS)
    pianist = Pianist(score, seed=seed, person=Person.from_seed(seed))
    session = SimulatedSession(
        pianist,
        default_cameras(),
        START_NS,
        seed=seed,
        emg=False,
        key_motion=False,
        errors=TrackerErrors(drop_fraction=drop_fraction),
    )
    samples = [each.sample for each in session.advance(START_NS + SECONDS * 1000 * MS)]
    frames = [sample for sample in samples if isinstance(sample, LandmarkFrame)]
    return frames, [sample for sample in samples if isinstance(sample, KeyEvent)]


def late(frames: list[LandmarkFrame], **late_ms: int) -> list[LandmarkFrame]:
    return [replace(f, stamp_ns=f.stamp_ns + late_ms.get(f.view, 0) * MS) for f in frames]


def of(view: str, frames: list[LandmarkFrame]) -> list[LandmarkFrame]:
    return [frame for frame in frames if frame.view == view]


def notes(events: list[KeyEvent], count: int) -> list[KeyEvent]:
    struck = [event for event in events if event.kind is KeyEventKind.NOTE_ON]
    return struck[:: len(struck) // count][:count]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("late_ms", [-80, -30, 0, 45, 80])
def test_an_offset_between_camera_and_keys_is_found_to_5_ms(seed: int, late_ms: int) -> None:
    frames, events = played(seed)
    found = estimate_offset(of("right", late(frames, right=late_ms)), events)
    assert found.offset_s == pytest.approx(late_ms / 1000, abs=NEAR_S)
    assert found.confidence > WRITABLE
    assert found.onsets_used > 100
    assert found.sees_strikes


@pytest.mark.parametrize(("right", "top"), [(-80, 80), (45, -80), (0, 0)])
def test_each_view_has_an_offset_of_its_own(right: int, top: int) -> None:
    frames, events = played(1)
    found = estimate_offsets(late(frames, right=right, top=top), events)
    assert found["right"].offset_s == pytest.approx(right / 1000, abs=NEAR_S)
    assert found["top"].offset_s == pytest.approx(top / 1000, abs=NEAR_S)
    assert min(each.confidence for each in found.values()) > WRITABLE


def test_a_tracker_that_loses_the_hand_now_and_then_costs_onsets_but_not_the_offset() -> None:
    frames, events = played(2, 0.05)
    found = estimate_offset(of("right", late(frames, right=45)), events)
    assert found.offset_s == pytest.approx(0.045, abs=NEAR_S)
    assert found.onsets_used < estimate_offset(of("right", played(2)[0]), events).onsets_used


def test_a_view_from_above_alone_is_not_believed() -> None:
    frames, events = played(1)
    assert not estimate_offset(of("top", frames), events).sees_strikes
    assert estimate_offsets(of("top", frames), events)["top"].confidence == 0


def test_the_sparser_the_playing_the_less_confident() -> None:
    frames, events = played(1)
    right = of("right", frames)
    confidence = [estimate_offset(right, notes(events, n)).confidence for n in (4, 10, 20, 30, 200)]
    assert confidence == sorted(confidence)
    assert confidence[0] == 0
    assert confidence[2] < WRITABLE < confidence[-1]


def test_notes_that_another_hand_played_give_no_confidence() -> None:
    frames, events = played(1)
    draw = np.random.default_rng(0)
    elsewhere = [
        replace(event, stamp_ns=START_NS + int(draw.integers(SECONDS * 1000) * MS))
        for event in notes(events, 150)
    ]
    assert estimate_offset(of("right", frames), elsewhere).confidence < WRITABLE


def test_views_of_different_hands_are_not_compared() -> None:
    one, other = of("right", played(1)[0]), of("top", played(2)[0])
    assert offset_between(one, other).confidence < WRITABLE


def test_an_offset_beyond_what_is_looked_for_is_not_claimed() -> None:
    frames, events = played(1)
    found = estimate_offset(of("right", late(frames, right=400)), events)
    assert found.confidence < WRITABLE


def test_nothing_seen_or_nothing_played_gives_no_confidence() -> None:
    frames, events = played(1)
    right = of("right", frames)
    unseen = [replace(frame, points=None) for frame in right]
    broken = [replace(frame, points=np.full((21, 3), np.nan, np.float32)) for frame in right]
    for case in (
        (right, []),
        ([], events),
        (unseen, events),
        (broken, events),
        (right[:1], events),
    ):
        found = estimate_offset(*case)
        assert (found.confidence, found.onsets_used) == (0, 0)
    assert offset_between(unseen, right).confidence == 0
    assert estimate_offsets([], events) == {}


def test_frames_of_two_views_or_an_unknown_view_are_refused() -> None:
    frames, events = played(1)
    with pytest.raises(ValueError, match="one view"):
        estimate_offset(frames, events)
    with pytest.raises(ValueError, match=r"left.*right, top"):
        estimate_offsets(frames, events, side="left")


def test_a_view_of_fingertips_alone_is_compared_with_one_of_the_whole_hand() -> None:
    frames = late(played(1)[0], top=40)
    right, top = of("right", frames), of("top", frames)
    tips = find_skeleton(HAND).role("tips")
    only_tips = [
        replace(f, skeleton="fingertips", points=None if f.points is None else f.points[[*tips]])
        for f in top
    ]
    assert offset_between(right, only_tips) == offset_between(right, top)
    offsets = estimate_offsets([*right, *only_tips], played(1)[1])
    assert offsets["top"].offset_s == pytest.approx(0.04, abs=NEAR_S)


def test_strikes_are_not_sought_where_the_skeleton_has_no_knuckles() -> None:
    frames, events = played(1)
    tips = [replace(f, skeleton="fingertips", points=np.zeros((5, 3))) for f in of("top", frames)]
    with pytest.raises(ValueError, match="'fingertips' does not say which points are its knuckles"):
        estimate_offset(tips, events)
    with pytest.raises(ValueError, match="one skeleton"):
        estimate_offset([*tips, *of("top", frames)], events)
