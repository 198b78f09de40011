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

"""What the baselines see of each instant, and the tensors that follow from a card.

Those that look around an instant see as much as PianoKPM Net does, at seven moments spread over it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.architecture import ANY_SIZE, Shapes
from kpm_ros.models.card import ModelCard
from kpm_ros.models.pianokpm.published import RATE_HZ
from kpm_ros.models.pianokpm.shapes import PUBLISHED

MOMENTS = 7
SEEN_S = 2 * PUBLISHED.reach / RATE_HZ
"""How long before and after it, together, an output depends on; at low rates, at least so long that
all moments are different."""
DIRECTIONS = 32
"""Principal directions of what is seen, in which neighbours are compared."""


def reach(card: ModelCard) -> int:
    """Samples before and after it, together, that an output depends on."""
    return max(MOMENTS - 1, round(SEEN_S * card.rate_hz))


def moments(card: ModelCard) -> NDArray[np.int64]:
    """List the samples, relative to the present one, that are looked at."""
    spread = np.linspace(card.lookahead - reach(card), card.lookahead, MOMENTS)
    return np.asarray(spread.round(), np.int64)


def seen_width(card: ModelCard) -> int:
    """Count the numbers that are seen of one instant."""
    return MOMENTS * card.streams.width


def mean_shapes(card: ModelCard) -> Shapes:
    """List the tensors of the mean."""
    return {"mean": (len(card.muscles),)}


def ridge_shapes(card: ModelCard) -> Shapes:
    """List the tensors of ridge regression."""
    muscles = len(card.muscles)
    return {"weight": (seen_width(card), muscles), "bias": (muscles,)}


def nearest_shapes(card: ModelCard) -> Shapes:
    """List the tensors of the nearest neighbour, of any number of instants."""
    width = seen_width(card)
    directions = min(DIRECTIONS, width)
    return {
        "directions": (width, directions),
        "points": (ANY_SIZE, directions),
        "effort": (ANY_SIZE, len(card.muscles)),
    }
