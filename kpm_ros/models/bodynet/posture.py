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

"""A body told from itself: posture, motion, and what its joints carry, the same for both sides.

Everything is in axes that turn with the body about the vertical: forward, up, and away from it on
the side that is described. Lengths are in units of the body's own size, so that neither the
camera's place nor the person's height matters. The functions take NumPy's arrays as well as torch's
tensors, whose module is `xp`: the same lines are used in training and in a stream.

Loads on joints are those of a body of usual proportions that stands on whichever foot is lowest:
rough, but of the same meaning in every movement.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

SHOULDER, ELBOW, WRIST, HIP, KNEE, ANKLE, HEEL, TOE = range(8)
"""Points of the side that is described."""
SIDE = 8
"""So much further on are those of the other side."""
HEAD, MID_HIP, MID_SHOULDER = 16, 17, 18
TRACKED = 17
"""Points that are given; the middles are found."""

_MIRRORED = [*range(SIDE, 2 * SIDE), *range(SIDE), HEAD]
_LIMBS = ((SHOULDER, ELBOW), (ELBOW, WRIST), (HIP, KNEE), (KNEE, ANKLE), (HEEL, TOE))
"""Both ends of a side's upper arm, forearm, thigh, shank and foot, the nearer one first."""
_STARTS = [*(near for near, _ in _LIMBS), *(near + SIDE for near, _ in _LIMBS), MID_HIP]
_ENDS = [*(far for _, far in _LIMBS), *(far + SIDE for _, far in _LIMBS), MID_SHOULDER]
UPPER_ARM, FOREARM, THIGH, SHANK, FOOT = range(5)
LIMBS = len(_LIMBS)
TRUNK = 2 * LIMBS
"""Segments: a side's limbs, the other side's, the trunk."""
_INNER, _OUTER = (UPPER_ARM, THIGH, SHANK, UPPER_ARM, THIGH), (FOREARM, SHANK, FOOT, TRUNK, TRUNK)
_INNER_SEGMENTS = [*_INNER, *(inner + LIMBS for inner in _INNER)]
_OUTER_SEGMENTS = [*_OUTER, *(outer if outer == TRUNK else outer + LIMBS for outer in _OUTER)]
"""Segments that meet at elbow, knee and ankle, and those that move against the trunk."""

_MASSES = (0.028, 0.022, 0.1, 0.0465, 0.0145)
"""Of a side's limbs with what is beyond the wrist, as parts of the body's (Winter)."""
_CENTRES = (0.436, 0.682, 0.433, 0.433, 0.5)
"""Of their masses, from the nearer end on."""
MASSES = np.array([*_MASSES, *_MASSES, 1 - 2 * sum(_MASSES)], np.float32)
CENTRES = np.array([*_CENTRES, *_CENTRES, 0.66], np.float32)
"""The trunk's are those of trunk and head, which reach above the shoulders."""

GRAVITY = 7.2
"""In body sizes a second squared: the size of somebody 1.75 m tall is 1.36 m."""
_TOUCHES = 0.06
"""A foot this much higher than the lowest one does not stand on the ground."""
_MOST_PUSH = 1.5
"""Largest acceleration of the whole body that is believed, relative to gravity."""
_FASTEST = 3.0
"""Largest acceleration of a segment that is believed, relative to gravity."""
_SMALL = 1e-6
_UP = np.array((0.0, 1.0, 0.0), np.float32)
_MIRROR = np.array((1.0, 1.0, -1.0), np.float32)

SMALLEST_SIZE_M = 0.1
"""Nobody is smaller: points that lie together are no body."""

FEATURES = 3 * 3 * TRACKED + 3 * (TRUNK + 1) + 3 * len(_INNER_SEGMENTS) + 2 * 31
"""Numbers that describe a body from one side."""

Array = Any


class Motion(NamedTuple):
    """Points (..., 17, 3) in a camera's axes, in metres and seconds."""

    points: Array
    speed: Array
    acceleration: Array


def size_of(xp: Any, points: Array) -> Array:
    """Add up trunk, thigh and shank: (...)."""
    hips = (points[..., HIP, :] + points[..., HIP + SIDE, :]) / 2
    shoulders = (points[..., SHOULDER, :] + points[..., SHOULDER + SIDE, :]) / 2
    near, far = [HIP, KNEE, HIP + SIDE, KNEE + SIDE], [KNEE, ANKLE, KNEE + SIDE, ANKLE + SIDE]
    legs = _length(xp, points[..., far, :] - points[..., near, :]).sum(-1)
    return _length(xp, shoulders - hips) + legs / 2


