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

"""From landmarks to joint angles: the likeliest pose of the anatomical hand in every frame.

Landmarks are seen with some error; joints have limits and places where they usually are; a
fingertip's joint bends along with the one before it; nothing accelerates beyond what hands do. All
of that is weighed against each other by how surely it is known, over all frames at once, by
Gauss-Newton steps: what couples frames only reaches two frames ahead, so that each step is a band
of equations and costs the same for every frame.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hand_motion import JOINTS, POINTS
from kpm_ros.motion.hand_kinematics import PALM, HandKinematics
from kpm_ros.motion.pose_beliefs import PoseBeliefs
from kpm_ros.motion.rotations import best_turn, matrices, turns_of
from kpm_ros.simulate.anatomy.statics import LAST_BEND, LAST_JOINTS

Array = NDArray[np.float64]

TURN = slice(3, 6)
ANGLES = slice(6, 6 + JOINTS)
_NUMBERS = 6 + JOINTS
PIECE = 1500
"""Frames that are solved together, which bounds memory; pieces overlap by ..."""
OVERLAP = 30
_STEPS = 40
_ENOUGH = 1e-4
"""A step that lowers the cost by less than this part of it is the last."""
_LONGEST_STEP_RAD = 0.5
_FEWEST_POINTS = 6
"""Of a frame that is posed at all."""
_AT_LEAST_M = 1e-5


class Posed(NamedTuple):
    """A hand's pose in each of n frames; NaN where too little of it was seen."""

    place: Array
    """(n, 3): the wrist, in metres."""
    forearm: Array
    """(n, 3): how the forearm is turned from where `Body` holds it, as axis times angle."""
    joints: Array
    """(n, 23): radians, in the order of `Body.joint_names`."""
    residual_m: Array
    """(n,): how far landmarks are from those seen, root mean square."""
    hand: HandKinematics
    """The hand that was posed, with bones as long as seen."""


def pose_hand(
    landmarks: NDArray[np.floating[Any]],
    rate_hz: float,
    *,
    beliefs: PoseBeliefs | None = None,
    hand: HandKinematics | None = None,
) -> Posed:
    """Pose a right hand whose landmarks (n, 21, 3) are in metres; NaN is not seen.

    A left hand is given as its mirror image. Axes are the keyboard's, or any other if the forearm
    is not believed to be anywhere (`PoseBeliefs.forearm_rad`). Without a hand, its bones are as
    long as they are seen to be.
    """
    seen = np.asarray(landmarks, np.float64)
    if seen.ndim != 3 or seen.shape[1:] != (POINTS, 3):
        raise ValueError(f"landmarks are of the shape {seen.shape}, but must be (n, {POINTS}, 3)")
    beliefs = beliefs or PoseBeliefs()
    hand = hand or HandKinematics.measured(seen)
    spread = np.broadcast_to(np.asarray(beliefs.landmark_m, np.float64), seen.shape)
    found = np.full((len(seen), 6 + JOINTS + 1), np.nan)
    enough = np.isfinite(seen).all(axis=2).sum(axis=1) >= _FEWEST_POINTS
    for start in range(0, len(seen), PIECE):
        end = min(start + PIECE, len(seen))
        if not enough[start:end].any():
            continue
        part = slice(max(0, start - OVERLAP), end + OVERLAP)
        solved = _Piece(hand, seen[part], spread[part], rate_hz, beliefs).solve()
        found[start:end] = solved[start - part.start :][: end - start]
    found[~enough] = np.nan
    return Posed(found[:, :3], found[:, TURN], found[:, ANGLES], found[:, -1], hand)


class _State(NamedTuple):
    place: Array
    turn: Array
    """(n, 3, 3)"""
    joints: Array

    def moved(self, step: Array) -> _State:
        return _State(
            self.place + step[:, :3],
            matrices(step[:, TURN]) @ self.turn,
            self.joints + step[:, ANGLES],
        )


