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
