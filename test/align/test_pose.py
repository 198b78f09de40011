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

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from kpm_ros.align.arrivals import Outcome
from kpm_ros.align.pose import PoseStream
from kpm_ros.align.pose_rules import PoseRules
from kpm_ros.core.flags import Flag
from kpm_ros.sense.samples import LandmarkFrame
from support.senses import FRAME, LANDMARKS, MS, SKELETON, T0, frame, pose_at, read_stream, view

LOST = Flag.POSE_STALE | Flag.POSE_LOST


def stream(
    *frames: tuple[int, bool], delay_ms: int = 15, rules: PoseRules | None = None
) -> PoseStream:
    """A view whose frames have these numbers, with or without a hand."""
    pose = PoseStream(view(), rules or PoseRules())
    for number, hand in frames:
        stamp_ns = T0 + number * FRAME
        pose.push(frame(stamp_ns, number, hand=hand), stamp_ns + delay_ms * MS)
    return pose


def read(pose: PoseStream, *at_ms: float) -> tuple[list[float], list[int]]:
    stamps_ns = T0 + np.round(np.array(at_ms) * MS).astype(np.int64)
    rows, flags = read_stream(pose, stamps_ns, 2 * LANDMARKS)
    assert (rows == rows[:, :1]).all()
    return rows[:, 0].tolist(), flags.tolist()


def expected(*at_ms: float) -> list[float]:
    return [pytest.approx(pose_at(T0 + round(ms * MS)), abs=1e-6) for ms in at_ms]


def test_between_two_frames_the_pose_lies_on_a_straight_line() -> None:
    assert read(stream((0, True), (1, True)), 0, 5, 16) == (expected(0, 5, 16), [0, 0, 0])


def test_a_single_lost_frame_is_bridged_by_the_line() -> None:
    assert read(stream((0, True), (2, True)), 10, 30) == (expected(10, 30), [0, 0])


def test_frames_too_far_apart_are_not_joined() -> None:
    values, flags = read(stream((0, True), (4, True)), 40, 60, 4 * FRAME / MS)
    assert values == expected(0, 0, 4 * FRAME / MS)
    assert flags == [Flag.HELD, Flag.HELD | Flag.POSE_STALE, 0]


def test_before_the_first_frame_there_is_no_pose() -> None:
    assert read(stream((1, True), (2, True)), 5) == ([0.0], [LOST])


def test_without_any_frame_there_is_no_pose() -> None:
    assert read(stream(), 5) == ([0.0], [LOST])


def test_a_hand_that_is_gone_is_held_then_stale_then_lost() -> None:
    pose = stream((0, True), *((i, False) for i in range(1, 20)))
    values, flags = read(pose, 0, 50, 51, 250, 251)
    assert values == [0.0] * 5
    held = int(Flag.HELD)
    assert flags == [0, held, held | Flag.POSE_STALE, held | Flag.POSE_STALE, held | LOST]


def test_a_pose_that_nothing_follows_is_stale_as_soon_as_it_was_waited_for_in_vain() -> None:
    values, flags = read(stream((0, True)), 0, 1, 250, 251)
    assert values == [0.0] * 4
    stale = Flag.HELD | Flag.POSE_STALE
    assert flags == [0, stale, stale, Flag.HELD | LOST]
    # The wait, 60 ms, counts: its sample leaves when the pose is 90 ms old.
    _, flags = read(stream((0, True), rules=PoseRules(stale_s=0.09)), 30, 31)
    assert flags == [Flag.HELD, stale]


def test_a_frame_without_a_hand_ends_the_line() -> None:
    pose = stream((0, True), (1, True), (2, False), (3, True), (4, True))
    values, flags = read(pose, 10, 25, 40, 51, 55)
    assert values == expected(10, FRAME / MS, FRAME / MS, 51, 55)
    assert flags == [0, Flag.HELD, Flag.HELD, 0, 0]


def test_a_hand_out_of_sight_is_remembered_however_many_frames_pass() -> None:
    pose = stream((0, True), (1, True), *((i, False) for i in range(2, 200)))
    for at_ms in range(20, 3000, 10):
        values, flags = read(pose, at_ms)
        assert values == expected(FRAME / MS)
    assert flags == [Flag.HELD | LOST]


