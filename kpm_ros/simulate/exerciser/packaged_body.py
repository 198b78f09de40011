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

"""MyoFullBody as it is packaged (myo-sim), without what is not used here.

It is a published musculoskeletal body. Kept are the joints of legs, lumbar spine, shoulders, elbows
and forearms, and the muscles of legs and arms; wrists, fingers and toes are held straight. Each
body's own axes are x forward, y up, z to the right.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

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


def _packaged_spec() -> Any:
    from myo_sim.build import compose

    return compose.build_spec("myofullbody")


@contextmanager
def quiet() -> Iterator[None]:
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
def packaged_body() -> PackagedBody:
    """Take pictures, trunk and hand muscles and held joints out of the packaged body."""
    with quiet():
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
