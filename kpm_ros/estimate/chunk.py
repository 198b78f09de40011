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

"""What estimation hands on: consecutive samples of muscle effort."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.chunk import Trace

EFFORT_RATE_HZ = 2000
"""Effort lies on the grid of multiples of 500 us, whatever the model's own rate."""


@dataclass(frozen=True, slots=True)
class EffortChunk:
    """Consecutive effort samples on the 2 kHz grid."""

    stamp_ns: int
    first_index: int
    effort: NDArray[np.float32]
    """(samples, muscles), in the unit the model's card states."""
    flags: NDArray[np.uint8]
    trace: Trace = field(default_factory=Trace)

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.flags)
