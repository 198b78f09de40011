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

"""What several views see of a hand at the exposure of the newest frame that is known.

Those whose own newest frame is older go on as they moved, and are doubted the more the longer that
is. Instants that the same frames tell of are few: lists of so few numbers cost less than arrays.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.arrivals import NEVER_NS, Arrival, Outcome
from kpm_ros.align.frame_reading import Seen, look_through
from kpm_ros.align.newest import KnownFrames, parts
from kpm_ros.align.pose import line
from kpm_ros.align.pose_rules import PoseRules, ViewTiming
from kpm_ros.align.sights import SEEN_COLUMNS, Sights
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.streams import Landmarks
from kpm_ros.sense.samples import LandmarkFrame

SPEED_M_S = 0.4
"""How fast points move that are taken to stand still."""
ACCELERATION_M_S2 = 15.0
"""By how much points change their speed that are taken to go on as they moved."""
NEVER_LATE_NS = 2**62
LONGEST_LATE_NS = round(0.05 * NS_PER_S)
"""A view that is so much behind another says nothing of where the hand is now."""
NOBODY, HIDDEN = int(Flag.POSE_STALE | Flag.POSE_LOST), int(Flag.HIDDEN)

_by_stamp = attrgetter("stamp_ns")


class NewestViews:
    """Views of which the newest frames that are known count, and nothing waits for more."""

    known_ns = NEVER_NS
    """No data settles an instant: it leaves when its time is up."""

    def __init__(self, views: Sequence[Landmarks], rules: PoseRules, needed: Sequence[int]) -> None:
        """Start without any frame; `needed` are the points that must not be hidden."""
        self.wait_ns = round(rules.newest_wait_s * NS_PER_S)
        """After how long a grid sample leaves."""
        self.newest_used: Arrival[Seen] | None = None
        """Newest frame behind the last instant that was read."""
        self._streams = {view.name: view for view in views}
        self._hidden_below, self._needed = rules.hidden_below, list(needed)
        self._known = {view.name: KnownFrames(rules, view.rate_hz) for view in views}
        self._points = len(views[0].skeleton)
        self._last: tuple[int, ...] = ()
        self._hidden = 0

    @property
    def dropped(self) -> int:
        """Frames given up because more came than are kept."""
        return sum(known.dropped for known in self._known.values())

    @property
    def timings(self) -> dict[str, ViewTiming]:
        """What each view's frames ask for at present, and what they are given."""
        return {name: known.timing for name, known in self._known.items()}

    def push(self, frame: LandmarkFrame, received_ns: int) -> Outcome:
        """Take a frame in."""
        stream = self._streams.get(frame.view)
        if stream is None:
            return Outcome.REFUSED
        seen = look_through(frame, stream, self._needed, self._hidden_below, True)
        if seen is None:
            return Outcome.REFUSED
        return self._known[frame.view].add(seen, frame, received_ns)

    def settled_until(self, now_ns: int) -> int:
        """Newest instant that nothing to come can change any more."""
        # What is received at the very end of the wait still counts: hence the nanosecond.
        return now_ns - self.wait_ns - 1

    def see(self, stamps_ns: NDArray[np.int64]) -> Sights:
        """Read every view at the moments of which most is known at each instant."""
        instants_ns, told = stamps_ns.tolist(), _Told()
        for part in parts(stamps_ns, list(self._known.values())):
            self._see_part(instants_ns[part], told)
        for known in self._known.values():
            known.forget(instants_ns[-1], keep=2)
        return told.sights(len(self._known), self._points)

    def reset(self) -> None:
        """Forget every frame."""
        for known in self._known.values():
            known.clear()
        self.newest_used = None
        self._last = ()

    def _see_part(self, instants_ns: list[int], told: _Told) -> None:
        """Read instants at which the same frames are known."""
        views, count = list(self._known.values()), len(instants_ns)
        shown = [[one for one in known.frames if one.item.row is not None] for known in views]
        last = [frames[-1] for frames in shown if frames]
        if not last:
            told.add_instants([-1] * count, [0] * count, [NOBODY] * count)
            return
        self.newest_used = newest = max(last, key=_by_stamp)
        newest_ns, before = newest.stamp_ns, len(told.moments_ns)
        ages_ns = [max(0, instant_ns - newest_ns) for instant_ns in instants_ns]
        basis = tuple(frames[-1].stamp_ns if frames else 0 for frames in shown)
        if newest_ns <= instants_ns[0] and self._last == (newest_ns, *basis):
            # No view knows more than of the last instant: only points grow older.
            view = next(k for k, frames in enumerate(shown) if frames and frames[-1] is newest)
            held = views[view].frames[-1] is not newest
            flags = [views[view].age_flag(age_ns, held) | self._hidden for age_ns in ages_ns]
            told.add_instants([before - 1] * count, ages_ns, flags)
            return
        moments_ns = instants_ns[: bisect_left(instants_ns, newest_ns)]
        earlier = len(moments_ns)
        if earlier < count:
            moments_ns.append(newest_ns)
        self._last = (moments_ns[-1], *basis)
        read = [
            _View(frames, known, moments_ns, self._points * SEEN_COLUMNS)
            for frames, known in zip(shown, views, strict=True)
        ]
        best, hidden = told.add_moments(moments_ns, read)
        self._hidden = hidden[-1]
        moments = [min(k, earlier) for k in range(count)]
        flags = [
            read[best[k]].age_flag(age_ns + read[best[k]].late_ns[k]) | hidden[k]
            for k, age_ns in zip(moments, ages_ns, strict=True)
        ]
        told.add_instants([before + k for k in moments], ages_ns, flags)


