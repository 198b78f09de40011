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

"""The newest points that are known at each instant, and how old they are: nothing waits for more.

A frame is known once its tracker is done and has had time to send it; both are in the frame itself,
so that a replay knows each frame from the very instant on from which the live run did. Only of a
frame that was longer on its way does the receipt decide.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.arrivals import NEVER_NS, Arrival, Outcome
from kpm_ros.align.cadence import Cadence
from kpm_ros.align.frame_reading import Seen, look_through
from kpm_ros.align.pose import JOINED_GAPS, age_flags, line
from kpm_ros.align.pose_rules import PoseRules, ViewTiming
from kpm_ros.align.view_frames import MOST_FRAMES
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.streams import Landmarks
from kpm_ros.sense.samples import LandmarkFrame

OVERDUE_GAPS = 1.5
"""A frame that has not come so many of a camera's usual gaps after the last was lost."""

_by_stamp = attrgetter("stamp_ns")
_by_turn = attrgetter("usable_ns", "stamp_ns")


class KnownFrames:
    """Frames of one view: those that are known at the instant which is being read, and later ones.

    Instants are read in order. A frame that repeats an earlier one to the last bit counts for
    nothing, unless the rules say otherwise.
    """

    def __init__(self, rules: PoseRules, rate_hz: float) -> None:
        """Begin without any frame of a camera that usually gives so many a second."""
        self.dropped = 0
        """Frames given up because more came than are kept."""
        self.came = 0
        """Frames that have come so far."""
        self.frames: list[Arrival[Seen]] = []
        """Those known now that still count, in order of exposure."""
        self._rules = rules
        self._wait_ns, self._transit_ns, self._least_stale_ns, self._lost_ns = (
            round(time_s * NS_PER_S)
            for time_s in (rules.newest_wait_s, rules.transit_s, rules.stale_s, rules.lost_s)
        )
        self._usual_gap_ns = round(NS_PER_S / rate_hz)
        self._coming: list[Arrival[Seen]] = []
        self.clear()

    def add(self, seen: Seen, frame: LandmarkFrame, received_ns: int) -> Outcome:
        """Take a frame in; a repeat of one that is kept is refused."""
        stamp_ns, done_ns = frame.stamp_ns, seen.processed_ns or received_ns
        if any(other.stamp_ns == stamp_ns for other in (*self.frames[-2:], *self._coming)):
            return Outcome.REFUSED
        # A tracker whose clock is ahead of ours is done when its frame is received.
        sent_ns = min(done_ns, received_ns) + (self._transit_ns if seen.processed_ns else 0)
        usable_ns = max(sent_ns, received_ns) - self._wait_ns
        insort(
            self._coming,
            Arrival(stamp_ns, stamp_ns, frame.index, 1, received_ns, usable_ns, seen),
            key=_by_turn,
        )
        self.came += 1
        if len(self._coming) > MOST_FRAMES:
            del self._coming[0]
            self.dropped += 1
        return Outcome.LATE if received_ns > sent_ns else Outcome.TAKEN

    def turns(self, first_ns: int, last_ns: int) -> Iterator[int]:
        """Instants after the first, up to the last, from which on more is known."""
        for frame in self._coming:
            if frame.usable_ns > last_ns:
                break
            if frame.usable_ns > first_ns:
                yield frame.usable_ns

    def advance(self, at_ns: int) -> None:
        """Come to an instant: know what is known by then."""
        if not self._coming or self._coming[0].usable_ns > at_ns:
            return
        count = bisect_right(self._coming, at_ns, key=attrgetter("usable_ns"))
        for frame in self._coming[:count]:
            self._cadence.add(frame.stamp_ns, frame.usable_ns + self._wait_ns)
            place = bisect_left(self.frames, frame.stamp_ns, key=_by_stamp)
            before = next(
                (f for f in reversed(self.frames[:place]) if f.item.row is not None), None
            )
            if self._rules.may_repeat or before is None or not before.item.same_as(frame.item):
                self.frames.insert(place, frame)
        del self._coming[:count]
        ahead_ns = self._cadence.delay_ns - self._wait_ns
        gap_ns = self._cadence.gap_ns or self._usual_gap_ns
        stale_ns = round(JOINED_GAPS * gap_ns) + max(0, ahead_ns)
        self.stale_ns = max(self._least_stale_ns, min(stale_ns, self._lost_ns))
        overdue_ns = round(OVERDUE_GAPS * gap_ns) + ahead_ns
        self.overdue_ns = max(0, min(overdue_ns, self.stale_ns))

    def forget(self, read_ns: int, keep: int = 1) -> None:
        """Let go of what tells nothing of instants after this one but `keep` frames before it."""
        newest = seen = bisect_right(self.frames, read_ns, key=_by_stamp) - 1
        while seen > 0 and self.frames[seen].item.row is None:
            seen -= 1
        if newest > 0:
            # Of those that showed nobody after the last that showed somebody, one is enough.
            del self.frames[seen + 1 : newest]
            del self.frames[: max(0, seen + 1 - keep)]

    def clear(self) -> None:
        """Forget every frame."""
        self.frames.clear()
        self._coming.clear()
        self._cadence = Cadence()
        self.overdue_ns = 0
        """Age at which points are held past their time: another frame should be known by then."""
        self.stale_ns = self._least_stale_ns
        """Age at which they are stale."""

    @property
    def timing(self) -> ViewTiming:
        """What the view's frames ask for at present, and what they are given."""
        in_ns = (self._cadence.gap_ns, self._cadence.delay_ns, self._wait_ns)
        return ViewTiming(self.came, *(time_ns / NS_PER_S for time_ns in in_ns))

    def age_flags(self, age_ns: NDArray[np.int64], held: bool) -> NDArray[FlagBits]:
        """Say of points so old whether they are held past their time, stale or lost."""
        held_ns = 0 if held else self.overdue_ns
        return age_flags(age_ns, held_ns, self.stale_ns, self._lost_ns)

    def age_flag(self, age_ns: int, held: bool) -> int:
        """Say so of points of one age."""
        if age_ns <= (0 if held else self.overdue_ns):
            return 0
        return int(self.age_flags(np.array([age_ns]), held)[0])


