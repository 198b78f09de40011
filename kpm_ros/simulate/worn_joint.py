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

"""One joint in an exoskeleton: how far torque that nobody expected moves it, and what goes on.

What an exoskeleton does otherwise than expected moves a joint against its own impedance, whatever
it rests on, and a reflex; and a delayed reflex that the exoskeleton amplifies may go on for ever.
Everything here is simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.worn_kernels import STEP_S, moved

Array = NDArray[np.float64]


@dataclass(frozen=True)
class WornJoint:
    """A joint that somebody works with: a mass on a spring, with a reflex that is late."""

    inertia_kg_m2: float
    damping_nm_s: float
    stiffness_nm: float
    """Of muscles that work, not of a limb at rest."""
    reflex_nm: float
    """Torque by which muscles answer a radian, after `reflex_delay_s`."""
    reflex_delay_s: float
    nm_per_effort: float
    """Torque at full effort."""
    muscle_s: float = 0.018
    """Time constant of each of two stages by which torque follows activation."""


class Assist(NamedTuple):
    """What an exoskeleton makes of effort, beside a deadband."""

    nm_per_effort: float
    delay_s: float
    smoothing_s: float


def displaced(joint: WornJoint, unexpected_nm: Array, support_nm: Array, assist: Assist) -> Array:
    """Angle (n,) by which torque (n,) that nobody expected moves a joint, each millisecond.

    `support_nm` (n,): stiffness of what it rests on. Reflexes answer late, and what the exoskeleton
    makes of them comes later still.
    """
    late, later = round(joint.reflex_delay_s / STEP_S), round(assist.delay_s / STEP_S)
    follow = 1 - np.exp(-STEP_S / joint.muscle_s)
    smooth = 1 - np.exp(-STEP_S / assist.smoothing_s) if assist.smoothing_s else 1.0
    spring = (joint.inertia_kg_m2, joint.damping_nm_s, joint.reflex_nm)
    amplified = assist.nm_per_effort / joint.nm_per_effort
    stiffness = joint.stiffness_nm + support_nm
    return np.asarray(
        moved(unexpected_nm, stiffness, spring, late, later, (follow, smooth, amplified))
    )


def oscillates(joint: WornJoint, assist: Assist, seconds: float = 3.0) -> bool:
    """Whether a push goes on for ever: the last third of what follows it is no smaller."""
    n = round(seconds / STEP_S)
    push = np.zeros(n)
    push[:20] = 0.1
    angle = np.abs(displaced(joint, push, np.zeros(n), assist))
    third = n // 3
    grows = angle[-third:].max() > 0.5 * angle[third:-third].max()
    return bool(grows or not np.isfinite(angle).all())


def stable_up_to(joint: WornJoint, assist: Assist, most: float = 64.0) -> float:
    """By how much the gain may be multiplied before a push goes on for ever; `most` if never."""
    low, high = 0.0, most
    if not oscillates(joint, assist._replace(nm_per_effort=assist.nm_per_effort * most)):
        return most
    while high - low > 0.02 * high:
        middle = (low + high) / 2
        if oscillates(joint, assist._replace(nm_per_effort=assist.nm_per_effort * middle)):
            high = middle
        else:
            low = middle
    return low
