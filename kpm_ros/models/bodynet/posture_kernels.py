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
the side that is described. Loads on joints are those of a body of usual proportions that stands on
whichever foot is lowest: rough, but of the same meaning in every movement. Forces are in units of
the body's weight, moments of its weight times its size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import compiled
from kpm_ros.models.bodynet.posture_shapes import (
    ANKLE,
    CENTRES,
    ELBOW,
    ENDS,
    FASTEST,
    FOOT,
    FOREARM,
    GRAVITY,
    HEEL,
    HIP,
    INNER,
    JOINTS,
    KNEE,
    LIMBS,
    LOADS,
    MASSES,
    MID_HIP,
    MID_SHOULDER,
    MOMENTS,
    MOST_PUSH,
    OUTER,
    POINTS,
    POSTURE,
    SEGMENTS,
    SHANK,
    SHOULDER,
    SIDE,
    SMALLEST_SIZE_M,
    STARTS,
    THIGH,
    TOE,
    TOUCHES,
    TRACKED,
    TRUNK,
    UPPER_ARM,
)

Array = NDArray[np.float32]

_SMALL = np.float32(1e-6)
_ONE, _ZERO = np.float32(1), np.float32(0)
_LOWEST_SQUARE = np.float32(1e-4)


@compiled
def describe(motion: Array, features: Array, present: Array) -> None:
    """Fill in features (n, 2, F) of frames, and whether each shows a body.

    `motion` (n, 3, 17, 3) holds places, speeds and accelerations of points in a camera's axes: x to
    the right, y down, z away. A body is described from its left, and from its right in a mirror.
    """
    body = np.empty((3, POINTS, 3), np.float32)
    segments = np.empty((4, SEGMENTS, 3), np.float32)
    for row in range(len(motion)):
        size = size_of(motion[row, 0])
        present[row] = np.float32(size > SMALLEST_SIZE_M)
        for view in range(2):
            turn(motion[row], view, size, body)
            follow_segments(body, segments)
            described = features[row, view]
            tell_posture(body, segments, described)
            carry(body, segments, False, described[POSTURE : POSTURE + LOADS])
            carry(body, segments, True, described[POSTURE + LOADS :])


@compiled
def size_of(points: Array) -> np.float32:
    """Add up trunk, thigh and shank."""
    square = _SMALL
    for axis in range(3):
        shoulders = points[SHOULDER, axis] + points[SHOULDER + SIDE, axis]
        square += ((shoulders - points[HIP, axis] - points[HIP + SIDE, axis]) / np.float32(2)) ** 2
    size = np.sqrt(square)
    for side in (0, SIDE):
        for start in (HIP, KNEE):
            square = _SMALL
            for axis in range(3):
                square += (points[start + 1 + side, axis] - points[start + side, axis]) ** 2
            size += np.sqrt(square) / np.float32(2)
    return np.float32(size)


@compiled
def turn(motion: Array, view: int, size: np.float32, body: Array) -> None:
    """Tell motion from the hips, in the body's axes and units, as a side sees it."""
    points = motion[0]
    left_x = points[HIP, 0] - points[HIP + SIDE, 0]
    left_x += points[SHOULDER, 0] - points[SHOULDER + SIDE, 0]
    left_z = points[HIP, 2] - points[HIP + SIDE, 2]
    left_z += points[SHOULDER, 2] - points[SHOULDER + SIDE, 2]
    length = np.sqrt(left_x * left_x + left_z * left_z + _SMALL)
    left_x, left_z = left_x / length, left_z / length
    outward = _ONE if view == 0 else -_ONE
    for part in range(3):
        source, target = motion[part], body[part]
        hip_x = (source[HIP, 0] + source[HIP + SIDE, 0]) / np.float32(2)
        hip_y = (source[HIP, 1] + source[HIP + SIDE, 1]) / np.float32(2)
        hip_z = (source[HIP, 2] + source[HIP + SIDE, 2]) / np.float32(2)
        for point in range(TRACKED):
            seen = point
            if view == 1 and point < 2 * SIDE:
                seen = (point + SIDE) % (2 * SIDE)
            x, y, z = source[seen, 0] - hip_x, source[seen, 1] - hip_y, source[seen, 2] - hip_z
            target[point, 0] = (x * left_z - z * left_x) / size
            target[point, 1] = -y / size
            target[point, 2] = outward * (x * left_x + z * left_z) / size
        for axis in range(3):
            target[MID_HIP, axis] = _ZERO
            shoulders = target[SHOULDER, axis] + target[SHOULDER + SIDE, axis]
            target[MID_SHOULDER, axis] = shoulders / np.float32(2)
    for point in range(POINTS):
        for axis in range(3):
            value = body[2, point, axis] / np.float32(GRAVITY)
            body[2, point, axis] = min(max(value, -np.float32(FASTEST)), np.float32(FASTEST))


