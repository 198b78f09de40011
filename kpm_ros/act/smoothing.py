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

"""A first-order low-pass over effort that gives the same bits however the samples are batched."""

from __future__ import annotations

import math
from collections.abc import Sequence


class Smoother:
    """Follows its input with one time constant, at whatever instants the samples were taken.

    It goes sample by sample in plain floats: a block form would round differently for every batch
    size, and a replay would then differ from the live run. For the few samples of a live batch
    this is also cheaper than array arithmetic.
    """

    def __init__(self, width: int, time_constant_s: float, max_gap_s: float) -> None:
        """`max_gap_s`: after a longer gap between two samples it starts again from zero."""
        self._width = width
        self.retime(time_constant_s, max_gap_s)
        self._stamp_ns: int | None = None
        self.value = [0.0] * width

    def retime(self, time_constant_s: float, max_gap_s: float) -> None:
        """Follow faster or slower from now on, from the value that there is."""
        self._time_constant_ns = time_constant_s * 1e9
        self._max_gap_ns = round(max_gap_s * 1e9)
        self._step_ns = 0
        self._share = self._share_of(0)

    def reset(self) -> None:
        """Forget everything: the value is zero until samples lift it again."""
        self._stamp_ns = None
        self.value = [0.0] * self._width

    def push_sample(self, stamp_ns: int, sample: Sequence[float]) -> list[float]:
        """Take one sample and give the smoothed value at its instant."""
        last_ns = self._stamp_ns
        if last_ns is None or not 0 <= stamp_ns - last_ns <= self._max_gap_ns:
            self.reset()
            last_ns = stamp_ns
        self._stamp_ns = stamp_ns
        if stamp_ns - last_ns != self._step_ns:
            self._step_ns = stamp_ns - last_ns
            self._share = self._share_of(self._step_ns)
        share = self._share
        self.value = [
            old + share * (new - old) for old, new in zip(self.value, sample, strict=True)
        ]
        return self.value

    def _share_of(self, step_ns: int) -> float:
        """How much of the way to a new input is gone in one step."""
        if self._time_constant_ns == 0:
            return 1.0
        return -math.expm1(-step_ns / self._time_constant_ns)
