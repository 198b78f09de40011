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

"""Poses of both hands of a movement: what is known of it in one form, told in the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hand_motion import CAMERA, HandMotion, MotionError, OneHandMotion
from kpm_ros.motion.bone_rotations import landmarks_of, rotations_of
from kpm_ros.motion.hand_kinematics import HandKinematics
from kpm_ros.motion.inverse_kinematics import Posed, pose_hand
from kpm_ros.motion.pose_beliefs import PoseBeliefs
from kpm_ros.motion.published_camera import right_handed
from kpm_ros.motion.rotations import matrices


class PosedMotion(NamedTuple):
    """A movement in every form, and how well it was posed."""

    motion: HandMotion
    residual_m: Mapping[str, NDArray[np.float64]]
    """By side, (n,): how far landmarks of the posed hand are from those given."""
    hands: Mapping[str, HandKinematics]
    """By side: the hand that was posed, of a left one its mirror image."""

    @property
    def sizes(self) -> dict[str, float]:
        """By side: how large the hand is, relative to an average adult's."""
        return {side: hand.size for side, hand in self.hands.items()}

    def held(self) -> HandMotion:
        """Give the movement with the landmarks of the posed hands in place of those given."""
        hands = {
            side: replace(hand, landmarks=self._landmarks(side))
            for side, hand in self.motion.hands.items()
        }
        return replace(self.motion, hands=hands)

    def _landmarks(self, side: str) -> NDArray[np.float32]:
        known = self.motion.hands[side].known()
        frame = self.motion.frame
        place = right_handed(known["place"], side, frame)
        turn = matrices(known["forearm"])
        joints = np.asarray(known["joints"], np.float64)
        points = self.hands[side].move(place, turn, joints).points
        return right_handed(points, side, frame).astype(np.float32)


def posed(motion: HandMotion, beliefs: PoseBeliefs | None = None) -> PosedMotion:
    """Find joint angles, forearm, place and rotations of both hands.

    From their landmarks, or from published rotations and places where there are none. In a camera's
    frame nothing is known of the forearm, and wrists are held straight.
    """
    if beliefs is None:
        beliefs = PoseBeliefs(forearm_rad=None) if motion.frame == CAMERA else PoseBeliefs()
    found = {side: _pose(hand, side, motion, beliefs) for side, hand in motion.hands.items()}
    hands = {
        side: _with_pose(motion.hands[side], pose, side, motion.frame)
        for side, pose in found.items()
    }
    return PosedMotion(
        replace(motion, hands=hands),
        {side: pose.residual_m for side, pose in found.items()},
        {side: pose.hand for side, pose in found.items()},
    )


def _pose(hand: OneHandMotion, side: str, motion: HandMotion, beliefs: PoseBeliefs) -> Posed:
    if hand.landmarks is not None:
        seen = right_handed(hand.landmarks, side, motion.frame)
        return pose_hand(seen, motion.rate_hz, beliefs=beliefs)
    if hand.rotations is None or hand.place is None:
        raise MotionError(f"the {side} hand has neither landmarks nor rotations and places")
    place = right_handed(hand.place, side, motion.frame)
    whole = HandKinematics()
    return pose_hand(
        landmarks_of(place, hand.rotations, whole), motion.rate_hz, beliefs=beliefs, hand=whole
    )


def _with_pose(hand: OneHandMotion, pose: Posed, side: str, frame: str) -> OneHandMotion:
    rotations = hand.rotations
    if rotations is None:
        rotations = rotations_of(pose.joints, pose.forearm, pose.hand)
    landmarks = hand.landmarks
    if landmarks is None and rotations is not None and hand.place is not None:
        own = landmarks_of(right_handed(hand.place, side, frame), rotations, pose.hand)
        landmarks = right_handed(own, side, frame).astype(np.float32)
    return replace(
        hand,
        landmarks=landmarks,
        rotations=rotations,
        place=right_handed(pose.place, side, frame).astype(np.float32),
        joints=pose.joints.astype(np.float32),
        forearm=pose.forearm.astype(np.float32),
    )