def describe(xp: Any, motion: Motion) -> Array:
    """Give what a body's left side tells, and the right side in a mirror: (..., 2, FEATURES)."""
    size = size_of(xp, motion.points)[..., None, None, None]
    across = _across(xp, motion.points)
    points, speed, acceleration = (_from_sides(xp, part, across) / size for part in motion)
    acceleration = xp.clip(acceleration / GRAVITY, -_FASTEST, _FASTEST)
    segments = points[..., _ENDS, :] - points[..., _STARTS, :]
    lengths = _length(xp, segments)[..., None]
    directions = segments / lengths
    turning = (speed[..., _ENDS, :] - speed[..., _STARTS, :]) / lengths
    turning = turning - directions * _dot(directions, turning)[..., None]
    inner, outer = directions[..., _INNER_SEGMENTS, :], directions[..., _OUTER_SEGMENTS, :]
    bent = _dot(inner, outer)
    bending = _dot(turning[..., _INNER_SEGMENTS, :], outer)
    bending = bending + _dot(inner, turning[..., _OUTER_SEGMENTS, :])
    parts = [
        _flat(points[..., :TRACKED, :]),
        _flat(speed[..., :TRACKED, :]),
        _flat(acceleration[..., :TRACKED, :]),
        _flat(directions),
        bent,
        # Near a straight joint its cosine hardly changes with its angle.
        _length(xp, inner - outer),
        bending,
        *_carried(xp, points, xp.zeros_like(acceleration), directions),
        *_carried(xp, points, acceleration, directions),
    ]
    return xp.concatenate(parts, -1)


def _carried(xp: Any, points: Array, acceleration: Array, directions: Array) -> list[Array]:
    """Say how the body stands, and which moments its joints carry, given how it accelerates.

    Forces are in units of the body's weight, moments of its weight times its size.
    """
    heights = points[..., [HEEL, TOE, HEEL + SIDE, TOE + SIDE], 1]
    own_height, other_height = _lower(xp, heights[..., :2]), _lower(xp, heights[..., 2:])
    floor = xp.minimum(own_height, other_height)
    own_touch = xp.clip(1 - (own_height - floor) / _TOUCHES, 0.0, 1.0)[..., None]
    other_touch = xp.clip(1 - (other_height - floor) / _TOUCHES, 0.0, 1.0)[..., None]
    # Points are told from the hips, so that what stands still is seen to move against them.
    feet = (acceleration[..., HEEL, :] + acceleration[..., TOE, :]) / 2
    other_feet = (acceleration[..., HEEL + SIDE, :] + acceleration[..., TOE + SIDE, :]) / 2
    hips = -(own_touch * feet + other_touch * other_feet) / (own_touch + other_touch)
    centres = _between(points)
    pushes = _between(acceleration) + hips[..., None, :]
    masses = _like(xp, MASSES, points)[:, None]
    centre = (masses * centres).sum(-2)
    push = xp.clip((masses * pushes).sum(-2), -_MOST_PUSH, _MOST_PUSH)
    force = push + _like(xp, _UP, points)
    upward = xp.clip(force[..., 1:2], 0.1, 3.0)
    # Where on the floor the ground must push for the body not to tip over.
    above = (centre[..., 1] - floor)[..., None]
    pushed_at = centre - above * force / upward
    own_foot, other_foot = (
        (points[..., HEEL + k, :] + points[..., TOE + k, :]) / 2 for k in (0, SIDE)
    )
    share = _along(xp, pushed_at, own_foot, other_foot)
    own, other = (1.05 - share) * own_touch, (0.05 + share) * other_touch
    own = own / (own + other)
    heel, toe = points[..., HEEL, :], points[..., TOE, :]
    pressed = heel + _along(xp, pushed_at, heel, toe) * (toe - heel)
    ground = own * force
    weights = -masses * (pushes + _like(xp, _UP, points))

    def moment(joint: int, *segments: int) -> Array:
        arms = centres[..., list(segments), :] - points[..., joint, None, :]
        return _cross(xp, arms, weights[..., list(segments), :]).sum(-2)

    def leg(joint: int, *segments: int) -> Array:
        return moment(joint, *segments) + _cross(xp, pressed - points[..., joint, :], ground)

    ankle, knee, hip = leg(ANKLE, FOOT), leg(KNEE, FOOT, SHANK), leg(HIP, FOOT, SHANK, THIGH)
    elbow, shoulder = moment(ELBOW, FOREARM), moment(SHOULDER, FOREARM, UPPER_ARM)
    other_arm = (UPPER_ARM + LIMBS, FOREARM + LIMBS)
    waist = moment(MID_HIP, TRUNK, UPPER_ARM, FOREARM, *other_arm)
    hinge = _cross(xp, directions[..., FOOT, :], directions[..., SHANK, :])
    hinge = hinge / _length(xp, hinge)[..., None]
    arm_hinge = _cross(xp, directions[..., UPPER_ARM, :], directions[..., FOREARM, :])
    return [
        *(ankle, knee, hip, elbow, shoulder, waist),
        *(_dot(one, hinge)[..., None] for one in (ankle, knee, hip)),
        _dot(elbow, arm_hinge)[..., None],
        own,
        own_touch,
        (pushed_at - own_foot)[..., ::2],
        force,
        (points[..., HIP, 1] - floor)[..., None],
        above,
    ]


