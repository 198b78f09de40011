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

"""What a hand tracker sees in one picture, and which hand is which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.sense.samples import HAND
from kpm_ros.sense.tracking.tracker import Found

Handedness = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Detection(Found):
    """One hand found in a picture, labelled for this picture alone."""

    handedness: Handedness
    confidence: float


@dataclass(frozen=True, slots=True)
class TrackedHand(Found):
    """One hand of the person in view; `handedness` is the same hand from frame to frame."""

    handedness: Handedness
    confidence: float


def palm_centre(flat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre of the landmarks (points, 2) that move with the palm.

    They jitter least and seldom hide.
    """
    palm = find_skeleton(HAND).role("palm")
    return np.asarray(flat[palm, :].mean(axis=0))
