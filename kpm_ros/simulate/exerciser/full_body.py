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

"""Builds one person's whole body from MyoFullBody: scaled, its mass shared out, compiled by MuJoCo.

MyoFullBody (myo-sim) is a published musculoskeletal body. Here it keeps the joints of legs, lumbar
spine, shoulders, elbows and forearms, and the muscles of legs and arms; wrists, fingers and toes
are held straight. Each body's own axes are x forward, y up, z to the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.exerciser.exercising_person import ExercisingPerson
from kpm_ros.simulate.exerciser.fibre_lengths import (
    ACTIVE_RANGE,
    FIBRE_AND_TENDON_MM,
    LENGTHENING,
    PASSIVE,
    SPEED,
)
from kpm_ros.simulate.exerciser.packaged_body import (
    ARM_MUSCLES,
    LEG_MUSCLES,
    Coupling,
    packaged_body,
    quiet,
)

Array = NDArray[np.float64]

SEGMENT_SHARE = {
    "head": 0.0694,
    "upper_trunk": 0.1596,
    "middle_trunk": 0.1633,
    "lower_trunk": 0.1117,
    "upper_arm": 0.0271,
    "forearm": 0.0162,
    "hand": 0.0061,
    "thigh": 0.1416,
    "shank": 0.0433,
    "foot": 0.0137,
}
"""Shares of the body's mass (de Leva, J. Biomech. 29, 1996: men); those of limbs are of one."""
PACKAGED_STATURE_M = 1.71
"""From the soles, 2 cm below the packaged foot's bones, to 1 cm above the packaged skull."""
SOLE_M = 0.020
"""How far the sole is below the origin of the heel's bone, of the packaged body."""
_STRENGTH_MASS_KG = 75.0
"""Mass of the people whose muscles are as strong as packaged."""
_STRENGTH = 2
"""Place of a muscle's strength in newtons among MuJoCo's parameters."""
_PHANTOM_INERTIA = 1e-7
"""Bodies that only carry joints have no inertia; as packaged they have that of a barbell."""


def build_model(person: ExercisingPerson) -> tuple[Any, tuple[Coupling, ...]]:
    """Compile one person's body, without contacts and constraints, and its couplings."""
    import mujoco

    packaged = packaged_body()
    spec = packaged.spec.copy()
    scale = body_scales(person)
    for body in spec.bodies:
        if body.name not in scale:
            continue
        size = scale[body.name]
        even = float(np.cbrt(np.prod(size)))
        before = scale.get(body.parent.name, size)
        body.pos = body.pos * before
        body.ipos = body.ipos * size
        for thing in (*body.sites, *body.geoms):
            thing.pos = thing.pos * size
            thing.size = thing.size * even
        for joint in body.joints:
            joint.pos = joint.pos * size
    disabled = mujoco.mjtDisableBit
    spec.option.disableflags |= int(disabled.mjDSBL_CONTACT) | int(disabled.mjDSBL_CONSTRAINT)
    with quiet():
        model = spec.compile()
    _share_mass(model, person, packaged.segment, scale)
    model.dof_armature[:] = 0.0
    model.dof_damping[:] = 0.0
    couplings = tuple(_scaled(c, model, scale) for c in packaged.couplings)
    _set_muscles(model, couplings, person)
    return model, couplings


def body_scales(person: ExercisingPerson) -> dict[str, Array]:
    """How much larger each body is than packaged, along its own axes."""
    size = person.height_m / PACKAGED_STATURE_M
    thigh, shank, foot = (
        size * k
        for k in (
            person.leg_length * person.thigh_length,
            person.leg_length * person.shank_length,
            person.foot_length,
        )
    )
    head = size * person.head_size
    even = {
        "head": head,
        "upper_arm": size * person.arm_length * person.upper_arm_length,
        "forearm": size * person.arm_length * person.forearm_length,
        "hand": size * person.arm_length * person.forearm_length,
        "thigh": thigh,
        "shank": shank,
        "foot": foot,
    }
    rest = person.height_m - _THIGH_M * thigh - _SHANK_M * shank - _FOOT_M * foot - _HEAD_M * head
    trunk = rest / (PACKAGED_STATURE_M - _THIGH_M - _SHANK_M - _FOOT_M - _HEAD_M)
    found = {}
    for name, segment in packaged_body().segment.items():
        if segment in even:
            found[name] = np.full(3, even[segment])
        else:
            wide = person.hip_width if segment == "lower_trunk" else person.shoulder_width
            found[name] = np.array([trunk, trunk, size * wide])
    return found