class _View:
    """One view's frames that saw somebody, brought to moments: between them, or beyond the last."""

    def __init__(
        self,
        frames: Sequence[Arrival[Seen]],
        known: KnownFrames,
        moments_ns: list[int],
        width: int,
    ) -> None:
        """Read it at moments in order."""
        count = len(moments_ns)
        self._known, self._frames = known, frames
        self.seen = np.zeros((count, width), np.float32)
        self.late_ns = [NEVER_LATE_NS] * count
        """How much earlier than the moment its frame was exposed; 0 between two frames."""
        self.doubt = [0.0] * count
        self.flags = [0] * count
        self._held = bool(frames) and known.frames[-1] is not frames[-1]
        """Whether frames without anybody have followed."""
        start, exposed_ns = 0, [frame.stamp_ns for frame in frames]
        while start < count:
            place = bisect_right(exposed_ns, moments_ns[start]) - 1
            stop = count
            if place + 1 < len(frames):
                stop = bisect_left(moments_ns, exposed_ns[place + 1], start)
            if place >= 0:
                self._read(place, moments_ns, slice(start, stop))
            start = stop

    def age_flag(self, age_ns: int) -> int:
        """Say of points so old whether they are held past their time, stale or lost."""
        return self._known.age_flag(age_ns, self._held)

    def _read(self, place: int, moments_ns: list[int], span: slice) -> None:
        """Read moments from one frame on, up to the next if there is one."""
        at, ends = self._frames[place], place + 1 == len(self._frames)
        start, end = (
            (self._frames[max(0, place - 1)], at) if ends else (at, self._frames[place + 1])
        )
        since_ns = [moment_ns - at.stamp_ns for moment_ns in moments_ns[span]]
        gap_ns, before_ns = end.stamp_ns - start.stamp_ns, at.stamp_ns - start.stamp_ns
        joined = 0 < gap_ns <= self._known.stale_ns
        late_s = [late_ns / NS_PER_S for late_ns in since_ns]
        if joined:
            reached_ns = [min(passed_ns + before_ns, 2 * gap_ns) for passed_ns in since_ns]
            self.seen[span] = line(start, end, np.array(reached_ns))
            flags = start.item.flags | end.item.flags
        else:
            self.seen[span] = at.item.row
            flags = at.item.flags
        self.flags[span] = [flags] * len(since_ns)
        if joined and not ends:
            self.late_ns[span] = [0] * len(since_ns)
            return
        self.late_ns[span] = since_ns
        if joined:
            gap_s = gap_ns / NS_PER_S
            self.doubt[span] = [ACCELERATION_M_S2 / 2 * late * (late + gap_s) for late in late_s]
        else:
            self.doubt[span] = [SPEED_M_S * late for late in late_s]


class _Told:
    """What is told of some instants, part by part."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.moments_ns: list[int] = []
        self._seen: list[NDArray[np.float32]] = []
        self._usable: list[list[bool]] = []
        self._doubt: list[tuple[float, ...]] = []
        self._moment: list[int] = []
        self._ages_ns: list[int] = []
        self._flags: list[int] = []

    def add_instants(self, moment: list[int], ages_ns: list[int], flags: list[int]) -> None:
        """Say which moments tell of some instants, how much earlier they are, and the flags."""
        self._moment += moment
        self._ages_ns += ages_ns
        self._flags += flags

    def add_moments(
        self, moments_ns: list[int], views: Sequence[_View]
    ) -> tuple[list[int], list[int]]:
        """Take over what views saw at moments; give of each the best view, and what is hidden."""
        best, hidden = [], []
        late_ns = zip(*(view.late_ns for view in views), strict=True)
        flags = zip(*(view.flags for view in views), strict=True)
        for late, said in zip(late_ns, flags, strict=True):
            least = min(late)
            usable = [
                one < NEVER_LATE_NS and (one <= LONGEST_LATE_NS or one == least) for one in late
            ]
            best.append(late.index(least))
            hides = [one & HIDDEN for one, used in zip(said, usable, strict=True) if used]
            hidden.append(HIDDEN if hides and all(hides) else 0)
            self._usable.append(usable)
        self._doubt += zip(*(view.doubt for view in views), strict=True)
        self._seen.append(np.stack([view.seen for view in views], axis=1))
        self.moments_ns += moments_ns
        return best, hidden

    def sights(self, views: int, points: int) -> Sights:
        """All of it."""
        count = len(self.moments_ns)
        seen = np.concatenate(self._seen) if self._seen else np.zeros(0, np.float32)
        return Sights(
            np.array(self.moments_ns, np.int64),
            seen.reshape(count, views, points, SEEN_COLUMNS),
            np.array(self._usable, np.bool_).reshape(count, views),
            np.array(self._doubt, np.float64).reshape(count, views),
            np.array(self._moment, np.int64),
            np.array(self._ages_ns, np.int64),
            np.array(self._flags, FlagBits),
        )