@compiled
def follow_segments(body: Array, segments: Array) -> None:
    """Find each segment's direction, how that turns, and its centre's place and acceleration."""
    for k in range(SEGMENTS):
        start, end = STARTS[k], ENDS[k]
        square = _SMALL
        for axis in range(3):
            segments[0, k, axis] = body[0, end, axis] - body[0, start, axis]
            square += segments[0, k, axis] ** 2
        length = np.sqrt(square)
        along = _ZERO
        for axis in range(3):
            segments[0, k, axis] /= length
            segments[1, k, axis] = (body[1, end, axis] - body[1, start, axis]) / length
            along += segments[0, k, axis] * segments[1, k, axis]
        for axis in range(3):
            segments[1, k, axis] -= along * segments[0, k, axis]
            for kind, part in ((2, 0), (3, 2)):
                near, far = body[part, start, axis], body[part, end, axis]
                segments[kind, k, axis] = near + CENTRES[k] * (far - near)


@compiled
def tell_posture(body: Array, segments: Array, features: Array) -> None:
    """Fill in points and their motion, segments' directions, and joints' angles and their rates."""
    at = 0
    for part in range(3):
        for point in range(TRACKED):
            for axis in range(3):
                features[at] = body[part, point, axis]
                at += 1
    for k in range(SEGMENTS):
        for axis in range(3):
            features[at] = segments[0, k, axis]
            at += 1
    for joint in range(JOINTS):
        inner, outer = INNER[joint], OUTER[joint]
        cosine, square, rate = _ZERO, _SMALL, _ZERO
        for axis in range(3):
            one, other = segments[0, inner, axis], segments[0, outer, axis]
            cosine += one * other
            square += (one - other) ** 2
            rate += segments[1, inner, axis] * other + one * segments[1, outer, axis]
        features[at + joint] = cosine
        # Near a straight joint its cosine hardly changes with its angle.
        features[at + JOINTS + joint] = np.sqrt(square)
        features[at + 2 * JOINTS + joint] = rate


@compiled
def carry(body: Array, segments: Array, moving: bool, loads: Array) -> None:
    """Say how the body stands, and which moments its joints carry, at rest or as it moves."""
    points, centres = body[0], segments[2]
    floor, own_touch, other_touch = find_floor(points)
    weights = np.empty((SEGMENTS, 3), np.float32)
    centre, force, hips = np.zeros(3, np.float32), np.zeros(3, np.float32), _ZERO
    for axis in range(3):
        up = _ONE if axis == 1 else _ZERO
        if moving:
            # Points are told from the hips: what stands still is seen to move against them.
            own_foot = body[2, HEEL, axis] + body[2, TOE, axis]
            other_foot = body[2, HEEL + SIDE, axis] + body[2, TOE + SIDE, axis]
            pushed = own_touch * own_foot + other_touch * other_foot
            hips = -pushed / (np.float32(2) * (own_touch + other_touch))
        for k in range(SEGMENTS):
            push = hips + segments[3, k, axis] if moving else _ZERO
            weights[k, axis] = -MASSES[k] * (push + up)
            centre[axis] += MASSES[k] * centres[k, axis]
            force[axis] += MASSES[k] * push
        force[axis] = up + min(max(force[axis], -np.float32(MOST_PUSH)), np.float32(MOST_PUSH))
    pressed = np.empty(3, np.float32)
    stands = loads[3 * MOMENTS + 4 :]
    stand(points, floor, own_touch, other_touch, centre, force, pressed, stands)
    moments = loads[: 3 * MOMENTS].reshape(MOMENTS, 3)
    moments[:] = _ZERO
    for joint, point in ((0, ANKLE), (1, KNEE), (2, HIP)):
        add_moment(pressed, points[point], force, stands[0], moments[joint])
        add_moment(centres[FOOT], points[point], weights[FOOT], _ONE, moments[joint])
    for joint, point in ((1, KNEE), (2, HIP)):
        add_moment(centres[SHANK], points[point], weights[SHANK], _ONE, moments[joint])
    add_moment(centres[THIGH], points[HIP], weights[THIGH], _ONE, moments[2])
    for joint, point in ((3, ELBOW), (4, SHOULDER)):
        add_moment(centres[FOREARM], points[point], weights[FOREARM], _ONE, moments[joint])
    add_moment(centres[UPPER_ARM], points[SHOULDER], weights[UPPER_ARM], _ONE, moments[4])
    for k in (TRUNK, UPPER_ARM, FOREARM, UPPER_ARM + LIMBS, FOREARM + LIMBS):
        add_moment(centres[k], points[MID_HIP], weights[k], _ONE, moments[5])
    # The legs' moments about the axis that the knee turns about, as the foot tells it.
    hinge, nothing = np.zeros(3, np.float32), np.zeros(3, np.float32)
    add_moment(segments[0, FOOT], nothing, segments[0, SHANK], _ONE, hinge)
    length = np.sqrt(_dot(hinge, hinge) + _SMALL)
    for joint in range(3):
        loads[3 * MOMENTS + joint] = _dot(moments[joint], hinge) / length
    hinge[:] = _ZERO
    add_moment(segments[0, UPPER_ARM], nothing, segments[0, FOREARM], _ONE, hinge)
    loads[3 * MOMENTS + 3] = _dot(moments[3], hinge)