def _across(xp: Any, points: Array) -> Array:
    """Find the horizontal direction to the body's left, from hips and shoulders: (..., 3)."""
    left = points[..., HIP, :] - points[..., HIP + SIDE, :]
    left = left + points[..., SHOULDER, :] - points[..., SHOULDER + SIDE, :]
    left = left * _like(xp, np.array((1.0, 0.0, 1.0), np.float32), points)
    return left / _length(xp, left)[..., None]


def _from_sides(xp: Any, part: Array, across: Array) -> Array:
    """Tell vectors from the hips in the body's axes, seen from either side: (..., 2, 19, 3)."""
    hips = (part[..., HIP, :] + part[..., HIP + SIDE, :]) / 2
    away = part - hips[..., None, :]
    x, y, z = away[..., 0], away[..., 1], away[..., 2]
    left_x, left_z = across[..., 0, None], across[..., 2, None]
    turned = xp.stack([x * left_z - z * left_x, -y, x * left_x + z * left_z], -1)
    mirrored = turned[..., _MIRRORED, :] * _like(xp, _MIRROR, part)
    both = xp.stack([turned, mirrored], -4 + 1)
    shoulders = (both[..., SHOULDER, None, :] + both[..., SHOULDER + SIDE, None, :]) / 2
    return xp.concatenate([both, xp.zeros_like(shoulders), shoulders], -2)


def _between(points: Array) -> Array:
    """Find each segment's centre of mass."""
    starts, share = points[..., _STARTS, :], _like(None, CENTRES, points)[:, None]
    return starts + share * (points[..., _ENDS, :] - starts)


def _along(xp: Any, at: Array, start: Array, end: Array) -> Array:
    """Say how far along the way from start to end a place is on the floor, 0 to 1: (..., 1)."""
    way, gone = (end - start)[..., ::2], (at - start)[..., ::2]
    square = way[..., 0] * way[..., 0] + way[..., 1] * way[..., 1] + 1e-4
    done = gone[..., 0] * way[..., 0] + gone[..., 1] * way[..., 1]
    return xp.clip(done / square, 0.0, 1.0)[..., None]


def _lower(xp: Any, heights: Array) -> Array:
    return xp.minimum(heights[..., 0], heights[..., 1])


def _dot(a: Array, b: Array) -> Array:
    return a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2]


def _length(xp: Any, a: Array) -> Array:
    return xp.sqrt(_dot(a, a) + _SMALL)


def _cross(xp: Any, a: Array, b: Array) -> Array:
    """Cross product in the axes forward, up and outward, whose handedness is a side's own."""
    x, y, z = a[..., 0], a[..., 1], a[..., 2]
    u, v, w = b[..., 0], b[..., 1], b[..., 2]
    return xp.stack([y * w - z * v, z * u - x * w, x * v - y * u], -1)


def _flat(vectors: Array) -> Array:
    return vectors.reshape(*vectors.shape[:-2], -1)


def _like(xp: Any, values: Any, other: Array) -> Array:
    """Give constants as what the others are."""
    return values if isinstance(other, np.ndarray) else other.new_tensor(values)
