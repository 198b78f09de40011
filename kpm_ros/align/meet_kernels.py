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

"""Where the rays of a point meet, and how far from it they pass, compiled.

A point is where all views agree best: weighted least squares, in closed form.
"""

from __future__ import annotations

import numpy as np

from kpm_ros.align.look_kernels import Bytes, Cameras, Floats, Sight
from kpm_ros.core.compilation import compiled


@compiled
def invert(a: Floats, out: Floats) -> bool:
    """Invert a symmetric matrix, both as xx, xy, xz, yy, yz, zz; False where it has no inverse."""
    c0 = a[3] * a[5] - a[4] * a[4]
    c1 = a[2] * a[4] - a[1] * a[5]
    c2 = a[1] * a[4] - a[2] * a[3]
    size = a[0] * c0 + a[1] * c1 + a[2] * c2
    if not size > 1e-12 * a[0] * a[3] * a[5]:
        return False
    out[0], out[1], out[2] = c0 / size, c1 / size, c2 / size
    out[3] = (a[0] * a[5] - a[2] * a[2]) / size
    out[4] = (a[1] * a[2] - a[0] * a[4]) / size
    out[5] = (a[0] * a[3] - a[1] * a[1]) / size
    return True


@compiled
def times_vector(a: Floats, b: Floats, out: Floats) -> None:
    """Symmetric matrix times a vector."""
    out[0] = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    out[1] = a[1] * b[0] + a[3] * b[1] + a[4] * b[2]
    out[2] = a[2] * b[0] + a[4] * b[1] + a[5] * b[2]


@compiled
def add_view(
    place: Floats, ray: Floats, depth: float, across: float, along: float, a: Floats, b: Floats
) -> None:
    """Add what one view says of a point to the normal equations.

    `ray` is 1 long in depth; `across` and `along` are the weights of its place and of its depth.
    """
    length = np.sqrt(ray[0] * ray[0] + ray[1] * ray[1] + ray[2] * ray[2])
    x, y, z = ray[0] / length, ray[1] / length, ray[2] / length
    along = along / (length * length)
    less = across - along
    a[0] += across - less * x * x
    a[1] -= less * x * y
    a[2] -= less * x * z
    a[3] += across - less * y * y
    a[4] -= less * y * z
    a[5] += across - less * z * z
    on = x * place[0] + y * place[1] + z * place[2]
    push = along * (on + depth * length) - across * on
    b[0] += across * place[0] + push * x
    b[1] += across * place[1] + push * y
    b[2] += across * place[2] + push * z


@compiled
def misfit(
    place: Floats, ray: Floats, depth: float, across: float, along: float, at: Floats
) -> float:
    """By how much a point contradicts what a view says of it, in squared standard errors."""
    square = ray[0] * ray[0] + ray[1] * ray[1] + ray[2] * ray[2]
    total, on = 0.0, 0.0
    for k in range(3):
        off = at[k] - place[k]
        total += off * off
        on += off * ray[k]
    on /= square
    return across * max(0.0, total - on * on * square) + along * (on - depth) ** 2


@compiled
def meet(
    p: int,
    left_out: int,
    used: Bytes,
    cameras: Cameras,
    sight: Sight,
    expected: Floats,
    near: float,
    at: Floats,
    inverse: Floats,
) -> bool:
    """Find the point that agrees best with the views used but one, and with what is expected."""
    a, b = np.zeros(6), np.zeros(3)
    for v in range(len(used)):
        if used[v, p] and v != left_out:
            add_view(
                cameras.places[v],
                sight.ray[v, p],
                sight.depth[v, p],
                sight.weight[v, p],
                sight.along[v, p],
                a,
                b,
            )
    a[0] += near
    a[3] += near
    a[5] += near
    for k in range(3):
        b[k] += near * expected[k]
    if not invert(a, inverse):
        return False
    times_vector(inverse, b, at)
    return True


@compiled
def keep(
    p: int, at: Floats, inverse: Floats, worse: float, points: Floats, covariance: Floats
) -> None:
    """Put a point down, and its covariance, so many times worse."""
    for k in range(3):
        points[p, k] = at[k]
    for k in range(6):
        covariance[p, k] = worse * inverse[k]


@compiled
def disagreement(
    p: int, left_out: int, used: Bytes, cameras: Cameras, sight: Sight, depths: float, at: Floats
) -> float:
    """By how much a point contradicts the views used but one, in squared standard errors.

    Their depths count `depths` times.
    """
    cost = 0.0
    for v in range(len(used)):
        if used[v, p] and v != left_out:
            cost += misfit(
                cameras.places[v],
                sight.ray[v, p],
                sight.depth[v, p],
                sight.weight[v, p],
                depths * sight.along[v, p],
                at,
            )
    return cost


@compiled
def depth_in(v: int, cameras: Cameras, point: Floats) -> float:
    """How far ahead of a camera a point is."""
    deep = 0.0
    for k in range(3):
        deep += cameras.turns[v, 2, k] * (point[k] - cameras.places[v, k])
    return deep


@compiled
def distance(one: Floats, other: Floats) -> float:
    """How far two points are apart."""
    square = 0.0
    for k in range(3):
        square += (one[k] - other[k]) ** 2
    return np.sqrt(square)
