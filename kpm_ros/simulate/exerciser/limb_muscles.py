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

"""Static optimisation: how the muscles of each leg and each arm share the moments asked of them.

Each limb is optimised by itself: the least sum of squared activations, each times its muscle's
volume, that gives the moments of its coordinates (Happee & van der Helm, J. Biomech. 28, 1995).
What muscles cannot give is left over, at a high price. Every muscle would rather do its
co-contraction than nothing, and people stiffen a limb that works hard or moves fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.anatomy.fibres import Fibres
from kpm_ros.simulate.anatomy.optimum_kernels import solve
from kpm_ros.simulate.exerciser.exercising_person import ExercisingPerson
from kpm_ros.simulate.exerciser.mechanics import Limb, Pulls
from kpm_ros.simulate.exerciser.surface_emg import muscle_shares

Array = NDArray[np.float64]

RESIDUAL_PRICE = 50.0
"""What a residual moment as large as its reference costs, in muscles at full activation."""
_REFERENCE_N_M = {"hip_rotation": 200.0, "subtalar": 300.0, "pronation": 8.0}
"""Ligaments and the shape of the foot's bones carry much of what turns the foot sideways, and the
hip's short rotators (obturators, gemelli, quadratus femoris) are not in the model."""
_LEG_REFERENCE_N_M, _ARM_REFERENCE_N_M = 100.0, 40.0
_QUIET_N = 500.0
"""Muscles that are stronger than this co-contract less, by the square root of their strength."""
_TONE = 0.25
"""No muscle is quieter than this share of its co-contraction."""
_HARD_N_M = {True: 100.0, False: 15.0}
"""Moments, added up over a leg or an arm, that double its co-contraction."""
_FAST_RAD_S = 6.0
"""Speed of a limb's joints, root mean square, that doubles its co-contraction."""
_MOST = 0.4


class Shared(NamedTuple):
    """What muscles do at n instants."""

    activation: Array
    """(n, muscles), 0 to 1, limb by limb."""
    unmet: Array
    """(n, coordinates): what muscles left over of the limbs' moments."""


class LimbMuscles:
    """The muscles of some limbs of one person."""

    def __init__(
        self, person: ExercisingPerson, limbs: Sequence[Limb], fibres: Sequence[Fibres]
    ) -> None:
        """`fibres`: those of each limb's muscles."""
        self._person, self._limbs, self._fibres = person, limbs, fibres
        self._shares = muscle_shares(person)

    def share(self, moment: Array, speed: Array, pulls: tuple[Pulls, ...]) -> Shared:
        """Share moments (n, coordinates) at joint speeds (n, coordinates) among the muscles."""
        activation = np.empty((len(moment), sum(len(limb.muscles) for limb in self._limbs)))
        unmet = np.zeros_like(moment)
        first = 0
        for limb, fibres, own in zip(self._limbs, self._fibres, pulls, strict=True):
            part = slice(first, first + len(limb.muscles))
            columns = list(limb.columns)
            activation[:, part], unmet[:, columns] = self._limb(
                limb, fibres, own, moment[:, columns], speed[:, columns]
            )
            first = part.stop
        return Shared(activation, unmet)

    def _limb(
        self, limb: Limb, fibres: Fibres, pulls: Pulls, moment: Array, speed: Array
    ) -> tuple[Array, Array]:
        """Share what is asked of one limb.

        A muscle with a share of 1.2 takes 1.2 times the activation for the same force, and no less
        of the work: its arms are smaller by that, and its activation counts less.
        """
        share = np.array([self._shares.get(name, 1.0) for name in limb.muscles])
        torque = moment - np.einsum("nm,nmj->nj", fibres.passive(pulls.length), pulls.arm)
        active = fibres.active(pulls.length, pulls.speed) / share
        arms = np.ascontiguousarray((pulls.arm * active[:, :, None]).transpose(0, 2, 1))
        usual = _LEG_REFERENCE_N_M if limb.is_leg else _ARM_REFERENCE_N_M
        sizes = np.array([_REFERENCE_N_M.get(name, usual) for name in limb.coordinates])
        volume = fibres.volume / fibres.volume.mean()
        rest = self._rest(limb, fibres, moment, speed)
        return solve(
            arms,
            torque,
            rest,
            rest * _TONE,
            volume / np.square(share),
            np.square(sizes) / RESIDUAL_PRICE,
            np.zeros(len(limb.columns)),
        )

    def _rest(self, limb: Limb, fibres: Fibres, moment: Array, speed: Array) -> Array:
        """Each muscle's co-contraction: (n, muscles)."""
        hard = np.abs(moment).sum(axis=1) / _HARD_N_M[limb.is_leg]
        fast = np.sqrt(np.square(speed).mean(axis=1)) / _FAST_RAD_S
        level = self._person.cocontraction * (1.0 + self._person.stiffening * (hard + fast))
        quiet = np.sqrt(np.minimum(1.0, _QUIET_N / fibres.strength))
        return np.minimum(level, _MOST)[:, None] * quiet
