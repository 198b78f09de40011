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

"""The effort clock: a model's own rate onto the exact 2 kHz grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.chunks import EFFORT_RATE_HZ
from kpm_ros.core.flags import FlagBits
from kpm_ros.core.grid import Grid


class EffortClock:
    """Reads effort at every multiple of 500 us by straight lines between the model's samples.

    Each instant is given once, in order, as soon as the model sample at or after it is there. A
    flag set on either neighbour is set on the instant between them.
    """

    def __init__(self, native_rate_hz: int, rate_hz: int = EFFORT_RATE_HZ) -> None:
        """Start before the first sample."""
        self.native = Grid(native_rate_hz)
        self.output = Grid(rate_hz)
        self._last: tuple[int, NDArray[np.float32], int] | None = None

    def reset(self) -> None:
        """Forget the last sample: the next push begins a new line."""
        self._last = None

    def push(
        self, grid_index: int, effort: NDArray[np.float32], flags: NDArray[FlagBits]
    ) -> tuple[int, NDArray[np.float32], NDArray[FlagBits]]:
        """Give the output samples that consecutive model samples, from `grid_index` on, complete.

        Returns the output grid's index of the first one, effort (n, muscles) and flags (n,).
        """
        if self._last is not None:
            before, row, flag = self._last
            if before != grid_index - 1:
                raise ValueError(f"sample {grid_index} does not follow sample {before}")
            grid_index = before
            effort = np.concatenate([row[None], effort])
            flags = np.concatenate([np.array([flag], FlagBits), flags])
            first = self._first_after(before)
        else:
            first = self._first_from(grid_index)
        newest = grid_index + len(effort) - 1
        self._last = (newest, effort[-1].copy(), int(flags[-1]))
        count = self._first_after(newest) - first
        instants = np.arange(first, first + count, dtype=np.int64)
        # Position on the model's grid in exact integers, so that no rounding grows with time.
        scaled = instants * self.native.rate_hz
        low = scaled // self.output.rate_hz - grid_index
        weight = (scaled % self.output.rate_hz / self.output.rate_hz).astype(np.float32)
        high = np.minimum(low + 1, len(effort) - 1)
        out = effort[low] * (1 - weight)[:, None] + effort[high] * weight[:, None]
        return first, out, flags[low] | np.where(weight > 0, flags[high], 0).astype(FlagBits)

    def _first_from(self, native_index: int) -> int:
        """First output instant that is not before a model sample."""
        return -(-native_index * self.output.rate_hz // self.native.rate_hz)

    def _first_after(self, native_index: int) -> int:
        """First output instant after a model sample."""
        return native_index * self.output.rate_hz // self.native.rate_hz + 1