class _Piece:
    """Some frames in a row, and what is believed of them."""

    def __init__(
        self, hand: HandKinematics, seen: Array, spread: Array, rate_hz: float, beliefs: PoseBeliefs
    ) -> None:
        self._hand = hand
        known = np.isfinite(seen) & np.isfinite(seen).all(axis=2, keepdims=True)
        self._seen = np.where(known, seen, 0.0)
        self._sure = np.where(known, 1.0 / np.maximum(spread, _AT_LEAST_M), 0.0)
        self._low, self._high = hand.body.ranges.T
        names = hand.body.joint_names
        self._rest, self._rest_sure = beliefs.of_joints(names)
        self._linked = [(names.index(a), names.index(b)) for a, b in LAST_JOINTS.items()]
        self._linked_sure = 1.0 / beliefs.linked_rad
        forearm = beliefs.forearm_rad
        self._forearm_sure = np.zeros(3) if forearm is None else 1.0 / np.array(forearm)
        change = np.empty(_NUMBERS)
        change[:3], change[TURN] = beliefs.place_m_s2, beliefs.turn_rad_s2
        change[ANGLES] = beliefs.joint_rad_s2
        self._steady = rate_hz**2 / change

    def solve(self) -> Array:
        """Place, turn, joints and residual of each frame: (n, 30)."""
        state = self._start()
        cost, gradient, normal = self._equations(state)
        damping = 1e-3
        for _ in range(_STEPS):
            ahead = self._bounded(state, self._step(state, gradient, normal, damping))
            equations = self._equations(ahead)
            if equations[0] >= cost:
                damping *= 10.0
                if damping > 1e6:
                    break
                continue
            gained = cost - equations[0]
            state, (cost, gradient, normal) = ahead, equations
            damping = max(damping * 0.2, 1e-6)
            if gained < _ENOUGH * cost:
                break
        points = self._hand.move(*state).points
        known = self._sure.any(axis=2)
        off = np.square(points - self._seen).sum(axis=2) * known
        residual = np.sqrt(off.sum(axis=1) / np.maximum(known.sum(axis=1), 1))
        return np.column_stack([state.place, turns_of(state.turn), state.joints, residual])

    def _start(self) -> _State:
        """Lay the relaxed hand's palm on the palm that is seen, or was when it last was."""
        count = len(self._seen)
        joints = np.tile(np.clip(self._rest, self._low, self._high), (count, 1))
        still = self._hand.move(np.zeros((1, 3)), np.eye(3)[None], joints[:1]).points[0, PALM]
        whole = self._sure[:, PALM].all(axis=(1, 2))
        if not whole.any():
            seen = np.tile(still, (count, 1, 1))
        else:
            nearest = np.maximum.accumulate(np.where(whole, np.arange(count), -1))
            nearest[nearest < 0] = int(whole.argmax())
            seen = self._seen[nearest][:, PALM]
        turn = best_turn(seen, still)
        place = (seen - np.einsum("nij,kj->nki", turn, still)).mean(axis=1)
        return _State(place, turn, joints)

    def _bounded(self, state: _State, step: Array) -> _State:
        step = np.clip(step, -_LONGEST_STEP_RAD, _LONGEST_STEP_RAD)
        moved = state.moved(step)
        return moved._replace(joints=np.clip(moved.joints, self._low, self._high))

    def _equations(self, state: _State) -> tuple[float, Array, Array]:
        """Cost, its gradient (n, 29) and what it is bent by within frames (n, 29, 29)."""
        moved = self._hand.move(*state)
        count = len(state.joints)
        off = ((self._seen - moved.points) * self._sure).reshape(count, -1, 1)
        jacobian = (moved.jacobian * self._sure[..., None]).reshape(count, -1, _NUMBERS)
        turned = jacobian.transpose(0, 2, 1)
        normal = turned @ jacobian
        pull = (turned @ off)[..., 0]
        cost = float(np.square(off).sum())

        away = np.zeros((count, _NUMBERS))
        sure = np.zeros(_NUMBERS)
        away[:, TURN], sure[TURN] = turns_of(state.turn), self._forearm_sure
        away[:, ANGLES], sure[ANGLES] = state.joints - self._rest, self._rest_sure
        places = np.arange(_NUMBERS)
        normal[:, places, places] += np.square(sure)
        pull -= np.square(sure) * away
        cost += float(np.square(sure * away).sum())

        weight = self._linked_sure**2
        for last, first in self._linked:
            gap = state.joints[:, last] - LAST_BEND * state.joints[:, first]
            both = np.array([ANGLES.start + last, ANGLES.start + first])
            share = np.array([1.0, -LAST_BEND])
            normal[:, both[:, None], both] += weight * np.outer(share, share)
            pull[:, both] -= weight * gap[:, None] * share
            cost += weight * float(np.square(gap).sum())

        bent = _bent(state) * self._steady
        if len(bent):
            cost += float(np.square(bent).sum())
            bent *= self._steady
            pull[:-2] -= bent
            pull[1:-1] += 2 * bent
            pull[2:] -= bent
        return cost, pull, normal

    def _step(self, state: _State, pull: Array, normal: Array, damping: float) -> Array:
        """Solve for the step of all frames; joints that push against their limits stay."""
        from scipy.linalg import solveh_banded

        count = len(pull)
        held = np.zeros(pull.shape, bool)
        inward = pull[:, ANGLES]
        held[:, ANGLES] = ((state.joints <= self._low) & (inward < 0)) | (
            (state.joints >= self._high) & (inward > 0)
        )
        loose = ~held
        within = normal * (loose[:, :, None] & loose[:, None])
        places = np.arange(_NUMBERS)
        within[:, places, places] += held
        bands = np.zeros((2 * _NUMBERS + 1, count, _NUMBERS))
        for below in range(_NUMBERS):
            bands[below, :, : _NUMBERS - below] = within[
                :, places[below:], places[: _NUMBERS - below]
            ]
        for ahead, weights in enumerate(_steadiness(count)):
            both = loose[: count - ahead] & loose[ahead:]
            bands[ahead * _NUMBERS, : count - ahead] += (
                weights[:, None] * np.square(self._steady) * both
            )
        bands[0] *= 1.0 + damping
        solved = solveh_banded(
            bands.reshape(2 * _NUMBERS + 1, -1),
            (pull * loose).reshape(-1),
            lower=True,
            overwrite_ab=True,
            check_finite=False,
        )
        return np.asarray(solved).reshape(pull.shape)


def _bent(state: _State) -> Array:
    """How far each frame is off the straight line through those beside it: (n - 2, 29)."""
    if len(state.place) < 3:
        return np.empty((0, _NUMBERS))
    steps = turns_of(state.turn[1:] @ state.turn[:-1].transpose(0, 2, 1))
    return np.column_stack(
        [np.diff(state.place, 2, axis=0), np.diff(steps, axis=0), np.diff(state.joints, 2, axis=0)]
    )


def _steadiness(count: int) -> list[Array]:
    """Diagonals of the squared second difference: (n), (n - 1) and (n - 2)."""
    second = np.tile((1.0, -2.0, 1.0), (max(count - 2, 0), 1))
    diagonals = []
    for ahead in range(min(3, count)):
        total = np.zeros(count - ahead)
        for first in range(3 - ahead):
            total[first : first + len(second)] += second[:, first] * second[:, first + ahead]
        diagonals.append(total)
    return diagonals
