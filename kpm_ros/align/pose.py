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

"""One camera view's landmarks as a signal that can be read at any instant."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.arrivals import NEVER_NS, Arrival, Outcome
from kpm_ros.align.cadence import Cadence, usual_gap_ns
from kpm_ros.align.frame_reading import Seen, look_through
from kpm_ros.align.pose_rules import PoseRules, ViewTiming
from kpm_ros.align.view_frames import ViewFrames
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.streams import Landmarks
from kpm_ros.sense.samples import LandmarkFrame

JOINED_GAPS = 2.5
"""Frames up to this many of a camera's usual gaps apart are joined, and waited for as long: so that
one lost frame is bridged, whatever the camera's rate."""


class PoseStream:
    """Frames of one view, read by straight lines between them.

    Between two frames that both saw the hand and are not too far apart, the pose is
    interpolated. Where the frame after the instant saw no hand, is further away, or did not come in
    time, the last seen pose is held, or extrapolated for a while if the rules say so, and flagged.
    Where no frame at all came in time, its age counts until the wait was over: that is when the
    camera is known to be silent.

    A frame with the very hand of the one before counts as if it had not come, unless the rules say
    otherwise (`ViewFrames`): a camera that stands still is silent.
    """

    def __init__(
        self,
        view: Landmarks,
        rules: PoseRules,
        needed: Sequence[int] = (),
        *,
        tells_visibility: bool = False,
    ) -> None:
        """Start without any frame; `needed` are the points that must not be hidden.

        With `tells_visibility` each point has a column more, which says how visible it is.
        """
        self.rules = rules
        self._tells_visibility = tells_visibility
        self._needed = list(needed)
        self.newest_used: Arrival[Seen] | None = None
        """Newest frame behind the last instant that was read."""
        self._view = view
        self._usual_gap_ns = round(NS_PER_S / view.rate_hz)
        """Gap between frames, until they have told it themselves."""
        self._least_wait_ns = round(rules.wait_s * NS_PER_S)
        self._longest_wait_ns = round(rules.longest_wait_s * NS_PER_S)
        self._least_stale_ns = round(rules.stale_s * NS_PER_S)
        self._lost_ns = round(rules.lost_s * NS_PER_S)
        self._extrapolate_ns = round(rules.extrapolate_s * NS_PER_S)
        self._cadence = Cadence()
        self.wait_ns = self._asked_wait_ns()
        """How long a grid sample waits for the frame after it, at present."""
        self._frames = ViewFrames(self.wait_ns, may_repeat=rules.may_repeat)
        self._came = 0

    @property
    def known_ns(self) -> int:
        """Instant up to which frames, not only the wait, have settled the pose."""
        return self._frames.known_ns

    @property
    def dropped(self) -> int:
        """Frames given up because more came than are kept."""
        return self._frames.dropped

    @property
    def timing(self) -> ViewTiming:
        """What the view's frames ask for at present, and what they are given."""
        in_ns = (self._cadence.gap_ns, self._cadence.delay_ns, self.wait_ns)
        return ViewTiming(self._came, *(time_ns / NS_PER_S for time_ns in in_ns))

    def push(self, frame: LandmarkFrame, received_ns: int) -> Outcome:
        """Take a frame in; a repeat, or one whose points are impossible, is refused."""
        seen = look_through(
            frame, self._view, self._needed, self.rules.hidden_below, self._tells_visibility
        )
        if seen is None:
            return Outcome.REFUSED
        stamp_ns = frame.stamp_ns
        outcome = self._frames.add(seen, stamp_ns, stamp_ns, frame.index, 1, received_ns)
        if outcome is not Outcome.REFUSED:
            self._came += 1
            if self._frames.tells(stamp_ns):
                self._cadence.add(stamp_ns, frame.processed_ns)
                self.wait_ns = self._asked_wait_ns()
                self._frames.wait_from(received_ns, self.wait_ns)
        return outcome

    def settled_until(self, now_ns: int) -> int:
        """Newest instant whose pose nothing to come can change any more."""
        return self._frames.settled_until(now_ns)

    def read(self, stamps_ns: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[FlagBits]:
        """Fill in the pose (n, columns) at increasing instants, each read only once."""
        values[:] = self._view.missing
        flags = np.full(len(stamps_ns), Flag.POSE_STALE | Flag.POSE_LOST, FlagBits)
        for part, frames in self._frames.usable(stamps_ns):
            news = self._frames.news(frames)
            exposed_ns = sorted({*self._frames.past_ns, *(frame.stamp_ns for frame in news)})
            self._read_part(stamps_ns[part], news, exposed_ns, values[part], flags[part])
        while self._frames.spent(int(stamps_ns[-1]), keep=2):
            self._frames.pop_oldest()
        return flags

    def reset(self) -> None:
        """Forget every frame."""
        self._frames.clear()
        self._cadence.clear()
        self.wait_ns = self._asked_wait_ns()
        self._frames.wait_from(NEVER_NS, self.wait_ns)
        self.newest_used = None

    def _asked_wait_ns(self) -> int:
        """How long the frame after an instant may take that would still be joined to the last."""
        gap_ns, delay_ns = self._cadence.gap_ns, self._cadence.delay_ns
        asked_ns = round(JOINED_GAPS * (gap_ns or self._usual_gap_ns)) + delay_ns * bool(gap_ns)
        return max(self._least_wait_ns, min(asked_ns, self._longest_wait_ns))

    def _joined_ns(self, exposed_ns: list[int]) -> int:
        """How far apart frames are joined, given when those that count were exposed."""
        return round(JOINED_GAPS * (usual_gap_ns(exposed_ns) or self._usual_gap_ns))

    def _stale_ns(self, exposed_ns: list[int]) -> int:
        """Age at which a pose is stale."""
        return max(self._least_stale_ns, min(self._joined_ns(exposed_ns), self._lost_ns))

    def _waited_ns(self, exposed_ns: list[int]) -> int:
        """How long at least a frame after an instant has been waited for, where none came."""
        joined_ns = self._joined_ns(exposed_ns)
        return max(self._least_wait_ns, min(joined_ns, self._longest_wait_ns))

    def _read_part(
        self,
        stamps_ns: NDArray[np.int64],
        frames: list[Arrival[Seen]],
        exposed_ns: list[int],
        pose: NDArray[np.float32],
        flags: NDArray[FlagBits],
    ) -> None:
        """Fill in pose and flags at instants that share the same frames."""
        instants = stamps_ns.tolist()
        seen: Arrival[Seen] | None = None
        for place, frame in enumerate(frames):
            previous, after = seen if frames[place - 1] is seen else None, None
            if frame.item.row is not None:
                seen = frame
            start, stop = bisect_left(instants, frame.stamp_ns), len(instants)
            if place + 1 < len(frames):
                after = frames[place + 1]
                stop = bisect_left(instants, after.stamp_ns)
            if start == stop:
                continue
            self.newest_used = frame
            if seen is None:
                continue
            part = slice(start, stop)
            age_ns = stamps_ns[part] - seen.stamp_ns
            until_ns = frame.stamp_ns if after is None else after.stamp_ns
            counted_ns = exposed_ns[: bisect_right(exposed_ns, until_ns)]
            stale_ns = self._stale_ns(counted_ns)
            if seen is frame and after is not None and _joins(seen, after, stale_ns):
                pose[part] = line(seen, after, age_ns)
                flags[part] = seen.item.flags | after.item.flags
                self.newest_used = after if instants[stop - 1] > seen.stamp_ns else frame
                continue
            silent = stamps_ns[part] > exposed_ns[-1]
            stale_at_ns = np.where(silent, max(0, stale_ns - self._waited_ns(counted_ns)), stale_ns)
            if seen is frame and previous is not None and self._goes_on(previous, seen, stale_ns):
                pose[part], flags[part] = self._extrapolated(previous, seen, age_ns, stale_at_ns)
                flags[part] |= previous.item.flags | seen.item.flags
            else:
                pose[part] = seen.item.row
                aged = age_flags(age_ns, 0, stale_at_ns, self._lost_ns)
                flags[part] = aged | FlagBits(seen.item.flags)

    def _goes_on(self, previous: Arrival[Seen], last: Arrival[Seen], stale_ns: int) -> bool:
        """Whether a pose is extrapolated from two frames."""
        return self._extrapolate_ns > 0 and _joins(previous, last, stale_ns)

    def _extrapolated(
        self,
        previous: Arrival[Seen],
        last: Arrival[Seen],
        age_ns: NDArray[np.int64],
        stale_ns: NDArray[np.int64],
    ) -> tuple[NDArray[np.float32], NDArray[FlagBits]]:
        """Let the pose go on as it moved between two frames for as long as the rules say."""
        flags = age_flags(age_ns, 0, stale_ns, self._lost_ns)
        flags[age_ns > 0] |= FlagBits(Flag.EXTRAPOLATED)
        flags[age_ns <= self._extrapolate_ns] &= FlagBits(~Flag.HELD)
        since_ns = np.minimum(age_ns, self._extrapolate_ns) + last.stamp_ns - previous.stamp_ns
        return line(previous, last, since_ns), flags


def age_flags(
    age_ns: NDArray[np.int64], held_ns: int, stale_ns: int | NDArray[np.int64], lost_ns: int
) -> NDArray[FlagBits]:
    """Say of points of increasing age whether they are held past their time, stale or lost."""
    flags = np.zeros(len(age_ns), FlagBits)
    if age_ns[-1] > held_ns:
        flags[age_ns > held_ns] = Flag.HELD
        flags[age_ns > stale_ns] |= FlagBits(Flag.POSE_STALE)
        flags[age_ns > lost_ns] |= FlagBits(Flag.POSE_LOST)
    return flags


def _joins(before: Arrival[Seen], after: Arrival[Seen], stale_ns: int) -> bool:
    """Whether two frames are near enough, and saw enough, to draw a line between them."""
    return after.item.row is not None and after.stamp_ns - before.stamp_ns <= stale_ns


def line(
    start: Arrival[Seen], end: Arrival[Seen], since_ns: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Pose on the straight line through two frames, so long after the first."""
    assert start.item.row is not None
    assert end.item.row is not None
    gap_ns = end.stamp_ns - start.stamp_ns
    share = np.asarray(since_ns / gap_ns, np.float32)[:, None]
    return np.asarray(start.item.row * (1 - share) + end.item.row * share)
