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

"""The steps of a joint in an exoskeleton, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import compiled

Array = NDArray[np.float64]

STEP_S = 0.001


@compiled
def moved(
    push_nm: Array,
    stiffness: Array,
    spring: tuple[float, float, float],
    late: int,
    later: int,
    filters: tuple[float, float, float],
) -> Array:
    """Angle after each step of a joint that is pushed; see `worn_joint.displaced`."""
    inertia, damping, reflex_nm = spring
    follow, smooth, amplified = filters
    n = len(push_nm)
    angle, reflex = np.zeros(n), np.zeros(n)
    speed = place = first = second = smoothed = 0.0
    for k in range(n):
        drive = -reflex_nm * angle[k - late] if k >= late else 0.0
        first += follow * (drive - first)
        second += follow * (first - second)
        reflex[k] = drive
        smoothed += smooth * ((reflex[k - later] if k >= later else 0.0) - smoothed)
        push = push_nm[k] + second + amplified * smoothed
        # Damping and stiffness by the speed after the step: what is stiff needs no smaller step.
        whole = inertia + STEP_S * (damping + STEP_S * stiffness[k])
        speed = (inertia * speed + STEP_S * (push - stiffness[k] * place)) / whole
        place += STEP_S * speed
        angle[k] = place
    return angle
