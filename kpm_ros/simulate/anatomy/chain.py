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

"""Where the bones are: forward kinematics of many postures at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.products import Array, applied, cross_matrix, product


class Placement(NamedTuple):
    """Bodies and joints of n postures, in the model's own frame."""

    rotation: Array
    """(bodies, 3, 3, n): each body's axes as columns."""
    origin: Array
    """(bodies, 3, n)"""
    turned: list[Array]
    """Of each joint, (3, 3, n): the axes of what it moves, before any further joint there."""


class Chain:
    """Rigid bodies linked by hinges that go through the bodies' origins."""

    def __init__(self, model: Any) -> None:
        """Read the tree of a MuJoCo model whose joints are all such hinges."""
        hinges = np.all(model.jnt_type == 3) and not np.any(model.jnt_pos)
        if not hinges:
            raise ValueError("every joint of the hand must be a hinge through its body's origin")
        self.parent = np.array(model.body_parentid)
        self.joint_body = np.array(model.jnt_bodyid)
        # All have one more axis, for the postures.
        self._offset = np.array(model.body_pos)[..., None]
        self._axis = np.array(model.jnt_axis)[..., None]
        self._joints = [np.flatnonzero(self.joint_body == k) for k in range(model.nbody)]
        self._turn = [_matrix(quaternion)[..., None] for quaternion in model.body_quat]
        still, sine, rest = [], [], []
        for joint, axis in enumerate(model.jnt_axis):
            body = self.joint_body[joint]
            # A body is turned as it stands to its parent, then about its joints.
            turn = self._turn[body] if joint == self._joints[body][0] else np.eye(3)[..., None]
            cross = cross_matrix(axis)[..., None]
            still.append(turn)
            sine.append(product(turn, cross))
            rest.append(product(sine[-1], cross))
        self._still, self._sine, self._rest = np.array(still), np.array(sine), np.array(rest)

    def place(self, angles: Array) -> Placement:
        """Place every body for angles (n, joints)."""
        # Postures go last: sums then run over long rows, each posture by itself.
        angle = np.ascontiguousarray(angles.T)[:, None, None]
        turning = self._still + np.sin(angle) * self._sine + (1.0 - np.cos(angle)) * self._rest
        rotation = np.empty((len(self.parent), 3, 3, len(angles)))
        rotation[0] = np.eye(3)[..., None]
        moved: list[Array] = []
        for body, before in enumerate(self.parent[1:], 1):
            turned = rotation[before]
            for joint in self._joints[body]:
                turned = product(turned, turning[joint])
                moved.append(turned)
            if not len(self._joints[body]):
                turned = product(turned, self._turn[body])
            rotation[body] = turned
        step = applied(rotation[self.parent].transpose(1, 2, 0, 3), self._offset.transpose(1, 0, 2))
        origin = step.transpose(1, 0, 2)
        for body, before in enumerate(self.parent[1:], 1):
            origin[body] += origin[before]
        return Placement(rotation, origin, moved)

    def axis(self, placed: Placement, joint: int) -> Array:
        """What a joint turns about: (3, n); its body's origin lies on it."""
        return applied(placed.turned[joint], self._axis[joint])

    def moves(self, body: int) -> NDArray[np.bool_]:
        """Which joints move this body: (joints,)."""
        line = []
        while body > 0:
            line.append(body)
            body = int(self.parent[body])
        return np.isin(self.joint_body, line)


def _matrix(quaternion: Array) -> Array:
    """Turn a unit quaternion (w, x, y, z) into a rotation matrix.

    Not SciPy's Rotation, whose last bits differ: what a seed gives must stay the same.
    """
    cross = cross_matrix(quaternion[1:])
    return np.asarray(np.eye(3) + 2.0 * (quaternion[0] * cross + cross @ cross))
