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

"""Smooth movement through given points at given times."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kpm_ros.sense.midi.key_depth import minimum_jerk


class Track:
    """A value that comes to rest at each of its knots and moves between them with minimum jerk."""

    def __init__(self, times_s: ArrayLike, values: ArrayLike) -> None:
        """Knots in order of time; before the first and after the last the value stays."""
        self.times = np.asarray(times_s, dtype=np.float64)
        table = np.asarray(values, dtype=np.float64)
        self.values = table.reshape(len(self.times), -1)
        if len(self.times) == 0 or np.any(np.diff(self.times) < 0):
            raise ValueError("a track needs knots in order of time")

    def at(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Value at each time: (times, columns)."""
        if len(self.times) == 1:
            return np.repeat(self.values, len(times_s), axis=0)
        left = np.searchsorted(self.times, times_s, side="right") - 1
        left = np.clip(left, 0, len(self.times) - 2)
        start = self.times[left]
        length = np.maximum(self.times[left + 1] - start, 1e-9)
        part = minimum_jerk((times_s - start) / length)[:, None]
        before = self.values[left]
        return np.asarray(before + (self.values[left + 1] - before) * part)
