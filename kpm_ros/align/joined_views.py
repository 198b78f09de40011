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

"""What several views see at the same instants, each read by straight lines between its frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.arrivals import Arrival, Outcome
from kpm_ros.align.frame_reading import Seen
from kpm_ros.align.pose import PoseStream
from kpm_ros.align.pose_rules import PoseRules, ViewTiming
from kpm_ros.align.sights import SEEN_COLUMNS, Sights, hidden_in_all
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.streams import Landmarks
from kpm_ros.sense.samples import LandmarkFrame

_OF_AGE = FlagBits(Flag.HELD | Flag.EXTRAPOLATED | Flag.POSE_STALE | Flag.POSE_LOST)


class JoinedViews:
    """Views that wait for the frame after each instant."""

    def __init__(self, views: Sequence[Landmarks], rules: PoseRules, needed: Sequence[int]) -> None:
        """Start without any frame; `needed` are the points that must not be hidden."""
        self._points = len(views[0].skeleton)
        self._views = {
            view.name: PoseStream(view, rules, needed, tells_visibility=True) for view in views
        }

    @property
    def wait_ns(self) -> int:
        """As long as the slowest view asks for."""
        return max(view.wait_ns for view in self._views.values())

    @property
    def known_ns(self) -> int:
        """Instant up to which frames of all views have settled the points."""
        return min(view.known_ns for view in self._views.values())

    @property
    def dropped(self) -> int:
        """Frames given up because more came than are kept."""
        return sum(view.dropped for view in self._views.values())

    @property
    def newest_used(self) -> Arrival[Seen] | None:
        """Newest frame behind the last instant that was read."""
        used = [found for view in self._views.values() if (found := view.newest_used) is not None]
        return max(used, key=lambda frame: frame.stamp_ns, default=None)

    @property
    def timings(self) -> dict[str, ViewTiming]:
        """What each view's frames ask for at present, and what they are given."""
        return {name: view.timing for name, view in self._views.items()}

    def push(self, frame: LandmarkFrame, received_ns: int) -> Outcome:
        """Take a frame in."""
        view = self._views.get(frame.view)
        return Outcome.REFUSED if view is None else view.push(frame, received_ns)

    def settled_until(self, now_ns: int) -> int:
        """Newest instant that nothing to come can change any more."""
        return min(view.settled_until(now_ns) for view in self._views.values())

    def see(self, stamps_ns: NDArray[np.int64]) -> Sights:
        """Read every view at each instant."""
        count = len(stamps_ns)
        seen = np.empty((count, len(self._views), self._points, SEEN_COLUMNS), np.float32)
        flags = np.empty((count, len(self._views)), FlagBits)
        rows = np.empty((count, self._points * SEEN_COLUMNS), np.float32)
        for k, view in enumerate(self._views.values()):
            flags[:, k] = view.read(stamps_ns, rows)
            seen[:, k] = rows.reshape(count, self._points, SEEN_COLUMNS)
        usable, said = best_views(flags)
        doubt = np.zeros(usable.shape)
        age_ns = np.zeros(count, np.int64)
        return Sights(stamps_ns, seen, usable, doubt, np.arange(count), age_ns, said)

    def reset(self) -> None:
        """Forget every frame."""
        for view in self._views.values():
            view.reset()


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
    return usable, of_age.astype(FlagBits) | hidden_in_all(flags, usable)
