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

"""Whether hands can make a movement: joint limits, speeds, other hands and keys in the way."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hand_motion import HandMotion, OneHandMotion
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.motion.scores.keys_pressed import fingertips, on_keys
from kpm_ros.simulate.hand import FINGER_POINTS, WRIST

LIMIT_SLACK_RAD = 1e-3
"""What rounding and a limit's own precision leave open."""
FINGER_M = 0.010
"""Bones of two hands that are nearer than this are in each other."""
DEEPEST = 1.3
"""A fingertip further down than this share of a key's travel is in the key."""

_BONES = np.array(
    [pair for points in FINGER_POINTS for pair in zip((WRIST, *points[:-1]), points, strict=True)]
)


class Soundness(NamedTuple):
    """What a movement asks of hands; NaN is what its form does not tell."""

    within_joint_limits: float
    """Share of hands and frames in which every joint is within its limits."""
    fastest_tip_m_per_s: float
    """99th percentile of the fingertips' speed."""
    fastest_joint_rad_per_s: float
    """99th percentile of the joints' speed."""
    hands_in_each_other: float
    """Share of frames in which bones of one hand are within the other."""
    tips_in_keys: float
    """Share of frames in which a fingertip is deeper than any key goes."""


def soundness(motion: HandMotion) -> Soundness:
    """Look at a movement in the keyboard's frame."""
    tips = fingertips(motion)
    hands = list(motion.hands.values())
    inside = [within_limits(hand) for hand in hands if hand.joints is not None]
    turning = [
        np.abs(np.diff(hand.joints[hand.visible], axis=0)) * motion.rate_hz
        for hand in hands
        if hand.joints is not None
    ]
    speed = np.linalg.norm(np.diff(tips, axis=0), axis=2) * motion.rate_hz
    return Soundness(
        float(np.concatenate(inside).mean()) if inside and len(inside[0]) else np.nan,
        _high(speed),
        _high(np.concatenate(turning)) if turning else np.nan,
        float(hands_in_each_other(motion).mean()),
        float((on_keys(tips).depth > DEEPEST).any(axis=1).mean()),
    )


def within_limits(hand: OneHandMotion) -> NDArray[np.bool_]:
    """Whether every joint is within its limits, of the frames in which the hand is there."""
    if hand.joints is None:
        raise ValueError("the hand's movement has no joint angles, so limits cannot be judged")
    low, high = _joint_limits().T
    joints = hand.joints[hand.visible]
    return np.asarray(
        ((joints >= low - LIMIT_SLACK_RAD) & (joints <= high + LIMIT_SLACK_RAD)).all(axis=1)
    )


def hands_in_each_other(motion: HandMotion) -> NDArray[np.bool_]:
    """Tell in which frames bones of both hands are nearer than a finger is thick: (n,)."""
    sides = [motion.hands.get(side) for side in (LEFT, RIGHT)]
    touching = np.zeros(len(motion), bool)
    if any(hand is None or hand.landmarks is None for hand in sides):
        return touching
    left, right = (hand.landmarks.astype(np.float64) for hand in sides)  # type: ignore[union-attr]
    there = sides[0].visible & sides[1].visible  # type: ignore[union-attr]
    near = (left.min(axis=1) - FINGER_M <= right.max(axis=1)).all(axis=1)
    near &= (right.min(axis=1) - FINGER_M <= left.max(axis=1)).all(axis=1)
    for frame in np.flatnonzero(near & there):
        distance = _bones_apart(left[frame, _BONES], right[frame, _BONES])
        touching[frame] = distance.min() < FINGER_M
    return touching


def _bones_apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance between every bone (k, ends, 3) of one hand and every one of the other: (k, k)."""
    start, way = one[:, None, 0], (one[:, 1] - one[:, 0])[:, None]
    begin, go = other[None, :, 0], (other[:, 1] - other[:, 0])[None]
    between = start - begin
    a, e = (way * way).sum(-1), (go * go).sum(-1)
    b, c, f = (way * go).sum(-1), (way * between).sum(-1), (go * between).sum(-1)
    # The nearest points of two lines, held to the bones, then each anew for the other's place.
    s = np.clip((b * f - c * e) / np.maximum(a * e - b * b, 1e-15), 0.0, 1.0)
    t = np.clip((b * s + f) / np.maximum(e, 1e-15), 0.0, 1.0)
    s = np.clip((b * t - c) / np.maximum(a, 1e-15), 0.0, 1.0)
    apart = between + s[..., None] * way - t[..., None] * go
    return np.asarray(np.linalg.norm(apart, axis=-1))


@cache
def _joint_limits() -> NDArray[np.float64]:
    """Limits of the anatomical hand's joints, which are the same for all sizes: (joints, 2)."""
    from kpm_ros.simulate.anatomy.body import Body
    from kpm_ros.simulate.person import Person

    return Body(Person()).ranges


def _high(values: NDArray[np.floating]) -> float:
    known = values[np.isfinite(values)]
    return float(np.percentile(known, 99)) if len(known) else np.nan
