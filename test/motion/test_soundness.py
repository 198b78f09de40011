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

from kpm_ros.core.hand_motion import HandMotion, OneHandMotion
from kpm_ros.core.hands import mirrored
from kpm_ros.motion.scores.soundness import soundness, within_limits
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.example_scores import five_finger_study

RATE_HZ = 50.0


@pytest.fixture(scope="module")
def right() -> np.ndarray:
    times = np.arange(100) / RATE_HZ
    return make_pianist(five_finger_study(), 1, body="plain").landmarks(times)


def hand(points: np.ndarray, joints: np.ndarray | None = None) -> OneHandMotion:
    there = np.ones(len(points), bool)
    return OneHandMotion(there, landmarks=points.astype(np.float32), joints=joints)


def test_hands_that_cross_at_one_place_are_in_each_other_and_apart_they_are_not(
    right: np.ndarray,
) -> None:
    left = mirrored(right)
    apart = left - [left[..., 0].max() - right[..., 0].min() + 0.02, 0, 0]
    over = left + np.array([right[:, 9, 0].mean() - left[:, 9, 0].mean(), 0.0, 0.2])
    within = over - [0.0, 0.0, 0.2]
    share = [
        soundness(HandMotion(RATE_HZ, {"left": hand(one), "right": hand(right)}))
        for one in (apart, over, within)
    ]
    assert [found.hands_in_each_other for found in share] == [0.0, 0.0, 1.0]


def test_speed_is_of_the_fingertips_and_a_tip_below_every_key_is_in_one(right: np.ndarray) -> None:
    still = np.repeat(right[:1], 60, axis=0)
    moving = still + 0.3 / RATE_HZ * np.arange(60)[:, None, None] * [1.0, 0.0, 0.0]
    moving[:15, 8] = [0.5, 0.04, -0.02]
    found = soundness(HandMotion(RATE_HZ, {"right": hand(moving)}))
    assert np.median(found.fastest_tip_m_per_s) > 0.29
    assert found.tips_in_keys == 0.25
    assert np.isnan(found.within_joint_limits)


def test_a_frame_is_within_limits_when_every_joint_is() -> None:
    joints = np.zeros((4, 23), np.float32)
    joints[1, 7] = 3.0
    points = np.zeros((4, 21, 3))
    found = within_limits(hand(points, joints))
    assert not found[1]
    assert found[0] == found[2] == found[3]
    with pytest.raises(ValueError, match="no joint angles"):
        within_limits(hand(points))
