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

"""What rooms hand on: consecutive samples of the senses on a grid, and of effort."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.flags import FlagBits

EFFORT_RATE_HZ = 2000
"""Effort lies on the grid of multiples of 500 us, whatever the model's own rate."""


@dataclass(frozen=True, slots=True)
class Trace:
    """When the newest camera frame behind a chunk passed each stage, in ns; 0 = does not apply."""

    input_ns: int = 0
    processed_ns: int = 0
    received_ns: int = 0
    aligned_ns: int = 0
    estimated_ns: int = 0
    published_ns: int = 0


@dataclass(frozen=True, slots=True)
class AlignedChunk:
    """Consecutive samples of the grid: a row each, with the columns of all streams side by side."""

    stamp_ns: int
    first_index: int
    grid_index: int
    rate_hz: float
    values: NDArray[np.float32]
    """(samples, columns), as `core.streams.Streams` lays them out."""
    missing: NDArray[np.uint32]
    """Of each sample: bit k says that nothing is known of stream k."""
    flags: NDArray[FlagBits]
    trace: Trace = field(default_factory=Trace)

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.flags)


@dataclass(frozen=True, slots=True)
class Receipts:
    """When the inputs of a grid were received, in the order in which they were taken."""

    first_index: int
    topics: tuple[str, ...]
    topic: NDArray[np.uint32]
    """Of each message, the place of its topic."""
    checksum: NDArray[np.uint32]
    """Of each message's serialised bytes."""
    received_ns: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of messages."""
        return len(self.topic)


@dataclass(frozen=True, slots=True)
class EffortChunk:
    """Consecutive effort samples on the 2 kHz grid."""

    stamp_ns: int
    first_index: int
    effort: NDArray[np.float32]
    """(samples, muscles), in the unit the model's card states."""
    flags: NDArray[FlagBits]
    trace: Trace = field(default_factory=Trace)

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.flags)
