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

"""Any other named channels on the grid, such as force sensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.arrivals import NEVER_NS, Outcome
from kpm_ros.align.sampled import SampledStream
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.settings import CheckedSettings, setting
from kpm_ros.core.streams import Channels
from kpm_ros.sense.samples import ChannelChunk

JOINED_INTERVALS = 2.5
"""Samples up to this many of a stream's own intervals apart are joined, and waited for as long."""
LARGEST_VALUE = 1e30


@dataclass(frozen=True)
class ChannelRules(CheckedSettings):
    """How long channels are waited for and how long their silence is believed.

    A stream that is sampled, or sent, more seldom is given 2.5 of its own intervals instead.
    """

    wait_s: float = setting(
        0.02,
        "how long a sample waits at least for other channels; longer where they come more seldom",
        least=0.0,
        most=1.0,
    )
    longest_wait_s: float = setting(0.2, "how long it waits for them at most", least=0.0, most=1.0)
    fresh_s: float = setting(
        0.1,
        "other channels' samples further apart than this are not joined, unless 2.5 of the "
        "stream's own intervals are more",
        least=0.001,
        most=10.0,
    )
    missing_s: float = setting(
        1.0, "other channels that are silent for longer are missing", least=0.01, most=3600.0
    )

    def fresh_ns(self, channels: Channels) -> int:
        """How far apart samples of some channels are joined."""
        return round(max(self.fresh_s, JOINED_INTERVALS / channels.rate_hz) * NS_PER_S)

    def wait_ns(self, interval_s: float) -> int:
        """How long samples are waited for that come, alone or in chunks, so often."""
        asked_s = min(JOINED_INTERVALS * interval_s, self.longest_wait_s)
        return round(max(self.wait_s, asked_s) * NS_PER_S)

    def missing_ns(self, channels: Channels) -> int:
        """How old the last sample of some channels may be."""
        return max(round(self.missing_s * NS_PER_S), self.fresh_ns(channels))


class ChannelStream:
    """Channels read by straight lines; held and flagged where none come, at last missing."""

    def __init__(self, channels: Channels, rules: ChannelRules) -> None:
        """Start without any sample."""
        self._described = channels
        self._rules = rules
        self._missing_ns = rules.missing_ns(channels)
        self._least_wait_ns = rules.wait_ns(1 / channels.rate_hz)
        self.wait_ns = self._least_wait_ns
        """How long a grid sample waits for the samples after it, at present."""
        self._samples = SampledStream(self.wait_ns, rules.fresh_ns(channels))

    @property
    def known_ns(self) -> int:
        """Instant up to which samples, not only the wait, have settled the channels."""
        return self._samples.known_ns

    @property
    def dropped(self) -> int:
        """Samples given up because more came than are kept."""
        return self._samples.dropped

    def push(self, chunk: ChannelChunk, received_ns: int) -> Outcome:
        """Take samples in; other channels, or values that are no numbers, are refused."""
        rows = chunk.samples
        if chunk.channels != self._described.columns or chunk.unit != self._described.unit:
            return Outcome.REFUSED
        if rows.ndim != 2 or rows.shape[1] != self._described.width:
            return Outcome.REFUSED
        if not (np.abs(rows) <= LARGEST_VALUE).all():
            return Outcome.REFUSED
        outcome = self._samples.push(
            rows, chunk.stamp_ns, chunk.first_index, chunk.rate_hz, received_ns
        )
        if outcome is not Outcome.REFUSED:
            asked_ns = self._rules.wait_ns(len(rows) / chunk.rate_hz)
            self.wait_ns = max(self._least_wait_ns, asked_ns)
            self._samples.wait_from(received_ns, self.wait_ns)
        return outcome

    def settled_until(self, now_ns: int) -> int:
        """Newest instant whose values nothing to come can change any more."""
        return self._samples.settled_until(now_ns)

    def read(self, stamps_ns: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[FlagBits]:
        """Fill in values (n, channels) at increasing, settled instants, each read only once."""
        values[:] = self._described.missing
        flags, age_ns = self._samples.read(stamps_ns, values)
        missing = age_ns > self._missing_ns
        values[missing] = self._described.missing
        flags[missing] = Flag.CHANNELS_MISSING
        return flags

    def reset(self) -> None:
        """Forget every sample."""
        self._samples.reset()
        self.wait_ns = self._least_wait_ns
        self._samples.wait_from(NEVER_NS, self.wait_ns)
