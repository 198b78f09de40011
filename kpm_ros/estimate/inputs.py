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

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kpm_ros.estimate.layout import SENSES, input_channels
from kpm_ros.models.card import ModelCard

Array = NDArray[np.float32]


def check_rows(card: ModelCard, given: Mapping[str, Array | None]) -> dict[str, Array]:
    """Give the senses that the card's model takes, having seen that they fit it and each other."""
    rows = {}
    for sense in (s for s in SENSES if s in card.inputs):
        values, width = given[sense], input_channels(card, sense)
        if values is None:
            raise ValueError(f"the model {card.name!r} needs {sense}, and none was given")
        if values.ndim != 2 or values.shape[1] != width:
            raise ValueError(f"{sense} has shape {values.shape}, not (samples, {width})")
        if not np.isfinite(values).all():
            raise ValueError(f"{sense} holds a value that is not finite")
        rows[sense] = values
    if len({len(values) for values in rows.values()}) > 1:
        raise ValueError(f"pose has {len(rows['pose'])} samples and keys {len(rows['keys'])}")
    return rows