_THIGH_M, _SHANK_M, _FOOT_M = 0.404, 0.400, 0.062
"""Heights of the packaged body: hip to knee, knee to ankle, ankle to sole."""
_HEAD_M = 0.161
"""From where the packaged head begins to its top."""


def _share_mass(
    model: Any, person: ExercisingPerson, segment: dict[str, str], scale: dict[str, Array]
) -> None:
    """Give each segment its share of the person's mass, as it is spread in the packaged one."""
    names = [model.body(k).name for k in range(model.nbody)]
    packaged: dict[str, float] = {}
    for number, name in enumerate(names[1:], 1):
        packaged[segment[name]] = packaged.get(segment[name], 0.0) + float(model.body_mass[number])
    for number, name in enumerate(names[1:], 1):
        part = segment[name]
        both = 1.0 if part in ("head", "upper_trunk", "middle_trunk", "lower_trunk") else 2.0
        heavier = both * SEGMENT_SHARE[part] * person.mass_kg / packaged[part]
        if "phant" in name:
            model.body_inertia[number] = _PHANTOM_INERTIA
        else:
            model.body_inertia[number] *= heavier * float(np.cbrt(np.prod(scale[name]))) ** 2
        model.body_mass[number] *= heavier


def _scaled(coupling: Coupling, model: Any, scale: dict[str, Array]) -> Coupling:
    """A joint that slides goes further in a larger bone."""
    joint = model.joint(coupling.joint)
    if int(joint.type[0]) != 2:
        return coupling
    before = model.body(int(model.body_parentid[int(joint.bodyid[0])])).name
    return coupling._replace(coefficients=coupling.coefficients * scale[before][1])


def _set_muscles(model: Any, couplings: Sequence[Coupling], person: ExercisingPerson) -> None:
    """Set how long muscles' fibres are, and how strong they are.

    Fibres and tendons grow with the path from origin to insertion, cross-sections as those of a
    body of the same shape and more mass.
    """
    longer = _standing_lengths(model, couplings) / _packaged_lengths()
    size = (person.mass_kg / _STRENGTH_MASS_KG) ** (2.0 / 3.0) * person.strength
    for number in range(model.nu):
        name = model.actuator(number).name
        stem = name if name in ARM_MUSCLES else name.rsplit("_", 1)[0]
        fibre, tendon = (0.001 * mm * longer[number] for mm in FIBRE_AND_TENDON_MM[stem])
        own = person.leg_strength if stem in LEG_MUSCLES else person.arm_strength
        parameters = np.array(model.actuator_gainprm[number])
        parameters[:9] = (
            *(0.5, 1.5, parameters[_STRENGTH] * size * own, parameters[_STRENGTH + 1]),
            *(*ACTIVE_RANGE, SPEED, PASSIVE, LENGTHENING),
        )
        model.actuator_gainprm[number] = model.actuator_biasprm[number] = parameters
        model.actuator_lengthrange[number] = tendon + 0.5 * fibre, tendon + 1.5 * fibre


@lru_cache(maxsize=1)
def _packaged_lengths() -> Array:
    """Length of every muscle with its tendon, of the packaged body when it stands upright."""
    packaged = packaged_body()
    with quiet():
        return _standing_lengths(packaged.spec.copy().compile(), packaged.couplings)


def _standing_lengths(model: Any, couplings: Sequence[Coupling]) -> Array:
    """Length of every muscle with its tendon when all coordinates are zero: (muscles,)."""
    import mujoco

    data = mujoco.MjData(model)
    data.qpos[7:] = 0.0
    for coupling in couplings:
        data.qpos[model.joint(coupling.joint).qposadr[0]] = coupling.coefficients[0]
    mujoco.mj_fwdPosition(model, data)
    return np.array(data.actuator_length)
