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

"""From what a tracker saw of two hands to their movement: placed, named, cut into clips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from kpm_ros.core.hand_motion import CAMERA, HandMotion, MotionError, OneHandMotion
from kpm_ros.core.hands import mirrored
from kpm_ros.core.keyboard import KEY_X_M
from kpm_ros.motion.annotation import annotate, clips, swapped
from kpm_ros.motion.hand_kinematics import HandKinematics
from kpm_ros.motion.published_camera import above_the_keys
from kpm_ros.motion.video_hands import SeenHands

SIZE = (1920, 1080)
BLANK = [np.zeros((1080, 1920, 3), np.uint8)]


def _in_space(frames: int) -> dict[str, NDArray[np.float64]]:
    """A right hand that plays, and its mirror image, with their landmarks in metres."""
    hand = HandKinematics()
    times = np.arange(frames)[:, None] / 30.0
    joints = np.tile(hand.body.ranges.mean(axis=1) * 0.6, (frames, 1))
    joints[:, :3] = 0.0
    joints[:, hand.body.joint_names.index("mcp3_flexion_r")] += 0.3 * np.sin(6 * times[:, 0])
    place = np.concatenate([0.8 + 0.05 * np.sin(times), -0.05 + 0 * times, 0.06 + 0 * times], 1)
    points = hand.move(place, np.tile(np.eye(3), (frames, 1, 1)), joints).points
    return {"right": points, "left": mirrored(points)}


def _seen(frames: int = 60, noise: float = 0.0) -> tuple[SeenHands, dict[str, NDArray[np.float64]]]:
    """What a tracker would see of them from above."""
    camera = above_the_keys()
    space = _in_space(frames)
    points = np.empty((frames, 2, 21, 3), np.float32)
    for place, side in enumerate(("left", "right")):
        points[:, place, :, :2] = camera.project(space[side])
        depth = camera.in_optical_frame(space[side])[..., 2]
        points[:, place, :, 2] = (depth - depth[:, :1]) * camera.lens[0] / 25.0 / SIZE[0]
    points += np.random.default_rng(0).normal(0.0, noise, points.shape).astype(np.float32)
    return SeenHands(points, np.arange(frames) / 30.0, SIZE, 30.0), space


def test_hands_seen_without_a_keyboard_are_an_average_adults_in_the_cameras_axes() -> None:
    seen, space = _seen(noise=2e-4)
    found = annotate(seen, BLANK, "two hands")
    assert "no keyboard is seen" in found.doubt
    assert found.camera is None
    assert (found.motion.frame, found.motion.title) == (CAMERA, "two hands")
    for side, size in found.sizes.items():
        assert size == pytest.approx(1.0, abs=0.05)
        known = found.motion.hands[side].known()
        truth = above_the_keys().in_optical_frame(space[side])
        # How far away all of it is, one camera cannot tell.
        across = known["landmarks"][..., :2] * 25.0 / known["landmarks"][..., 2:]
        np.testing.assert_allclose(across, truth[..., :2], atol=0.006)
    figures = found.figures
    assert (figures.both_hands_fraction, figures.both_hands_cleaned) == (1.0, 1.0)
    assert figures.swapped == 0
    # 2e-4 of 1920 pixels to 1500 a metre, along two axes, and the same of 1080.
    assert figures.jitter_before_mm == pytest.approx(0.30, abs=0.04)
    assert figures.jitter_after_mm < figures.jitter_before_mm / 2
    assert figures.residual_mm < 3.0


def test_hands_seen_by_a_registered_camera_are_in_the_keyboards_frame() -> None:
    seen, space = _seen(noise=2e-4)
    found = annotate(seen, (), camera=above_the_keys())
    assert (found.doubt, found.motion.frame) == ("", "keyboard")
    assert found.figures.swapped == 0
    for side, hand in found.motion.hands.items():
        known = hand.known()
        off = known["landmarks"] - space[side]
        assert np.sqrt(np.square(off[..., :2]).mean()) < 0.004
        # How high it is is taken for granted.
        assert np.sqrt(np.square(off[..., 2]).mean()) < 0.03
        turn = np.degrees(np.linalg.norm(known["forearm"], axis=1))
        assert turn.max() < 15.0


def test_short_gaps_are_filled_long_ones_are_not_and_frames_are_steady() -> None:
    seen, _ = _seen(120)
    points = seen.points.copy()
    points[20:40, 0] = np.nan
    points[60:100, 1] = np.nan
    uneven = replace(seen, points=points, times_s=seen.times_s + np.r_[np.zeros(110), [0.2] * 10])
    found = annotate(uneven, BLANK)
    left, right = found.motion.hands["left"], found.motion.hands["right"]
    assert len(found.motion) == 126
    assert left.visible.all()
    assert np.flatnonzero(~right.visible).tolist() == list(range(60, 100))
    assert np.isnan(right.known()["joints"][60:100]).all()
    assert found.figures.both_hands_fraction == pytest.approx(0.5)


def test_exchanged_names_are_counted_and_hands_of_one_side_never_are_two() -> None:
    seen, _ = _seen(40)
    exchanged = seen.points.copy()
    exchanged[10:13] = exchanged[10:13, ::-1]
    assert swapped(replace(seen, points=exchanged)) == 3
    alone = seen.points.copy()
    alone[:20, 1] = alone[:20, 0]
    alone[:20, 0] = np.nan
    assert swapped(replace(seen, points=alone)) == 20
    glimpse = seen.points.copy()
    glimpse[:8, 1] = glimpse[:8, 0]
    assert swapped(replace(seen, points=glimpse)) == 0


def test_a_hand_that_looks_turned_over_for_some_pictures_is_bridged() -> None:
    seen, space = _seen(60)
    points = seen.points.copy()
    middle = points[20:25, 1, :, :1].mean(axis=1, keepdims=True)
    points[20:25, 1, :, :1] = 2 * middle - points[20:25, 1, :, :1]
    found = annotate(replace(seen, points=points), (), camera=above_the_keys())
    assert (found.figures.turned_over, found.figures.swapped) == (5, 0)
    assert found.figures.both_hands_fraction == found.figures.both_hands_cleaned == 1.0
    off = found.motion.hands["right"].known()["landmarks"] - space["right"]
    assert np.abs(off[20:25, :, :2]).max() < 0.012


def test_a_video_without_hands_is_refused() -> None:
    seen, _ = _seen(5)
    with pytest.raises(MotionError, match="no hand was seen in any of 5 pictures"):
        annotate(replace(seen, points=np.full_like(seen.points, np.nan)), BLANK)


def test_clips_are_cut_as_published_and_say_how_much_of_them_is_visible() -> None:
    hand = OneHandMotion(np.arange(1950) < 1000, place=np.zeros((1950, 3), np.float32))
    motion = HandMotion(30.0, {"right": hand}, start_s=5.0)
    cut = list(clips(motion))
    starts = [(clip.start_s, len(clip)) for clip, _ in cut]
    # The last is shorter; one that began at 77 s would be after the end.
    assert starts == [(5.0, 900), (29.0, 900), (53.0, 510)]
    assert [round(part, 3) for _, part in cut] == [1.0, 0.311, 0.0]
    short = list(clips(motion.cut(5.0, 7.0)))
    assert [len(clip) for clip, _ in short] == [60]


def test_the_published_camera_sees_all_keys() -> None:
    camera = above_the_keys()
    ends = camera.project(np.array([[KEY_X_M[0], 0.0, 0.0], [KEY_X_M[-1], 0.1, 0.0]]))
    assert 0.0 < ends.min() < ends.max() < 1.0
