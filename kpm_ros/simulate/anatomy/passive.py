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

"""What joints resist by themselves: pulled back to rest, and damped.

Each joint pulls back to its resting angle in proportion to how far it is from it, and steeply more
where ligaments become tight, as the exponential curves do that were fitted to relaxed knuckles [1].
It is damped in proportion to its speed; a knuckle's resistance was found to grow less than that
[6].

Flexion of the knuckles: 0.04 N m/rad around a rest of 33 degrees; 0.033 to 0.047 N m/rad were
measured on four healthy index fingers [2] and a rest at 33 degrees (16 to 44) on young adults [3].
Spreading: no measurement around rest was found. It is set so that the index finger can push
outwards, when it is spread as far as it goes, with little more than a third of the force that it
has at rest; 37 percent was measured, and put down to the muscle's shorter fibres [4]. Here the
joint's stiffness makes up what the fibres' length does not. Other fingers' resistance follows their
muscles' strength. Joints further out and the thumb's are in proportion to their size. The wrist is
stiffer sideways than in flexion, as it was measured to be [5]; the amounts were not checked against
that text.

[1] Kuo & Deshpande, J. Biomech. 45 (2012). [2] Table 2 of PMC7775510, Front. Bioeng. Biotechnol. 8
(2020). [3] Stiffness in the metacarpo-phalangeal joints of young adults, 55 subjects with an
arthrograph. [4] Zijdewind & Kernell, Index finger position and force of the human first dorsal
interosseus, J. Appl. Physiol. 77 (1994). [5] Formica et al., The passive stiffness of the wrist and
forearm, J. Neurophysiol. 108 (2012). [6] Esteki & Mansour, J. Biomech. 29 (1996). All but [2] are
quoted from their abstracts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Resistance(NamedTuple):
    """How one kind of joint resists."""

    rest_rad: float
    stiffness: float
    """Newton metres a radian around rest."""
    tight: float
    """Newton metres that ligaments add at the limit of the joint's range."""
    steepness_rad: float = 0.10
    """By how much before the limit it is less by a factor of e."""
    damping: float = 0.002
    """Newton metre seconds a radian."""


_KINDS = {
    "pro_sup": Resistance(0.0, 0.8, 0.3, damping=0.03),
    "deviation": Resistance(0.0, 1.7, 0.3, steepness_rad=0.05, damping=0.03),
    "wrist_flexion": Resistance(0.0, 0.9, 0.3, damping=0.03),
    "cmc_flexion": Resistance(0.0, 0.12, 0.2),
    "cmc_abduction": Resistance(0.0, 0.12, 0.2),
    "mp_flexion": Resistance(-0.3, 0.05, 0.15),
    "ip_flexion": Resistance(-0.3, 0.03, 0.1),
    "mcp_flexion": Resistance(0.58, 0.04, 0.1),
    "mcp2_abduction": Resistance(0.0, 0.25, 0.36),
    "mcp3_abduction": Resistance(0.0, 0.20, 0.25),
    "mcp4_abduction": Resistance(0.0, 0.16, 0.20),
    "mcp5_abduction": Resistance(0.0, 0.20, 0.30),
    "pm_flexion": Resistance(0.60, 0.03, 0.03),
    "md_flexion": Resistance(0.35, 0.02, 0.02),
}


def rest_angles(joint_names: Sequence[str]) -> Array:
    """Angles at which joints come to rest by themselves."""
    return np.array([_KINDS[_kind(name)].rest_rad for name in joint_names])


class PassiveJoints:
    """Passive torque of all joints of a hand."""

    def __init__(self, joint_names: Sequence[str], ranges: Array, size: float) -> None:
        """Resist as these joints do, in a hand larger by `size` in all directions."""
        table = np.array([_KINDS[_kind(name)] for name in joint_names])
        self._rest, stiffness, tight, self._steep, damping = table.T
        self._low, self._high = ranges.T
        self._stiffness, self._tight = stiffness * size**3, tight * size**3
        self._damping = damping * size**3

    def stiffness_torque(self, angles: Array) -> Array:
        """Torque that pulls joints back, for angles (n, joints)."""
        above = np.exp(np.minimum((angles - self._high) / self._steep, _MOST))
        below = np.exp(np.minimum((self._low - angles) / self._steep, _MOST))
        pull = self._stiffness * (self._rest - angles) + self._tight * (below - above)
        return np.asarray(pull)

    def damping_torque(self, velocity: Array) -> Array:
        """Torque that slows joints down, for angular velocities (n, joints)."""
        return np.asarray(-self._damping * velocity)


_MOST = 3.0
"""Exponents stay below this, so that a posture beyond all limits takes large but sane torques."""


def _kind(joint_name: str) -> str:
    """Tell what kind of joint carries this name."""
    stem = joint_name.removesuffix("_r")
    if stem == "flexion":
        return "wrist_flexion"
    if stem in _KINDS:
        return stem
    return "".join(letter for letter in stem if not letter.isdigit())
