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

Handedness = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Detection:
    """One hand found in a picture, labelled for this picture alone."""

    points: NDArray[np.float32]
    """(points, 3): x, y as fractions of width and height; z relative to the wrist in x's scale."""
    handedness: Handedness
    confidence: float


@dataclass(frozen=True, slots=True)
class TrackedHand:
    """One hand of the person in view; `handedness` is the same hand from frame to frame."""

    points: NDArray[np.float32]
    """(points, 3): x, y as fractions of width and height; z relative to the wrist in x's scale."""
    handedness: Handedness
    confidence: float


def in_widths(points: NDArray[np.float32], image_size: tuple[int, int]) -> NDArray[np.float64]:
    """Landmarks' x, y in units of the image's width, so that distances do not depend on shape."""
    width, height = image_size
    return points[:, :2].astype(np.float64) * (1.0, height / width)


def palm_centre(flat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre of the landmarks (points, 2) that move with the palm.

    They jitter least and seldom hide.
    """
    palm = find_skeleton(HAND).role("palm")
    return np.asarray(flat[palm, :].mean(axis=0))


def extent(flat: NDArray[np.float64]) -> float:
    """How large a hand appears: the longer side of the box around its landmarks."""
    return float(np.ptp(flat, axis=0).max())
