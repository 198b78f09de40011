"""Where the bones are: forward kinematics of many postures at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Placement(NamedTuple):
    """Bodies and joints of n postures, in the model's own frame."""

    rotation: list[Array]
    """Of each body, (n, 3, 3): its axes as columns."""
    origin: Array
    """(bodies, n, 3)"""
    axis: Array
    """(joints, n, 3): what each joint turns about; its body's origin lies on it."""


class Chain:
    """Rigid bodies linked by hinges that go through the bodies' origins."""

    def __init__(self, model: Any) -> None:
        """Read the tree of a MuJoCo model whose joints are all such hinges."""
        hinges = np.all(model.jnt_type == 3) and not np.any(model.jnt_pos)
        if not hinges:
            raise ValueError("every joint of the hand must be a hinge through its body's origin")
        self.parent = np.array(model.body_parentid)
        self.offset = np.array(model.body_pos)
        self.turn = [_matrix(quaternion) for quaternion in model.body_quat]
        self.joint_axis = np.array(model.jnt_axis)
        self.joint_body = np.array(model.jnt_bodyid)
        self._joints = [np.flatnonzero(self.joint_body == k) for k in range(model.nbody)]
        self._straight = [np.allclose(turn, np.eye(3)) for turn in self.turn]
        self._cross = [_cross(axis) for axis in self.joint_axis]

    def place(self, angles: Array) -> Placement:
        """Place every body for angles (n, joints)."""
        count = len(angles)
        sine, rest = np.sin(angles), 1.0 - np.cos(angles)
        rotation = [np.broadcast_to(np.eye(3), (count, 3, 3))]
        origin = np.zeros((len(self.parent), count, 3))
        axis = np.empty((len(self.joint_axis), count, 3))
        for body in range(1, len(self.parent)):
            before = self.parent[body]
            turned = rotation[before]
            origin[body] = origin[before] + turned @ self.offset[body]
            if not self._straight[body]:
                turned = turned @ self.turn[body]
            for joint in self._joints[body]:
                axis[joint] = turned @ self.joint_axis[joint]
                once = turned @ self._cross[joint]
                twice = once @ self._cross[joint]
                turned = (
                    turned + sine[:, joint, None, None] * once + rest[:, joint, None, None] * twice
                )
            rotation.append(turned)
        return Placement(rotation, origin, axis)

    def moves(self, body: int) -> NDArray[np.bool_]:
        """Which joints move this body: (joints,)."""
        line = []
        while body > 0:
            line.append(body)
            body = int(self.parent[body])
        return np.isin(self.joint_body, line)


def _matrix(quaternion: Array) -> Array:
    """Turn a unit quaternion (w, x, y, z) into a rotation matrix."""
    cross = _cross(quaternion[1:])
    return np.asarray(np.eye(3) + 2.0 * (quaternion[0] * cross + cross @ cross))


def _cross(axis: Array) -> Array:
    """Make the matrix that takes the cross product of an axis with a vector."""
    x, y, z = axis
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
