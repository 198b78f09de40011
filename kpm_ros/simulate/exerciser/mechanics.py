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
from kpm_ros.simulate.exerciser.coordinates import ARM, COORDINATES, LEG, ROOT, Joints
from kpm_ros.simulate.exerciser.packaged_body import (
    ARM_MUSCLES,
    LEG_MUSCLES,
    SIDES,
    muscle_name,
)

if TYPE_CHECKING:
    from kpm_ros.simulate.exerciser.figure import Figure

Array = NDArray[np.float64]

RATE_HZ = 100.0
"""Instants a second at which moments, forces and activations are worked out."""
CUTOFF_HZ = 6.0
"""Postures hold nothing above this when they are differentiated, as is usual for gait."""
_ORDER = 2
"""Of the Butterworth filter, which goes over the movement forwards and backwards."""
_BATCH = 512
GIRDLE = ("sternoclavicular", "acromioclavicular", "unrotscap", "unrothum")
"""Joints of collar bone and shoulder blade: muscles that the model lacks answer for them."""


class Limb(NamedTuple):
    """A leg or an arm: what it moves and what moves it."""

    name: str
    """leg_l, leg_r, arm_l or arm_r."""
    coordinates: tuple[str, ...]
    columns: tuple[int, ...]
    """Places of its coordinates in a posture."""
    muscles: tuple[str, ...]
    """Their names in the model."""

    @property
    def is_leg(self) -> bool:
        """Whether it is a leg."""
        return self.name.startswith("leg")


def _limb(kind: str, side: str, own: tuple[str, ...], muscles: tuple[str, ...]) -> Limb:
    columns = tuple(COORDINATES.index(f"{name}_{side}") for name in own)
    named = tuple(muscle_name(name, side) for name in muscles)
    return Limb(f"{kind}_{side}", own, columns, named)


LIMBS = tuple(
    _limb(kind, side, own, muscles)
    for side in SIDES
    for kind, own, muscles in (("leg", LEG, LEG_MUSCLES), ("arm", ARM, ARM_MUSCLES))
)
MUSCLES = tuple(name for limb in LIMBS for name in limb.muscles)
"""All muscles, limb by limb."""


class Pulls(NamedTuple):
    """What the muscles of one limb can do at n instants."""

    arm: Array
    """(n, muscles, coordinates of the limb): torque of one newton."""
    length: Array
    """(n, muscles): of muscle and tendon, in metres."""
    speed: Array
    """(n, muscles)"""


class Demand(NamedTuple):
    """What a movement asks for at n instants, the floor's forces left out."""

    moment: Array
    """(n, coordinates): of the joints, in newton metres; of the root, zero."""
    wrench: Array
    """(n, 6): force and moment that something outside has to give."""
    about: Array
    """(n, 3): the points on the floor, below the pelvis, that the moment is about."""
    soles: Array
    """(n, 2, points, 3): points that the feet can stand on."""
    lever: Array
    """(n, 2, coordinates of a leg, 6): moments of a force on a foot, and of its moment about the
    world's origin."""
    pulls: tuple[Pulls, ...]
    """Of each limb, as `LIMBS` lists them."""


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


