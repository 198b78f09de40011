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

"""A stream in hops, as one pass."""

from __future__ import annotations

from typing import Any

import numpy as np


def stream(network: Any, values: Any, hops: Any, first_index: int = 0) -> np.ndarray:
    """Begin a stream and push rows in hops of the given sizes, over and over; then flush."""
    network.reset(first_index)
    parts, at, turn = [], 0, 0
    while at < len(values):
        hop = hops[turn % len(hops)]
        parts.append(network.push(values[at : at + hop]))
        at, turn = at + hop, turn + 1
        due = max(0, min(at, len(values)) - network.card.lookahead)
        assert sum(map(len, parts)) == due == network.given
    return np.concatenate([*parts, network.flush()])
