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

"""The coordinates that a movement is told in, and what every joint of the body does for them.

The world is x forward, y left, z up (REP-103), in metres; all angles are in radians, and all are
zero when the person stands upright, looks along x and lets the arms hang with palms inwards.

- pelvis_x, pelvis_y, pelvis_z: the middle of the two hips.
- pelvis_rotation turns the pelvis to its left, about the vertical; then pelvis_tilt raises its
  front (a bow is negative); then pelvis_list lowers its right side.
- lumbar_extension, lumbar_bending, lumbar_rotation: the trunk on the pelvis, backwards, to the
  right, turned to the left; the whole lumbar spine's, shared among its joints.
- hip_flexion, hip_adduction, hip_rotation (inwards), knee (flexion), ankle (dorsiflexion), subtalar
  (inversion), each for l and r.
- shoulder_plane, shoulder_elevation, shoulder_rotation, as the International Society of
  Biomechanics recommends: the upper arm is raised by `elevation` in the plane `plane`, which is 0
  to the side (abduction), +pi/2 forwards (flexion) and negative backwards, and then turned inwards
  about itself by `rotation`. Collar bone and shoulder blade follow the elevation.
- elbow (flexion) and pronation: 0 is thumb forwards, +pi/2 palm backwards, arms hanging.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.exerciser.packaged_body import SIDES, Coupling

Array = NDArray[np.float64]

ROOT = ("pelvis_x", "pelvis_y", "pelvis_z", "pelvis_tilt", "pelvis_list", "pelvis_rotation")
TRUNK = ("lumbar_extension", "lumbar_bending", "lumbar_rotation")
LEG = ("hip_flexion", "hip_adduction", "hip_rotation", "knee", "ankle", "subtalar")
ARM = ("shoulder_plane", "shoulder_elevation", "shoulder_rotation", "elbow", "pronation")
COORDINATES: tuple[str, ...] = (
    *ROOT,
    *TRUNK,
    *(f"{name}_{side}" for side in SIDES for name in (*LEG, *ARM)),
)
"""Names of the numbers of a posture, in order."""

_JOINTS = {
    "hip_flexion": "hip_flexion",
    "hip_adduction": "hip_adduction",
    "hip_rotation": "hip_rotation",
    "knee": "knee_angle",
    "ankle": "ankle_angle",
    "subtalar": "subtalar_angle",
    "shoulder_plane": "elv_angle",
    "shoulder_elevation": "shoulder_elv",
    "shoulder_rotation": "shoulder_rot",
    "elbow": "elbow_flexion",
    "pronation": "pro_sup",
}
_SPINE = {
    "lumbar_extension": "flex_extension",
    "lumbar_bending": "lat_bending",
    "lumbar_rotation": "axial_rotation",
}
_POWERS = 5
_STEP = 1e-4
_SQUARE_TURN = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
"""The packaged root's x is left and its y backwards."""


class Joints(NamedTuple):
    """Every joint's place, speed and acceleration at n instants, as MuJoCo wants them."""

    place: Array
    """(n, nq)"""
    speed: Array
    """(n, nv)"""
    acceleration: Array
    """(n, nv)"""
    slope: Array
    """(n, joints after the root): how much each turns for its own coordinate."""


