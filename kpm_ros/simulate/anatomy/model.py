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

"""Builds one person's hand from MyoHand: scaled, corrected, compiled by MuJoCo."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.anatomy.corrections import (
    ARCH_DEG,
    CROSS_SECTION_CM2,
    FIBRE_LENGTH_M,
    INDEX_OUTWARDS_M,
    KNUCKLE_BACKWARDS_DEG,
    KNUCKLE_RANGE_DEG,
    RELAXED_FIBRE,
    SHORTENING_SPEED,
    STRESS_N_CM2,
    Corrections,
)
from kpm_ros.simulate.anatomy.passive import rest_angles
from kpm_ros.simulate.anatomy.paths import (
    add_thumb_abductor,
    centre_tendons,
    end_little_abductor,
)
from kpm_ros.simulate.person import Person

_PHALANX_FLESH = {
    **{f"{f}proxph_r": f"proxph{f}_coll_r" for f in "234"},
    **{f"midph{f}_r": f"midph{f}_coll_r" for f in "234"},
    **{f"distph{f}_r": f"distph{f}_coll_r" for f in "234"},
    **{"5proxph_r": "5proxph_coll_r", "midph5_r": "5midph_coll_r", "distph5_r": "5distph_coll_r"},
}
"""The collision shape of each phalanx that has no moment of inertia of its own."""
_STRENGTH, _SPEED = 2, 6
"""Places of a muscle's strength in newtons and fastest shortening among MuJoCo's parameters."""
_SAMPLES = 1500
_SPREAD_SEED = 0x4A


def build_model(person: Person, corrections: Corrections) -> Any:
    """Compile MyoHand for one person, without contacts, joint stops and pictures."""
    import mujoco
    import myo_sim

    spec = myo_sim.FRAGMENT_SPEC_BUILDERS["myohand"]()
    _drop_pictures(spec, mujoco)
    if corrections.palm_arch:
        _flatten_palm(spec)
    if corrections.centred_tendons:
        centre_tendons(spec)
    if corrections.thumb_abductor:
        add_thumb_abductor(spec)
    if corrections.little_abductor:
        end_little_abductor(spec)
    if corrections.segment_inertia:
        _spread_phalanges(spec)
    _scale(spec, person.hand_size)
    disabled = mujoco.mjtDisableBit
    spec.option.disableflags |= int(disabled.mjDSBL_CONTACT) | int(disabled.mjDSBL_CONSTRAINT)
    model = spec.compile()
    if corrections.knuckle_range:
        _loosen_knuckles(model)
    if corrections.joint_damping:
        model.dof_damping[:] = 0.0
    if corrections.armature:
        model.dof_armature[:] = 0.0
    _correct_muscles(model, person, corrections)
    if corrections.length_ranges:
        model.actuator_lengthrange[:] = _reach(model, mujoco)
    if corrections.fibre_length:
        _measured_fibres(model, mujoco, person.hand_size)
    return model


def _loosen_knuckles(model: Any) -> None:
    """Let the four fingers' knuckles go as far as `Corrections.knuckle_range` says."""
    for finger, sideways in KNUCKLE_RANGE_DEG.items():
        model.joint(f"mcp{finger}_abduction_r").range = np.deg2rad(sideways)
        model.joint(f"mcp{finger}_flexion_r").range[0] = -np.deg2rad(KNUCKLE_BACKWARDS_DEG)


def _drop_pictures(spec: Any, mujoco: Any) -> None:
    """Remove what is only looked at: it needs files and takes most of the time to compile."""
    for geom in list(spec.geoms):
        if geom.type == mujoco.mjtGeom.mjGEOM_MESH:
            spec.delete(geom)
    for mesh in list(spec.meshes):
        spec.delete(mesh)


