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

"""Whole senses taken away from training windows, so that a network learns to do without them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.card import ModelCard

SHORTEST_S, LONGEST_S = 0.3, 2.0
"""How long a sense is gone; a window sees the part of it that falls into the window."""


@dataclass(frozen=True)
class Dropouts:
    """Says in which windows a sense is missing, and when; the same seed and step say the same.

    In `share` of the windows one of the senses that the card calls optional, never all of them, is
    gone for a time that overlaps the window at least by a sample.
    """

    share: float
    seed: int

    def missing(self, card: ModelCard, step: int, windows: int, samples: int) -> NDArray[np.uint32]:
        """Which streams (windows, samples) are missing in a step, as bits like the live path's."""
        missing = np.zeros((windows, samples), np.uint32)
        if not card.optional:
            return missing
        random = np.random.default_rng([self.seed, step, len(card.optional)])
        for row in missing:
            length = round(random.uniform(SHORTEST_S, LONGEST_S) * card.rate_hz)
            start = int(random.integers(1 - length, samples))
            sense = card.optional[random.integers(len(card.optional))]
            if random.random() < self.share:
                row[max(0, start) : start + length] = card.streams.bits(sense)
        return missing
