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

"""Recorded streams on a model's grid, as the live pipeline puts them there.

The rules are those of `align/`, for frames that come one by one as soon as they are taken: straight
lines between frames near enough to each other, held beyond, flagged as stale, lost or missing. A
line leads to the frame after an instant, for which the aligner waits as long as it does live; what
came later than that, or after a gap longer than the rules allow, bridges nothing. Frames are read
where a window asks for them, from wherever they are mapped.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.cadence import FEWEST_GAPS, REMEMBERED
from kpm_ros.align.frame_reading import FARTHEST_M, can_be
from kpm_ros.align.pose import JOINED_GAPS
from kpm_ros.align.pose_rules import PoseRules
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.streams import METRIC, Landmarks
from kpm_ros.learn.recordings.recording import RecordingError, TimeSeries, parts_of
from kpm_ros.learn.recordings.resample_channels import ChannelResampler
from kpm_ros.learn.recordings.rows_on_lines import Instants, OnGrid, on_lines, placed, unknown

COMPARED_TOGETHER = 16_384
_MOST_REFUSED = 0.5
"""Share of frames that may lie outside what trackers give; of more, the unit is another."""
ABSENT_LANDMARKS = FlagBits(Flag.POSE_STALE | Flag.POSE_LOST)
"""Flags of samples of which nothing was ever known."""


def resampler(series: TimeSeries) -> LandmarkResampler | ChannelResampler:
    """Read a series at any instants, by the rules of its kind."""
    if isinstance(series.stream, Landmarks):
        return LandmarkResampler(series, series.stream)
    return ChannelResampler(series)


@dataclass(frozen=True, eq=False)
class LandmarkResampler:
    """A camera view at any instants, as `align.pose.PoseStream` reads it.

    Without extrapolation, which is no usual rule.
    """

    series: TimeSeries
    view: Landmarks

    def read(self, at_ns: Instants) -> OnGrid:
        """Give the landmarks at increasing instants."""
        news = self.news
        flags = np.full(len(at_ns), ABSENT_LANDMARKS, FlagBits)
        place = np.searchsorted(news.stamps_ns, at_ns, side="right") - 1
        last_seen = np.where(place >= 0, news.last_seen[place], -1) if len(news.rows) else place
        known = np.flatnonzero(last_seen >= 0)
        if not len(known):
            return OnGrid(unknown(self.series, len(at_ns)), flags, np.ones(len(at_ns), np.bool_))
        place, seen = place[known], last_seen[known]
        age_ns = at_ns[known] - news.stamps_ns[seen]
        after = np.minimum(place + 1, len(news.rows) - 1)
        gap_ns = news.stamps_ns[after] - news.stamps_ns[seen]
        in_time = (after > place) & (gap_ns - age_ns <= news.wait_ns[place])
        stale_ns = news.stale_ns[np.where(in_time, after, place)]
        next_ns = np.append(news.stamps_ns, _NEVER_NS)[place + 1]
        silent = next_ns - at_ns[known] > news.wait_ns[place]
        joined = in_time & (seen == place) & news.seen[after] & (gap_ns <= stale_ns)
        found = on_lines(
            self.series.values, news.rows[seen], news.rows[after], age_ns, gap_ns, joined
        )
        values = placed(found, known, self.series, len(at_ns))
        held = np.where(age_ns > 0, FlagBits(Flag.HELD), FlagBits(0))
        stale = age_ns > np.where(silent, news.silent_ns[place], stale_ns)
        held |= np.where(stale, FlagBits(Flag.POSE_STALE), FlagBits(0))
        held |= np.where(age_ns > _LOST_NS, FlagBits(Flag.POSE_LOST), FlagBits(0))
        flags[known] = np.where(joined, FlagBits(0), held)
        return OnGrid(values, flags, (flags & FlagBits(Flag.POSE_LOST)) != 0)

    @cached_property
    def news(self) -> News:
        """Frames that count: those that repeat an earlier hand are left out."""
        seen = self._seen()
        kept = np.ones(len(seen), np.bool_)
        if not self.series.may_repeat:
            kept = ~self._repeats(seen)
        rows = np.flatnonzero(kept)
        stamps_ns = self.series.stamps_ns[rows]
        places = np.where(seen[rows], np.arange(len(rows)), -1)
        last_seen = np.maximum.accumulate(places) if len(rows) else places
        usual_ns = usual_gaps_ns(stamps_ns)
        usual_ns[usual_ns == 0] = round(NS_PER_S / self.view.rate_hz)
        asked_ns = np.rint(JOINED_GAPS * usual_ns).astype(np.int64)
        stale_ns = np.clip(asked_ns, _STALE_NS, _LOST_NS)
        wait_ns = np.clip(asked_ns, _WAIT_NS, _LONGEST_WAIT_NS)
        silent_ns = np.maximum(0, stale_ns - wait_ns)
        return News(rows, stamps_ns, seen[rows], last_seen, stale_ns, wait_ns, silent_ns)

    def _seen(self) -> NDArray[np.bool_]:
        """Which frames saw a hand or body where one can be; the live pipeline refuses others."""
        seen, dimensions = self.series.seen.copy(), self.view.dimensions
        refused = 0
        for part in parts_of(len(seen), COMPARED_TOGETHER):
            points = self.series.values[part].reshape(-1, len(self.view.skeleton), dimensions)
            with np.errstate(invalid="ignore"):
                possible = can_be(points, self.view.coordinates)
            refused += int((seen[part] & ~possible).sum())
            seen[part] &= possible
        if refused > _MOST_REFUSED * max(int(self.series.seen.sum()), 1):
            where = f"the view {self.view.name!r} has {refused} of {len(seen)} frames"
            if self.view.coordinates == METRIC:
                raise RecordingError(
                    f"{where} with points more than {FARTHEST_M:g} m from the root: metric "
                    "coordinates must be metres from it, not millimetres, pixels or fractions"
                )
            raise RecordingError(
                f"{where} farther outside the picture than its own size: coordinates must be "
                "fractions of the image's width and height, not pixels or metres"
            )
        return seen

    def _repeats(self, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which frames saw the same, to the last bit, as the one before that saw anything."""
        repeats = np.zeros(len(seen), np.bool_)
        rows = np.flatnonzero(seen)
        for part in parts_of(len(rows) - 1, COMPARED_TOGETHER):
            now, then = rows[part.start + 1 : part.stop + 1], rows[part]
            values = self.series.values
            repeats[now] = (np.float32(values[now]) == np.float32(values[then])).all(axis=1)
        return repeats


