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

"""What electrodes on the skin see of the muscles below them.

Each surface muscle's electrode sees the muscles below it by how near they are, and a little of its
neighbours (crosstalk).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.exerciser.exercising_person import SURFACE_MUSCLES, ExercisingPerson
from kpm_ros.simulate.exerciser.mechanics import MUSCLES
from kpm_ros.simulate.exerciser.packaged_body import muscle_name
from kpm_ros.simulate.products import mixed

Array = NDArray[np.float64]

_BELOW: Mapping[str, Mapping[str, float]] = {
    "Quad": {"recfem": 0.40, "vaslat": 0.30, "vasmed": 0.25, "vasint": 0.05},
    "Ham": {"bflh": 0.45, "semiten": 0.40, "semimem": 0.15},
    "Lat": {"LAT2": 0.50, "LAT1": 0.20, "LAT3": 0.20, "TMAJ": 0.10},
    "Bicep": {"BIClong": 0.50, "BICshort": 0.40, "BRA": 0.10},
    "Tricep": {"TRIlat": 0.50, "TRIlong": 0.45, "TRImed": 0.05},
}
"""How near each muscle is to the electrode of each surface muscle: each line adds up to one."""
_BESIDE: Mapping[str, Mapping[str, float]] = {
    "Quad": {"sart": 0.35, "addlong": 0.25, "tfl": 0.25, "bflh": 0.15},
    "Ham": {"addmagIsch": 0.35, "vaslat": 0.25, "glmax3": 0.20, "grac": 0.20},
    "Lat": {"TMIN": 0.30, "INFSP": 0.30, "DELT3": 0.20, "PECM3": 0.20},
    "Bicep": {"BRA": 0.40, "DELT1": 0.20, "TRIlong": 0.20, "TRImed": 0.20},
    "Tricep": {"BRA": 0.35, "DELT3": 0.35, "BIClong": 0.30},
}
"""The neighbours whose crosstalk each electrode picks up: each line adds up to one."""


def muscle_shares(person: ExercisingPerson) -> dict[str, float]:
    """Activation that muscles below electrodes take for the same work, by their names."""
    shares = {}
    for surface, share in zip(SURFACE_MUSCLES, person.muscle_share, strict=True):
        for muscle in _BELOW[surface[1:]]:
            shares[muscle_name(muscle, surface[0].lower())] = share
    return shares


def surface_of(activation: Array, crosstalk: float) -> Array:
    """Add up what electrodes see, (n, surface muscles), of muscles' activations (n, `MUSCLES`)."""
    below, beside = (_weights(table) for table in (_BELOW, _BESIDE))
    return np.asarray(mixed(activation, below + crosstalk * beside))


def _weights(table: Mapping[str, Mapping[str, float]]) -> Array:
    """Weight of every muscle (rows) for every electrode (columns)."""
    weights = np.zeros((len(MUSCLES), len(SURFACE_MUSCLES)))
    for column, surface in enumerate(SURFACE_MUSCLES):
        for muscle, share in table[surface[1:]].items():
            row = MUSCLES.index(muscle_name(muscle, surface[0].lower()))
            weights[row, column] = share
    return weights
