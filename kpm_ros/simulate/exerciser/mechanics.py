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

"""What a movement asks of joints: smoothing, inverse dynamics, and every muscle's lever arms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate, signal

from kpm_ros.simulate.anatomy.periodic import SmoothMotion
from kpm_ros.simulate.exerciser.coordinates import COORDINATES, Joints

if TYPE_CHECKING:
    from kpm_ros.simulate.exerciser.figure import Figure

Array = NDArray[np.float64]

RATE_HZ = 100.0
"""Instants a second at which moments, forces and activations are worked out."""
CUTOFF_HZ = 6.0
"""Postures hold nothing above this when they are differentiated, as is usual for gait."""
_ORDER = 2
"""Of the Butterworth filter, which goes over the movement forwards and backwards."""


def smoothed(q: Array, rate_hz: float, cutoff_hz: float = CUTOFF_HZ) -> SmoothMotion:
    """Smooth a movement (n, coordinates) without delay, and differentiate it, at `RATE_HZ`."""
    if len(q) < 2:
        still = np.zeros_like(q)
        return SmoothMotion(np.array(q), still, still)
    if cutoff_hz < 0.5 * rate_hz:
        sections = signal.butter(_ORDER, cutoff_hz, fs=rate_hz, output="sos")
        pad = min(len(q) - 1, round(1.5 * rate_hz / cutoff_hz) + 1)
        q = signal.sosfiltfilt(sections, q, axis=0, padlen=pad)
    curve = interpolate.CubicSpline(np.arange(len(q)) / rate_hz, q, axis=0)
    times = np.arange(instants(len(q), rate_hz)) / RATE_HZ
    return SmoothMotion(curve(times), curve(times, 1), curve(times, 2))


def instants(count: int, rate_hz: float) -> int:
    """Number of instants at `RATE_HZ` that `count` postures at `rate_hz` last for."""
    return int(np.floor((count - 1) * RATE_HZ / rate_hz + 1e-9)) + 1


class Inverse(NamedTuple):
    """Inverse dynamics of n instants without anything that touches the body."""

    joints: Joints
    torque: Array
    """(n, nv): of the root a force in the world and a torque in its own axes."""
    length: Array
    """(n, muscles): of muscle and tendon, in metres."""
    speed: Array
    """(n, muscles)"""
    pull: Array
    """(n, muscles, nv): torque of one newton."""
    axis: Array
    """(n, joints, 3): what each joint turns about, in the world."""
    anchor: Array
    """(n, joints, 3)"""
    origin: Array
    """(n, bodies, 3)"""
    rotation: Array
    """(n, bodies, 3, 3)"""


def inverse_dynamics(figure: Figure, motion: SmoothMotion) -> Inverse:
    """Work out what has to act on the joints for this motion."""
    import mujoco

    model: Any = figure.model
    data = mujoco.MjData(model)
    joints = figure.coordinates.joints(*motion)
    count = len(joints.place)
    torque = np.empty((count, model.nv))
    length, speed = np.empty((count, model.nu)), np.empty((count, model.nu))
    pull = np.empty((count, model.nu, model.nv))
    axis, anchor = np.empty((count, model.njnt, 3)), np.empty((count, model.njnt, 3))
    origin, rotation = np.empty((count, model.nbody, 3)), np.empty((count, model.nbody, 9))
    for n in range(count):
        data.qpos[:] = joints.place[n]
        data.qvel[:] = joints.speed[n]
        data.qacc[:] = joints.acceleration[n]
        mujoco.mj_inverse(model, data)
        torque[n], length[n] = data.qfrc_inverse, data.actuator_length
        speed[n] = data.actuator_velocity
        axis[n], anchor[n] = data.xaxis, data.xanchor
        origin[n], rotation[n] = data.xpos, data.xmat
        mujoco.mju_sparse2dense(
            pull[n],
            data.actuator_moment,
            data.moment_rownnz,
            data.moment_rowadr,
            data.moment_colind,
        )
    np.negative(pull, out=pull)
    turned = rotation.reshape(count, model.nbody, 3, 3)
    return Inverse(joints, torque, length, speed, pull, axis, anchor, origin, turned)


def needed_wrench(figure: Figure, inverse: Inverse) -> tuple[Array, Array]:
    """What the ground has to give: (n, 6) force and moment, and the points (n, 3) it is about.

    The points are on the floor below the root.
    """
    root = int(figure.model.jnt_bodyid[0])
    at = inverse.origin[:, root]
    force = inverse.torque[:, :3]
    moment = np.einsum("nij,nj->ni", inverse.rotation[:, root], inverse.torque[:, 3:6])
    about = at * (1.0, 1.0, 0.0)
    return np.concatenate([force, moment + np.cross(at - about, force)], axis=1), about


GIRDLE = ("sternoclavicular", "acromioclavicular", "unrotscap", "unrothum")
"""Joints of collar bone and shoulder blade: muscles that the model lacks answer for them."""


class Limbs:
    """Which joints answer for each coordinate, for projecting torques onto coordinates.

    The shoulder's are those of the upper arm on a shoulder blade that is held: what turns the
    shoulder blade (trapezius, serratus) is not in the model.
    """

    def __init__(self, figure: Figure) -> None:
        """Read them from the body."""
        model = figure.model
        girdle = [model.joint(k).name.startswith(GIRDLE) for k in range(1, model.njnt)]
        self._leader = np.where(girdle, -1, figure.coordinates.leader)
        self.slide = np.array(model.jnt_type[1:]) == 2
        self.parents = np.array(model.body_parentid)
        self._body = np.array(model.jnt_bodyid[1:])

    def project(self, per_joint: Array, slope: Array, columns: list[int]) -> Array:
        """Add up what joints (..., joints) do for some coordinates: (..., coordinates)."""
        scaled = per_joint * (slope if per_joint.ndim == 2 else slope[:, None])
        parts = [scaled[..., self._leader == column].sum(axis=-1) for column in columns]
        return np.stack(parts, axis=-1)

    def foot_moments(
        self, inverse: Inverse, foot: int, force: Array, moment: Array, columns: list[int]
    ) -> Array:
        """Generalised forces (n, coordinates) of a wrench about the world's origin on a foot."""
        line = []
        body = foot
        while body > 0:
            line.append(body)
            body = int(self.parents[body])
        moved = np.isin(self._body, line)
        axis, anchor = inverse.axis[:, 1:], inverse.anchor[:, 1:]
        turning = moment[:, None] - np.cross(anchor, force[:, None])
        given = np.where(self.slide[:, None], force[:, None], turning)
        per_joint = np.einsum("njk,njk->nj", axis, given) * moved
        return self.project(per_joint, inverse.joints.slope, columns)


def columns_of(names: tuple[str, ...], side: str) -> list[int]:
    """Places of one side's coordinates."""
    return [COORDINATES.index(f"{name}_{side}") for name in names]
