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

"""One person's body in any posture: where its points are, and what its muscles do for a movement.

Everything here is SIMULATED.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.sense.samples import BODY
from kpm_ros.simulate.exerciser.coordinates import COORDINATES, Coordinates
from kpm_ros.simulate.exerciser.exercising_person import ExercisingPerson
from kpm_ros.simulate.exerciser.exertion import Exertion, exert
from kpm_ros.simulate.exerciser.full_body import body_scales, build_model
from kpm_ros.simulate.exerciser.packaged_body import SIDES

__all__ = ["COORDINATES", "Exertion", "Figure", "Foot", "Segments", "exert"]

Array = NDArray[np.float64]

SKELETON = find_skeleton(BODY)

_HEAD = {
    "nose": (0.105, 0.045, 0.0),
    "eye_inner": (0.085, 0.078, 0.018),
    "eye": (0.082, 0.078, 0.032),
    "eye_outer": (0.074, 0.078, 0.047),
    "ear": (0.005, 0.055, 0.077),
    "mouth": (0.090, 0.002, 0.025),
}
"""Where the head's points are in the skull's frame, on the right; set by eye on the skull."""
_LIMBS = {
    "shoulder": ("humerus", (0.0, 0.0, 0.0)),
    "elbow": ("ulna", (0.0, 0.0, -0.005)),
    "wrist": ("lunate", (0.0, 0.0, 0.0)),
    "pinky": ("5proxph", (0.0, 0.0, 0.0)),
    "index": ("2proxph", (0.0, 0.0, 0.0)),
    "thumb": ("proximal_thumb", (0.0, 0.0, 0.0)),
    "hip": ("femur", (0.0, 0.0, 0.0)),
    "knee": ("tibia", (0.0, 0.0, 0.0)),
    "ankle": ("talus", (0.0, 0.0, 0.0)),
    "heel": ("calcn", (-0.015, -0.005, 0.0)),
    "foot_index": ("toes", (0.072, 0.0, -0.012)),
}
"""The body of each point of the limbs, and where it is in that body's frame, on the right."""
_SOLE = (
    ("calcn", (-0.018, -0.020, -0.022)),
    ("calcn", (-0.018, -0.020, 0.024)),
    ("toes", (0.005, -0.018, -0.040)),
    ("toes", (-0.020, -0.018, 0.055)),
    ("toes", (0.075, -0.018, -0.028)),
    ("toes", (0.045, -0.018, 0.035)),
)
"""Where a foot can stand: heel, ball and toes, inner and outer, on the right."""
SOLE_POINTS = len(_SOLE)


class Placed(NamedTuple):
    """Bodies of n postures, in the world."""

    rotation: Array
    """(n, bodies, 3, 3): each body's axes as columns."""
    origin: Array
    """(n, bodies, 3)"""


@dataclass(frozen=True)
class Foot:
    """A foot in its own frame: x forward, y left, z up, from the ankle's joint."""

    heel: Array
    toe: Array
    sole: Array
    """(points, 3): heel, ball and toes, inner and outer."""


@dataclass(frozen=True)
class Segments:
    """What inverse kinematics of the legs needs, left before right, in metres."""

    hips: Array
    """(2, 3): hip centres from their middle, in the pelvis' frame (forward, left, up)."""
    thigh_m: float
    shank_m: float
    feet: tuple[Foot, Foot]
    standing_m: float
    """Height of the hips above the floor when everything is at zero and the soles are on it."""


