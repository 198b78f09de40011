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

"""Legs that reach for where their feet are to be."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from kpm_ros.core.compilation import compiled
from kpm_ros.simulate.exerciser.coordinates import COORDINATES, LEG
from kpm_ros.simulate.exerciser.figure import Figure

Array = NDArray[np.float64]

LIMITS_DEG = (
    (-35.0, 130.0),
    (-55.0, 35.0),
    (-45.0, 45.0),
    (2.0, 135.0),
    (-50.0, 42.0),
    (-32.0, 32.0),
)
"""How far each coordinate of a leg goes."""
_REACH_M = 0.12
"""Distance of the points of a foot that are brought into place."""
_STEPS = 25
_PRECISION = 1e-9
_DAMPING = 1e-7
_NUDGE = 1e-6
_FURTHEST = 0.3


class Chain(NamedTuple):
    """The joints from a hip to the heel's bone, in order."""

    hip: Array
    """Where the hip is from the middle of both, in the pelvis' frame."""
    upright: Array
    """Axes of the thigh's bone, in the pelvis' frame, when all is at zero."""
    offset: Array
    """(joints, 3): from the bone before to this joint's, in the former's frame."""
    turn: Array
    """(joints, 3, 3)"""
    axis: Array
    """(joints, 3)"""
    slides: NDArray[np.bool_]
    curve: Array
    """(joints, powers): what each does for its coordinate."""
    leader: NDArray[np.int64]
    flat: Array
    """Axes of the heel's bone, in the pelvis' frame, when the foot is flat and points forward."""


def leg_chain(figure: Figure, side: str) -> Chain:
    """Read a leg out of the body's model."""
    model, coordinates = figure.model, figure.coordinates
    placed = figure.place(np.zeros((1, len(COORDINATES))))
    bodies = [model.body(f"{name}_{side}").id for name in ("femur", "tibia", "talus", "calcn")]
    columns = [COORDINATES.index(f"{name}_{side}") for name in LEG]
    rows: list[tuple[Array, Array, Array, bool, Array, int]] = []
    for body in bodies:
        first = int(model.body_jntadr[body])
        for number in range(first, first + int(model.body_jntnum[body])):
            offset, turn = np.zeros(3), np.eye(3)
            if number == first and body != bodies[0]:
                offset, turn = np.array(model.body_pos[body]), _matrix(model.body_quat[body])
            rows.append(
                (
                    offset,
                    turn,
                    np.array(model.jnt_axis[number]),
                    int(model.jnt_type[number]) == 2,
                    coordinates.curve[:, number - 1],
                    columns.index(int(coordinates.leader[number - 1])),
                )
            )
    return Chain(
        figure.segments.hips["lr".index(side)],
        np.ascontiguousarray(placed.rotation[0, bodies[0]]),
        np.array([row[0] for row in rows]),
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows]),
        np.array([row[3] for row in rows]),
        np.array([row[4] for row in rows]),
        np.array([row[5] for row in rows]),
        np.ascontiguousarray(placed.rotation[0, bodies[-1]]),
    )


def foot_of(chain: Chain, pelvis: Array, turn: Array, angles: Array) -> tuple[Array, Array]:
    """Where a leg's angles (n, 6) take the heel's bone: its origin (n, 3) and axes (n, 3, 3)."""
    origin, axes = _hips(chain, pelvis, turn)
    for j, leader in enumerate(chain.leader):
        value = polynomial.polyval(angles[:, leader], chain.curve[j])
        origin = origin + axes @ chain.offset[j]
        axes = axes @ chain.turn[j]
        if chain.slides[j]:
            origin = origin + axes @ chain.axis[j] * value[:, None]
        else:
            axes = axes @ Rotation.from_rotvec(value[:, None] * chain.axis[j]).as_matrix()
    return origin, axes


def reach(
    chain: Chain, pelvis: Array, turn: Array, origin: Array, axes: Array, begin: Array
) -> Array:
    """Find angles (n, 6) of a leg whose heel's bone is to be at these places.

    Each instant begins where the one before it ended; a place out of reach is come near to.
    """
    low, high = np.deg2rad(LIMITS_DEG).T
    angles = np.empty((len(origin), len(LEG)))
    _reach_all(
        *_hips(chain, pelvis, turn),
        chain.offset,
        chain.turn,
        chain.axis,
        chain.slides,
        chain.curve,
        chain.leader,
        np.ascontiguousarray(origin),
        np.ascontiguousarray(axes),
        np.ascontiguousarray(low),
        np.ascontiguousarray(high),
        np.clip(begin, low, high),
        angles,
    )
    return angles


def _hips(chain: Chain, pelvis: Array, turn: Array) -> tuple[Array, Array]:
    """Place and axes of the thigh when the hip's joints are at zero."""
    return pelvis + turn @ chain.hip, np.ascontiguousarray(turn @ chain.upright)


def _matrix(quaternion: Array) -> Array:
    w, x, y, z = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


@compiled
def _copy(given: Array, out: Array) -> None:
    """Copy a matrix, which compiles in a tenth of the time that a slice takes."""
    for i in range(3):
        for k in range(3):
            out[i, k] = given[i, k]