@compiled
def find_floor(points: Array) -> tuple[np.float32, np.float32, np.float32]:
    """Find the floor's height, and how far each foot is on it, 0 to 1."""
    own = min(points[HEEL, 1], points[TOE, 1])
    other = min(points[HEEL + SIDE, 1], points[TOE + SIDE, 1])
    floor = min(own, other)
    own_touch = _unit(_ONE - (own - floor) / np.float32(TOUCHES))
    return floor, own_touch, _unit(_ONE - (other - floor) / np.float32(TOUCHES))


@compiled
def stand(
    points: Array, floor: np.float32, own_touch: np.float32, other_touch: np.float32,
    centre: Array, force: Array, pressed: Array, stands: Array,
) -> None:  # fmt: skip
    """Find where the ground must push for the body not to tip over, and which share a foot takes.

    `pressed` is filled in with the place under the foot; `stands` begins with the share.
    """
    above = centre[1] - floor
    upward = min(max(force[1], np.float32(0.1)), np.float32(3))
    at_x = centre[0] - above * force[0] / upward
    at_z = centre[2] - above * force[2] / upward
    heel, toe, side = points[HEEL], points[TOE], points[HEEL + SIDE : TOE + SIDE + 1]
    own_x, own_z = (heel[0] + toe[0]) / np.float32(2), (heel[2] + toe[2]) / np.float32(2)
    other_x, other_z = (
        (side[0, 0] + side[1, 0]) / np.float32(2),
        (side[0, 2] + side[1, 2]) / np.float32(2),
    )
    share = along(at_x - own_x, at_z - own_z, other_x - own_x, other_z - own_z)
    own = (np.float32(1.05) - share) * own_touch
    own /= own + (np.float32(0.05) + share) * other_touch
    rolled = along(at_x - heel[0], at_z - heel[2], toe[0] - heel[0], toe[2] - heel[2])
    stands[0], stands[1] = own, own_touch
    stands[2], stands[3] = at_x - own_x, at_z - own_z
    for axis in range(3):
        pressed[axis] = heel[axis] + rolled * (toe[axis] - heel[axis])
        stands[4 + axis] = force[axis]
    stands[7], stands[8] = points[HIP, 1] - floor, above


@compiled
def add_moment(at: Array, joint: Array, force: Array, share: np.float32, moment: Array) -> None:
    """Add the moment about a joint of a share of a force that acts at some place."""
    x, y, z = at[0] - joint[0], at[1] - joint[1], at[2] - joint[2]
    moment[0] += share * (y * force[2] - z * force[1])
    moment[1] += share * (z * force[0] - x * force[2])
    moment[2] += share * (x * force[1] - y * force[0])


@compiled
def along(x: np.float32, z: np.float32, way_x: np.float32, way_z: np.float32) -> np.float32:
    """Say how far along a way on the floor a place is, 0 to 1."""
    return _unit((x * way_x + z * way_z) / (way_x * way_x + way_z * way_z + _LOWEST_SQUARE))


@compiled
def _unit(value: np.float32) -> np.float32:
    return min(max(value, _ZERO), _ONE)


@compiled
def _dot(a: Array, b: Array) -> np.float32:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
