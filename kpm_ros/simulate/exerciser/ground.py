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

"""What the floor does to the feet: reaction forces that carry the body, shared by both feet.

Each foot touches the floor with the points of its sole that are near the floor and slow. Every
point can only push, and sideways no more than friction holds. Of all forces that give the needed
wrench those are taken that are most even and ask least of the legs' joints: left and right share it
as balance demands, and in a wide stance they push outwards. What no forces can give is left over as
the residual wrench.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.anatomy.optimum_kernels import solve
from kpm_ros.simulate.exerciser.coordinates import LEG

Array = NDArray[np.float64]

FRICTION = 0.8
"""Of a shoe on a gymnasium's floor."""
NEAR_M = (0.015, 0.035)
"""A sole point bears whole below the first height, and not at all above the second."""
SLOW_M_S = (0.6, 1.2)
"""It bears whole when slower than the first speed, and not at all when faster than the second."""
_EDGES = 8
_MOST = 6.0
"""Body weights that one edge of one point's friction cone could carry."""
_ARM_M = 0.3
"""A moment of a body weight at this arm is as bad, left over, as a force of a body weight."""
_SLACK = 1e-3
_JOINT_SLACK = {"hip_rotation": 0.05, "subtalar": 0.05}
_USUAL_JOINT_SLACK = 1.0
"""The larger, the less a leg's moment counts against forces being even; weak joints count more."""
_LIFTED = 0.02
"""Points with less contact than this do not touch."""


class FootForces(NamedTuple):
    """Forces on both feet, left before right."""

    force: Array
    """(n, 2, 3), in newtons."""
    moment: Array
    """(n, 2, 3): about the world's origin, in newton metres."""


class Legs(NamedTuple):
    """What the floor's forces do to the legs, left before right."""

    moment: Array
    """(n, 2, coordinates of a leg): what joints would have to give without the floor."""
    lever: Array
    """(n, 2, coordinates, 6): how much of that a force, and its moment about the origin, takes."""


class Reaction(NamedTuple):
    """What the floor does to both feet, left before right."""

    force: Array
    """(n, 2, 3), in newtons."""
    moment: Array
    """(n, 2, 3): about the world's origin, in newton metres."""
    centre: Array
    """(n, 2, 2): centre of pressure, in metres; not a number where a foot is not loaded."""
    residual: Array
    """(n, 6): force and moment, about the points asked about, that the floor could not give."""


def contact_of(soles: Array, rate_hz: float) -> Array:
    """How well each sole point (n, 2, points, 3) touches the floor, 0 to 1: (n, 2, points)."""
    height = soles[..., 2]
    near = _fading(height, *NEAR_M)
    if len(soles) < 2:
        return near
    speed = np.linalg.norm(np.gradient(soles, 1.0 / rate_hz, axis=0), axis=-1)
    return near * _fading(speed, *SLOW_M_S)


def reaction(
    wrench: Array,
    about: Array,
    soles: Array,
    contact: Array,
    legs: Legs,
    weight_n: float,
) -> Reaction:
    """Share the needed wrench (n, 6) about points (n, 3) among the sole points that touch."""
    count, feet, points, _ = soles.shape
    angles = 2.0 * np.pi * np.arange(_EDGES) / _EDGES
    edges = np.stack(
        [FRICTION * np.cos(angles), FRICTION * np.sin(angles), np.ones(_EDGES)], axis=1
    )
    # What each edge of each point's cone gives, in body weights: (n, feet, points, edges, 6).
    on_floor = soles * (1.0, 1.0, 0.0)
    arm = on_floor - about[:, None, None]
    push = np.broadcast_to(edges, (count, feet, points, _EDGES, 3))
    turn = np.cross(arm[..., None, :], edges) / _ARM_M
    touch = np.where(contact > _LIFTED, contact, 0.0)[..., None, None]
    given = _MOST * touch * np.concatenate([push, turn], axis=-1)
    # And what it does to the joints of its own leg: (n, feet, points, edges, coordinates).
    spun = np.cross(on_floor[..., None, :], edges)
    bent = np.einsum("nfck,nfpek->nfpec", legs.lever, np.concatenate([push, spun], axis=-1))
    bent *= _MOST * touch
    columns, joints = feet * points * _EDGES, legs.moment.shape[2]
    arms = np.zeros((count, 6 + feet * joints, columns))
    arms[:, :6] = given.reshape(count, columns, 6).transpose(0, 2, 1)
    for foot in range(feet):
        rows = slice(6 + foot * joints, 6 + (foot + 1) * joints)
        own = slice(foot * points * _EDGES, (foot + 1) * points * _EDGES)
        arms[:, rows, own] = bent[:, foot].reshape(count, -1, joints).transpose(0, 2, 1)
    scale = weight_n * np.array([1.0, 1.0, 1.0, _ARM_M, _ARM_M, _ARM_M])
    asked = np.concatenate([wrench / scale, legs.moment.reshape(count, -1) / weight_n], axis=1)
    weak = [_JOINT_SLACK.get(name, _USUAL_JOINT_SLACK) for name in LEG]
    slack = np.array([_SLACK] * 6 + weak * feet)
    nothing = np.zeros((count, columns))
    share, left = solve(
        arms, asked, nothing, nothing, np.ones(columns), slack, np.zeros(len(slack))
    )
    size = _MOST * weight_n * share.reshape(count, feet, points, _EDGES) * touch[..., 0]
    each = np.einsum("nfpe,ek->nfpk", size, edges)
    force = each.sum(axis=2)
    moment = np.cross(on_floor, each).sum(axis=2)
    upward = each[..., 2].sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (each[..., 2, None] * on_floor[..., :2]).sum(axis=2) / upward[..., None]
    centre[upward < 1e-3 * weight_n] = np.nan
    return Reaction(force, moment, centre, left[:, :6] * scale)


def measured_reaction(wrench: Array, about: Array, forces: FootForces) -> Reaction:
    """Take reactions as they are given; what they leave over of the needed wrench is residual."""
    force, moment = forces
    total = force.sum(axis=1)
    turn = moment.sum(axis=1) - np.cross(about, total)
    upward = force[..., 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.stack([-moment[..., 1], moment[..., 0]], axis=-1) / upward[..., None]
    centre[upward <= 0.0] = np.nan
    return Reaction(force, moment, centre, wrench - np.concatenate([total, turn], axis=1))


def zero_moment_point(wrench: Array, about: Array, weight_n: float) -> Array:
    """Where on the floor the needed force would have to act: (n, 2); not a number in flight."""
    up = np.where(wrench[:, 2] > 0.05 * weight_n, wrench[:, 2], np.nan)
    return about[:, :2] + np.stack([-wrench[:, 4] / up, wrench[:, 3] / up], axis=1)


def _fading(value: Array, whole: float, none: float) -> Array:
    """1 up to `whole`, 0 from `none` on, smooth between."""
    part = np.clip((none - value) / (none - whole), 0.0, 1.0)
    return np.asarray(part * part * (3.0 - 2.0 * part))
