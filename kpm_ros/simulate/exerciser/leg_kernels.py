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

"""A leg's joints followed from hip to heel, and led back from where the heel is to be: compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import compiled

Array = NDArray[np.float64]

_REACH_M = 0.12
"""Distance of the points of a foot that are brought into place."""
_STEPS = 25
_PRECISION = 1e-9
_DAMPING = 1e-7
_NUDGE = 1e-6
_FURTHEST = 0.3


class Links(NamedTuple):
    """The joints from a hip to the heel's bone, in order."""

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
    links: Links,
    angles: Array,
    origin: Array,
    axes: Array,
    work: Array,
) -> None:
    """Follow a leg's joints to the heel's bone."""
    for i in range(3):
        origin[i] = hip[i]
    _copy(upright, axes)
    for j in range(len(links.leader)):
        x = angles[links.leader[j]]
        value = 0.0
        for power in range(links.curve.shape[1] - 1, -1, -1):
            value = value * x + links.curve[j, power]
        for i in range(3):
            for k in range(3):
                origin[i] += axes[i, k] * links.offset[j, k]
        for i in range(3):
            for k in range(3):
                total = 0.0
                for m in range(3):
                    total += axes[i, m] * links.turn[j, m, k]
                work[i, k] = total
        _copy(work, axes)
        if links.slides[j]:
            for i in range(3):
                for k in range(3):
                    origin[i] += axes[i, k] * links.axis[j, k] * value
        else:
            _turned(axes, links.axis[j], value, work)


@compiled
def _points(origin: Array, axes: Array, out: Array) -> None:
    """The origin, and points ahead of it and beside it."""
    for i in range(3):
        out[i] = origin[i]
        out[3 + i] = origin[i] + _REACH_M * axes[i, 0]
        out[6 + i] = origin[i] + _REACH_M * axes[i, 2]


@compiled
def reach_all(
    hip: Array,
    upright: Array,
    links: Links,
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
                    links,
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
