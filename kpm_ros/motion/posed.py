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

"""One hand of a movement with the angles that its muscles need, and how well the model holds it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from kpm_ros.core.hand_motion import CAMERA, HandMotion, MotionError, OneHandMotion
from kpm_ros.core.stream_kinds import KEYBOARD
from kpm_ros.motion import posing
from kpm_ros.motion.hand_kinematics import HandKinematics
from kpm_ros.motion.published_camera import right_handed
from kpm_ros.motion.rotations import matrices

Array = NDArray[np.float64]

UP_OF_FRAME = {KEYBOARD: (0.0, 0.0, 1.0), CAMERA: (0.0, -1.0, 0.0)}
"""What is up; of a camera it is taken to be level."""


class PosedHand(NamedTuple):
    """One hand whose joints' angles are known."""

    hand: OneHandMotion
    size: float
    """How long the hand is, relative to an average adult's."""
    error_m: Array
    """(n,): how far the anatomical hand's landmarks are from those seen, root mean square; not
    numbers where none were seen."""


def posed_hand(motion: HandMotion, side: str) -> PosedHand:
    """Find the joints' angles of one hand, by inverse kinematics where they are not given."""
    hand = motion.hands[side]
    if hand.joints is not None and hand.place is not None:
        return _held(hand, side, motion.frame)
    if hand.joints is not None and hand.landmarks is None:
        return PosedHand(hand, 1.0, np.full(len(hand), np.nan))
    made = posing.posed(replace(motion, hands={side: hand}))
    return PosedHand(made.motion.hands[side], made.sizes[side], made.residual_m[side])


def upright(motion: HandMotion, up: tuple[float, float, float] | None = None) -> HandMotion:
    """Turn landmarks so that z is up, as gravity needs it; the piano's frame is so already.

    `up` tells what is up in the movement's own axes, where that is not as its frame has it.
    """
    usual = UP_OF_FRAME[motion.frame]
    direction = np.array(usual if up is None else up)
    length = float(np.linalg.norm(direction))
    if not np.isfinite(length) or length < 1e-6:
        raise MotionError(f"up is {up}, but must be a direction such as 0,0,1")
    if motion.frame == KEYBOARD and np.allclose(direction / length, usual):
        return motion
    if any(hand.landmarks is None for hand in motion.hands.values()):
        motion = posing.posed(motion).motion
    turn = Rotation.align_vectors([[0.0, 0.0, 1.0]], [direction / length])[0].as_matrix()
    hands = {}
    for side, hand in motion.hands.items():
        if hand.landmarks is None:
            raise MotionError(f"of the {side} hand no landmarks are known, to be turned upright")
        # What else is known of it is in axes that are not upright: it is found anew.
        turned = (hand.landmarks @ turn.T).astype(np.float32)
        hands[side] = OneHandMotion(hand.visible, landmarks=turned)
    return replace(motion, hands=hands, frame=CAMERA)


def _held(hand: OneHandMotion, side: str, frame: str) -> PosedHand:
    """Say how near given angles come to the landmarks beside them, if there are any."""
    error_m = np.full(len(hand), np.nan)
    if hand.landmarks is None:
        return PosedHand(hand, 1.0, error_m)
    assert hand.place is not None
    assert hand.joints is not None
    seen = right_handed(hand.landmarks, side, frame).astype(np.float64)
    seen[~hand.visible] = np.nan
    kinematics = HandKinematics.measured(seen)
    place = right_handed(hand.place, side, frame).astype(np.float64)
    forearm = np.zeros_like(place) if hand.forearm is None else hand.forearm
    known = np.isfinite(np.concatenate([place, hand.joints, forearm], axis=1)).all(axis=1)
    if known.any():
        points = kinematics.move(
            place[known], matrices(forearm[known]), hand.joints[known].astype(np.float64)
        ).points
        error_m[known] = np.sqrt(np.square(points - seen[known]).sum(axis=2).mean(axis=1))
    return PosedHand(hand, kinematics.size, error_m)
