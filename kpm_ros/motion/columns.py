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

"""Movement of two hands as the columns that models and scores of it work on, and back.

Of each hand the right one comes first, and a left hand is told as the right hand that is its mirror
image, as published data have it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hand_motion import (
    ROTATIONS,
    HandMotion,
    MotionError,
    OneHandMotion,
)
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.motion.bone_rotations import landmarks_of, rotations_of
from kpm_ros.motion.hand_kinematics import HandKinematics
from kpm_ros.motion.published_camera import right_handed

SIDES = (RIGHT, LEFT)

Array = NDArray[np.float32]


class Columns(NamedTuple):
    """Both hands of n frames."""

    visible: NDArray[np.bool_]
    """(n, 2)"""
    places: Array
    """(n, 2, 3) in metres."""
    turns: Array
    """(n, 2, 48): 16 joints' turns as axis times angle, in radians."""


def columns_of(motion: HandMotion) -> Columns:
    """Lay out a movement; what is not known of a frame is held from the nearest one that is.

    Of a hand of which nothing is known, all is zero and nothing is visible.
    """
    frames = len(motion)
    made = Columns(
        np.zeros((frames, len(SIDES)), bool),
        np.zeros((frames, len(SIDES), 3), np.float32),
        np.zeros((frames, len(SIDES), 3 * ROTATIONS), np.float32),
    )
    for number, side in enumerate(SIDES):
        hand = motion.hands.get(side)
        if hand is None:
            continue
        rotations = _rotations(hand)
        if hand.place is None or rotations is None:
            raise MotionError(
                f"of the {side} hand of {motion.title or 'a movement'} place and turns are not "
                "known, which models of movement are about: `kpm annotate` writes both"
            )
        place = right_handed(hand.place, side, motion.frame)
        rows = np.concatenate([place, rotations.reshape(frames, -1)], axis=1)
        known = np.isfinite(rows).all(axis=1)
        if known.any():
            rows = rows[nearest_known(known)]
            made.places[:, number], made.turns[:, number] = rows[:, :3], rows[:, 3:]
            made.visible[:, number] = hand.visible & known
    return made


def motion_of(columns: Columns, rate_hz: float, frame: str, **about: Any) -> HandMotion:
    """Put columns back into a movement, with the landmarks that our hand has in those poses.

    `about` names further fields of it.
    """
    hands, ours = {}, HandKinematics()
    for number, side in enumerate(SIDES):
        place = columns.places[:, number]
        rotations = _single(columns.turns[:, number].reshape(-1, ROTATIONS, 3))
        hands[side] = OneHandMotion(
            columns.visible[:, number],
            landmarks=_single(right_handed(landmarks_of(place, rotations, ours), side, frame)),
            rotations=rotations,
            place=_single(right_handed(place, side, frame)),
        )
    return HandMotion(rate_hz, hands, frame=frame, **about)


def _single(values: NDArray[np.floating[Any]]) -> Array:
    return np.asarray(values, np.float32)


def _rotations(hand: OneHandMotion) -> Array | None:
    """Give the turns of a hand's bones, of its joints' angles where those are what is known."""
    if hand.rotations is None and hand.joints is not None:
        return rotations_of(hand.joints, hand.forearm)
    return hand.rotations


def nearest_known(known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Of each frame, the nearest one that is known."""
    frames, places = np.arange(len(known)), np.flatnonzero(known)
    after = np.clip(np.searchsorted(places, frames), 0, len(places) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(places[before] - frames) <= np.abs(places[after] - frames)
    return np.where(nearer, places[before], places[after])
