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

"""A hand in the keyboard's frame, out of all registered cameras, as a signal like any other.

Every registered view is a `PoseStream` with its own waits; at each instant the views that know the
hand best are brought together. A view that is missing makes the points less sure, not absent.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.arrivals import NEVER_NS, Arrival, Outcome
from kpm_ros.align.pose import PoseRules, PoseStream
from kpm_ros.align.seen import Seen
from kpm_ros.align.triangulation import (
    SEEN_COLUMNS,
    HandInstants,
    HandSolver,
    SpaceRules,
    Strike,
)
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.registration import Registration
from kpm_ros.core.streams import IMAGE, Landmarks
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, LandmarkFrame

MOST_STRIKES = 256
LATEST_STRIKE_NS = round(0.05 * NS_PER_S)
"""A key that went down longer ago than this says nothing of where fingertips are."""
UNREGISTERED = Flag.UNFAMILIAR | Flag.UNREGISTERED | Flag.POSE_STALE | Flag.POSE_LOST
_OF_AGE = FlagBits(Flag.HELD | Flag.EXTRAPOLATED | Flag.POSE_STALE | Flag.POSE_LOST)


class HandInSpace:
    """Frames of all registered views, read as points in metres at any instant.

    Where no camera is registered nothing is known of the hand, and the flags say why.
    """

    def __init__(
        self,
        stream: Landmarks,
        registration: Registration | None,
        rules: PoseRules,
        space: SpaceRules | None = None,
        needed: Sequence[int] = (),
    ) -> None:
        """Start without any frame; `needed` are the points that must not be hidden."""
        self.stream = stream
        self.registration = registration
        cameras = dict(registration.cameras) if registration else {}
        self.views: dict[str, PoseStream] = {
            view: PoseStream(
                Landmarks(view, stream.skeleton, 3, IMAGE, stream.rate_hz),
                rules,
                needed,
                tells_visibility=True,
            )
            for view in cameras
        }
        self.solver = HandSolver(cameras, stream.skeleton, space) if cameras else None
        self.newest: HandInstants | None = None
        """What the last read found, covariance included."""
        self._hidden_below = rules.hidden_below
        self._strikes: list[tuple[int, Strike]] = []

    @property
    def wait_ns(self) -> int:
        """How long a grid sample waits for the slowest view, at present."""
        return max((view.wait_ns for view in self.views.values()), default=0)

    @property
    def known_ns(self) -> int:
        """Instant up to which frames of all views, not only the wait, have settled the points."""
        return min((view.known_ns for view in self.views.values()), default=NEVER_NS)

    @property
    def dropped(self) -> int:
        """Frames given up because more came than are kept."""
        return sum(view.dropped for view in self.views.values())

    @property
    def newest_used(self) -> Arrival[Seen] | None:
        """Newest frame behind the last instant that was read."""
        used = [found for view in self.views.values() if (found := view.newest_used) is not None]
        return max(used, key=lambda frame: frame.stamp_ns, default=None)

    def push(self, frame: LandmarkFrame, received_ns: int) -> Outcome:
        """Take in a frame of any registered view; of no use, but not wrong, where none is."""
        if self.solver is None:
            return Outcome.TAKEN
        view = self.views.get(frame.view)
        return Outcome.REFUSED if view is None else view.push(frame, received_ns)

    def push_key_event(self, event: KeyEvent, received_ns: int) -> None:
        """Take in a key that went down: a fingertip is there, which tells how large a hand is."""
        if event.kind is KeyEventKind.NOTE_ON and self.views:
            usable_ns = max(event.stamp_ns, self.settled_until(received_ns) + 1)
            if usable_ns - event.stamp_ns <= LATEST_STRIKE_NS:
                self._strikes.append((usable_ns, Strike(usable_ns, event.note)))
                del self._strikes[:-MOST_STRIKES]

    def settled_until(self, now_ns: int) -> int:
        """Newest instant whose points nothing to come can change any more."""
        return min((view.settled_until(now_ns) for view in self.views.values()), default=now_ns)

    def read(self, stamps_ns: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[FlagBits]:
        """Fill in points at increasing, settled instants, each read once; give their flags."""
        values[:] = self.stream.missing
        if self.solver is None:
            return np.full(len(stamps_ns), UNREGISTERED, FlagBits)
        seen, flags = self._see(stamps_ns)
        usable, said = best_views(flags)
        found = self.solver.solve(
            stamps_ns, seen, usable, self._hidden_below, self._take_strikes(int(stamps_ns[-1]))
        )
        self.newest = found
        rows = found.points.reshape(len(stamps_ns), -1)
        values[found.found, : rows.shape[1]] = rows[found.found]
        said[~found.found] |= FlagBits(Flag.POSE_STALE | Flag.POSE_LOST)
        return said

    def reset(self) -> None:
        """Forget every frame; the hand's size too, as another may come."""
        for view in self.views.values():
            view.reset()
        if self.solver is not None:
            self.solver.reset()
        self._strikes.clear()
        self.newest = None

    def _see(self, stamps_ns: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[FlagBits]]:
        """What each view sees at instants, and what it says of that: (instants, views, ...)."""
        count, points = len(stamps_ns), len(self.stream.skeleton)
        seen = np.empty((count, len(self.views), points, SEEN_COLUMNS), np.float32)
        flags = np.empty((count, len(self.views)), FlagBits)
        rows = np.empty((count, points * SEEN_COLUMNS), np.float32)
        for k, view in enumerate(self.views.values()):
            flags[:, k] = view.read(stamps_ns, rows)
            seen[:, k] = rows.reshape(count, points, SEEN_COLUMNS)
        return seen, flags

    def _take_strikes(self, until_ns: int) -> list[Strike]:
        """Keys that went down up to an instant, each taken once."""
        due = [strike for usable_ns, strike in self._strikes if usable_ns <= until_ns]
        self._strikes = [entry for entry in self._strikes if entry[0] > until_ns]
        return due


def best_views(flags: NDArray[FlagBits]) -> tuple[NDArray[np.bool_], NDArray[FlagBits]]:
    """Which views are used at each instant, given their flags (instants, views), and what is said.

    Those that are held are used only where no other is fresh, and stale ones only where all are.
    """
    lost, stale = (flags & Flag.POSE_LOST) != 0, (flags & Flag.POSE_STALE) != 0
    held = (flags & FlagBits(Flag.HELD | Flag.EXTRAPOLATED)) != 0
    worse = np.where(lost, 3, np.where(stale, 2, np.where(held, 1, 0)))
    best = worse.min(axis=1, keepdims=True)
    usable = (worse == best) & ~lost
    of_age = np.bitwise_or.reduce(np.where(worse == best, flags, 0), axis=1) & _OF_AGE
    hidden = np.bitwise_and.reduce(np.where(usable, flags, Flag.HIDDEN), axis=1) & Flag.HIDDEN
    return usable, (of_age | np.where(usable.any(axis=1), hidden, 0)).astype(FlagBits)
