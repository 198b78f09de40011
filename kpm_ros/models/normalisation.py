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

"""Rows of the grid brought to the size that a card's model expects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.card import ModelCard

Array = NDArray[np.float32]


def normalised(card: ModelCard, values: Array) -> Array:
    """Subtract the card's offset from rows (T, W) and divide by its scale."""
    rows = np.asarray(values, np.float32)
    if card.offset:
        rows = rows - np.asarray(card.offset, np.float32)
    if card.scale:
        rows = rows / np.asarray(card.scale, np.float32)
    return rows
