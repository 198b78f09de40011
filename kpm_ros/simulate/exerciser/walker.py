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

"""The person whose walk was measured: OpenSim's coordinates told in the exerciser's, and sizes.

Where the joints' centres are follows from the markers: with all angles as they are given, the
hips' place in the pelvis and the lengths of thigh and shank are those with which markers stay best
where they are on their bones (least squares over all instants and both legs).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.exerciser.coordinates import COORDINATES
from kpm_ros.simulate.exerciser.exercising_person import ExercisingPerson
from kpm_ros.simulate.exerciser.figure import Figure
from kpm_ros.simulate.exerciser.opensim_files import Table

Array = NDArray[np.float64]

TO_WORLD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""OpenSim's x is forward, its y up and its z to the right."""
_HIP_SIDE_M, _ASIS_WIDTH_M = 0.0773, 0.256
"""From the middle to a hip, and between the front spines of the pelvis, of an average pelvis."""
_USUAL_HIPS = np.array([-0.0563, -0.0785, 0.0])
_SHOULDER_SHARE = 0.818
"""Height of the shoulder over the stature (Drillis & Contini, 1966)."""
_CAMERA_HZ = 100.0
_ON = {"TH": "femur", "Knee": "femur", "SH": "tibia", "Ankle": "tibia"}
_FOOT = ("Heel", "MT5", "Toe")


class Walker(NamedTuple):
    """Somebody whose walk was measured."""

    person: ExercisingPerson
    hips: Array
    """(3,): middle of the hips from the pelvis' origin, in OpenSim's axes."""


def measure_walker(mass_kg: float, angles: Table, markers: dict[str, Array]) -> Walker:
    """Measure the walker's size with the markers."""
    shoulders = np.mean([markers[f"{side}.Shoulder"][:, 1].mean() for side in "RL"])
    height = float(shoulders / _SHOULDER_SHARE)
    width = np.linalg.norm(markers["R.ASIS"] - markers["L.ASIS"], axis=1).mean()
    side = _HIP_SIDE_M * float(width) / _ASIS_WIDTH_M
    plain = ExercisingPerson(height_m=height, body_mass_index=mass_kg / height**2)
    figure = Figure(plain)
    times = np.arange(len(markers["R.Knee"])) / _CAMERA_HZ
    inside = (times >= angles.times[0]) & (times <= angles.times[-1])
    at = angles.at(times[inside])
    seen = {name: places[inside] @ TO_WORLD.T for name, places in markers.items()}
    legs = [_fit_leg(figure, at, seen, letter, side) for letter in "rl"]
    forward, up, thigh, shank = np.mean(legs, axis=0)
    person = replace(
        plain,
        thigh_length=float(thigh),
        shank_length=float(shank),
        hip_width=side / abs(float(figure.segments.hips[0, 1])),
    )
    return Walker(person, np.array([forward, up, 0.0]))


def _fit_leg(
    figure: Figure, angles: Table, seen: dict[str, Array], side: str, hip_side_m: float
) -> Array:
    """Fit the hip's place (forward, up), and sizes of thigh and shank, to a leg's markers: (4,)."""
    placed = figure.place(postures(angles, _USUAL_HIPS))
    number = {name: int(figure.model.body(f"{name}_{side}").id) for name in _CHAIN}
    turn = {name: placed.rotation[:, body] for name, body in number.items()}
    pelvis = placed.rotation[:, int(figure.model.body("pelvis").id)]
    thigh, shank = (
        placed.origin[:, number[far]] - placed.origin[:, number[near]]
        for near, far in (("femur", "tibia"), ("tibia", "talus"))
    )
    origin = pelvis_of(angles)[1] @ TO_WORLD.T
    outward = pelvis[:, :, 2] * (hip_side_m if side == "r" else -hip_side_m)
    own = {name: _carrier(name) for name in seen if name.startswith(f"{side.upper()}.")}
    own = {name: bone for name, bone in own.items() if bone}
    rows, places = [], []
    for column, (name, bone) in enumerate(own.items()):
        row = np.zeros((len(origin), 3, 4 + 3 * len(own)))
        row[:, :, :2] = pelvis[:, :, :2]
        row[:, :, 2] = thigh if bone != "femur" else 0.0
        row[:, :, 3] = shank if bone == "calcn" else 0.0
        row[:, :, 4 + 3 * column : 7 + 3 * column] = turn[bone]
        rows.append(row.reshape(-1, row.shape[-1]))
        places.append((seen[name] - origin - outward).reshape(-1))
    found = np.linalg.lstsq(np.concatenate(rows), np.concatenate(places), rcond=None)[0]
    return np.asarray(found[:4])


