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

"""Recorded keys and other channels on a model's grid, by the rules of `align/`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.cadence import FEWEST_GAPS
from kpm_ros.align.channels import ChannelRules
from kpm_ros.align.keys import KeyRules
from kpm_ros.align.regularity import LATE_GAPS, NEVER_LATE_NS
from kpm_ros.align.sampled import MOST_PERIODS_APART
from kpm_ros.core.flags import KEYS_LATE, Flag, FlagBits, absent
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.streams import Channels
from kpm_ros.learn.recordings.recording import TimeSeries
from kpm_ros.learn.recordings.rows_on_lines import Instants, OnGrid, on_lines, placed, unknown

ABSENT_CHANNELS = FlagBits(Flag.CHANNELS_MISSING)
"""Flags of samples of which nothing was ever known."""


@dataclass(frozen=True, eq=False)
class ChannelResampler:
    """A piano's keys, or other channels, at any instants, as `align/` reads them in chunks."""

    series: TimeSeries

    def read(self, at_ns: Instants) -> OnGrid:
        """Give the channels at increasing instants."""
        stream, (knots_ns, rows) = self.series.stream, self._knots
        flags = np.full(len(at_ns), ABSENT_CHANNELS)
        before = np.searchsorted(knots_ns, at_ns, side="right") - 1
        known = np.flatnonzero(before >= 0)
        before = before[known]
        limits = self._limits
        age_ns = at_ns[known] - knots_ns[before]
        heard = age_ns <= limits.missing_ns
        known, before, age_ns = known[heard], before[heard], age_ns[heard]
        if not len(known):
            values = unknown(self.series, len(at_ns))
        else:
            after = np.minimum(before + 1, len(knots_ns) - 1)
            gap_ns = knots_ns[after] - knots_ns[before]
            joined = (gap_ns > 0) & (gap_ns <= limits.fresh_ns)
            joined &= gap_ns - age_ns <= limits.wait_ns
            found = on_lines(self.series.values, rows[before], rows[after], age_ns, gap_ns, joined)
            values = placed(found, known, self.series, len(at_ns))
            bridged = gap_ns > MOST_PERIODS_APART * NS_PER_S / stream.rate_hz
            held = (age_ns > 0) & (~joined | bridged)
            late = ~joined & (age_ns > limits.late_ns) & (before >= FEWEST_GAPS)
            flags[known] = np.where(held, FlagBits(Flag.HELD), FlagBits(0)) | late * KEYS_LATE
        return OnGrid(values, flags, absent(flags))

    @cached_property
    def _knots(self) -> tuple[Instants, NDArray[np.intp]]:
        """Stamps and places of the samples of which something is known."""
        rows = np.flatnonzero(self.series.seen)
        return self.series.stamps_ns[rows], rows

    @cached_property
    def _limits(self) -> _Limits:
        stream, keys, others = self.series.stream, KeyRules(), ChannelRules()
        if isinstance(stream, Channels):
            return _Limits(
                others.fresh_ns(stream),
                others.wait_ns(1 / stream.rate_hz),
                others.missing_ns(stream),
                NEVER_LATE_NS,
            )
        late_s = max(keys.late_s, LATE_GAPS / stream.rate_hz)
        limits_s = (keys.fresh_s, keys.wait_s, keys.missing_s, late_s)
        return _Limits(*(round(limit_s * NS_PER_S) for limit_s in limits_s))


class _Limits(NamedTuple):
    """How far apart samples are joined, how long one is waited for, how old the newest may be."""

    fresh_ns: int
    wait_ns: int
    missing_ns: int
    late_ns: int
