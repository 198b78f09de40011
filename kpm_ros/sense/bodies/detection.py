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

"""What a body tracker sees in one picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.skeletons import Skeleton, find_skeleton
from kpm_ros.sense.samples import BODY
from kpm_ros.sense.tracking.tracker import Found


@dataclass(frozen=True, slots=True)
class Detection(Found):
    """One body found in a picture."""

    metres: NDArray[np.float32]
    """(points, 3): metres from the middle of the hips: x to the right, y down, z away."""
    visibility: NDArray[np.float32]
    """(points,): how likely each point is in sight, 0 to 1."""

    @property
    def confidence(self) -> float:
        """How surely the trunk is in sight: the better seen shoulder and hip, whichever is less.

        Of a body in profile the far side is hidden.
        """
        pairs = (skeleton().role("shoulders"), skeleton().role("hips"))
        return float(min(self.visibility[list(pair)].max() for pair in pairs))


@lru_cache(maxsize=1)
def skeleton() -> Skeleton:
    """Skeleton of the bodies that are tracked."""
    return find_skeleton(BODY)