class Mechanics:
    """Inverse dynamics and muscle paths of one person's body."""

    def __init__(self, figure: Figure) -> None:
        """Learn which joints answer for which coordinate.

        The shoulder's are those of the upper arm on a shoulder blade that is held: what turns the
        shoulder blade (trapezius, serratus) is not in the model.
        """
        model: Any = figure.model
        self._figure = figure
        joints = range(1, model.njnt)
        girdle = [model.joint(k).name.startswith(GIRDLE) for k in joints]
        answers = np.where(girdle, -1, figure.coordinates.leader)
        # Sums of the joints that answer for each coordinate: (joints, coordinates).
        self._sums = (answers[:, None] == np.arange(len(COORDINATES))).astype(np.float64)
        self._slides = np.array(model.jnt_type[1:]) == 2
        names = [model.actuator(k).name for k in range(model.nu)]
        self._muscles = [[names.index(name) for name in limb.muscles] for limb in LIMBS]
        bodies = np.array(model.jnt_bodyid[1:])
        parents = np.array(model.body_parentid)
        feet = [int(model.body(f"calcn_{side}").id) for side in SIDES]
        self._moves_foot = [np.isin(bodies, _line(parents, foot)) for foot in feet]

    @property
    def muscle_places(self) -> list[list[int]]:
        """Places of each limb's muscles among the model's."""
        return self._muscles

    def demand(self, motion: SmoothMotion) -> Demand:
        """Tell what a motion asks for."""
        count = len(motion.value)
        parts = [
            self._part(SmoothMotion(*(track[start : start + _BATCH] for track in motion)))
            for start in range(0, count, _BATCH)
        ]
        limbs = zip(*(part.pulls for part in parts), strict=True)
        pulls = [
            Pulls(*(np.concatenate(track) for track in zip(*limb, strict=True))) for limb in limbs
        ]
        moment, wrench, about, soles, lever = (
            np.concatenate([part[k] for part in parts]) for k in range(5)
        )
        return Demand(moment, wrench, about, soles, lever, tuple(pulls))

    def _part(self, motion: SmoothMotion) -> Demand:
        """Tell it for so many instants as fit into memory."""
        import mujoco

        figure, model = self._figure, self._figure.model
        data = mujoco.MjData(model)
        joints = figure.coordinates.joints(*motion)
        count = len(joints.place)
        torque = np.empty((count, model.nv))
        length, speed = np.empty((count, model.nu)), np.empty((count, model.nu))
        pull = np.empty((count, model.nu, model.nv))
        axis, anchor = np.empty((count, model.njnt, 3)), np.empty((count, model.njnt, 3))
        origin, turn = np.empty((count, model.nbody, 3)), np.empty((count, model.nbody, 9))
        for n in range(count):
            data.qpos[:] = joints.place[n]
            data.qvel[:] = joints.speed[n]
            data.qacc[:] = joints.acceleration[n]
            mujoco.mj_inverse(model, data)
            torque[n], length[n] = data.qfrc_inverse, data.actuator_length
            speed[n] = data.actuator_velocity
            axis[n], anchor[n] = data.xaxis, data.xanchor
            origin[n], turn[n] = data.xpos, data.xmat
            mujoco.mju_sparse2dense(
                pull[n],
                data.actuator_moment,
                data.moment_rownnz,
                data.moment_rowadr,
                data.moment_colind,
            )
        turned = turn.reshape(count, model.nbody, 3, 3)
        moment = (torque[:, len(ROOT) :] * joints.slope) @ self._sums
        wrench, about = self._needed(torque, origin, turned)
        return Demand(
            moment,
            wrench,
            about,
            figure.soles_of(turned, origin),
            np.stack([self._levers(k, joints, axis[:, 1:], anchor[:, 1:]) for k in range(2)], 1),
            tuple(
                # A muscle's force shortens it.
                Pulls(
                    -self._projected(pull[:, own, len(ROOT) :], joints, limb),
                    length[:, own],
                    speed[:, own],
                )
                for limb, own in zip(LIMBS, self._muscles, strict=True)
            ),
        )

    def _projected(self, per_joint: Array, joints: Joints, limb: Limb) -> Array:
        """Add up what joints (n, muscles, joints) do for a limb's coordinates."""
        sums = self._sums[:, limb.columns]
        used = np.flatnonzero(sums.any(axis=1))
        return np.asarray((per_joint[:, :, used] * joints.slope[:, None, used]) @ sums[used])

    def _levers(self, foot: int, joints: Joints, axis: Array, anchor: Array) -> Array:
        """Moments about a leg's coordinates of forces and moments on its foot: (n, 6, 6)."""
        turning = np.concatenate([np.cross(anchor, axis), axis], axis=2)
        sliding = np.concatenate([axis, np.zeros_like(axis)], axis=2)
        given = np.where(self._slides[:, None], sliding, turning)
        given *= (self._moves_foot[foot] * joints.slope)[:, :, None]
        columns = next(limb.columns for limb in LIMBS if limb.name == f"leg_{SIDES[foot]}")
        return np.einsum("jc,njk->nck", self._sums[:, columns], given)

    def _needed(self, torque: Array, origin: Array, turn: Array) -> tuple[Array, Array]:
        """Force and moment that must act from outside, and the points that it is about."""
        root = int(self._figure.model.jnt_bodyid[0])
        at = origin[:, root]
        force = torque[:, :3]
        moment = np.einsum("nij,nj->ni", turn[:, root], torque[:, 3:6])
        about = at * (1.0, 1.0, 0.0)
        return np.concatenate([force, moment + np.cross(at - about, force)], axis=1), about


def _line(parents: NDArray[np.int64], body: int) -> list[int]:
    """Bodies from this one to the root."""
    line = []
    while body > 0:
        line.append(body)
        body = int(parents[body])
    return line