class Figure:
    """One person's body."""

    def __init__(self, person: ExercisingPerson | None = None) -> None:
        """Build the body at this person's size."""
        import mujoco

        self.person = person or ExercisingPerson()
        self.model: Any
        self.model, couplings = build_model(self.person)
        self.coordinates = Coordinates(self.model, couplings)
        self._data: Any = mujoco.MjData(self.model)
        self._scales = body_scales(self.person)
        self._points = [self._site(*_point(name)) for name in SKELETON.points]
        self._soles = [
            self._site(f"{body}_{side}", _mirrored(place, side))
            for side in SIDES
            for body, place in _SOLE
        ]
        self.segments = self._measure()

    def place(self, q: Array) -> Placed:
        """Place every body for postures (n, coordinates)."""
        import mujoco

        places = self.coordinates.places(np.atleast_2d(q))
        model, data = self.model, self._data
        origin = np.empty((len(places), model.nbody, 3))
        rotation = np.empty((len(places), model.nbody, 9))
        for n, place in enumerate(places):
            data.qpos[:] = place
            mujoco.mj_kinematics(model, data)
            origin[n], rotation[n] = data.xpos, data.xmat
        return Placed(rotation.reshape(len(places), model.nbody, 3, 3), origin)

    def points(self, q: Array) -> Array:
        """Points of the skeleton mediapipe-body in the world: (n, 33, 3)."""
        return self.seen(self.place(q), self._points)

    def soles(self, q: Array) -> Array:
        """Points that the feet can stand on, in the world: (n, 2, points, 3), left before right."""
        return self.soles_of(*self.place(q))

    def soles_of(self, rotation: Array, origin: Array) -> Array:
        """The same, of bodies that are placed already."""
        return self.seen(Placed(rotation, origin), self._soles).reshape(-1, 2, SOLE_POINTS, 3)

    @staticmethod
    def seen(placed: Placed, sites: list[tuple[int, Array]]) -> Array:
        """Place points that bodies carry: (n, points, 3)."""
        bodies = [body for body, _ in sites]
        offsets = np.array([offset for _, offset in sites])
        turned = np.einsum("npij,pj->npi", placed.rotation[:, bodies], offsets)
        return np.asarray(placed.origin[:, bodies] + turned)

    def standing(self) -> Array:
        """Posture of a person who stands upright: (coordinates,)."""
        q = np.zeros(len(COORDINATES))
        q[2] = self.segments.standing_m
        return q

    def _site(self, body: str, place: tuple[float, float, float]) -> tuple[int, Array]:
        """Fix a point of the packaged body to this one's."""
        return int(self.model.body(body).id), np.array(place) * self._scales[body]

    def _measure(self) -> Segments:
        """Measure the body as it stands at zero."""
        q = np.zeros((1, len(COORDINATES)))
        placed = self.place(q)
        at = {n: placed.origin[0, self.model.body(n).id] for s in SIDES for n in _chain(s)}
        points = dict(zip(SKELETON.points, self.points(q)[0], strict=True))
        soles = self.soles(q)[0]
        feet = []
        for number, (side, long) in enumerate((("l", "left"), ("r", "right"))):
            ankle = at[f"talus_{side}"]
            feet.append(
                Foot(
                    points[f"{long}_heel"] - ankle,
                    points[f"{long}_foot_index"] - ankle,
                    soles[number] - ankle,
                )
            )
        return Segments(
            np.array([at["femur_l"], at["femur_r"]]),
            float(np.linalg.norm(at["femur_r"] - at["tibia_r"])),
            float(np.linalg.norm(at["tibia_r"] - at["talus_r"])),
            (feet[0], feet[1]),
            -float(soles[..., 2].min()),
        )


def _chain(side: str) -> tuple[str, ...]:
    return tuple(f"{name}_{side}" for name in ("femur", "tibia", "talus"))


def _mirrored(place: tuple[float, float, float], side: str) -> tuple[float, float, float]:
    """Place on this side of what is at `place` on the right."""
    x, y, z = place
    return (x, y, z if side == "r" else -z)


def _point(name: str) -> tuple[str, tuple[float, float, float]]:
    """Body that carries a point of the skeleton, and where on it."""
    if name in _HEAD:
        return "head", _HEAD[name]
    # left_eye_inner, mouth_left
    first, _, rest = name.partition("_")
    part, side = (rest, first) if first in ("left", "right") else (first, rest)
    letter = side[0]
    if part in _HEAD:
        return "head", _mirrored(_HEAD[part], letter)
    body, place = _LIMBS[part]
    return f"{body}_{letter}", _mirrored(place, letter)
