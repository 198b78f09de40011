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

from kpm_ros.simulate.exerciser.coordinates import COORDINATES, LEG
from kpm_ros.simulate.exerciser.figure import Figure
from kpm_ros.simulate.exerciser.leg_kernels import Links, reach_all

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


class Chain(NamedTuple):
    """A leg's joints, and the bones before and behind them."""

    hip: Array
    """Where the hip is from the middle of both, in the pelvis' frame."""
    upright: Array
    """Axes of the thigh's bone, in the pelvis' frame, when all is at zero."""
    links: Links
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
        Links(*(np.array(column) for column in zip(*rows, strict=True))),
        np.ascontiguousarray(placed.rotation[0, bodies[-1]]),
    )


def foot_of(chain: Chain, pelvis: Array, turn: Array, angles: Array) -> tuple[Array, Array]:
    """Where a leg's angles (n, 6) take the heel's bone: its origin (n, 3) and axes (n, 3, 3)."""
    origin, axes = _hips(chain, pelvis, turn)
    links = chain.links
    for j, leader in enumerate(links.leader):
        value = polynomial.polyval(angles[:, leader], links.curve[j])
        origin = origin + axes @ links.offset[j]
        axes = axes @ links.turn[j]
        if links.slides[j]:
            origin = origin + axes @ links.axis[j] * value[:, None]
        else:
            axes = axes @ Rotation.from_rotvec(value[:, None] * links.axis[j]).as_matrix()
    return origin, axes


def reach(
    chain: Chain, pelvis: Array, turn: Array, origin: Array, axes: Array, begin: Array
) -> Array:
    """Find angles (n, 6) of a leg whose heel's bone is to be at these places.

    Each instant begins where the one before it ended; a place out of reach is come near to.
    """
    low, high = np.deg2rad(LIMITS_DEG).T
    angles = np.empty((len(origin), len(LEG)))
    reach_all(
        *_hips(chain, pelvis, turn),
        chain.links,
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
