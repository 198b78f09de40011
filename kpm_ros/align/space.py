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

At each instant the views that know the hand best (`align/sights.py`) are brought together
(`align/triangulation.py`). A view that is missing makes the points less sure, not absent.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.arrivals import NEVER_NS, Arrival, Outcome
from kpm_ros.align.pose import PoseRules, ViewTiming
from kpm_ros.align.seen import Seen
from kpm_ros.align.sights import Sights, views_of
from kpm_ros.align.triangulation import HandInstants, HandSolver, SpaceRules, Strike
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.registration import Registration
from kpm_ros.core.streams import Landmarks
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, LandmarkFrame

MOST_STRIKES = 256
LATEST_STRIKE_NS = round(0.05 * NS_PER_S)
"""A key that went down longer ago than this says nothing of where fingertips are."""
UNREGISTERED = Flag.UNFAMILIAR | Flag.UNREGISTERED | Flag.POSE_STALE | Flag.POSE_LOST


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
        cameras = registration.cameras if registration else {}
        self._views = views_of(stream, tuple(cameras), rules, needed) if cameras else None
        self.solver = HandSolver(cameras, stream.skeleton, space) if cameras else None
        self.newest: HandInstants | None = None
        """What the last read found, covariance included."""
        self._hidden_below = rules.hidden_below
        self._strikes: list[tuple[int, KeyEvent]] = []

    @property
    def wait_ns(self) -> int:
        """How long a grid sample waits for the views, at present."""
        return self._views.wait_ns if self._views else 0

    @property
    def known_ns(self) -> int:
        """Instant up to which frames, not only the wait, have settled the points."""
        return self._views.known_ns if self._views else NEVER_NS

    @property
    def dropped(self) -> int:
        """Frames given up because more came than are kept."""
        return self._views.dropped if self._views else 0

    @property
    def newest_used(self) -> Arrival[Seen] | None:
        """Newest frame behind the last instant that was read."""
        return self._views.newest_used if self._views else None

    @property
    def timings(self) -> dict[str, ViewTiming]:
        """What each view's frames ask for at present, and what they are given."""
        return self._views.timings if self._views else {}

    def push(self, frame: LandmarkFrame, received_ns: int) -> Outcome:
        """Take in a frame of any registered view; of no use, but not wrong, where none is."""
        return self._views.push(frame, received_ns) if self._views else Outcome.TAKEN

    def push_key_event(self, event: KeyEvent, received_ns: int) -> None:
        """Take in a key that went down: a fingertip is there, which tells how large a hand is."""
        if event.kind is KeyEventKind.NOTE_ON and self._views:
            usable_ns = max(event.stamp_ns, self.settled_until(received_ns) + 1)
            if usable_ns - event.stamp_ns <= LATEST_STRIKE_NS:
                self._strikes.append((usable_ns, event))
                del self._strikes[:-MOST_STRIKES]

    def settled_until(self, now_ns: int) -> int:
        """Newest instant whose points nothing to come can change any more."""
        return self._views.settled_until(now_ns) if self._views else now_ns

    def read(self, stamps_ns: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[FlagBits]:
        """Fill in points at increasing, settled instants, each read once; give their flags."""
        values[:] = self.stream.missing
        if self._views is None or self.solver is None:
            return np.full(len(stamps_ns), UNREGISTERED, FlagBits)
        sights = self._views.see(stamps_ns)
        found = self.solver.solve(
            sights.moments_ns,
            sights.seen,
            sights.usable,
            doubt=sights.doubt,
            visible_from=self._hidden_below,
            strikes=self._strikes_at(sights),
        )
        # The last moment of the call before may be told again.
        found = (self.newest or self.solver.nothing(1)).and_then(found)
        self.newest = found.last
        told, width = sights.moment + 1, self.stream.points_width
        values[:, :width] = found.points[told].reshape(len(stamps_ns), -1)
        if self.stream.measures:
            values[:, width] = sights.age_ns / NS_PER_S
            values[:, width + 1] = found.spread[told]
        lost = ~found.found[told]
        values[lost] = self.stream.missing
        sights.flags[lost] |= FlagBits(Flag.POSE_STALE | Flag.POSE_LOST)
        return sights.flags

    def reset(self) -> None:
        """Forget every frame; the hand's size too, as another may come."""
        if self._views is not None and self.solver is not None:
            self._views.reset()
            self.solver.reset()
        self._strikes.clear()
        self.newest = None

    def _strikes_at(self, sights: Sights) -> list[Strike]:
        """Keys that went down, each at the first moment that tells of it."""
        struck, left = [], []
        for usable_ns, event in self._strikes:
            told = (sights.asked_ns >= usable_ns) & (sights.moments_ns >= event.stamp_ns)
            if told.any():
                struck.append(Strike(int(told.argmax()), event.note))
            else:
                left.append((usable_ns, event))
        self._strikes = left
        return struck
