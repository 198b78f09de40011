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

"""From landmarks to joint angles, and to the rotations that others tell poses by."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from kpm_ros.motion.bone_rotations import landmarks_of, rotations_of
from kpm_ros.motion.hand_kinematics import BONES, HandKinematics, average_body
from kpm_ros.motion.inverse_kinematics import pose_hand
from kpm_ros.motion.pose_beliefs import PoseBeliefs
from kpm_ros.motion.rotations import matrices
from kpm_ros.simulate.anatomy.body import Body
from kpm_ros.simulate.person import Person

RATE_HZ = 30.0
Array = NDArray[np.float64]


def _movement(frames: int, seed: int = 0) -> tuple[Array, Array]:
    """Where a hand's wrist is, and angles that swing between its joints' limits."""
    draw = np.random.default_rng(seed)
    body = average_body()
    times = np.arange(frames)[:, None] / RATE_HZ
    middle, half = body.ranges.mean(axis=1), np.ptp(body.ranges, axis=1) / 2
    swing = np.sin(2 * np.pi * draw.uniform(0.2, 1.0, 23) * times + draw.uniform(0, 6, 23))
    joints = middle + 0.8 * half * swing
    names = body.joint_names
    for name in ("pro_sup_r", "deviation_r", "flexion_r"):
        joints[:, names.index(name)] = 0.15 * swing[:, names.index(name)]
    for finger in "2345":
        last, before = names.index(f"md{finger}_flexion_r"), names.index(f"pm{finger}_flexion_r")
        joints[:, last] = 2 / 3 * joints[:, before]
    place = np.concatenate([0.6 + 0.2 * np.sin(times), 0.03 * np.cos(times), 0.0 * times + 0.06], 1)
    return place, joints


@pytest.fixture(scope="module")
def hand() -> HandKinematics:
    return HandKinematics()


def test_landmarks_move_as_their_derivatives_say(hand: HandKinematics) -> None:
    place, joints = _movement(2)
    turn = matrices(np.array([[0.3, -0.8, 0.4], [2.0, 0.5, -1.0]]))
    moved = hand.move(place, turn, joints)
    for number in range(29):
        step = np.zeros((2, 29))
        step[:, number] = 1e-6
        turned = matrices(step[:, 3:6]) @ turn
        after = hand.move(place + step[:, :3], turned, joints + step[:, 6:])
        np.testing.assert_allclose(
            (after.points - moved.points) / 1e-6, moved.jacobian[..., number], atol=1e-5
        )


def test_a_forearm_that_is_not_turned_is_held_as_the_simulator_holds_it() -> None:
    body = Body(Person(hand_size=1.08))
    place, joints = _movement(5)
    points = HandKinematics(body).move(place, np.tile(np.eye(3), (5, 1, 1)), joints).points
    posture = np.concatenate([place, joints], axis=1)
    np.testing.assert_allclose(points, body.landmarks(posture), atol=1e-12)


def test_joint_angles_are_found_from_landmarks_over_the_seams_of_pieces(
    hand: HandKinematics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kpm_ros.motion.inverse_kinematics.PIECE", 50)
    place, joints = _movement(120)
    seen = hand.move(place, np.tile(np.eye(3), (120, 1, 1)), joints).points
    posed = pose_hand(seen, RATE_HZ)
    error = np.degrees(np.sqrt(np.square(posed.joints - joints).mean(axis=0)))
    # The wrist's turning and the forearm's do nearly the same to landmarks.
    assert error[3:].max() < 3.5
    assert error.max() < 6.0
    assert np.median(posed.residual_m) < 1e-3
    seams = np.abs(np.diff(posed.joints, 2, axis=0))
    assert seams[[48, 49, 98, 99]].max() < 1.2 * seams.max(axis=0).max()
    assert posed.hand.size == pytest.approx(1.0)


def test_bones_are_as_long_as_seen_and_noise_does_not_shake_the_pose() -> None:
    draw = np.random.default_rng(1)
    bones = draw.uniform(0.85, 1.15, len(BONES))
    owner = HandKinematics(None, 0.93, bones)
    place, joints = _movement(150)
    still = owner.move(place, np.tile(np.eye(3), (150, 1, 1)), joints).points
    exact = pose_hand(still, RATE_HZ)
    np.testing.assert_allclose(exact.hand.bones, bones, atol=1e-3)
    assert exact.hand.palm == pytest.approx(0.93, abs=1e-3)
    noisy = pose_hand(still + draw.normal(0.0, 0.003, still.shape), RATE_HZ)
    again = noisy.hand.move(noisy.place, matrices(noisy.forearm), noisy.joints).points
    off = np.linalg.norm(again - still, axis=2)
    # Landmarks are off by 3 mm along each of three axes: 5.2 mm.
    assert np.sqrt(np.square(off).mean()) < 0.0032


def test_angles_stay_within_limits_and_what_no_hand_can_do_is_told_by_its_residual(
    hand: HandKinematics,
) -> None:
    place, joints = _movement(40)
    bent = joints.copy()
    column = hand.body.joint_names.index("pm2_flexion_r")
    bent[10:30, column] = -1.2
    seen = hand.move(place, np.tile(np.eye(3), (40, 1, 1)), bent).points
    posed = pose_hand(seen, RATE_HZ, hand=hand)
    low, high = hand.body.ranges.T
    assert (posed.joints >= low).all()
    assert (posed.joints <= high).all()
    assert posed.residual_m[12:28].min() > 0.004 > 4 * np.median(posed.residual_m[:8])


def test_frames_that_were_not_seen_are_not_posed(hand: HandKinematics) -> None:
    place, joints = _movement(40)
    seen = hand.move(place, np.tile(np.eye(3), (40, 1, 1)), joints).points
    seen[15:20] = np.nan
    seen[25, :4] = np.nan
    posed = pose_hand(seen, RATE_HZ)
    unknown = np.isnan(posed.joints).any(axis=1)
    assert np.flatnonzero(unknown).tolist() == [15, 16, 17, 18, 19]
    assert np.isnan(pose_hand(np.full((3, 21, 3), np.nan), RATE_HZ).joints).all()


def test_a_finger_that_is_hidden_for_some_frames_goes_on_as_it_moved(hand: HandKinematics) -> None:
    place, joints = _movement(40)
    seen = hand.move(place, np.tile(np.eye(3), (40, 1, 1)), joints).points
    seen[15:20, 6:9] = np.nan
    posed = pose_hand(seen, RATE_HZ, hand=hand)
    bends = [hand.body.joint_names.index(name) for name in ("mcp2_flexion_r", "pm2_flexion_r")]
    off = posed.joints[15:20, bends] - joints[15:20, bends]
    # Without its movement before and after, its bend would be off by up to 0.66 rad.
    assert np.abs(off).max() < 0.3


def test_a_hand_turned_any_way_is_posed_in_a_cameras_axes(hand: HandKinematics) -> None:
    place, joints = _movement(40)
    joints[:, :3] = 0.0
    turn = matrices(np.tile([2.5, 0.4, -1.0], (40, 1)))
    seen = hand.move(place, turn, joints).points
    posed = pose_hand(seen, RATE_HZ, beliefs=PoseBeliefs(forearm_rad=None))
    np.testing.assert_allclose(matrices(posed.forearm), turn, atol=0.05)
    assert np.median(posed.residual_m) < 1e-3


def test_rotations_of_bones_tell_the_pose_and_lead_back_to_it(hand: HandKinematics) -> None:
    place, joints = _movement(60)
    forearm = np.tile([0.2, -0.1, 0.5], (60, 1))
    rotations = rotations_of(joints, forearm)
    points = landmarks_of(place, rotations)
    seen = hand.move(place, matrices(forearm), joints).points
    np.testing.assert_allclose(points, seen, atol=1e-6)
    flat = rotations_of(np.zeros((1, 23)))
    np.testing.assert_allclose(flat[0, 1:], 0.0, atol=1e-6)
    # Each tells its bone's own bend: of the index finger's, the second.
    bent = np.zeros((1, 23))
    bent[0, hand.body.joint_names.index("pm2_flexion_r")] = 0.5
    angles = np.linalg.norm(rotations_of(bent)[0, 1:], axis=1)
    np.testing.assert_allclose(angles, 0.5 * (np.arange(15) == 1), atol=1e-6)


def test_a_flat_hand_points_as_manos_does(hand: HandKinematics) -> None:
    points = landmarks_of(np.zeros((1, 3)), np.zeros((1, 16, 3)))[0]
    middle, thumb, index, little = points[12], points[4], points[5], points[17]
    assert middle[0] < -0.15
    assert thumb[2] > 0.05
    assert index[2] > little[2]
    # The back of the hand is up: a bent finger goes down.
    bent = np.zeros((1, 23))
    bent[0, hand.body.joint_names.index("mcp3_flexion_r")] = 1.0
    rotations = rotations_of(bent)
    rotations[:, 0] = 0.0
    assert landmarks_of(np.zeros((1, 3)), rotations)[0, 12, 1] < middle[1] - 0.05
