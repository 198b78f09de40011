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

"""What is handed to a network, checked before anything is done with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.card import ModelCard

Array = NDArray[np.float32]


def check_values(card: ModelCard, values: Array) -> Array:
    """Give rows of the grid back, having seen that they fit the card's model."""
    width = card.streams.width
    if values.ndim != 2 or values.shape[1] != width:
        raise ValueError(
            f"the model {card.name!r} takes rows of {width} columns, but was given values of the "
            f"shape {values.shape}"
        )
    if not np.isfinite(values).all():
        at = int(np.argmin(np.isfinite(values).all(axis=0)))
        stream = next(s for s in card.streams if at < card.streams.columns[s.name].stop)
        raise ValueError(f"{stream.name} holds a value that is not finite")
    return values
