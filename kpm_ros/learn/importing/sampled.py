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

"""Channels with a time for each sample, as files keep them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.grid import NS_PER_S
from kpm_ros.sense.emg.emg_device import EmgBlock
from kpm_ros.sense.emg.sample_clock import SampleClock
from kpm_ros.sense.samples import ChannelChunk

_BLOCK_S = 0.05


@dataclass(frozen=True, eq=False)
class Sampled:
    """One stream of a file."""

    name: str
    channels: tuple[str, ...]
    unit: str
    rate_hz: float
    """As stated, or as the times say."""
    stamps_ns: NDArray[np.int64]
    samples: NDArray[np.float32]
    """(n, channels); a row of NaN where nothing was measured."""

    def chunks(self) -> list[ChannelChunk]:
        """Number and date the samples by the true rate, as those of an amplifier that streams."""
        whole = np.isfinite(self.samples).all(axis=1)
        stamps_ns, samples = self.stamps_ns[whole], self.samples[whole]
        clock = SampleClock(self.rate_hz)
        length = max(1, round(_BLOCK_S * self.rate_hz))
        return [
            ChannelChunk(
                self.name,
                run.stamp_ns,
                run.first_index,
                self.rate_hz,
                self.channels,
                self.unit,
                run.samples,
            )
            for start in range(0, len(samples), length)
            for run in clock.push_block(
                EmgBlock(samples[start : start + length], stamps_ns[start : start + length])
            )
        ]


def rate_of(stamps_ns: NDArray[np.int64]) -> float:
    """Samples a second, whatever pauses there are; 0 where too few are known."""
    steps = np.diff(stamps_ns)
    moving = steps[steps > 0]
    if not len(moving):
        return 0.0
    usual = steps[steps <= 3 * float(np.median(moving))]
    return NS_PER_S / float(usual.mean())