@compiled
def _turned(axes: Array, axis: Array, angle: float, work: Array) -> None:
    """Turn a frame about one of its own axes."""
    c, s = np.cos(angle), np.sin(angle)
    x, y, z = axis[0], axis[1], axis[2]
    d = 1.0 - c
    r00, r01, r02 = c + x * x * d, x * y * d - z * s, x * z * d + y * s
    r10, r11, r12 = x * y * d + z * s, c + y * y * d, y * z * d - x * s
    r20, r21, r22 = x * z * d - y * s, y * z * d + x * s, c + z * z * d
    for i in range(3):
        a, b, e = axes[i, 0], axes[i, 1], axes[i, 2]
        work[i, 0] = a * r00 + b * r10 + e * r20
        work[i, 1] = a * r01 + b * r11 + e * r21
        work[i, 2] = a * r02 + b * r12 + e * r22
    _copy(work, axes)


@compiled
def _place(
    hip: Array,
    upright: Array,
    offset: Array,
    turn: Array,
    axis: Array,
    slides: NDArray[np.bool_],
    curve: Array,
    leader: NDArray[np.int64],
    angles: Array,
    origin: Array,
    axes: Array,
    work: Array,
) -> None:
    """Follow a leg's joints to the heel's bone."""
    for i in range(3):
        origin[i] = hip[i]
    _copy(upright, axes)
    for j in range(len(leader)):
        x = angles[leader[j]]
        value = 0.0
        for power in range(curve.shape[1] - 1, -1, -1):
            value = value * x + curve[j, power]
        for i in range(3):
            for k in range(3):
                origin[i] += axes[i, k] * offset[j, k]
        for i in range(3):
            for k in range(3):
                total = 0.0
                for m in range(3):
                    total += axes[i, m] * turn[j, m, k]
                work[i, k] = total
        _copy(work, axes)
        if slides[j]:
            for i in range(3):
                for k in range(3):
                    origin[i] += axes[i, k] * axis[j, k] * value
        else:
            _turned(axes, axis[j], value, work)


@compiled
def _points(origin: Array, axes: Array, out: Array) -> None:
    """The origin, and points ahead of it and beside it."""
    for i in range(3):
        out[i] = origin[i]
        out[3 + i] = origin[i] + _REACH_M * axes[i, 0]
        out[6 + i] = origin[i] + _REACH_M * axes[i, 2]


@compiled
def _reach_all(
    hip: Array,
    upright: Array,
    offset: Array,
    turn: Array,
    axis: Array,
    slides: NDArray[np.bool_],
    curve: Array,
    leader: NDArray[np.int64],
    origin: Array,
    axes: Array,
    low: Array,
    high: Array,
    begin: Array,
    out: Array,
) -> None:
    """Damped least squares within limits, instant after instant."""
    count = len(low)
    angles = np.empty(count)
    for c in range(count):
        angles[c] = begin[c]
    here, frame, work = np.empty(3), np.empty((3, 3)), np.empty((3, 3))
    due, now, nudged = np.empty(9), np.empty(9), np.empty(9)
    slope = np.empty((9, count))
    normal, step = np.empty((count, count)), np.empty(count)
    for n in range(len(origin)):
        _points(origin[n], axes[n], due)
        for _ in range(_STEPS):
            for c in range(-1, count):
                if c >= 0:
                    angles[c] += _NUDGE
                _place(
                    hip[n],
                    upright[n],
                    offset,
                    turn,
                    axis,
                    slides,
                    curve,
                    leader,
                    angles,
                    here,
                    frame,
                    work,
                )
                _points(here, frame, nudged)
                if c < 0:
                    for i in range(9):
                        now[i] = nudged[i]
                else:
                    angles[c] -= _NUDGE
                    for i in range(9):
                        slope[i, c] = (nudged[i] - now[i]) / _NUDGE
            _ask(angles, low, high, slope, due, now, normal, step)
            _solve(normal, step)
            largest = _move(angles, low, high, step)
            if largest < _PRECISION:
                break
        for c in range(count):
            out[n, c] = angles[c]


@compiled
def _ask(
    angles: Array,
    low: Array,
    high: Array,
    slope: Array,
    due: Array,
    now: Array,
    normal: Array,
    step: Array,
) -> None:
    """Set up the damped normal equations of one step; what is at a limit stays there."""
    count, points = len(angles), len(due)
    for c in range(count):
        step[c] = 0.0
        for i in range(points):
            step[c] += slope[i, c] * (due[i] - now[i])
        if (angles[c] <= low[c] and step[c] < 0.0) or (angles[c] >= high[c] and step[c] > 0.0):
            step[c] = 0.0
            for i in range(points):
                slope[i, c] = 0.0
    for c in range(count):
        for d in range(count):
            total = 0.0
            for i in range(points):
                total += slope[i, c] * slope[i, d]
            normal[c, d] = total
        normal[c, c] += _DAMPING


@compiled
def _move(angles: Array, low: Array, high: Array, step: Array) -> float:
    """Go one step within the limits; the furthest that an angle went."""
    largest = 0.0
    for c in range(len(angles)):
        moved = min(max(step[c], -_FURTHEST), _FURTHEST)
        after = min(max(angles[c] + moved, low[c]), high[c])
        largest = max(largest, abs(after - angles[c]))
        angles[c] = after
    return largest


@compiled
def _solve(matrix: Array, vector: Array) -> None:
    """Solve a positive definite system in place."""
    count = len(vector)
    for c in range(count):
        pivot = matrix[c, c]
        for d in range(c + 1, count):
            factor = matrix[d, c] / pivot
            for e in range(c, count):
                matrix[d, e] -= factor * matrix[c, e]
            vector[d] -= factor * vector[c]
    for c in range(count - 1, -1, -1):
        total = vector[c]
        for d in range(c + 1, count):
            total -= matrix[c, d] * vector[d]
        vector[c] = total / matrix[c, c]