def parts(stamps_ns: NDArray[np.int64], views: Sequence[KnownFrames]) -> Iterator[slice]:
    """Split instants where more becomes known of some view, and bring all views to each part."""
    first_ns, last_ns = int(stamps_ns[0]), int(stamps_ns[-1])
    turns = sorted({turn for view in views for turn in view.turns(first_ns, last_ns)})
    places = np.searchsorted(stamps_ns, turns).tolist() if turns else []
    for start, stop in pairwise([0, *places, len(stamps_ns)]):
        if stop > start:
            for view in views:
                view.advance(int(stamps_ns[start]))
            yield slice(start, stop)


class NewestPose:
    """One view's points as they are known `newest_wait_s` after each instant, and their age.

    Where a frame after the instant is known by then, points lie on the line to it; else they are
    those of the newest frame that saw somebody, and their age says how long before the instant it
    was exposed. Points older than the camera's frames ever are in order are held past their time,
    and flagged; so are those that a frame without anybody has followed.
    """

    known_ns = NEVER_NS
    """No data settles an instant: it leaves when its time is up."""

    def __init__(self, view: Landmarks, rules: PoseRules, needed: Sequence[int] = ()) -> None:
        """Start without any frame; `needed` are the points that must not be hidden."""
        self.newest_used: Arrival[Seen] | None = None
        """Newest frame behind the last instant that was read."""
        self._view, self._rules, self._needed = view, rules, list(needed)
        self._known = KnownFrames(rules, view.rate_hz)
        self.wait_ns = round(rules.newest_wait_s * NS_PER_S)
        """After how long a grid sample leaves."""

    @property
    def dropped(self) -> int:
        """Frames given up because more came than are kept."""
        return self._known.dropped

    @property
    def timing(self) -> ViewTiming:
        """What the view's frames ask for at present, and what they are given."""
        return self._known.timing

    def push(self, frame: LandmarkFrame, received_ns: int) -> Outcome:
        """Take a frame in; a repeat, or one whose points are impossible, is refused."""
        seen = look_through(frame, self._view, self._needed, self._rules.hidden_below)
        return Outcome.REFUSED if seen is None else self._known.add(seen, frame, received_ns)

    def settled_until(self, now_ns: int) -> int:
        """Newest instant whose points nothing to come can change any more."""
        # What is received at the very end of the wait still counts: hence the nanosecond.
        return now_ns - self.wait_ns - 1

    def read(self, stamps_ns: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[FlagBits]:
        """Fill in points and age (n, columns) at increasing instants, each read only once."""
        values[:] = self._view.missing
        flags = np.full(len(stamps_ns), Flag.POSE_STALE | Flag.POSE_LOST, FlagBits)
        for part in parts(stamps_ns, [self._known]):
            self._read_part(stamps_ns[part], values[part], flags[part])
        self._known.forget(int(stamps_ns[-1]))
        return flags

    def reset(self) -> None:
        """Forget every frame."""
        self._known.clear()
        self.newest_used = None

    def _read_part(
        self, stamps_ns: NDArray[np.int64], values: NDArray[np.float32], flags: NDArray[FlagBits]
    ) -> None:
        """Fill in instants at which the same frames are known."""
        frames = self._known.frames
        if not frames:
            return
        self.newest_used = frames[-1]
        instants = stamps_ns.tolist()
        start, place = 0, bisect_right(frames, instants[0], key=_by_stamp) - 1
        while start < len(instants):
            after = frames[place + 1] if place + 1 < len(frames) else None
            stop = len(instants) if after is None else bisect_left(instants, after.stamp_ns)
            if stop > start and place >= 0:
                part = slice(start, stop)
                self._fill(place, after, stamps_ns[part], values[part], flags[part])
            start, place = stop, place + 1

    def _fill(
        self,
        place: int,
        after: Arrival[Seen] | None,
        stamps_ns: NDArray[np.int64],
        values: NDArray[np.float32],
        flags: NDArray[FlagBits],
    ) -> None:
        """Fill in instants from one frame's exposure until the next known one's."""
        frames, width = self._known.frames, self._view.points_width
        newest = frames[place]
        seen = next((f for f in reversed(frames[: place + 1]) if f.item.row is not None), None)
        if seen is None:
            return
        age_ns = stamps_ns - seen.stamp_ns
        if after is not None and seen is newest and self._joins(seen, after):
            values[:, :width] = line(seen, after, age_ns)
            flags[:] = seen.item.flags | after.item.flags
        else:
            values[:, :width] = seen.item.row
            values[:, width] = age_ns / NS_PER_S
            held = seen is not newest or after is not None
            flags[:] = self._known.age_flags(age_ns, held) | FlagBits(seen.item.flags)

    def _joins(self, seen: Arrival[Seen], after: Arrival[Seen]) -> bool:
        """Whether a later frame is near enough, and saw enough, to draw a line to it."""
        near = after.stamp_ns - seen.stamp_ns <= self._known.stale_ns
        return near and after.item.row is not None
