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

"""A picture that stands still: the very same hand, frame after frame, is no news."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.arrivals import Outcome
from kpm_ros.align.pose import PoseStream
from kpm_ros.align.pose_rules import PoseRules
from kpm_ros.core.flags import Flag
from kpm_ros.sense.samples import LandmarkFrame
from support.senses import (
    FRAME,
    LANDMARKS,
    MS,
    T0,
    Delivery,
    config,
    every,
    frame,
    joined,
    play,
    pose_at,
    read_stream,
    view,
)

FROZEN_FROM = 12


def camera(frames: int, thaws_at: int | None = None) -> list[LandmarkFrame]:
    """Frames whose landmarks stop moving, though their stamps go on."""
    seen = [frame(T0 + i * FRAME, i) for i in range(frames)]
    still = seen[FROZEN_FROM].points
    until = frames if thaws_at is None else thaws_at
    return [
        replace(one, points=still) if FROZEN_FROM <= i < until else one
        for i, one in enumerate(seen)
    ]


def read(frames, rules=None, order=None):
    """Pose and flags every millisecond, after all frames came in this order."""
    stream = PoseStream(view(), rules or PoseRules())
    for one in order or frames:
        assert stream.push(one, T0) is Outcome.TAKEN
    stamps = np.arange(T0, frames[-1].stamp_ns, MS)
    parts = [read_stream(stream, part, 2 * LANDMARKS) for part in np.array_split(stamps, 40)]
    return stamps, *(np.concatenate(values) for values in zip(*parts, strict=True))


def test_a_frozen_hand_is_stale_from_its_first_frame_on():
    stamps, pose, flags = read(camera(60))
    still_ns = T0 + FROZEN_FROM * FRAME
    age_ms = (stamps - still_ns) / MS
    assert (flags[age_ms <= 0] == 0).all()
    assert ((flags & Flag.HELD) != 0)[age_ms > 0].all()
    assert (((flags & Flag.POSE_STALE) != 0) == (age_ms > 0)).all()
    assert (((flags & Flag.POSE_LOST) != 0) == (age_ms > 250)).all()
    assert (pose[age_ms > 0] == pose[-1]).all()


def live(frames):
    """What an aligner hands on, and when, of frames that are known 20 ms after their exposure."""
    sent = [Delivery(one.stamp_ns + 20 * MS, one) for one in frames]
    aligner = Aligner(config(views=("top",), keys=False))
    chunks = play(aligner, sent, every(2 * MS, T0 + 1200 * MS))
    return joined(aligner, chunks), [chunk.trace.aligned_ns for chunk in chunks]


def test_a_camera_that_stands_still_is_known_as_soon_as_one_that_is_dead():
    frozen, when = live(camera(60))
    dead, then = live(camera(60)[: FROZEN_FROM + 1])
    assert when == then
    assert frozen.same_as(dead)
    assert Flag.HELD | Flag.POSE_STALE in dead.flags


def test_a_driver_that_sends_each_picture_twice_is_a_camera_of_half_the_frames():
    whole = [frame(T0 + i * FRAME, i) for i in range(60)]
    twice = [replace(one, points=whole[i - i % 2].points) for i, one in enumerate(whole)]
    out, _ = live(twice)
    out = out.first(int((out.stamps_ns < twice[-2].stamp_ns).sum()))
    assert set(out.flags.tolist()) == {0}
    truth = np.array([pose_at(t) for t in out.stamps_ns], np.float32)[:, None]
    assert np.abs(out.pose - truth).max() < 1e-6


def test_a_hand_that_moves_again_is_believed_again():
    stamps, _, flags = read(camera(60, thaws_at=40))
    assert (flags[stamps >= T0 + 40 * FRAME] == 0).all()


def test_a_tracker_that_repeats_each_result_once_loses_nothing():
    every_other = [frame(T0 + i * FRAME, i) for i in range(40)]
    for i in range(1, 40, 2):
        every_other[i] = replace(every_other[i], points=every_other[i - 1].points)
    stamps, pose, flags = read(every_other)
    within = stamps < T0 + 38 * FRAME
    assert (flags[within] == 0).all()
    np.testing.assert_allclose(pose[within, 0], (stamps[within] - T0) / 8e9, atol=1e-6)


def test_the_order_of_arrival_does_not_matter():
    frames = camera(60, thaws_at=40)
    shuffled = random.Random(2).sample(frames, len(frames))
    for ours, theirs in zip(read(frames), read(frames, order=shuffled), strict=True):
        assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("may_repeat", [True, False])
def test_rounding_trackers_may_repeat_themselves_where_the_rules_say_so(may_repeat):
    _, _, flags = read(camera(60), PoseRules(may_repeat=may_repeat))
    assert (flags == 0).all() == may_repeat