_NEVER_NS = 2**62
_RULES = PoseRules()
_STALE_NS, _LOST_NS, _WAIT_NS, _LONGEST_WAIT_NS = (
    round(time_s * NS_PER_S)
    for time_s in (_RULES.stale_s, _RULES.lost_s, _RULES.wait_s, _RULES.longest_wait_s)
)


class News(NamedTuple):
    """The frames of a view that count, in order."""

    rows: NDArray[np.intp]
    """Their places among all frames."""
    stamps_ns: Instants
    seen: NDArray[np.bool_]
    last_seen: NDArray[np.intp]
    """Of each frame, the newest one up to it that saw anything; -1 = none."""
    stale_ns: Instants
    """Age at which a hand is stale, as far as each and those before it tell."""
    wait_ns: Instants
    """How long the frame after each is waited for."""
    silent_ns: Instants
    """Age at which a hand is stale where no frame came within that wait."""


def usual_gaps_ns(stamps_ns: Instants) -> Instants:
    """Of each frame, the median gap of those up to it, as `align.cadence` takes it; 0 = too few."""
    gaps_ns = np.diff(stamps_ns)
    usual_ns = np.zeros(len(stamps_ns), np.int64)
    together = REMEMBERED - 1
    for count in range(FEWEST_GAPS, min(together, len(gaps_ns) + 1)):
        usual_ns[count] = np.sort(gaps_ns[:count])[(count - 1) // 2]
    if len(gaps_ns) >= together:
        windows = np.lib.stride_tricks.sliding_window_view(gaps_ns, together)
        middle = (together - 1) // 2
        for part in parts_of(len(windows), COMPARED_TOGETHER):
            found = np.partition(windows[part], middle, axis=1)[:, middle]
            usual_ns[part.start + together : part.stop + together] = found
    return usual_ns
