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

"""How fast a command may change, and how it is let go."""

from __future__ import annotations

from collections.abc import Sequence

from kpm_ros.core.settings import check_number


class SlewLimiter:
    """Follows a target no faster than a stated rate.

    A caller that stalled may go all the way to zero in one late step, but time in which nobody
    looked is not time in which the output may grow: growth counts at most `max_growth_s` a step.
    """

    def __init__(self, width: int, max_rate_per_s: float, max_growth_s: float = 0.05) -> None:
        """`width` values, all with the same rate; they start at zero."""
        check_number("max_rate_per_s", max_rate_per_s, above=0)
        check_number("max_growth_s", max_growth_s, above=0)
        self.rate_per_s = max_rate_per_s
        self.max_growth_s = max_growth_s
        self._width = width
        self.value = [0.0] * width
        self._let_go: list[float] | None = None
        """What it was when it was released."""
        self._since_s = 0.0

    def zero(self) -> None:
        """Drop to zero at once, past the rate."""
        self.value = [0.0] * self._width
        self._let_go = None

    def release(self, elapsed_s: float, within_s: float) -> list[float]:
        """Go straight to zero, so as to be there `within_s` after the step before the first."""
        if self._let_go is None:
            self._let_go, self._since_s = self.value, 0.0
        self._since_s += max(elapsed_s, 0.0)
        left = max(0.0, 1.0 - self._since_s / within_s)
        self.value = [value * left for value in self._let_go]
        return self.value

    def step(self, target: Sequence[float], elapsed_s: float) -> list[float]:
        """Move towards the target for the time since the last step; no time, no move."""
        self._let_go = None
        reach = self.rate_per_s * max(elapsed_s, 0.0)
        growth = min(reach, self.rate_per_s * self.max_growth_s)
        moved = []
        for value, wanted in zip(self.value, target, strict=True):
            highest = max(value + growth, min(0.0, value + reach))
            lowest = min(value - growth, max(0.0, value - reach))
            moved.append(min(max(wanted, lowest), highest))
        self.value = moved
        return moved
