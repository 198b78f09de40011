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

"""The newest points that are known, and their age, whatever the camera does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig, Frame
from kpm_ros.align.arrivals import Outcome
from kpm_ros.align.newest import NewestPose
from kpm_ros.align.pose_rules import PoseRules
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.streams import NEWEST, Landmarks, Streams
from support.senses import (
    FRAME,
    LANDMARKS,
    MS,
    PIANO,
    T0,
    Delivery,
    S,
    Samples,
    every,
    frame,
    joined,
    piano,
    play,
    pose_at,
    read_stream,
    view,
)

WAIT = round(PoseRules.newest_wait_s * S)
TRANSIT = round(PoseRules.transit_s * S)
DELAY = 20 * MS
"""From exposure until the tracker is done."""
LOST = Flag.POSE_STALE | Flag.POSE_LOST


def newest(name: str = "top", rate_hz: float = 60.0) -> Landmarks:
    return view(name, timing=NEWEST, rate_hz=rate_hz)


def delivery(
    stamp_ns: int, index: int, name: str = "top", *, hand: bool = True, way_ns: int = MS
) -> Delivery:
    """A frame whose tracker took `DELAY`, and which was so long on its way after that."""
    done = replace(frame(stamp_ns, index, name, hand=hand), processed_ns=stamp_ns + DELAY)
    return Delivery(stamp_ns + DELAY + way_ns, done)


def camera(
    name: str = "top", gap_ns: int = FRAME, seconds: float = 1.0, start_ns: int = T0
) -> list[Delivery]:
    count = round(seconds * S / gap_ns)
    return [delivery(start_ns + i * gap_ns, i, name) for i in range(count)]


def stream(
    *deliveries: Delivery, rate_hz: float = 60.0, rules: PoseRules | None = None
) -> NewestPose:
    pose = NewestPose(newest(rate_hz=rate_hz), rules or PoseRules())
    for each in deliveries:
        pose.push(each.sent, each.received_ns)
    return pose


def read(
    pose: NewestPose, instants_ns: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[FlagBits]]:
    """Points, age and flags."""
    rows, flags = read_stream(pose, instants_ns, 2 * LANDMARKS + 1)
    assert (rows[:, :-1] == rows[:, :1]).all()
    return rows[:, 0], rows[:, -1], flags


@pytest.mark.parametrize("fps", [30, 60, 120])
def test_at_every_phase_of_a_camera_its_newest_known_points_are_held_and_their_age_is_told(
    fps: int,
) -> None:
    gap_ns = S // fps
    instants_ns = T0 + np.arange(500 * MS, 600 * MS, MS // 2)
    points, age_s, flags = read(stream(*camera(gap_ns=gap_ns), rate_hz=fps), instants_ns)
    # Known by now, counting the wait, the tracker's time and the way from it.
    newest_ns = T0 + (instants_ns - T0 + WAIT - DELAY - TRANSIT) // gap_ns * gap_ns
    seen_ns = np.minimum(newest_ns, instants_ns)
    np.testing.assert_allclose(points, [pose_at(int(ns)) for ns in seen_ns], atol=1e-6)
    np.testing.assert_allclose(age_s, (instants_ns - seen_ns) / S, atol=1e-6)
    assert age_s.max() == pytest.approx((gap_ns + DELAY + TRANSIT - WAIT) / S, abs=0.001)
    assert set(flags.tolist()) == {0}


def test_between_two_frames_that_are_known_points_lie_on_the_line_and_have_no_age() -> None:
    pose = stream(*camera(), rules=PoseRules(newest_wait_s=0.06))
    instants_ns = T0 + np.arange(100 * MS, 200 * MS, MS)
    points, age_s, flags = read(pose, instants_ns)
    np.testing.assert_allclose(points, [pose_at(int(ns)) for ns in instants_ns], atol=1e-6)
    assert (age_s.max(), flags.max()) == (0.0, 0)


@pytest.mark.parametrize("way_ms", [0, 2, 5])
def test_how_long_a_frame_was_on_its_way_changes_nothing_while_it_is_short(way_ms: int) -> None:
    deliveries = [delivery(T0 + i * FRAME, i, way_ns=way_ms * MS) for i in range(60)]
    instants_ns = T0 + np.arange(0, 900 * MS, MS)
    usual, other = (read(stream(*each), instants_ns) for each in (camera(), deliveries))
    for mine, theirs in zip(usual, other, strict=True):
        assert mine.tobytes() == theirs.tobytes()


def test_a_frame_that_was_long_on_its_way_counts_from_its_receipt_on_and_is_called_late() -> None:
    pose = stream(*camera(seconds=0.2))
    late = delivery(T0 + 12 * FRAME, 12, way_ns=40 * MS)
    assert pose.push(late.sent, late.received_ns) is Outcome.LATE
    turn_ns = late.received_ns - WAIT
    _, age_s, _ = read(pose, np.array([turn_ns - MS, turn_ns]))
    assert age_s[0] > age_s[1] == pytest.approx((turn_ns - T0 - 12 * FRAME) / S, abs=1e-6)


def test_a_tracker_whose_clock_is_ahead_is_done_when_its_frame_is_received() -> None:
    ahead = replace(frame(T0, 0), processed_ns=T0 + 3600 * S)
    pose = stream(Delivery(T0 + DELAY, ahead))
    turn_ns = T0 + DELAY + TRANSIT - WAIT
    _, _, flags = read(pose, np.array([turn_ns - 1, turn_ns]))
    assert flags.tolist() == [LOST, 0]


def test_a_lost_frame_is_flagged_while_it_is_overdue_and_a_dead_camera_ever_more() -> None:
    deliveries = camera()
    last_ns = T0 + 40 * FRAME
    pose = stream(*deliveries[:20], *deliveries[21:41])
    _, _, flags = read(pose, T0 + np.arange(17 * FRAME, 24 * FRAME, MS))
    assert set(flags.tolist()) == {0, Flag.HELD}
    ages_ms = np.array([20, 40, 60, 240, 260, 3_600_000])
    points, age_s, flags = read(pose, last_ns + ages_ms * MS)
    np.testing.assert_allclose(points, pose_at(last_ns), atol=1e-6)
    np.testing.assert_allclose(age_s, ages_ms / 1000, rtol=1e-6)
    stale, held = Flag.HELD | Flag.POSE_STALE, int(Flag.HELD)
    assert flags.tolist() == [0, held, stale, stale, held | LOST, held | LOST]


@pytest.mark.parametrize("fps", [2, 8])
def test_points_are_lost_after_the_same_time_however_slow_the_camera_is(fps: int) -> None:
    pose = stream(*camera(gap_ns=S // fps, seconds=10), rate_hz=fps)
    seen_ns = T0 + (10 * fps - 1) * S // fps
    _, _, flags = read(pose, seen_ns + np.array([249, 251]) * MS)
    assert [bool(flag & Flag.POSE_LOST) for flag in flags.tolist()] == [False, True]


def test_a_frame_without_anybody_holds_what_was_seen_before_and_says_so_at_once() -> None:
    hands = [True] * 30 + [False] * 200 + [True] * 5
    frames = [delivery(T0 + i * FRAME, i, hand=hand) for i, hand in enumerate(hands)]
    gone_ns, back_ns = (T0 + i * FRAME + DELAY + TRANSIT - WAIT for i in (30, 230))
    pose = stream(*frames)
    instants_ns = np.array([gone_ns - 1, gone_ns, gone_ns + S, back_ns - 1, back_ns])
    points, _, flags = read(pose, instants_ns)
    held = int(Flag.HELD)
    assert flags.tolist() == [0, held, held | LOST, held | LOST, 0]
    np.testing.assert_allclose(points[1:4], pose_at(T0 + 29 * FRAME), atol=1e-6)


def test_a_picture_that_stands_still_grows_old() -> None:
    still = frame(T0 + 30 * FRAME, 30)
    frames = [
        Delivery(
            T0 + i * FRAME + DELAY,
            replace(still, stamp_ns=T0 + i * FRAME, index=i, processed_ns=T0 + i * FRAME + DELAY),
        )
        for i in range(31, 90)
    ]
    at_ns = np.array([T0 + 80 * FRAME])
    for may_repeat, oldest in ((False, 50 * FRAME), (True, 2 * FRAME)):
        pose = stream(*camera(seconds=0.5), *frames, rules=PoseRules(may_repeat=may_repeat))
        pose.push(replace(still, processed_ns=T0 + 30 * FRAME + DELAY), T0 + 30 * FRAME + DELAY)
        _, age_s, _ = read(pose, at_ns)
        assert oldest - FRAME < age_s[0] * S < oldest + MS


def test_reading_bit_by_bit_and_in_whatever_order_frames_came_gives_the_same() -> None:
    random = np.random.default_rng(5)
    hands = random.random(120) > 0.2
    frames = [
        delivery(T0 + i * FRAME, i, hand=bool(hand), way_ns=int(way_ns))
        for i, (hand, way_ns) in enumerate(zip(hands, random.uniform(0, 60 * MS, 120), strict=True))
        if random.random() > 0.1
    ]
    instants_ns = T0 + np.arange(0, 2 * S, MS)
    at_once = read(stream(*frames), instants_ns)
    shuffled = stream(*(frames[i] for i in random.permutation(len(frames))))
    pieces = np.split(instants_ns, np.sort(random.choice(len(instants_ns), 300, replace=False)))
    parts = [read(shuffled, piece) for piece in pieces if len(piece)]
    for whole, bits in zip(at_once, zip(*parts, strict=True), strict=True):
        assert whole.tobytes() == np.concatenate(bits).tobytes()
    assert len(np.unique(at_once[2])) >= 3


def test_what_is_impossible_or_comes_twice_is_refused_and_a_flood_is_bounded() -> None:
    pose = stream(*camera(seconds=0.1))
    twice = camera(seconds=0.1)[-1]
    assert pose.push(twice.sent, twice.received_ns) is Outcome.REFUSED
    other = replace(frame(T0 + S, 1), points=np.full((LANDMARKS, 3), np.nan, np.float32))
    assert pose.push(other, T0 + S) is Outcome.REFUSED
    for i in range(10, 3000):
        each = delivery(T0 + i * MS, i)
        pose.push(each.sent, each.received_ns)
    assert pose.dropped == 2990 + 6 - 512
    read(pose, np.array([T0 + 2 * S, T0 + 10 * S]))
    assert pose.timing.frames == 2996


def played(deliveries: list[Delivery], looks_ns: list[int], **changes: object) -> Samples:
    """What the aligner makes of two views, told their newest points, and a piano."""
    streams = Streams((newest("top"), newest("right"), PIANO))
    aligner = Aligner(AlignerConfig(**({"streams": streams, "rate_hz": 1024} | changes)))
    return joined(aligner, play(aligner, deliveries, looks_ns))


def test_every_sample_leaves_when_its_time_is_up_whatever_has_come() -> None:
    streams = Streams((newest("top"), newest("right"), PIANO))
    aligner = Aligner(AlignerConfig(streams=streams, rate_hz=1024))
    deliveries = camera("top") + camera("right")[:30] + piano(0.7)
    waiting = sorted(deliveries, key=lambda each: each.received_ns)
    emitted = 0
    for now_ns in every(MS // 4, T0 + S):
        while waiting and waiting[0].received_ns <= now_ns:
            sent = waiting.pop(0)
            play(aligner, [sent], [])
            push = aligner.push_frame if hasattr(sent.sent, "view") else aligner.push_key_motion
            push(sent.sent, sent.received_ns)
        for chunk in aligner.advance(now_ns):
            emitted += len(chunk)
            stamps_ns = aligner.grid.stamps_ns(chunk.grid_index, len(chunk))
            if now_ns > T0 + 100 * MS:
                left_after_ns = now_ns - stamps_ns
                assert (left_after_ns > WAIT).all()
                assert (left_after_ns <= WAIT + 10 * MS).all()
    assert emitted > 950


def test_keys_that_came_in_time_are_whole_and_the_rest_is_held() -> None:
    whole = played(camera("top") + camera("right") + piano(), every(2 * MS, T0 + S))
    settled = whole.after(T0 + 100 * MS)
    rises = (settled.stamps_ns - T0) / S
    np.testing.assert_allclose(settled.keys[:, 0], rises, atol=1e-4)
    assert set(settled.flags.tolist()) == {0}
    late = [Delivery(each.received_ns + 15 * MS, each.sent) for each in piano()]
    held = played(camera("top") + camera("right") + late, every(2 * MS, T0 + S))
    assert held.flags_between(T0 + 300 * MS, T0 + 900 * MS) == {0, Flag.HELD}


def test_one_camera_that_dies_takes_only_its_own_points_with_it() -> None:
    deliveries = camera("top") + camera("right")[:30] + piano()
    rows = played(deliveries, every(2 * MS, T0 + S))
    width = 2 * LANDMARKS + 1
    later = rows.after(T0 + 400 * MS)
    assert (later.pose[:, width - 1] < 0.03).all()
    expected_s = (later.stamps_ns - T0 - 29 * FRAME) / S
    np.testing.assert_allclose(later.pose[-300:, -1], expected_s[-300:], atol=1e-6)
    assert later.flags_between(T0 + 600 * MS, T0 + 700 * MS) == {Flag.HELD | Flag.POSE_STALE}
    assert set(rows.after(T0 + 740 * MS).flags.tolist()) == {Flag.HELD | LOST}


def test_how_often_anybody_looks_changes_no_bit() -> None:
    deliveries = camera("top") + camera("right", start_ns=T0 + 7 * MS) + piano()
    often, seldom = (played(deliveries, every(step, T0 + S)) for step in (MS, 37 * MS))
    count = min(len(often), len(seldom))
    assert count > 900
    assert often.first(count).same_as(seldom.first(count))


def test_chunks_end_with_the_models_frames_as_soon_as_those_are_complete() -> None:
    streams = Streams((newest("top"), PIANO))
    config = AlignerConfig(streams=streams, rate_hz=1024, frame=Frame(34, 5))
    aligner = Aligner(config)
    deliveries, looks_ns = camera("top") + piano(), every(2 * MS, T0 + S)
    seen = 0
    for look_ns, before_ns in zip(looks_ns[1:], looks_ns, strict=False):
        sent = [each for each in deliveries if before_ns < each.received_ns <= look_ns]
        for chunk in play(aligner, sent, [look_ns]):
            last = chunk.grid_index + len(chunk) - 1
            assert last % 34 == 5
            if seen:
                assert len(chunk) == 34
            seen += 1
            waited_ns = look_ns - aligner.grid.stamp_ns(last)
            assert seen == 1 or WAIT < waited_ns <= WAIT + 2 * MS + 1
    assert seen >= 27
