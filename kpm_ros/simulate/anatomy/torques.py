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

"""What muscles have to do: joint torques by inverse dynamics, and every muscle's lever arms."""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np

from kpm_ros.simulate.anatomy.body import PLACE, TO_PIANO, Body
from kpm_ros.simulate.anatomy.fibres import Fibres
from kpm_ros.simulate.anatomy.passive import PassiveJoints
from kpm_ros.simulate.anatomy.periodic import SmoothMotion
from kpm_ros.simulate.products import Array, mixed

FRICTION = 0.4
"""Of skin on a key; assumed, and cautiously."""
_SIDEWAYS = (
    "cmc_abduction_r",
    "mcp2_abduction_r",
    "mcp3_abduction_r",
    "mcp4_abduction_r",
    "mcp5_abduction_r",
)
_GRAVITY_M_S2 = 9.81
UP = np.array([[0.0, 0.0, 1.0]])
"""In the piano's frame."""


class Demand(NamedTuple):
    """What is asked of the muscles at n instants, and what they can do."""

    torque: Array
    """(n, joints): what muscles and residuals have to add up to, in newton metres."""
    arms: Array
    """(n, joints, muscles): torque of each muscle at full activation."""


class Mechanics:
    """Inverse dynamics and muscle paths of one hand."""

    def __init__(self, body: Body) -> None:
        """Work with this hand's model and corrections."""
        self.body = body
        # Its gravity is changed from frame to frame.
        self._model = copy.deepcopy(body.model)
        self._fibres = Fibres(body.model)
        self._passive = PassiveJoints(body.joint_names, body.ranges, body.person.hand_size)
        self._sideways = [body.joint_names.index(name) for name in _SIDEWAYS]

    @property
    def strength(self) -> Array:
        """Most force of each muscle at its best length, in newtons."""
        return self._fibres.strength

    def pulls(self, posture: Array) -> Array:
        """Torque of one newton of each muscle about each joint: (n, muscles, joints)."""
        zero = np.zeros_like(posture)
        return self.unloaded(SmoothMotion(posture, zero, zero))[3]

    def demand(self, motion: SmoothMotion, force: Array, up: Array = UP) -> Demand:
        """Tell what postures (n, 26) in motion with these forces on keys (n, 5) ask for.

        Where the forearm is not held as `Body` holds it, places are given in axes that turn with
        it, and `up` (n, 3) says what is up in them.
        """
        angles, velocity = motion.value[:, PLACE:], motion.velocity[:, PLACE:]
        torque, length, speed, pull = self.unloaded(motion, up)
        torque -= self._contact(motion.value, force, up)
        if self.body.corrections.passive_stiffness:
            torque -= self._passive.stiffness_torque(angles)
        if self.body.corrections.joint_damping:
            torque -= self._passive.damping_torque(velocity)
        torque -= np.einsum("nm,nmj->nj", self._fibres.passive(length), pull)
        arms = pull * self._fibres.active(length, speed)[:, :, None]
        return Demand(torque, np.ascontiguousarray(arms.transpose(0, 2, 1)))

    def _contact(self, posture: Array, force: Array, up: Array) -> Array:
        """Torque (n, joints) that keys put on the hand by pushing fingertips up.

        A finger that does not stand upright on its key would be pushed over sideways. It leans
        against that by friction: horizontally, by no more than friction holds, just so much that
        its sideways joint is not turned.
        """
        if not force.any():
            return np.zeros((len(posture), posture.shape[1] - PLACE))
        moves = self.body.tip_jacobians(posture)[..., PLACE:]
        own = np.stack([moves[:, f, :, j] for f, j in enumerate(self._sideways)], axis=1)
        upwards = up[:, None]
        rising = (own * upwards).sum(axis=-1, keepdims=True)
        across = own - rising * upwards
        lean = -rising[..., 0] * force / np.maximum(np.square(across).sum(axis=-1), 1e-9)
        push = lean[..., None] * across
        most = FRICTION * force / np.maximum(np.linalg.norm(push, axis=-1), 1e-9)
        push *= np.minimum(most, 1.0)[..., None]
        push += force[..., None] * upwards
        return np.asarray(np.einsum("nfcj,nfc->nj", moves, push))

    def unloaded(self, motion: SmoothMotion, up: Array = UP) -> tuple[Array, Array, Array, Array]:
        """Torques of the motion; lengths, speeds and pulls (n, muscles, joints) of the tendons.

        A pull is the torque of one newton. That the wrist moves acts like gravity changing.
        """
        import mujoco

        model = self._model
        data = mujoco.MjData(model)
        count = len(motion.value)
        torque = np.empty((count, model.nv))
        length, speed = np.empty((count, model.nu)), np.empty((count, model.nu))
        pull = np.empty((count, model.nu, model.nv))
        gravity = mixed(-_GRAVITY_M_S2 * up - motion.acceleration[:, :PLACE], TO_PIANO)
        for n in range(count):
            data.qpos[:] = motion.value[n, PLACE:]
            data.qvel[:] = motion.velocity[n, PLACE:]
            data.qacc[:] = motion.acceleration[n, PLACE:]
            model.opt.gravity[:] = gravity[n]
            mujoco.mj_inverse(model, data)
            torque[n], length[n] = data.qfrc_inverse, data.actuator_length
            speed[n] = data.actuator_velocity
            mujoco.mju_sparse2dense(
                pull[n],
                data.actuator_moment,
                data.moment_rownnz,
                data.moment_rowadr,
                data.moment_colind,
            )
        return torque, length, speed, np.negative(pull, out=pull)
