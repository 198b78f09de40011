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

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.exerciser.fibre_lengths import (
    ACTIVE_RANGE,
    FIBRE_AND_TENDON_MM,
    LENGTHENING,
    PASSIVE,
    SPEED,
)
from kpm_ros.simulate.exerciser.person import ExercisingPerson

Array = NDArray[np.float64]

SIDES = ("l", "r")
LEG_MUSCLES = (
    *("addbrev", "addlong", "addmagDist", "addmagIsch", "addmagMid", "addmagProx", "bflh", "bfsh"),
    *("edl", "ehl", "fdl", "fhl", "gaslat", "gasmed", "glmax1", "glmax2", "glmax3", "glmed1"),
    *("glmed2", "glmed3", "glmin1", "glmin2", "glmin3", "grac", "iliacus", "perbrev", "perlong"),
    *("piri", "psoas", "recfem", "sart", "semimem", "semiten", "soleus", "tfl", "tibant"),
    *("tibpost", "vasint", "vaslat", "vasmed"),
)
ARM_MUSCLES = (
    *("DELT1", "DELT2", "DELT3", "SUPSP", "INFSP", "SUBSC", "TMIN", "TMAJ", "PECM1", "PECM2"),
    *("PECM3", "LAT1", "LAT2", "LAT3", "CORB", "TRIlong", "TRIlat", "TRImed", "ANC", "SUP"),
    *("BIClong", "BICshort", "BRA", "BRD", "PT", "PQ"),
)
"""Muscles of the shoulder, elbow and forearm; those that move wrist and fingers are left out."""
_HELD = ("Abs_", "deviation", "flexion_", "cmc_", "mp_", "ip_", "mcp", "pm", "md", "mtp_")
"""What the names of joints begin with that are held straight."""

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


class Coupling(NamedTuple):
    """A joint that follows another one, by a polynomial of its angle."""

    joint: str
    leader: str
    coefficients: Array
    """Of powers 0 to 4."""


class PackagedBody(NamedTuple):
    """MyoFullBody without pictures and without what is held straight."""

    spec: Any
    couplings: tuple[Coupling, ...]
    segment: dict[str, str]
    """The segment that each body belongs to."""


def build_model(person: ExercisingPerson) -> tuple[Any, tuple[Coupling, ...]]:
    """Compile one person's body, without contacts and constraints, and its couplings."""
    import mujoco

    packaged = _packaged()
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
    with _quiet():
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
    for name, segment in _packaged().segment.items():
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


def _packaged_spec() -> Any:
    from myo_sim.build import compose

    return compose.build_spec("myofullbody")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what MuJoCo says of the way the packaged parts are put together.

    It would also write that into a file in whatever folder the user is in.
    """
    import mujoco

    mujoco.set_mju_user_warning(lambda _: None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        mujoco.set_mju_user_warning(None)


@lru_cache(maxsize=1)
def _packaged() -> PackagedBody:
    """Take pictures, trunk and hand muscles and held joints out of the packaged body."""
    with _quiet():
        spec = _packaged_spec()
        model = spec.compile()
    for number in range(1, model.nbody):
        body = spec.body(model.body(number).name)
        body.explicitinertial = True
        body.mass = float(model.body_mass[number])
        body.ipos = model.body_ipos[number]
        body.iquat = model.body_iquat[number]
        body.inertia = model.body_inertia[number]
        body.fullinertia = [np.nan, 0.0, 0.0, 0.0, 0.0, 0.0]
    couplings = [
        Coupling(
            model.joint(model.eq_obj1id[k]).name,
            model.joint(model.eq_obj2id[k]).name,
            np.array(model.eq_data[k, :5]),
        )
        for k in range(model.neq)
        if model.eq_obj2id[k] >= 0
    ]
    _drop_what_is_not_used(spec)
    left = {joint.name for joint in spec.joints}
    segment = {model.body(k).name: _segment(model, k) for k in range(1, model.nbody)}
    return PackagedBody(spec, tuple(c for c in couplings if c.joint in left), segment)


def _drop_what_is_not_used(spec: Any) -> None:
    """Delete constraints, muscles of trunk and hands, held joints, and what is only looked at."""
    import mujoco

    for equality in list(spec.equalities):
        spec.delete(equality)
    kept = {muscle_name(name, side) for name in (*LEG_MUSCLES, *ARM_MUSCLES) for side in SIDES}
    tendons = set()
    for actuator in list(spec.actuators):
        if actuator.name in kept:
            tendons.add(actuator.target)
        else:
            spec.delete(actuator)
    for tendon in list(spec.tendons):
        if tendon.name not in tendons:
            spec.delete(tendon)
    for thing in (*spec.pairs, *spec.excludes, *spec.keys, *spec.sensors):
        spec.delete(thing)
    for joint in list(spec.joints):
        if joint.name.startswith(_HELD):
            spec.delete(joint)
    for geom in list(spec.geoms):
        if geom.type in (mujoco.mjtGeom.mjGEOM_MESH, mujoco.mjtGeom.mjGEOM_PLANE):
            spec.delete(geom)
    for mesh in list(spec.meshes):
        spec.delete(mesh)


def muscle_name(name: str, side: str) -> str:
    """Name that the packaged model gives this muscle of one side."""
    return f"{name}_{side}" if name in LEG_MUSCLES or side == "l" else name


_FIRST_OF = {
    "head_attach": "head",
    "torso": "upper_trunk",
    "lumbar5": "middle_trunk",
    "humphant": "upper_arm",
    "ulna": "forearm",
    "lunate": "hand",
    "femur": "thigh",
    "tibia": "shank",
    "talus": "foot",
}
"""The body that each segment begins with, seen from the pelvis."""


def _segment(model: Any, body: int) -> str:
    """Tell which segment a body belongs to."""
    while body > 0:
        stem = model.body(body).name.removesuffix("_r").removesuffix("_l")
        if stem in _FIRST_OF:
            return _FIRST_OF[stem]
        body = int(model.body_parentid[body])
    return "lower_trunk"


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
    packaged = _packaged()
    with _quiet():
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
