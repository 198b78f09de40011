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

"""An arm that lifts a weight over and over, in the soft elbow exoskeleton that `myo-sim` brings.

Model, weight, and the exoskeleton's own weight and strength are as packaged; how muscles share what
is asked of them, and what electrodes see of them, is as of the other simulated people
(`kpm_ros/simulate/exerciser`). Everything here is simulated.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.midi.key_depth import minimum_jerk
from kpm_ros.simulate.anatomy.fibres import Fibres
from kpm_ros.simulate.anatomy.periodic import SmoothMotion, lag_and_lead, smooth_motion
from kpm_ros.simulate.exerciser.exercising_person import SURFACE_MUSCLES, ExercisingPerson
from kpm_ros.simulate.exerciser.limb_muscles import LimbMuscles
from kpm_ros.simulate.exerciser.mechanics import CUTOFF_HZ, MUSCLES, RATE_HZ, Limb, Pulls
from kpm_ros.simulate.exerciser.surface_emg import surface_of
from kpm_ros.simulate.exoskeleton import Missed, Worked
from kpm_ros.simulate.worn_joint import Assist, WornJoint, displaced
from kpm_ros.simulate.worn_kernels import STEP_S

Array = NDArray[np.float64]

JOINT = "elbow"
"""Name of the exoskeleton's one joint; positive is bent."""
SEEN = ("RBicep",)
"""Muscles of the upper arm whose effort the body's model tells, as electrodes see them."""
PACKAGED = "models/legacy/elbow/myoelbow_1dof6muscles_1dofSoftexo_sim2.xml"
_FOREARM, _MOTOR = "r_ulna_radius_hand", "Exo"
_ON_FOREARM = "exoForearm"
"""Part of the exoskeleton that the forearm carries."""
_PACKAGED_KG = 75.0
"""Mass of a person with so heavy a forearm, and such strong muscles."""
_STRENGTH = 2
"""Place of a muscle's strength among MuJoCo's parameters."""
_LOW_RAD = 0.3
LIFTS = 5


class Lift(NamedTuple):
    """One time that the weight goes up and down again."""

    begins_s: float
    up_s: float
    holds_s: float
    down_s: float
    high_rad: float


class AssistedElbow:
    """One person who lifts a weight by the elbow, with or without an exoskeleton."""

    def __init__(self, person: ExercisingPerson, seed: int = 1) -> None:
        """Draw the lifts, and work out what they ask of the elbow."""
        self._person = person
        self.lifts, seconds = _drawn(np.random.default_rng([seed, 0xE1B0]))
        self.samples = round(seconds * RATE_HZ)
        self.rate_hz = self.samples / seconds
        self.times_s = np.arange(self.samples) / self.rate_hz
        angle = _angle(self.lifts, self.times_s)
        motion = smooth_motion(angle[:, None], self.rate_hz, CUTOFF_HZ, self.samples)
        self._motion = motion
        bare, worn = (_build(person, worn=worn) for worn in (False, True))
        self.most_nm = float(worn.actuator(_MOTOR).gear[0])
        """Torque that the exoskeleton can give."""
        self.muscles = SEEN
        self.all_muscles = tuple(
            name for name in (bare.actuator(k).name for k in range(bare.nu)) if name != _MOTOR
        )
        self._asked_bare, self._pulls, inertia = _inverse(bare, self.all_muscles, motion)
        self._asked_worn, _, _ = _inverse(worn, self.all_muscles, motion)
        fibres = Fibres(bare).of([bare.actuator(name).id for name in self.all_muscles])
        limb = Limb("arm_r", (JOINT,), (0,), self.all_muscles)
        self._share = LimbMuscles(person, (limb,), (fibres,)).share
        bending = np.clip(self._pulls.arm[:, :, 0], 0.0, None)
        still = np.zeros_like(self._pulls.speed)
        strongest = (fibres.active(self._pulls.length, still) * bending).sum(axis=1)
        self.joint = WornJoint(
            inertia_kg_m2=inertia,
            damping_nm_s=2.0,
            stiffness_nm=25.0,
            reflex_nm=8.0,
            reflex_delay_s=0.05,
            nm_per_effort=float(strongest.mean()),
            muscle_s=person.activation_time_s,
        )
        """Inertia and strength are the model's; the rest is assumed."""
        self.alone = self._worked(self._asked_bare)

    def worked(self, torque_nm: Array) -> Worked:
        """Give what muscles do who know that the exoskeleton gives this torque (n, 1).

        They carry the exoskeleton as well.
        """
        return self._worked(self._asked_worn - torque_nm)

    def missed(self, unexpected_nm: Array, assist: Assist) -> list[Missed]:
        """Tell how each lift comes out, with torque (n, 1) that nobody expected."""
        fine = np.arange(0, self.samples / self.rate_hz, STEP_S)
        push = np.interp(fine, self.times_s, unexpected_nm[:, 0])
        angle = displaced(self.joint, push, np.zeros(len(fine)), assist)
        found = []
        for lift in self.lifts:
            way = lift.high_rad - _LOW_RAD
            half_way = angle[np.searchsorted(fine, lift.begins_s + lift.up_s / 2)]
            top_s = lift.begins_s + lift.up_s
            held = (fine >= top_s) & (fine < top_s + lift.holds_s)
            speed = 1.875 * way / lift.up_s
            found.append(Missed(abs(half_way) / speed * 1000, abs(float(angle[held].mean())) / way))
        return found

    def _worked(self, asked_nm: Array) -> Worked:
        person = self._person
        shared = self._share(asked_nm, self._motion.velocity, (self._pulls,))
        lag_s, lead_s = person.activation_time_s, person.electromechanical_delay_s
        excited = np.clip(lag_and_lead(shared.activation, self.rate_hz, lag_s, lead_s), 0.0, 1.0)
        body = np.zeros((len(excited), len(MUSCLES)))
        body[:, [MUSCLES.index(name) for name in self.all_muscles]] = excited
        seen = np.clip(surface_of(body, person.crosstalk), 0.0, 1.0)
        return Worked(seen[:, [SURFACE_MUSCLES.index(name) for name in SEEN]], excited)


