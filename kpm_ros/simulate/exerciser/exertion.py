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

"""What a movement takes: moments, forces under the feet, activation of every muscle of the limbs.

Each leg and each arm is optimised by itself: the least sum of squared activations that gives the
moments of its own coordinates. The trunk's moments are reported, and no muscle answers for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.anatomy.fibres import Fibres
from kpm_ros.simulate.anatomy.optimum_kernels import solve
from kpm_ros.simulate.anatomy.periodic import lag_and_lead
from kpm_ros.simulate.exerciser.coordinates import ARM, COORDINATES, LEG
from kpm_ros.simulate.exerciser.full_body import ARM_MUSCLES, LEG_MUSCLES, SIDES, muscle_name
from kpm_ros.simulate.exerciser.ground import (
    FootForces,
    Reaction,
    contact_of,
    measured_reaction,
    reaction,
    zero_moment_point,
)
from kpm_ros.simulate.exerciser.mechanics import (
    CUTOFF_HZ,
    RATE_HZ,
    Limbs,
    columns_of,
    inverse_dynamics,
    needed_wrench,
    smoothed,
)
from kpm_ros.simulate.exerciser.person import SURFACE_MUSCLES

if TYPE_CHECKING:
    from kpm_ros.simulate.exerciser.figure import Figure

Array = NDArray[np.float64]

_GRAVITY = 9.81
_HELD_S = 0.5
RESIDUAL_PRICE = 50.0
_REFERENCE_N_M = {"subtalar": 300.0, "pronation": 8.0}
"""Ligaments and the shape of the foot's bones carry much of what turns the foot sideways."""
_LEG_REFERENCE_N_M, _ARM_REFERENCE_N_M = 100.0, 40.0
QUIET_N = 500.0
"""Muscles stronger than this co-contract with the force of one that is just so strong."""
TONE = 0.25
"""No muscle is quieter than this share of its co-contraction."""
_SEEN = {
    "Quad": {"recfem": 0.40, "vaslat": 0.30, "vasmed": 0.25, "vasint": 0.05},
    "Ham": {"bflh": 0.45, "semiten": 0.40, "semimem": 0.15},
    "Lat": {"LAT2": 0.50, "LAT1": 0.20, "LAT3": 0.20, "TMAJ": 0.10},
    "Bicep": {"BIClong": 0.50, "BICshort": 0.40, "BRA": 0.10},
    "Tricep": {"TRIlat": 0.50, "TRIlong": 0.45, "TRImed": 0.05},
}
"""How near each muscle is to the electrode of each surface muscle; sums to one."""


class Exertion(NamedTuple):
    """What a movement takes, at `rate_hz`, from its beginning."""

    rate_hz: float
    muscle_names: tuple[str, ...]
    activation: Array
    """(n, muscles), 0 to 1: what makes the force at that instant."""
    excitation: Array
    """(n, muscles), 0 to 1: the muscle's electricity, ahead of the force."""
    surface: Array
    """(n, surface muscles), 0 to 1: the same, as electrodes see it."""
    moment: Array
    """(n, coordinates): of joints, in newton metres; of the root, zero."""
    unmet: Array
    """(n, coordinates): part of the limbs' moments that muscles could not give."""
    ground: Reaction
    residual: Array
    """(n, 6): force and moment at the floor below the pelvis that nothing gives."""
    zero_moment_point: Array
    """(n, 2): where on the floor the whole reaction has to act; not a number in flight."""