class Coordinates:
    """Turns postures (n, coordinates) into the joints of a compiled body."""

    def __init__(self, model: Any, couplings: Sequence[Coupling]) -> None:
        """Learn which joint follows which coordinate; the first joint is the free root."""
        names = [model.joint(k).name for k in range(1, model.njnt)]
        own = {f"{joint}_{s}": f"{name}_{s}" for name, joint in _JOINTS.items() for s in SIDES}
        own |= {joint: name for name, joint in _SPINE.items()}
        self.leader = np.empty(len(names), dtype=np.int64)
        self.curve = np.zeros((_POWERS, len(names)))
        followers = {coupling.joint: coupling for coupling in couplings}
        leaders = [followers[name].leader if name in followers else name for name in names]
        self._low, self._high = np.array([model.joint(name).range for name in leaders]).T
        for number, name in enumerate(names):
            if name in own:
                self.leader[number] = COORDINATES.index(own[name])
                self.curve[1, number] = 1.0
            else:
                coupling = followers[name]
                self.leader[number] = COORDINATES.index(own[coupling.leader])
                self.curve[:, number] = coupling.coefficients
        # The lowest lumbar joint leads the others; the whole spine is to turn by the coordinate.
        for name, joint in _SPINE.items():
            column, lowest = COORDINATES.index(name), names.index(joint)
            others = self.curve[1, self.leader == column].sum() - 1.0
            self.curve[1, lowest] = 1.0 - others
        hips = [model.body(f"femur_{side}").id for side in SIDES]
        self._hips = np.mean([_from_root(model, hip) for hip in hips], axis=0)

    def joints(self, q: Array, speed: Array, acceleration: Array) -> Joints:
        """Joints for postures, their speed and acceleration, (n, coordinates) each."""
        dx, ddx = (track[:, self.leader] for track in (speed, acceleration))
        value, slope, bend = self._follow(q)
        after = q + _STEP * speed + 0.5 * _STEP**2 * acceleration
        before = q - _STEP * speed + 0.5 * _STEP**2 * acceleration
        (here, turn), (there, turned), (then, had) = (
            self._root(track) for track in (q, after, before)
        )
        back = turn.transpose(0, 2, 1)
        spin = back @ (turned - had) / (2.0 * _STEP)
        change = back @ (turned - 2.0 * turn + had) / _STEP**2 - spin @ spin
        root_speed = np.concatenate([(there - then) / (2.0 * _STEP), _axis(spin)], axis=1)
        root_acceleration = np.concatenate(
            [(there - 2.0 * here + then) / _STEP**2, _axis(change)], axis=1
        )
        return Joints(
            np.concatenate([here, _quaternion(q), value], axis=1),
            np.concatenate([root_speed, slope * dx], axis=1),
            np.concatenate([root_acceleration, slope * ddx + bend * dx**2], axis=1),
            slope,
        )

    def places(self, q: Array) -> Array:
        """Places of all joints for postures: (n, nq)."""
        return np.concatenate([self._root(q)[0], _quaternion(q), self._follow(q)[0]], axis=1)

    def _follow(self, q: Array) -> tuple[Array, Array, Array]:
        """Places of the joints after the root, and their first two derivatives by the coordinate.

        Beyond its leader's range a follower goes on straight: its polynomial was fitted within.
        """
        x, c = q[:, self.leader], self.curve
        inside = np.clip(x, self._low, self._high)
        value = c[0] + inside * (c[1] + inside * (c[2] + inside * (c[3] + inside * c[4])))
        slope = c[1] + inside * (2.0 * c[2] + inside * (3.0 * c[3] + inside * 4.0 * c[4]))
        bend = 2.0 * c[2] + inside * (6.0 * c[3] + inside * 12.0 * c[4])
        beyond = x - inside
        return value + slope * beyond, slope, np.where(beyond == 0.0, bend, 0.0)

    def _root(self, q: Array) -> tuple[Array, Array]:
        """Where the root's origin is, (n, 3), and how it is turned, (n, 3, 3)."""
        turn = pelvis_turn(q) @ _SQUARE_TURN
        return q[:, :3] - turn @ self._hips, turn


def pelvis_turn(q: Array) -> Array:
    """Axes of the pelvis (forward, left, up) as columns, (n, 3, 3)."""
    tilt, side, heading = q[:, 3], q[:, 4], q[:, 5]
    ct, st, cs, ss = np.cos(tilt), np.sin(tilt), np.cos(side), np.sin(side)
    ch, sh = np.cos(heading), np.sin(heading)
    zero, one = np.zeros_like(ct), np.ones_like(ct)
    about_z = np.array([[ch, -sh, zero], [sh, ch, zero], [zero, zero, one]])
    about_y = np.array([[ct, zero, -st], [zero, one, zero], [st, zero, ct]])
    about_x = np.array([[one, zero, zero], [zero, cs, -ss], [zero, ss, cs]])
    z, y, x = (matrix.transpose(2, 0, 1) for matrix in (about_z, about_y, about_x))
    return np.asarray(z @ y @ x)


def _quaternion(q: Array) -> Array:
    """Turn of the root as a quaternion (w, x, y, z): (n, 4)."""
    half = 0.5 * (q[:, 5]), -0.5 * q[:, 3], 0.5 * q[:, 4]
    zero = np.zeros_like(half[0])
    (cz, cy, cx), (sz, sy, sx) = (np.cos(a) for a in half), (np.sin(a) for a in half)
    turn = _hamilton((cz, zero, zero, sz), (cy, zero, sy, zero))
    turn = _hamilton(turn, (cx, sx, zero, zero))
    root = np.sqrt(0.5) + zero
    return np.stack(_hamilton(turn, (root, zero, zero, root)), axis=1)


def _hamilton(p: tuple[Array, ...], r: tuple[Array, ...]) -> tuple[Array, ...]:
    """Multiply two quaternions."""
    a, b, c, d = p
    e, f, g, h = r
    return (
        a * e - b * f - c * g - d * h,
        a * f + b * e + c * h - d * g,
        a * g - b * h + c * e + d * f,
        a * h + b * g - c * f + d * e,
    )


def _axis(matrix: Array) -> Array:
    """Vector whose cross product the odd part of each matrix takes: (n, 3)."""
    odd = 0.5 * (matrix - matrix.transpose(0, 2, 1))
    return np.stack([odd[:, 2, 1], odd[:, 0, 2], odd[:, 1, 0]], axis=1)


def _from_root(model: Any, body: int) -> Array:
    """Place of a body in the root's frame when every joint between them is at zero."""
    import mujoco

    data = mujoco.MjData(model)
    data.qpos[:] = 0.0
    data.qpos[3] = 1.0
    mujoco.mj_kinematics(model, data)
    return np.array(data.xpos[body])
