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

"""How far points in space are from the truth, at the moments that they tell of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.streams import Landmarks
from kpm_ros.simulate.tracked_view import Visible


def points_error_mm(
    performer: Visible,
    hand: Landmarks,
    rows: NDArray[np.float32],
    stamps_s: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Of each point (rows, points), given a hand's rows of the grid and their instants."""
    age_s = rows[:, hand.columns.index("age")] if hand.measures else 0.0
    told = rows[:, : hand.points_width].reshape(len(rows), -1, 3)
    at_s = np.maximum(stamps_s - age_s, 0.0)
    order = np.argsort(at_s, kind="stable")
    true = np.empty(told.shape)
    true[order] = performer.landmarks(at_s[order])
    return np.asarray(1e3 * np.linalg.norm(told - true, axis=-1))
