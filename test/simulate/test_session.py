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

"""A session: what drivers would deliver, in that order, and the same however it is asked for."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from kpm_ros.sense.samples import (
    ChannelChunk,
    KeyEvent,
    KeyEventKind,
    KeyMotionChunk,
    LandmarkFrame,
)
from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.drivers import Delivery
from kpm_ros.simulate.example_scores import five_finger_study
from kpm_ros.simulate.knock import Knock
from kpm_ros.simulate.pianist import Pianist
from kpm_ros.simulate.session import SimulatedSession
from kpm_ros.simulate.tracked_view import TrackerErrors

S = 1_000_000_000
START = 1_700_000_000_123_456_789
SECONDS = 6
MS = 1_000_000


@pytest.fixture(scope="module")
def study() -> Pianist:
    return Pianist(five_finger_study())


def session(study: Pianist, seed: int = 5, **options: bool) -> SimulatedSession:
    return SimulatedSession(study, default_cameras(), START, seed, **options)


@pytest.fixture(scope="module")
def delivered(study: Pianist) -> list[Delivery]:
    return session(study).advance(START + SECONDS * 1000 * MS)


def of_kind(delivered: list[Delivery], kind: type) -> list:
    return [delivery.sample for delivery in delivered if isinstance(delivery.sample, kind)]


def same(one: Delivery, other: Delivery) -> bool:
    if one.deliver_ns != other.deliver_ns or type(one.sample) is not type(other.sample):
        return False
    for name in one.sample.__slots__:
        a, b = getattr(one.sample, name), getattr(other.sample, name)
        if not np.array_equal(a, b):
            return False
    return True


def test_any_split_of_the_time_delivers_the_same(study: Pianist, delivered: list) -> None:
    draw = np.random.default_rng(1)
    other = session(study)
    parts: list[Delivery] = []
    now = START
    while now < START + SECONDS * 1000 * MS:
        now = min(now + int(draw.exponential(20 * MS)), START + SECONDS * 1000 * MS)
        fresh = other.advance(now)
        assert all(delivery.deliver_ns <= now for delivery in fresh)
        parts += fresh
    assert len(parts) == len(delivered)
    assert all(same(a, b) for a, b in zip(parts, delivered, strict=True))


def test_another_seed_is_another_session(study: Pianist, delivered: list) -> None:
    other = session(study, seed=6).advance(START + SECONDS * 1000 * MS)
    assert not all(same(a, b) for a, b in zip(other, delivered, strict=False))


def test_nothing_is_delivered_before_it_happened_or_out_of_order(delivered: list) -> None:
    times = [delivery.deliver_ns for delivery in delivered]
    assert times == sorted(times)
    for delivery in delivered:
        sample = delivery.sample
        last_ns = sample.stamp_ns
        if isinstance(sample, ChannelChunk):
            last_ns += 19 * MS // 2
        elif isinstance(sample, KeyMotionChunk):
            last_ns += 4 * MS
        assert 1 * MS <= delivery.deliver_ns - last_ns <= 12 * MS + 1


def test_each_stream_counts_without_a_gap(delivered: list) -> None:
    frames = defaultdict(list)
    for frame in of_kind(delivered, LandmarkFrame):
        frames[frame.view].append(frame.index)
    assert sorted(frames) == ["right", "top"]
    for indices in (*frames.values(), [e.index for e in of_kind(delivered, KeyEvent)]):
        assert indices == list(range(len(indices)))
    for kind, size in ((KeyMotionChunk, 5), (ChannelChunk, 20)):
        firsts = [chunk.first_index for chunk in of_kind(delivered, kind)]
        assert firsts == list(range(0, size * len(firsts), size))


def test_rates_are_those_of_the_devices(delivered: list) -> None:
    assert len(of_kind(delivered, LandmarkFrame)) == pytest.approx(2 * 60 * SECONDS, abs=4)
    motion, emg = of_kind(delivered, KeyMotionChunk), of_kind(delivered, ChannelChunk)
    assert len(motion) == pytest.approx(200 * SECONDS, abs=2)
    assert len(emg) == pytest.approx(100 * SECONDS, abs=2)
    assert motion[0].depth.shape == (5, 88)
    assert emg[0].samples.shape == (20, 6)
    assert motion[7].stamp_ns == START + 35 * MS
    assert emg[7].stamp_ns == START + 70 * MS


def test_heartbeats_come_every_50_ms_after_all_that_happened_before(delivered: list) -> None:
    events = of_kind(delivered, KeyEvent)
    stamps = [event.stamp_ns for event in events]
    assert stamps == sorted(stamps)
    beats = [e.stamp_ns for e in events if e.kind == KeyEventKind.HEARTBEAT]
    assert set(np.diff(beats)) == {50 * MS}


def test_key_motion_arrives_at_the_bottom_when_its_note_sounds(delivered: list) -> None:
    depth = np.concatenate([chunk.depth for chunk in of_kind(delivered, KeyMotionChunk)])
    notes = [e for e in of_kind(delivered, KeyEvent) if e.kind == KeyEventKind.NOTE_ON]
    assert len(notes) > 10
    for note in notes:
        at = (note.stamp_ns - START) // MS
        if at + 1 < len(depth):
            assert depth[at - 5, note.note - 21] < depth[at + 1, note.note - 21]
            assert depth[at + 1, note.note - 21] > 0.97


def test_senses_that_are_not_wanted_are_left_out(study: Pianist) -> None:
    few = session(study, emg=False, key_motion=False).advance(START + 500 * MS)
    assert {type(delivery.sample) for delivery in few} == {LandmarkFrame, KeyEvent}


def test_a_lost_hand_is_a_frame_without_points(study: Pianist) -> None:
    errors = TrackerErrors(drop_fraction=0.2)
    blind = SimulatedSession(study, default_cameras(), START, 5, errors=errors)
    frames = of_kind(blind.advance(START + 3000 * MS), LandmarkFrame)
    lost = [frame for frame in frames if frame.points is None]
    assert lost
    assert all(frame.confidence == 0 for frame in lost)
    assert all(frame.points.shape == (21, 3) for frame in frames if frame.points is not None)


def test_an_endless_session_keeps_no_past(study: Pianist) -> None:
    endless = session(study)
    most = 0
    for second in range(1, int(study.period_s * 2)):
        endless.advance(START + second * 1000 * MS)
        most = max(most, len(endless._waiting))
    assert most < 200


def test_a_knocked_camera_sees_the_hand_elsewhere_and_nothing_else_changes(study: Pianist) -> None:
    knocked = SimulatedSession(study, default_cameras(), 0, emg=False)
    knocked.knock(Knock.read("top,1.0,0.06,0.0,0.0"))
    usual = SimulatedSession(study, default_cameras(), 0, emg=False)
    moved = []
    pairs = zip(knocked.advance(2 * S), usual.advance(2 * S), strict=True)
    for ours, theirs in ((one.sample, other.sample) for one, other in pairs):
        if not isinstance(ours, LandmarkFrame):
            continue
        assert (ours.stamp_ns, ours.view) == (theirs.stamp_ns, theirs.view)
        if not np.array_equal(ours.points, theirs.points):
            moved.append(ours)
            # 6 cm at a distance of about 95 cm, through a lens of 0.82 image widths.
            assert (theirs.points - ours.points)[:, 0].mean() == pytest.approx(0.054, abs=0.004)
    assert {frame.view for frame in moved} == {"top"}
    assert S <= moved[0].stamp_ns < 1.6 * S
    assert len(moved) > 20


@pytest.mark.parametrize(
    "words",
    ["top", "top,20,0.06,0.06", "top,soon,0,0,0", "top,-1,0,0,0", "top,1,0,0,nan", ",1,0,0,0"],
)
def test_a_knock_that_cannot_be_is_refused_with_an_example(words: str) -> None:
    with pytest.raises(ValueError, match=r"such as top,20,0\.06,0\.06,-0\.05"):
        Knock.read(words)


def test_two_cameras_of_one_name_are_refused(study: Pianist) -> None:
    top = default_cameras()[0]
    with pytest.raises(ValueError, match="name of its own, not top, top"):
        SimulatedSession(study, [top, top], START)
