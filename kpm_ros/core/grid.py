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

"""An exact time grid: sample k of a grid happens at k / rate seconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Grid:
    """Whole numbers of samples per second, counted from the epoch.

    Because the grid hangs on the clock and not on the moment a node started, two runs over the same
    data put it on the same instants.
    """

    rate_hz: int

    def __post_init__(self) -> None:
        """Refuse a rate that no grid can have."""
        if self.rate_hz != int(self.rate_hz) or self.rate_hz <= 0:
            raise ValueError(f"a grid needs a whole, positive rate, not {self.rate_hz!r} Hz")

    def stamp_ns(self, index: int) -> int:
        """Instant of sample `index`, rounded down to a nanosecond."""
        return index * NS_PER_S // self.rate_hz

    def stamps_ns(self, first: int, count: int) -> NDArray[np.int64]:
        """Instants of `count` samples from `first` on, each as `stamp_ns` gives it."""
        # Whole seconds apart from the rest: index times 10^9 would not fit 64 bits.
        seconds, rest = np.divmod(np.arange(first, first + count, dtype=np.int64), self.rate_hz)
        return np.asarray(seconds * NS_PER_S + rest * NS_PER_S // self.rate_hz)

    def last_at(self, stamp_ns: int) -> int:
        """Newest sample that is not after the instant."""
        return ((stamp_ns + 1) * self.rate_hz - 1) // NS_PER_S

    def first_at(self, stamp_ns: int) -> int:
        """Oldest sample that is not before the instant."""
        return self.last_at(stamp_ns - 1) + 1