def exert(
    figure: Figure,
    q: Array,
    rate_hz: float,
    contacts: Array | None = None,
    cutoff_hz: float = CUTOFF_HZ,
    ground: FootForces | None = None,
) -> Exertion:
    """Work out what a movement (n, coordinates) takes, of which nothing above `cutoff_hz` is kept.

    `contacts` (n, 2), left before right and 0 to 1, says when feet carry; without it they do where
    they are near the floor and slow. `ground` gives measured reactions instead, at `RATE_HZ`.
    """
    motion = smoothed(q, rate_hz, cutoff_hz)
    inverse = inverse_dynamics(figure, motion)
    wrench, about = needed_wrench(figure, inverse)
    weight = figure.person.mass_kg * _GRAVITY
    if ground is not None:
        pushed = measured_reaction(wrench, about, ground)
    else:
        soles = figure.soles_of(inverse.rotation, inverse.origin)
        contact = _contact(soles, contacts, rate_hz)
        pushed = reaction(wrench, about, soles, contact, weight)

    limbs = Limbs(figure)
    slope = inverse.joints.slope
    moment = np.zeros((len(wrench), len(COORDINATES)))
    every = list(range(6, len(COORDINATES)))
    moment[:, every] = limbs.project(inverse.torque[:, 6:], slope, every)
    for number, side in enumerate(SIDES):
        columns = columns_of(LEG, side)
        foot = int(figure.model.body(f"calcn_{side}").id)
        moment[:, columns] -= limbs.foot_moments(
            inverse, foot, pushed.force[:, number], pushed.moment[:, number], columns
        )

    fibres = Fibres(figure.model)
    names = tuple(figure.model.actuator(k).name for k in range(figure.model.nu))
    activation = np.zeros((len(wrench), len(names)))
    unmet = np.zeros_like(moment)
    passive = fibres.passive(inverse.length)
    active = fibres.active(inverse.length, inverse.speed)
    for side in SIDES:
        for coordinates, muscles, reference in (
            (LEG, LEG_MUSCLES, _LEG_REFERENCE_N_M),
            (ARM, ARM_MUSCLES, _ARM_REFERENCE_N_M),
        ):
            columns = columns_of(coordinates, side)
            own = [names.index(muscle_name(name, side)) for name in muscles]
            pull = limbs.project(inverse.pull[:, own, 6:], slope, columns)
            torque = moment[:, columns] - np.einsum("nm,nmj->nj", passive[:, own], pull)
            arms = np.ascontiguousarray((pull * active[:, own, None]).transpose(0, 2, 1))
            sizes = np.array([_REFERENCE_N_M.get(name, reference) for name in coordinates])
            quiet = np.minimum(1.0, QUIET_N / fibres.strength[own])
            rest = np.tile(figure.person.cocontraction * quiet, (len(torque), 1))
            activation[:, own], unmet[:, columns] = solve(
                arms,
                torque,
                rest,
                rest * TONE,
                np.ones(len(own)),
                np.square(sizes) / RESIDUAL_PRICE,
                np.zeros(len(columns)),
            )
    person = figure.person
    excitation = np.clip(
        ahead(activation, person.activation_time_s, person.electromechanical_delay_s), 0.0, 1.0
    )
    return Exertion(
        RATE_HZ,
        names,
        activation,
        excitation,
        _surface(excitation, names),
        moment,
        unmet,
        pushed,
        pushed.residual,
        zero_moment_point(wrench, about, weight),
    )


def _contact(soles: Array, contacts: Array | None, rate_hz: float) -> Array:
    """How well each sole point touches the floor: (n, 2, points)."""
    contact = contact_of(soles, RATE_HZ)
    if contacts is None:
        return contact
    times = np.arange(len(contact)) / RATE_HZ
    given = np.arange(len(contacts)) / rate_hz
    asked = [np.interp(times, given, contacts[:, foot]) for foot in range(2)]
    near = np.maximum(contact, 1e-6)
    return np.asarray(near / near.max(axis=2, keepdims=True) * np.stack(asked, axis=1)[..., None])


def ahead(activation: Array, lag_s: float, lead_s: float) -> Array:
    """Electricity (n, muscles) of these activations: smoothed, and `lead_s` ahead of them."""
    count = len(activation)
    if count < 2:
        return activation
    # The signal does not repeat: its ends are held while it is followed.
    pad = round(_HELD_S * RATE_HZ)
    held = np.pad(activation, ((pad, pad), (0, 0)), mode="edge")
    return lag_and_lead(held, RATE_HZ, lag_s, lead_s)[pad : pad + count]


def _surface(activation: Array, names: tuple[str, ...]) -> Array:
    """Add up what each electrode sees: (n, surface muscles)."""
    seen = np.zeros((len(activation), len(SURFACE_MUSCLES)))
    for column, surface in enumerate(SURFACE_MUSCLES):
        side = surface[0].lower()
        for muscle, share in _SEEN[surface[1:]].items():
            seen[:, column] += share * activation[:, names.index(muscle_name(muscle, side))]
    return seen