def test_a_frame_that_comes_after_the_wait_counts_only_from_then_on() -> None:
    pose = PoseStream(view(rate_hz=100.0), PoseRules(wait_s=0.03))
    pose.push(frame(T0, 0), T0 + 15 * MS)
    pose.push(frame(T0 + 16 * MS, 1), T0 + 40 * MS)
    values, flags = read(pose, 9, 10, 12)
    assert values == expected(0, 10, 12)
    assert flags == [Flag.HELD, 0, 0]


def test_an_awaited_pose_goes_on_as_it_moved_when_the_rules_say_so() -> None:
    pose = stream((0, True), (1, True), rules=PoseRules(extrapolate_s=0.02))
    values, flags = read(pose, 10, 30, 36, 40, 80)
    end = (FRAME + 20 * MS) / MS
    assert values == expected(10, 30, 36, end, end)
    moving = Flag.EXTRAPOLATED | Flag.POSE_STALE
    assert flags == [0, moving, moving, moving | Flag.HELD, moving | Flag.HELD]


def test_a_hand_that_is_gone_does_not_go_on_moving() -> None:
    gone = ((2, False), (3, False))
    pose = stream((0, True), (1, True), *gone, rules=PoseRules(extrapolate_s=0.02))
    values, flags = read(pose, 40)
    assert values == expected(FRAME / MS)
    assert flags == [Flag.HELD]


def test_reading_bit_by_bit_gives_what_reading_at_once_does() -> None:
    hands = [True, True, False, True, True, True, False, True] * 4
    instants = np.arange(0, 700, 3)
    rules = PoseRules(extrapolate_s=0.02)
    at_once = read(stream(*enumerate(hands), (38, True), rules=rules), *instants)
    pose = stream(*enumerate(hands), (38, True), rules=rules)
    bit_by_bit = [read(pose, at_ms) for at_ms in instants]
    assert [value for values, _ in bit_by_bit for value in values] == at_once[0]
    assert [flag for _, flags in bit_by_bit for flag in flags] == at_once[1]
    assert Flag.EXTRAPOLATED in at_once[1]


def points(shape: tuple[int, ...], value: float = 0.5) -> NDArray[np.float32]:
    return np.full(shape, value, np.float32)


@pytest.mark.parametrize(
    "impossible",
    [
        points((LANDMARKS + 1, 3)),
        points((LANDMARKS, 1)),
        points((LANDMARKS,)),
        points((0, 3)),
        points((LANDMARKS, 3), np.nan),
        points((LANDMARKS, 3), np.inf),
        points((LANDMARKS, 3), 5.0),
        points((LANDMARKS, 3), -1.5),
    ],
)
def test_impossible_points_are_refused(impossible: NDArray[np.float32]) -> None:
    pose = stream((0, True))
    refused = LandmarkFrame(T0 + FRAME, "top", 1, impossible, 1.0, skeleton=SKELETON.name)
    assert pose.push(refused, T0 + 30 * MS) is Outcome.REFUSED
    assert read(pose, 10) == ([0.0], [Flag.HELD | Flag.POSE_STALE])


def test_a_frame_that_comes_twice_is_refused() -> None:
    pose = stream((0, True), (1, True))
    assert pose.push(frame(T0 + FRAME, 1), T0 + 40 * MS) is Outcome.REFUSED


def test_depth_of_landmarks_does_not_matter() -> None:
    pose = PoseStream(view(), PoseRules())
    deep = np.array([[0.1, 0.2, np.nan]] * LANDMARKS, np.float32)
    assert (
        pose.push(LandmarkFrame(T0, "top", 0, deep, 1.0, skeleton=SKELETON.name), T0)
        is Outcome.TAKEN
    )


def test_the_newest_frame_behind_what_was_read_is_known() -> None:
    pose = stream((0, True), (1, True), (2, True))
    read(pose, 0, 5)
    assert pose.newest_used is not None
    assert pose.newest_used.stamp_ns == T0 + FRAME
    read(pose, 20)
    assert pose.newest_used.stamp_ns == T0 + 2 * FRAME
