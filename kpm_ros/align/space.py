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

At each instant what the views see (`joined_views`, `newest_views`) is brought together
(`triangulation`). A view that is missing makes the points less sure, not absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.arrivals import NEVER_NS, Arrival, Outcome
from kpm_ros.align.frame_reading import Seen
from kpm_ros.align.hand_instants import HandInstants
from kpm_ros.align.joined_views import JoinedViews
from kpm_ros.align.newest_views import NewestViews
from kpm_ros.align.pose_rules import PoseRules, ViewTiming
from kpm_ros.align.recent_frames import LATEST_NS, SPAN_NS, RecentFrames
from kpm_ros.align.sights import Views
from kpm_ros.align.space_rules import SpaceRules
from kpm_ros.align.triangulation import HandSolver
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.registration import Registration
from kpm_ros.core.streams import IMAGE, NEWEST, Landmarks
from kpm_ros.sense.samples import KeyEvent, LandmarkFrame

LOST = FlagBits(Flag.POSE_STALE | Flag.POSE_LOST)
UNREGISTERED = LOST | FlagBits(Flag.UNFAMILIAR | Flag.UNREGISTERED)


class HandAt(NamedTuple):
    """A hand at some instants."""

    points: NDArray[np.float64]
    """(instants, points, 3)"""
    age_s: NDArray[np.float64]
    spread_m: NDArray[np.float64]
    """Root mean square of the coordinates' standard errors."""
    found: NDArray[np.bool_]
    flags: NDArray[FlagBits]


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
        self.newest_ns = 0
        """When that was."""
        self._hidden_below = rules.hidden_below
        self._recent = RecentFrames(stream, tuple(cameras)) if cameras else None
        self._span = 0
        self._asked: tuple[tuple[int, int], HandAt] | None = None

    @property
    def registered(self) -> bool:
        """Whether it is known where any camera stands."""
        return self._views is not None

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
        if self._views is None or self._recent is None:
            return Outcome.TAKEN
        outcome = self._views.push(frame, received_ns)
        if outcome is not Outcome.REFUSED:
            self._recent.push(frame, received_ns)
        return outcome

    def push_key_event(self, event: KeyEvent, received_ns: int) -> None:
        """Take in a key that went down: a fingertip is there, which tells how large a hand is."""
        if self._recent is not None:
            self._recent.push_key_event(event, received_ns)

    def register(self, registration: Registration) -> None:
        """Let the same cameras stand elsewhere from the next instant on."""
        self.registration = registration
        if self.solver is not None:
            solver = self.solver
            self.solver = HandSolver(registration.cameras, solver.skeleton, solver.rules)

    def settled_until(self, now_ns: int) -> int:
        """Newest instant whose points nothing to come can change any more."""
        return self._views.settled_until(now_ns) if self._views else now_ns

    def read(self, stamps_ns: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[FlagBits]:
        """Fill in points at increasing, settled instants, each read once; give their flags."""
        values[:] = self.stream.missing
        at = self.at(stamps_ns)
        width = self.stream.points_width
        found = slice(None) if at.found.all() else at.found
        values[found, :width] = at.points[found].reshape(-1, width)
        if self.stream.measures:
            values[found, width] = at.age_s[found]
            values[found, width + 1] = at.spread_m[found]
        return at.flags

    def at(self, stamps_ns: NDArray[np.int64]) -> HandAt:
        """Points at increasing, settled instants; those of the call before may be asked for again.

        Several views of one hand are made out of it so.
        """
        asked = (int(stamps_ns[0]), len(stamps_ns))
        if self._asked is None or self._asked[0] != asked:
            self._asked = (asked, self._at(stamps_ns))
        return self._asked[1]

    def _at(self, stamps_ns: NDArray[np.int64]) -> HandAt:
        if self._views is None or self.solver is None:
            count = len(stamps_ns)
            return HandAt(
                np.zeros((count, len(self.stream.skeleton), 3)),
                np.zeros(count),
                np.zeros(count),
                np.zeros(count, np.bool_),
                np.full(count, UNREGISTERED, FlagBits),
            )
        first, last = ((int(stamps_ns[k]) - LATEST_NS) // SPAN_NS for k in (0, -1))
        if first == last:
            return self._within_span(stamps_ns, first)
        # Asked for at once, or one span after the other, they must be the same.
        turns_ns = [span * SPAN_NS + LATEST_NS for span in range(first + 1, last + 1)]
        turns = sorted({*np.searchsorted(stamps_ns, turns_ns).tolist()})
        found = [
            self._within_span(stamps_ns[start:stop], (int(stamps_ns[start]) - LATEST_NS) // SPAN_NS)
            for start, stop in pairwise((0, *turns, len(stamps_ns)))
        ]
        return HandAt(*map(np.concatenate, zip(*found, strict=True)))

    def _within_span(self, stamps_ns: NDArray[np.int64], span: int) -> HandAt:
        """Points at instants during which nothing new is learnt, but before them."""
        assert self._views is not None
        assert self.solver is not None
        assert self._recent is not None
        if span != self._span:
            self._span = span
            past = self._recent.span_before(int(stamps_ns[0]))
            self.solver.learn(
                past.moments_ns,
                past.seen,
                past.usable,
                visible_from=self._hidden_below,
                strikes=past.strikes,
            )
        sights = self._views.see(stamps_ns)
        # The last moment of the call before may be told again.
        found, told = self.newest or self.solver.nothing(1), sights.moment + 1
        if len(sights.moments_ns):
            new = self.solver.solve(
                sights.moments_ns,
                sights.seen,
                sights.usable,
                doubt=sights.doubt,
                visible_from=self._hidden_below,
            )
            if told.min() > 0:
                found, told = new, told - 1
            else:
                found = HandInstants.joined((found, new))
            self.newest_ns = int(sights.moments_ns[-1])
        self.newest = found.last
        known, flags = found.found[told], sights.flags
        if not known.all():
            flags = np.where(known, flags, flags | LOST).astype(FlagBits)
        age_s = sights.age_ns / NS_PER_S
        return HandAt(found.points[told], age_s, found.spread[told], known, flags)

    def reset(self) -> None:
        """Forget every frame; the hand's size too, as another may come."""
        if self._views is not None and self.solver is not None and self._recent is not None:
            self._views.reset()
            self._recent.clear()
            self.solver.reset()
        self.newest = self._asked = None


def views_of(
    hand: Landmarks, views: Sequence[str], rules: PoseRules, needed: Sequence[int]
) -> Views:
    """Open the views out of which a hand's stream comes, with the timing that it has."""
    kind = NewestViews if hand.timing == NEWEST else JoinedViews
    opened = [Landmarks(view, hand.skeleton, 3, IMAGE, hand.rate_hz) for view in views]
    return kind(opened, rules, needed)
