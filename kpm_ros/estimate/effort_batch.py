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

"""Effort samples as a consumer takes them: arrays, and which of them may be acted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.flags import INVALID_SIDE, Flag, FlagBits
from kpm_ros.models.intervals import Intervals

_INVALID = FlagBits(Flag.INVALID)


@dataclass(frozen=True, slots=True)
class EffortBatch:
    """Consecutive effort samples, oldest first; may be empty."""

    stamps_ns: NDArray[np.int64]
    """Instants the samples describe, on the host's clock."""
    index: NDArray[np.uint64]
    """Samples counted since the stream began."""
    effort: NDArray[np.float32]
    """(samples, muscles), in the order of `EffortReader.muscles`."""
    flags: NDArray[FlagBits]
    """Bits of MuscleEffort, 0 = nothing to report."""
    received_ns: NDArray[np.int64]
    """When each sample was received, on the host's clock."""
    intervals: Intervals | None = None
    """What the stream's info says of how far off effort may be; None for nothing."""

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.stamps_ns)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which samples may be acted on; of two hands, that of one of them at least."""
        return (self.flags & _INVALID) == 0

    @property
    def half_width(self) -> NDArray[np.float32]:
        """Half the width of what holds 90 % of the truth beside each effort (samples, muscles).

        NaN where nothing is known of it: the model was never tried on others, or the sample is
        not valid.
        """
        if self.intervals is None:
            return np.full_like(self.effort, np.nan)
        return np.where(self.valid[:, None], self.intervals(self.effort), np.float32(np.nan))

    @property
    def lower(self) -> NDArray[np.float32]:
        """Where that begins; effort is never below zero."""
        return np.maximum(self.effort - self.half_width, 0)

    @property
    def upper(self) -> NDArray[np.float32]:
        """Where that ends."""
        return self.effort + self.half_width

    def valid_of(self, side: str) -> NDArray[np.bool_]:
        """Which samples may be acted on as far as the muscles of one hand go, left or right."""
        return (self.flags & FlagBits(Flag.INVALID | INVALID_SIDE[side])) == 0
