"""What alignment hands on: consecutive grid samples of all senses."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


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
    """Consecutive grid samples; `pose` is view by view, landmark by landmark, x then y."""

    stamp_ns: int
    first_index: int
    grid_index: int
    rate_hz: float
    pose: NDArray[np.float32]
    """(samples, views x landmarks x 2), fractions of image width and height."""
    keys: NDArray[np.float32]
    """(samples, keys): 0 at rest, 1 fully down, -1 not sensed."""
    flags: NDArray[np.uint8]
    trace: Trace = field(default_factory=Trace)

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.flags)
