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

"""The camera in whose axes PianoMotion10M tells where hands are, and movements seen by it.

Its lens is so long that hands hardly change their size with height: 37,500 pixels of focal length
for pictures 1920 wide. Published hands are some 25 m away from it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.hand_motion import CAMERA, HandMotion, MotionError, OneHandMotion
from kpm_ros.core.hands import mirrored
from kpm_ros.core.keyboard import KEY_X_M, WHITE_LENGTH_M
from kpm_ros.core.sides import LEFT
from kpm_ros.core.stream_kinds import KEYBOARD
from kpm_ros.motion.rotations import matrices, turns_of

Array = NDArray[np.float64]

FOCAL_PX, IMAGE_SIZE = 37_500.0, (1920, 1080)
AWAY_M = 25.0
"""From the keys to a camera above their middle; 88 keys then fill nearly all of its picture."""
MIRROR = np.diag([-1.0, 1.0, 1.0])


def above_the_keys() -> Camera:
    """The published camera above the middle of the keys, the fallboard at the picture's top."""
    width, height = IMAGE_SIZE
    lens = (FOCAL_PX, FOCAL_PX, (width - 1) / 2, (height - 1) / 2)
    turn = np.diag([1.0, -1.0, -1.0])
    middle = np.array([(KEY_X_M[0] + KEY_X_M[-1]) / 2, WHITE_LENGTH_M / 2, AWAY_M])
    return Camera(IMAGE_SIZE, lens).at(turn, -turn @ middle)


def as_seen(motion: HandMotion, camera: Camera | None = None) -> HandMotion:
    """Tell a movement of the keyboard's frame in the axes of a camera, the published one."""
    return _turned(motion, KEYBOARD, CAMERA, camera or above_the_keys())


def at_the_keys(motion: HandMotion, camera: Camera | None = None) -> HandMotion:
    """Tell a movement that a camera saw in the keyboard's frame."""
    return _turned(motion, CAMERA, KEYBOARD, camera or above_the_keys())


def right_handed(points: NDArray[np.floating], side: str, frame: str) -> Array:
    """Points (..., 3) of a right hand as they are, of a left one mirrored; and back again."""
    if side != LEFT:
        return np.asarray(points, np.float64)
    return mirrored(points) if frame == KEYBOARD else np.asarray(points * (-1.0, 1.0, 1.0))


def _turned(motion: HandMotion, before: str, after: str, camera: Camera) -> HandMotion:
    if motion.frame != before:
        raise MotionError(f"the movement is in the {motion.frame}'s frame, not in the {before}'s")
    turn, shift = camera.turn, np.array(camera.translation)
    if after == KEYBOARD:
        turn, shift = turn.T, -turn.T @ shift
    hands = {side: _turned_hand(hand, side, turn, shift) for side, hand in motion.hands.items()}
    return replace(motion, hands=hands, frame=after)


def _turned_hand(hand: OneHandMotion, side: str, turn: Array, shift: Array) -> OneHandMotion:
    changed: dict[str, Any] = hand.known()
    for name in ("landmarks", "place"):
        if name in changed:
            changed[name] = np.asarray(changed[name] @ turn.T + shift, np.float32)
    # What turns a left hand turns its mirror image the other way.
    own = MIRROR @ turn @ MIRROR if side == LEFT else turn
    if "rotations" in changed:
        rotations = changed["rotations"].copy()
        rotations[:, 0] = turns_of(own @ matrices(rotations[:, 0]))
        changed["rotations"] = rotations
    if hand.joints is not None:
        forearm = np.zeros((len(hand), 3)) if hand.forearm is None else hand.forearm
        changed["forearm"] = turns_of(own @ matrices(forearm)).astype(np.float32)
    return replace(hand, **changed)
