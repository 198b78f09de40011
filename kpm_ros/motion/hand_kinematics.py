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

"""The anatomical hand as cameras meet it: anywhere, turned in any way, with bones of any length.

`Body` holds the forearm level and towards the fallboard, and every person's bones in the same
proportions. Here the forearm turns freely, and each bone may be as long as it was seen to be.
"""

from __future__ import annotations

import copy
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hand_motion import POINTS
from kpm_ros.simulate.anatomy.body import LANDMARK_BODIES, TIP_SITES, TO_PIANO, Body
from kpm_ros.simulate.anatomy.chain import Chain
from kpm_ros.simulate.hand import FINGER_POINTS, WRIST
from kpm_ros.simulate.person import Person

Array = NDArray[np.float64]

KNUCKLES = [points[0] for points in FINGER_POINTS]
"""Where each finger leaves the palm."""
PALM = [WRIST, *KNUCKLES]
BONES = [pair for points in FINGER_POINTS for pair in pairwise(points)]
"""Bones of the fingers as pairs of landmarks, each finger's from its root on."""
_BONE_LIMITS = (0.6, 1.6)
"""How long a bone may be, relative to an average hand's: more is an error of tracking."""


class Moved(NamedTuple):
    """Where landmarks are, and how they move with each number."""

    points: Array
    """(n, 21, 3)"""
    jacobian: Array
    """(n, 21, 3, 3 + 3 + joints): with the wrist's place, with turning the hand about the wrist
    (about the axes that points are in), and with each joint."""


@lru_cache(maxsize=1)
def average_body() -> Body:
    """The hand of an average adult."""
    return Body(Person())


class HandKinematics:
    """A right hand with bones of given lengths.

    >>> hand = HandKinematics()
    >>> still = np.zeros((1, 3)), np.eye(3)[None], np.zeros((1, 23))
    >>> hand.move(*still).points[0, 0].tolist()
    [0.0, 0.0, 0.0]
    """

    def __init__(
        self, body: Body | None = None, palm: float = 1.0, bones: Array | None = None
    ) -> None:
        """Scale a body's palm by one factor, and each bone of its fingers by one of its own."""
        self.body = body or average_body()
        self.palm = palm
        self.bones = np.full(len(BONES), palm) if bones is None else bones
        model = copy.copy(self.body.model)
        model.body_pos[:] *= palm
        end_of = dict(zip((end for _, end in BONES), self.bones / palm, strict=True))
        points_of = [WRIST, *(p for points in FINGER_POINTS for p in points[:-1])]
        bodies = [int(model.body(name).id) for name in LANDMARK_BODIES]
        for body_id, point in zip(bodies, points_of, strict=True):
            model.body_pos[body_id] *= end_of.get(point, 1.0)
        self.chain = Chain(model)
        self._points, self._bodies = points_of, bodies
        self._wrist = bodies[0]
        tips = [int(model.site(name).id) for name in TIP_SITES]
        self._tips = [points[-1] for points in FINGER_POINTS]
        self._tip_bodies = [int(model.site_bodyid[site]) for site in tips]
        last = self.bones.reshape(len(FINGER_POINTS), -1)[:, -1]
        self._tip_offsets = np.array([model.site_pos[site] for site in tips]) * last[:, None]
        body_of = dict(zip(self._points, bodies, strict=True))
        body_of |= dict(zip(self._tips, self._tip_bodies, strict=True))
        self._moves = np.array([self.chain.moves(body_of[point]) for point in range(POINTS)])
        held = self.chain.moves(self._wrist)
        self._feet = np.where(held, self._wrist, self.chain.joint_body)

    @property
    def size(self) -> float:
        """How long it is from the wrist to the tips, relative to an average adult's hand."""
        own, usual = self._lengths, HandKinematics(average_body())._lengths
        return float(own.sum() / usual.sum())

    def move(self, place: Array, turn: Array, joints: Array) -> Moved:
        """Place the landmarks: the wrist at (n, 3), turned by (n, 3, 3), joints at (n, 23).

        Not turned at all, it is as `Body` holds it.
        """
        placed = self.chain.place(joints)
        points = np.empty((POINTS, 3, len(joints)))
        points[self._points] = placed.origin[self._bodies]
        offsets = self._tip_offsets[..., None]
        turned = (placed.rotation[self._tip_bodies] * offsets[:, None]).sum(axis=2)
        points[self._tips] = placed.origin[self._tip_bodies] + turned
        axes = np.array([self.chain.axis(placed, joint) for joint in range(joints.shape[1])])
        arms = points[:, None] - placed.origin[self._feet]
        arms *= self._moves[..., None, None]
        jacobian = np.empty((len(joints), POINTS, 3, 6 + joints.shape[1]))
        to_axes = turn @ TO_PIANO
        swept = np.moveaxis(_cross(axes[None], arms), (0, 1, 2), (1, 3, 2))
        jacobian[..., 6:] = np.matmul(to_axes[:, None], swept)
        away = np.moveaxis(points - placed.origin[self._wrist], -1, 0) @ to_axes.transpose(0, 2, 1)
        jacobian[..., :3] = np.eye(3)
        jacobian[..., 3:6] = _cross_from_left(away)
        return Moved(away + place[:, None], jacobian)

    @cached_property
    def _lengths(self) -> Array:
        """Of the way from the wrist to each fingertip, bone by bone, with all joints at zero."""
        count = len(self.body.joint_names)
        points = self.move(np.zeros((1, 3)), np.eye(3)[None], np.zeros((1, count))).points[0]
        return np.concatenate([_palm_lengths(points), _bone_lengths(points)])

    @classmethod
    def measured(cls, landmarks: Array, body: Body | None = None) -> HandKinematics:
        """Make a hand whose bones are as long as they were seen to be, most of the time."""
        usual = cls(body)._lengths
        seen = np.concatenate([_palm_lengths(landmarks), _bone_lengths(landmarks)], axis=-1)
        known = seen[np.isfinite(seen).all(axis=-1)]
        if not len(known):
            return cls(body)
        factor = np.median(known, axis=0) / usual
        knuckles = len(KNUCKLES)
        # The palm does not change its shape, so its largest distances tell most.
        palm = float(np.clip(np.median(factor[1:knuckles]), *_BONE_LIMITS))
        return cls(body, palm, np.clip(factor[knuckles:], *_BONE_LIMITS))


def _palm_lengths(points: Array) -> Array:
    return np.linalg.norm(points[..., KNUCKLES, :] - points[..., WRIST, None, :], axis=-1)


def _bone_lengths(points: Array) -> Array:
    roots, ends = np.array(BONES).T
    return np.linalg.norm(points[..., ends, :] - points[..., roots, :], axis=-1)


def _cross(axis: Array, arm: Array) -> Array:
    """Cross products along the second axis from the right."""
    x, y, z = np.moveaxis(axis, -2, 0)
    along_x, along_y, along_z = np.moveaxis(arm, -2, 0)
    return np.stack(
        [y * along_z - z * along_y, z * along_x - x * along_z, x * along_y - y * along_x], axis=-2
    )


def _cross_from_left(away: Array) -> Array:
    """How points (n, k, 3) from a centre move as everything turns about it: (n, k, 3, 3)."""
    x, y, z = np.moveaxis(away, -1, 0)
    none = np.zeros_like(x)
    rows = [[none, z, -y], [-z, none, x], [y, -x, none]]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))
