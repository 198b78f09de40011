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

"""A movement's joints and landmarks at even instants, as a robot hand or a viewer follows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.motion.rotations import matrices
from kpm_ros.motion.shown_motion import MovingHand, Pace, between

Array = NDArray[np.float64]

PLACE = ("wrist_x", "wrist_y", "wrist_z")
"""Prismatic joints in metres: the wrist in the keyboard's frame."""
FOREARM = ("forearm_x", "forearm_y", "forearm_z")
"""Turns about axes that turn along: how the forearm is held, where that is known."""


class JointSample(NamedTuple):
    """All hands at one instant."""

    stamp_ns: int
    names: tuple[str, ...]
    positions: Array
    """(joints,): radians, of the wrist's place metres; not numbers where they are not known."""
    points: tuple[tuple[str, Array], ...]
    """Of each hand that is there: its side, and landmarks (points, 3)."""


def joint_names(side: str, joints: Sequence[str]) -> tuple[str, ...]:
    """Name one hand's joints: those of the anatomical hand behind its side, and the wrist's place.

    >>> joint_names("left", ["mcp2_flexion_r"])[-1]
    'left_mcp2_flexion'
    """
    own = (name.removesuffix("_r") for name in joints)
    return tuple(f"{side}_{name}" for name in (*PLACE, *FOREARM, *own))


class PlayedJoints:
    """Gives joints and landmarks of all hands, at a steady rate from an instant on."""

    def __init__(
        self,
        motion: HandMotion,
        joints: Sequence[str],
        pace: Pace,
        rate_hz: float,
        start_ns: int,
    ) -> None:
        """Play a movement whose joints' angles are known, `joints` by name."""
        self._pace, self._rate_hz, self._start_ns = pace, rate_hz, start_ns
        self._motion = motion
        self._names = tuple(name for side in motion.hands for name in joint_names(side, joints))
        self._table = np.concatenate([_columns(motion, side) for side in motion.hands], axis=1)
        self._hands = {side: MovingHand(motion, side, pace) for side in motion.hands}
        self._next = 0

    def until(self, now_ns: int) -> list[JointSample]:
        """Give what is due by this instant and has not been given."""
        end = max(self._next, int((now_ns - self._start_ns) * self._rate_hz / NS_PER_S) + 1)
        times_s = np.arange(self._next, end) / self._rate_hz
        self._next = end
        at = (self._pace.instants(times_s) - self._motion.start_s) * self._motion.rate_hz
        rows = between(self._table, at)
        points = {side: hand.landmarks(times_s) for side, hand in self._hands.items()}
        found = []
        for k, time_s in enumerate(times_s.tolist()):
            there = tuple(
                (side, seen[k]) for side, seen in points.items() if np.isfinite(seen[k]).all()
            )
            if there:
                stamp_ns = self._start_ns + round(time_s * NS_PER_S)
                found.append(JointSample(stamp_ns, self._names, rows[k], there))
        return found


def _columns(motion: HandMotion, side: str) -> Array:
    """One hand's place, forearm and joints, frame by frame."""
    from scipy.spatial.transform import Rotation

    hand = motion.hands[side]
    count = len(hand)
    assert hand.joints is not None
    place = np.full((count, 3), np.nan) if hand.place is None else hand.place
    forearm = np.zeros((count, 3)) if hand.forearm is None else hand.forearm
    known = np.isfinite(forearm).all(axis=1)
    turned = np.full((count, 3), np.nan)
    if known.any():
        turns = Rotation.from_matrix(matrices(forearm[known])).as_euler("XYZ")
        turned[known] = np.unwrap(turns, axis=0)
    columns = np.concatenate([place, turned, hand.joints], axis=1).astype(np.float64)
    columns[~hand.visible] = np.nan
    return columns
