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

"""Where one foot is to be: on the floor, on its way to another place, or led by its leg."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.midi.key_depth import minimum_jerk
from kpm_ros.simulate.exerciser import legs
from kpm_ros.simulate.exerciser.coordinates import COORDINATES, LEG
from kpm_ros.simulate.exerciser.figure import Figure
from kpm_ros.simulate.exerciser.movements.timeline import Timeline
from kpm_ros.simulate.exerciser.packaged_body import SIDES

Array = NDArray[np.float64]


_ROOM = 0.06
"""How far from its limits a leg's angle begins to be held back, in radians."""
_RAISED, _RAISED_ROOM = np.deg2rad(118.0), 0.35
"""The same of a thigh that is raised: muscles end that movement, not the joint."""
_HIP = LEG.index("hip_flexion")

_CLEAR_M = 0.015
"""How far a foot is lifted at least while a leg is led by its joints."""


class FootPlan:
    """Where one foot is to be: on the floor, on its way to another place, or led by its leg."""

    def __init__(self, figure: Figure, timeline: Timeline, side: str) -> None:
        told = timeline.channels
        number = SIDES.index(side)
        left = 1.0 if side == "l" else -1.0
        segments = figure.segments
        leg_m = segments.thigh_m + segments.shank_m
        self._chain = legs.leg_chain(figure, side)
        self._foot = segments.feet[number]
        self.columns = [COORDINATES.index(f"{name}_{side}") for name in LEG]
        self.air = told[f"{side}_air"]
        count = len(self.air)
        led = (
            told[f"{side}_hip"],
            -told[f"{side}_abduct"],
            told[f"{side}_rotate"],
            told[f"{side}_knee"],
            told[f"{side}_ankle"],
            np.zeros(count),
        )
        self._led = _possible(np.column_stack(led))
        heading = left * told[f"{side}_toe"] - told["heading"]
        rise = np.maximum(told[f"{side}_heel"], 0.0)
        self._axes = _heading(heading) @ _pitch(rise) @ self._chain.flat
        sole = self._foot.sole
        heel = self._heel_bone(figure, number)
        # The foot turns up about the front of its sole, which stays where it is.
        front = np.array([sole[:, 0].max(), sole[np.argmax(sole[:, 0]), 1], sole[:, 2].min()])
        about = np.column_stack(
            [
                leg_m * told[f"{side}_step"],
                segments.hips[number, 1] + left * leg_m * told[f"{side}_out"],
                leg_m * told[f"{side}_lift"],
            ]
        )
        turned = _heading(heading)
        middle = 0.5 * (sole[:, 0].min() + sole[:, 0].max())
        pivot = about + turned @ np.array([front[0] - middle, 0.0, 0.0])
        self._origin = pivot + (turned @ _pitch(rise)) @ (heel - front)
        self._sole = sole - heel
        # Under a foot whose heel is up, the load is nearer to its front.
        ahead = (front[0] - middle) * np.clip(rise / 0.35, 0.0, 0.85)
        carried = turned @ np.array([1.0, 0.0, 0.0]) * ahead[:, None]
        self.carrying = (about + carried)[:, :2]
        self.off = (self.air > 0.0) | (told[f"{side}_lift"] > 0.0)
        self.standing = ~self.off
        self.hip = self._chain.hip
        self.ankle = self._origin - np.einsum("nij,j->ni", self._axes @ self._chain.flat.T, heel)

    def _heel_bone(self, figure: Figure, number: int) -> Array:
        """Origin of the heel's bone from the ankle's joint, of a flat foot."""
        placed = figure.place(np.zeros((1, len(COORDINATES))))
        side = SIDES[number]
        ankle, heel = (figure.model.body(f"{name}_{side}").id for name in ("talus", "calcn"))
        return np.asarray(placed.origin[0, heel] - placed.origin[0, ankle])

    def rise(self, height: Array) -> None:
        """Take the foot along when the body flies, by so much at each instant."""
        self._origin[:, 2] += height
        self.ankle[:, 2] += height

    def angles(self, q: Array, turn: Array) -> Array:
        """Angles (n, 6) of the leg that put the foot there."""
        pelvis = q[:, :3]
        origin, axes = self._origin, self._axes
        part = np.flatnonzero(self.air > 0.0)
        if len(part):
            origin, axes = origin.copy(), axes.copy()
            origin[part], axes[part] = self._through_the_air(pelvis[part], turn[part], part)
        begin = np.deg2rad([10.0, 0.0, 0.0, 15.0, 5.0, 0.0])
        return legs.reach(self._chain, pelvis, turn, origin, axes, begin)

    def _through_the_air(
        self, pelvis: Array, turn: Array, part: NDArray[np.int64]
    ) -> tuple[Array, Array]:
        """Between the floor and where the joints' angles lead, never into the floor."""
        free, free_axes = legs.foot_of(self._chain, pelvis, turn, self._led[part])
        share = self.air[part]
        origin = self._origin[part] + share[:, None] * (free - self._origin[part])
        axes = _between(self._axes[part], free_axes, share)
        lowest = origin[:, None] + np.einsum("nij,pj->npi", axes @ self._chain.flat.T, self._sole)
        floor = _CLEAR_M * minimum_jerk(np.minimum(2.0 * share, 1.0))
        # Smoothly, so that nothing jerks when the floor comes near.
        deep = floor - lowest[..., 2].min(axis=1)
        origin[:, 2] += np.where(share < 1e-9, 0.0, _soft_positive(deep, 0.004 + 0 * share))
        return origin, axes


def _possible(led: Array) -> Array:
    """Keep a leg's angles (n, 6) within its limits, without corners."""
    low, high = np.deg2rad(legs.LIMITS_DEG).T + np.outer([1.0, -1.0], np.full(len(LEG), _ROOM))
    room = np.full(len(LEG), _ROOM)
    high[_HIP], room[_HIP] = _RAISED, _RAISED_ROOM
    led = high - _soft_positive(high - led, np.broadcast_to(room, led.shape))
    return np.asarray(low + _soft_positive(led - low, np.full_like(led, _ROOM)))


def _soft_positive(values: Array, width: Array) -> Array:
    """About `values` where they are above 0 and about 0 below, without a corner."""
    return np.asarray(0.5 * (values + np.sqrt(values**2 + width**2)))


def _heading(angle: Array) -> Array:
    """Turns to the left about the vertical, (n, 3, 3)."""
    c, s, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.array([[c, -s, zero], [s, c, zero], [zero, zero, one]]).transpose(2, 0, 1)


def _pitch(angle: Array) -> Array:
    """Turns that raise the heel, (n, 3, 3)."""
    c, s, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.array([[c, zero, s], [zero, one, zero], [-s, zero, c]]).transpose(2, 0, 1)


def _between(begin: Array, end: Array, share: Array) -> Array:
    """Turn part of the way from one frame to another, (n, 3, 3)."""
    from scipy.spatial.transform import Rotation

    way = Rotation.from_matrix(begin.transpose(0, 2, 1) @ end).as_rotvec()
    return np.asarray(begin @ Rotation.from_rotvec(way * share[:, None]).as_matrix())
