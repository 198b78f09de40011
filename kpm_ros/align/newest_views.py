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
is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.arrivals import NEVER_NS, Arrival, Outcome
from kpm_ros.align.frame_reading import Seen, look_through
from kpm_ros.align.newest import KnownFrames, parts
from kpm_ros.align.pose import PoseRules, ViewTiming, line
from kpm_ros.align.sights import SEEN_COLUMNS, Sights, hidden_in_all
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
        self._hidden = FlagBits(0)

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
        found: list[Sights] = []
        moment = np.full(len(stamps_ns), -1)
        age_ns = np.zeros(len(stamps_ns), np.int64)
        flags = np.full(len(stamps_ns), Flag.POSE_STALE | Flag.POSE_LOST, FlagBits)
        before = 0
        for part in parts(stamps_ns, list(self._known.values())):
            sights = self._see_part(stamps_ns[part])
            if sights is not None:
                moment[part] = sights.moment + before
                age_ns[part], flags[part] = sights.age_ns, sights.flags
                before += len(sights.moments_ns)
                found.append(sights)
        for known in self._known.values():
            known.forget(int(stamps_ns[-1]), keep=2)
        if not found:
            found = [self._nothing()]
        moments_ns, asked_ns, seen, usable, doubt = (
            np.concatenate(one) for one in list(zip(*found, strict=True))[:5]
        )
        return Sights(moments_ns, asked_ns, seen, usable, doubt, moment, age_ns, flags)

    def reset(self) -> None:
        """Forget every frame."""
        for known in self._known.values():
            known.clear()
        self.newest_used = None
        self._last = ()

    def _nothing(self) -> Sights:
        """What is seen at no moment."""
        stamps, views = np.zeros(0, np.int64), (0, len(self._known))
        seen = np.zeros((*views, self._points, SEEN_COLUMNS), np.float32)
        usable = np.zeros(views, np.bool_)
        return Sights(
            stamps, stamps, seen, usable, np.zeros(views), stamps, stamps, np.zeros(0, FlagBits)
        )

    def _see_part(self, stamps_ns: NDArray[np.int64]) -> Sights | None:
        """Read instants at which the same frames are known."""
        shown = [
            [frame for frame in known.frames if frame.item.row is not None]
            for known in self._known.values()
        ]
        last = [frames[-1] for frames in shown if frames]
        if not last:
            return None
        self.newest_used = newest = max(last, key=lambda frame: frame.stamp_ns)
        basis = tuple(frames[-1].stamp_ns if frames else 0 for frames in shown)
        if newest.stamp_ns <= stamps_ns[0] and self._last == (newest.stamp_ns, *basis):
            return self._as_before(stamps_ns, newest)
        asked = len(stamps_ns)
        earlier = int(np.searchsorted(stamps_ns, newest.stamp_ns))
        moments_ns, moment = stamps_ns, np.arange(asked)
        if earlier < asked:
            moments_ns = np.append(stamps_ns[:earlier], newest.stamp_ns)
            moment = np.minimum(moment, earlier)
        # What the call before has told is not told, nor learnt from, again.
        again = int((int(moments_ns[0]), *basis) == self._last)
        self._last = (int(moments_ns[-1]), *basis)
        views = [
            _read_view(frames, known, moments_ns, self._points * SEEN_COLUMNS)
            for frames, known in zip(shown, self._known.values(), strict=True)
        ]
        late_ns = np.stack([view.late_ns for view in views], axis=1)
        usable = (late_ns <= LONGEST_LATE_NS) | (late_ns == late_ns.min(axis=1, keepdims=True))
        usable &= late_ns < NEVER_LATE_NS
        age_ns = stamps_ns - moments_ns[moment]
        best = late_ns.argmin(axis=1)[moment]
        flags = np.zeros(asked, FlagBits)
        if age_ns[-1] or late_ns.any():
            for k, (view, known) in enumerate(zip(views, self._known.values(), strict=True)):
                if (chosen := best == k).any():
                    own_ns = (age_ns + late_ns[moment, k])[chosen]
                    flags[chosen] = known.age_flags(own_ns, view.held)
        hidden = hidden_in_all(np.stack([view.flags for view in views], axis=1), usable)
        self._hidden = hidden[-1]
        doubt = np.stack([view.doubt for view in views], axis=1)
        seen = np.stack([view.seen for view in views], axis=1)
        seen = seen.reshape(len(moments_ns), len(views), self._points, SEEN_COLUMNS)
        return Sights(
            moments_ns[again:],
            stamps_ns[again : len(moments_ns)],
            seen[again:],
            usable[again:],
            doubt[again:],
            moment - again,
            age_ns,
            flags | hidden[moment],
        )

    def _as_before(self, stamps_ns: NDArray[np.int64], newest: Arrival[Seen]) -> Sights:
        """Read instants of which no view knows more than of the last: only points grow older."""
        age_ns = stamps_ns - newest.stamp_ns
        known = next(k for k in self._known.values() if any(f is newest for f in k.frames))
        flags = known.age_flags(age_ns, known.frames[-1] is not newest)
        moment = np.full(len(stamps_ns), -1)
        return self._nothing()._replace(moment=moment, age_ns=age_ns, flags=flags | self._hidden)


class _View(NamedTuple):
    """One view at some moments."""

    seen: NDArray[np.float32]
    late_ns: NDArray[np.int64]
    """How much earlier than the moment its frame was exposed; 0 between two frames."""
    doubt: NDArray[np.float64]
    flags: NDArray[FlagBits]
    held: bool
    """Whether frames without anybody have followed."""


def _read_view(
    frames: Sequence[Arrival[Seen]],
    known: KnownFrames,
    moments_ns: NDArray[np.int64],
    width: int,
) -> _View:
    """Bring a view's frames that saw somebody to some moments: between them, or beyond the last."""
    count = len(moments_ns)
    view = _View(
        np.zeros((count, width), np.float32),
        np.full(count, NEVER_LATE_NS),
        np.zeros(count),
        np.zeros(count, FlagBits),
        bool(frames) and known.frames[-1] is not frames[-1],
    )
    places = np.searchsorted([frame.stamp_ns for frame in frames], moments_ns, side="right") - 1
    for place in range(max(0, int(places[0])), int(places[-1]) + 1):
        span = slice(*np.searchsorted(places, (place, place + 1)).tolist())
        at, after = frames[place], frames[place + 1 : place + 2]
        start, end = (at, after[0]) if after else (frames[max(0, place - 1)], at)
        since_ns, gap_ns = moments_ns[span] - at.stamp_ns, end.stamp_ns - start.stamp_ns
        joined = 0 < gap_ns <= known.stale_ns
        late = since_ns / NS_PER_S
        view.late_ns[span] = 0 if joined and after else since_ns
        if joined:
            reached_ns = since_ns + at.stamp_ns - start.stamp_ns
            view.seen[span] = line(start, end, np.minimum(reached_ns, 2 * gap_ns))
            view.flags[span] = start.item.flags | end.item.flags
            if not after:
                view.doubt[span] = ACCELERATION_M_S2 / 2 * late * (late + gap_ns / NS_PER_S)
        else:
            view.seen[span] = at.item.row
            view.flags[span] = at.item.flags
            view.doubt[span] = SPEED_M_S * late
    return view