_CHAIN = ("femur", "tibia", "talus", "calcn")


def _carrier(marker: str) -> str:
    """Bone that carries a marker of a leg; none for others."""
    name = marker[2:]
    if name in _FOOT:
        return "calcn"
    return _ON.get(name, "") or _ON.get(name[:2], "") * (name[2:].isdigit())


def pelvis_of(angles: Table) -> tuple[Array, Array]:
    """How the pelvis is turned, (n, 3, 3), and where its origin is, in OpenSim's axes."""
    turn = (
        _about(2, angles.column("pelvis_tilt"))
        @ _about(0, angles.column("pelvis_list"))
        @ _about(1, angles.column("pelvis_rotation"))
    )
    return turn, np.stack([angles.column(f"pelvis_t{axis}") for axis in "xyz"], axis=1)


def postures(angles: Table, hips: Array) -> Array:
    """Tell OpenSim's coordinates in the exerciser's: (n, coordinates).

    `hips` (3,) is the middle of the hips from the pelvis' origin, in OpenSim's axes.
    """
    turn, place = pelvis_of(angles)
    middle = (place + turn @ hips) @ TO_WORLD.T
    own = TO_WORLD @ turn @ TO_WORLD.T
    found = {
        "pelvis_x": middle[:, 0],
        "pelvis_y": middle[:, 1],
        "pelvis_z": middle[:, 2],
        "pelvis_tilt": np.arcsin(own[:, 2, 0]),
        "pelvis_list": np.arctan2(own[:, 2, 1], own[:, 2, 2]),
        "pelvis_rotation": np.arctan2(own[:, 1, 0], own[:, 0, 0]),
    }
    for name in ("lumbar_extension", "lumbar_bending", "lumbar_rotation"):
        found[name] = angles.column(name)
    for side in "lr":
        for name in ("hip_flexion", "hip_adduction", "hip_rotation"):
            found[f"{name}_{side}"] = angles.column(f"{name}_{side}")
        found[f"knee_{side}"] = angles.column(f"knee_angle_{side}")
        found[f"ankle_{side}"] = angles.column(f"ankle_angle_{side}")
        found[f"elbow_{side}"] = angles.column(f"elbow_flex_{side}")
        found[f"pronation_{side}"] = angles.column(f"pro_sup_{side}") - np.pi / 2
        arm = (angles.column(f"arm_{name}_{side}") for name in ("flex", "add", "rot"))
        plane, elevation, rotation = _shoulder(*arm)
        found[f"shoulder_plane_{side}"] = plane
        found[f"shoulder_elevation_{side}"] = elevation
        found[f"shoulder_rotation_{side}"] = rotation
    nothing = np.zeros(len(place))
    return np.stack([found.get(name, nothing) for name in COORDINATES], axis=1)


def _shoulder(flexion: Array, adduction: Array, rotation: Array) -> tuple[Array, Array, Array]:
    """Tell an arm that is turned by flexion, adduction and rotation as plane, elevation, rotation.

    Both sides' angles have the signs of the right one.
    """
    turn = _about(2, flexion) @ _about(0, adduction) @ _about(1, rotation)
    down = -turn[:, :, 1]
    elevation = np.arccos(np.clip(-down[:, 1], -1.0, 1.0))
    plane = np.unwrap(np.arctan2(down[:, 0], down[:, 2]))
    raised = _about(1, plane) @ _about(0, -elevation) @ _about(1, -plane)
    left = raised.transpose(0, 2, 1) @ turn
    return plane, elevation, np.arctan2(left[:, 0, 2], left[:, 0, 0])


def _about(axis: int, angle: Array) -> Array:
    """Turn about one axis by angles (n,): (n, 3, 3)."""
    one, two = (axis + 1) % 3, (axis + 2) % 3
    turn = np.zeros((len(angle), 3, 3))
    turn[:, axis, axis] = 1.0
    turn[:, one, one] = turn[:, two, two] = np.cos(angle)
    turn[:, two, one] = np.sin(angle)
    turn[:, one, two] = -np.sin(angle)
    return turn
