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

The trunk's moments are reported, and no muscle answers for them. Everything here is SIMULATED.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.anatomy.fibres import Fibres
from kpm_ros.simulate.anatomy.periodic import lag_and_lead
from kpm_ros.simulate.exerciser.ground import (
    FootForces,
    Legs,
    Reaction,
    contact_of,
    measured_reaction,
    reaction,
    zero_moment_point,
)
from kpm_ros.simulate.exerciser.limb_muscles import LimbMuscles
from kpm_ros.simulate.exerciser.mechanics import (
    CUTOFF_HZ,
    LIMBS,
    MUSCLES,
    RATE_HZ,
    Demand,
    Mechanics,
    smoothed,
)
from kpm_ros.simulate.exerciser.surface_emg import surface_of

if TYPE_CHECKING:
    from kpm_ros.simulate.exerciser.figure import Figure

Array = NDArray[np.float64]

_HELD_S = 0.5
_LEGS = [limb for limb in LIMBS if limb.is_leg]


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
    mechanics = Mechanics(figure)
    demand = mechanics.demand(motion)
    weight = figure.person.weight_n
    if ground is not None:
        pushed = measured_reaction(demand.wrench, demand.about, ground)
    else:
        contact = _contact(demand.soles, contacts, rate_hz)
        alone = np.stack([demand.moment[:, list(leg.columns)] for leg in _LEGS], axis=1)
        legs = Legs(alone, demand.lever)
        pushed = reaction(demand.wrench, demand.about, demand.soles, contact, legs, weight)
    moment = _less_ground(demand, pushed)
    fibres = Fibres(figure.model)
    own = [fibres.of(places) for places in mechanics.muscle_places]
    muscles = LimbMuscles(figure.person, LIMBS, own)
    shared = muscles.share(moment, motion.velocity, demand.pulls)
    person = figure.person
    excitation = ahead(
        shared.activation, person.activation_time_s, person.electromechanical_delay_s
    )
    return Exertion(
        RATE_HZ,
        MUSCLES,
        shared.activation,
        excitation,
        np.clip(surface_of(excitation, person.crosstalk), 0.0, 1.0),
        moment,
        shared.unmet,
        pushed,
        pushed.residual,
        zero_moment_point(demand.wrench, demand.about, weight),
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


def _less_ground(demand: Demand, pushed: Reaction) -> Array:
    """Moments (n, coordinates) that are left when the floor's forces have done their part."""
    moment = demand.moment.copy()
    wrench = np.concatenate([pushed.force, pushed.moment], axis=2)
    done = np.einsum("nfck,nfk->nfc", demand.lever, wrench)
    for foot, leg in enumerate(_LEGS):
        moment[:, list(leg.columns)] -= done[:, foot]
    return moment


def ahead(activation: Array, lag_s: float, lead_s: float) -> Array:
    """Electricity (n, muscles) of these activations: smoothed, and `lead_s` ahead of them."""
    count = len(activation)
    if count < 2:
        return activation
    # The signal does not repeat: its ends are held while it is followed.
    pad = round(_HELD_S * RATE_HZ)
    held = np.pad(activation, ((pad, pad), (0, 0)), mode="edge")
    return np.clip(lag_and_lead(held, RATE_HZ, lag_s, lead_s)[pad : pad + count], 0.0, 1.0)