def _drawn(draw: np.random.Generator) -> tuple[list[Lift], float]:
    """Draw lifts, the first after a rest, and how long all of them take."""
    lifts, at_s = [], 0.0
    for _ in range(LIFTS):
        at_s += draw.uniform(0.4, 0.8)
        lift = Lift(
            at_s,
            up_s=draw.uniform(0.8, 1.2),
            holds_s=draw.uniform(0.3, 0.7),
            down_s=draw.uniform(0.9, 1.4),
            high_rad=draw.uniform(1.7, 2.0),
        )
        lifts.append(lift)
        at_s += lift.up_s + lift.holds_s + lift.down_s
    return lifts, at_s + 0.4


def _angle(lifts: list[Lift], times_s: Array) -> Array:
    """Angle (n,) of the elbow."""
    angle = np.full(len(times_s), _LOW_RAD)
    for lift in lifts:
        since_s = times_s - lift.begins_s
        raised = minimum_jerk(since_s / lift.up_s)
        lowered = minimum_jerk((since_s - lift.up_s - lift.holds_s) / lift.down_s)
        angle += (lift.high_rad - _LOW_RAD) * (raised - lowered)
    return angle


def _build(person: ExercisingPerson, *, worn: bool) -> Any:
    """Compile one person's arm without pictures, with or without the exoskeleton's weight on it.

    The packaged forearm says its own inertia, which leaves out what is fixed to it.
    """
    import mujoco
    import myo_sim

    spec = mujoco.MjSpec.from_file(str(Path(myo_sim.__file__).parent / PACKAGED))
    part = spec.geom(_ON_FOREARM)
    if worn:
        carried = spec.body(_FOREARM).add_body(name="exo", pos=part.pos)
        carried.explicitinertial, carried.mass = True, part.mass
        carried.inertia = part.mass / 3 * (np.sum(part.size**2) - part.size**2)
    for geom in list(spec.geoms):
        kinds = (mujoco.mjtGeom.mjGEOM_MESH, mujoco.mjtGeom.mjGEOM_PLANE)
        if geom.type in kinds or geom.name.startswith("exo"):
            spec.delete(geom)
    for mesh in list(spec.meshes):
        spec.delete(mesh)
    size = person.mass_kg / _PACKAGED_KG
    forearm = spec.body(_FOREARM)
    forearm.mass, forearm.fullinertia = forearm.mass * size, forearm.fullinertia * size
    disabled = mujoco.mjtDisableBit
    spec.option.disableflags |= int(disabled.mjDSBL_CONTACT) | int(disabled.mjDSBL_CONSTRAINT)
    model = spec.compile()
    model.dof_damping[:] = model.dof_armature[:] = 0.0
    strength = size ** (2 / 3) * person.strength * person.arm_strength
    model.actuator_gainprm[1:, _STRENGTH] *= strength
    return model


def _inverse(
    model: Any, muscles: tuple[str, ...], motion: SmoothMotion
) -> tuple[Array, Pulls, float]:
    """Torque (n, 1) that a motion asks for, what muscles can do, and the mean inertia."""
    import mujoco

    data, own = mujoco.MjData(model), [model.actuator(name).id for name in muscles]
    count = len(motion.value)
    asked, inertia = np.empty((count, 1)), np.empty(count)
    arm, length, speed = (np.empty((count, model.nu)) for _ in range(3))
    pull = np.empty((model.nu, model.nv))
    for n, (value, velocity, acceleration) in enumerate(zip(*motion, strict=True)):
        data.qpos[:], data.qvel[:], data.qacc[:] = value, velocity, acceleration
        mujoco.mj_inverse(model, data)
        mujoco.mju_sparse2dense(
            pull, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind
        )
        asked[n], inertia[n] = data.qfrc_inverse, data.M[0]
        # A muscle's force shortens it.
        arm[n], length[n], speed[n] = -pull[:, 0], data.actuator_length, data.actuator_velocity
    pulls = Pulls(arm[:, own, None], length[:, own], speed[:, own])
    return asked, pulls, float(inertia.mean())