def _flatten_palm(spec: Any) -> None:
    """Turn the outer metacarpals up about the middle one; see `Corrections.palm_arch`."""
    middle = np.array(spec.body("thirdmc_r").pos)
    for name, degrees in ARCH_DEG.items():
        body, angle = spec.body(name), np.deg2rad(degrees)
        across, along, up = np.array(body.pos) - middle
        sine, cosine = np.sin(angle), np.cos(angle)
        moved = [across * cosine + up * sine, along, up * cosine - across * sine]
        body.pos = middle + np.array(moved)
        body.quat = (np.cos(angle / 2), 0.0, np.sin(angle / 2), 0.0)
    index = spec.body("secondmc_r")
    index.pos = np.array(index.pos) + np.array([INDEX_OUTWARDS_M, 0.0, 0.0])


def _spread_phalanges(spec: Any) -> None:
    """Spread each phalanx's mass over a rod as long and thick as its flesh."""
    for body_name, flesh_name in _PHALANX_FLESH.items():
        body, flesh = spec.body(body_name), spec.geom(flesh_name)
        radius, length = float(flesh.size[0]), 2.0 * float(flesh.size[1])
        across = body.mass * (3.0 * radius**2 + length**2) / 12.0
        body.ipos, body.iquat = flesh.pos, flesh.quat
        body.fullinertia = [np.nan, 0.0, 0.0, 0.0, 0.0, 0.0]
        body.inertia = [across, across, body.mass * radius**2 / 2.0]


def _scale(spec: Any, size: float) -> None:
    """Make everything longer by one factor, and heavier as solid bodies would be."""
    for body in spec.bodies:
        body.pos = body.pos * size
        body.ipos = body.ipos * size
        if body.explicitinertial:
            body.mass = body.mass * size**3
            body.inertia = body.inertia * size**5
            body.fullinertia = body.fullinertia * size**5
    for thing in (*spec.sites, *spec.geoms):
        thing.pos = thing.pos * size
        thing.size = thing.size * size
    for muscle in spec.actuators:
        muscle.lengthrange = muscle.lengthrange * size


def _correct_muscles(model: Any, person: Person, corrections: Corrections) -> None:
    """Set how strong and how fast muscles are; strength grows with a hand's cross-section."""
    for number in range(model.nu):
        parameters = np.array(model.actuator_gainprm[number])
        area = CROSS_SECTION_CM2.get(model.actuator(number).name)
        if corrections.muscle_strength and area is not None:
            parameters[_STRENGTH] = area * STRESS_N_CM2
        if corrections.shortening_speed:
            parameters[_SPEED] = SHORTENING_SPEED
        parameters[_STRENGTH] *= person.strength * person.hand_size**2
        model.actuator_gainprm[number] = parameters
        model.actuator_biasprm[number] = parameters


def _reach(model: Any, mujoco: Any) -> NDArray[np.float64]:
    """Shortest and longest every muscle is in many postures within the joints' limits."""
    low, high = model.jnt_range.T
    # Postures near the limits matter most: half of all angles lie in the outer thirds.
    share = np.random.default_rng(_SPREAD_SEED).beta(0.7, 0.7, (_SAMPLES, model.nq))
    lengths = _lengths(model, mujoco, low + share * (high - low))
    return np.stack([lengths.min(axis=0), lengths.max(axis=0)], axis=1)


def _measured_fibres(model: Any, mujoco: Any, size: float) -> None:
    """Give muscles whose fibres were measured such fibres, at a stated length when relaxed."""
    names = [model.joint(k).name for k in range(model.njnt)]
    relaxed = _lengths(model, mujoco, rest_angles(names)[None])[0]
    for number in range(model.nu):
        fibre = FIBRE_LENGTH_M.get(model.actuator(number).name)
        if fibre is not None:
            ends = model.actuator_gainprm[number, :2] - RELAXED_FIBRE
            model.actuator_lengthrange[number] = relaxed[number] + fibre * size * ends


def _lengths(model: Any, mujoco: Any, postures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length of every muscle with its tendon: (n, muscles) for angles (n, joints)."""
    data = mujoco.MjData(model)
    lengths = np.empty((len(postures), model.nu))
    for row, angles in enumerate(postures):
        data.qpos[:] = angles
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_tendon(model, data)
        mujoco.mj_transmission(model, data)
        lengths[row] = data.actuator_length
    return lengths
