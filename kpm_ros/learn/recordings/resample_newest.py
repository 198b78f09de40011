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

"""Recorded landmarks as models are told them that take the newest points, and how old they are.

The rules are those of `align.newest`, for frames that become known in order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.cadence import REMEMBERED
from kpm_ros.align.newest import OVERDUE_GAPS
from kpm_ros.align.pose import JOINED_GAPS
from kpm_ros.align.pose_rules import PoseRules
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.stream_kinds import AGE
from kpm_ros.core.streams import NEWEST, Landmarks
from kpm_ros.learn.recordings.recording import TimeSeries, parts_of
from kpm_ros.learn.recordings.resample import (
    ABSENT_LANDMARKS,
    COMPARED_TOGETHER,
    LandmarkResampler,
    usual_gaps_ns,
)
from kpm_ros.learn.recordings.rows_on_lines import Instants, OnGrid, on_lines, placed, unknown

UNTOLD_DELAY_S = (0.018, 0.032)
"""From exposure until points are known, where a recording does not tell: as MediaPipe needs."""

_GOLDEN = (5**0.5 - 1) / 2
_RULES = PoseRules()
_STALE_NS, _LOST_NS, _WAIT_NS, _TRANSIT_NS = (
    round(time_s * NS_PER_S)
    for time_s in (_RULES.stale_s, _RULES.lost_s, _RULES.newest_wait_s, _RULES.transit_s)
)


class _Known(NamedTuple):
    """Of each frame, in the order in which they become known: from when, and what it changes."""

    usable_ns: Instants
    news: NDArray[np.intp]
    """Place of the newest one among those that count."""
    overdue_ns: Instants
    stale_ns: Instants


@dataclass(frozen=True, eq=False)
class NewestResampler(LandmarkResampler):
    """A camera view at any instants, as `align.newest.NewestPose` reads it."""

    def read(self, at_ns: Instants) -> OnGrid:
        """Give the landmarks and their age at increasing instants."""
        news, known = self.news, self._known
        width = self.view.points_width
        stream = replace(self.view, timing=NEWEST)
        values = np.full((len(at_ns), stream.width), stream.missing, np.float32)
        flags = np.full(len(at_ns), ABSENT_LANDMARKS, FlagBits)
        newest = np.searchsorted(known.usable_ns, at_ns, side="right") - 1
        last = np.where(newest >= 0, known.news[newest], -1) if len(news.rows) else newest
        place = np.minimum(np.searchsorted(news.stamps_ns, at_ns, side="right") - 1, last)
        seen = np.where(place >= 0, news.last_seen[place], -1) if len(news.rows) else place
        found = np.flatnonzero(seen >= 0)
        if not len(found):
            return OnGrid(values, flags, np.ones(len(at_ns), np.bool_))
        newest, last, place, seen = newest[found], last[found], place[found], seen[found]
        awaited, stale_ns = place == last, known.stale_ns[newest]
        after = np.minimum(place + 1, len(news.rows) - 1)
        age_ns = at_ns[found] - news.stamps_ns[seen]
        gap_ns = news.stamps_ns[after] - news.stamps_ns[seen]
        joined = ~awaited & (seen == place) & news.seen[after] & (gap_ns <= stale_ns)
        rows = on_lines(
            self.series.values, news.rows[seen], news.rows[after], age_ns, gap_ns, joined
        )
        values[:, :width] = placed(rows, found, self.series, len(at_ns))
        values[found, width] = np.where(joined, 0.0, age_ns / NS_PER_S)
        in_order = awaited & (seen == place)
        overdue_ns = np.where(in_order, known.overdue_ns[newest], 0)
        held = np.where(age_ns > overdue_ns, FlagBits(Flag.HELD), FlagBits(0))
        held |= np.where(age_ns > stale_ns, FlagBits(Flag.POSE_STALE), FlagBits(0))
        held |= np.where(age_ns > _LOST_NS, FlagBits(Flag.POSE_LOST), FlagBits(0))
        flags[found] = np.where(joined, FlagBits(0), held)
        return OnGrid(values, flags, (flags & FlagBits(Flag.POSE_LOST)) != 0)

    @cached_property
    def _known(self) -> _Known:
        stamps_ns = self.series.stamps_ns
        if self.series.known_s is None:
            # Spread evenly and without chance, so that a recording is read alike each time.
            least, most = UNTOLD_DELAY_S
            spread = np.arange(len(stamps_ns)) * _GOLDEN % 1.0
            delay_ns = np.rint((least + (most - least) * spread) * NS_PER_S).astype(np.int64)
        else:
            known_ns = np.rint(np.asarray(self.series.known_s) * NS_PER_S).astype(np.int64)
            delay_ns = known_ns - stamps_ns
        known_ns = np.maximum.accumulate(stamps_ns + delay_ns) + _TRANSIT_NS
        gaps_ns = usual_gaps_ns(stamps_ns)
        gaps_ns[gaps_ns == 0] = round(NS_PER_S / self.view.rate_hz)
        ahead_ns = usual_delays_ns(known_ns - stamps_ns) - _WAIT_NS
        asked_ns = np.rint(JOINED_GAPS * gaps_ns).astype(np.int64) + np.maximum(ahead_ns, 0)
        stale_ns = np.clip(asked_ns, _STALE_NS, _LOST_NS)
        overdue_ns = np.rint(OVERDUE_GAPS * gaps_ns).astype(np.int64) + ahead_ns
        counts = np.zeros(len(stamps_ns), np.intp)
        counts[self.news.rows] = 1
        return _Known(
            known_ns - _WAIT_NS,
            np.cumsum(counts) - 1,
            np.clip(overdue_ns, 0, stale_ns),
            stale_ns,
        )


@dataclass(frozen=True, eq=False)
class ToldResampler:
    """Landmarks that were recorded as a model was told them: at each instant the newest such row.

    A row grows older until the next one.
    """

    series: TimeSeries
    view: Landmarks

    def read(self, at_ns: Instants) -> OnGrid:
        """Give the landmarks, their age and what else is said of them at increasing instants."""
        stamps_ns, age = self.series.stamps_ns, self.view.columns.index(AGE)
        values = unknown(self.series, len(at_ns))
        place = np.searchsorted(stamps_ns, at_ns, side="right") - 1
        rows = np.asarray(self.series.values[np.maximum(place, 0)], np.float32)
        since_s = (at_ns - stamps_ns[np.maximum(place, 0)]) / NS_PER_S
        # A row is whole, or all NaN.
        known = (place >= 0) & ~np.isnan(rows[:, age]) & (rows[:, age] + since_s <= _RULES.lost_s)
        rows[:, age] += since_s.astype(np.float32)
        values[known] = rows[known]
        flags = np.where(known, FlagBits(0), ABSENT_LANDMARKS)
        return OnGrid(values, flags, ~known)


def usual_delays_ns(delays_ns: Instants) -> Instants:
    """Of each frame, the median delay of those up to it, as `align.cadence` takes it."""
    usual_ns = np.zeros(len(delays_ns), np.int64)
    for count in range(1, min(REMEMBERED, len(delays_ns) + 1)):
        usual_ns[count - 1] = np.sort(delays_ns[:count])[count // 2]
    if len(delays_ns) >= REMEMBERED:
        windows = np.lib.stride_tricks.sliding_window_view(delays_ns, REMEMBERED)
        for part in parts_of(len(windows), COMPARED_TOGETHER):
            found = np.partition(windows[part], REMEMBERED // 2, axis=1)[:, REMEMBERED // 2]
            usual_ns[part.start + REMEMBERED - 1 : part.stop + REMEMBERED - 1] = found
    return usual_ns
