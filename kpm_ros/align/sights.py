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

"""What several views see of a hand at the same moments, whichever way their frames are timed."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.arrivals import Arrival, Awaited, Outcome
from kpm_ros.align.frame_reading import Seen
from kpm_ros.align.pose_rules import ViewTiming
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.sense.samples import LandmarkFrame

SEEN_COLUMNS = 4
"""Of each point in a view: x, y, relative depth, visibility."""


class Sights(NamedTuple):
    """What is seen of some instants that are asked for, by moments at which it is the case."""

    moments_ns: NDArray[np.int64]
    """When what is seen was so."""
    seen: NDArray[np.float32]
    """(moments, views, points, SEEN_COLUMNS)"""
    usable: NDArray[np.bool_]
    """(moments, views)"""
    doubt: NDArray[np.float64]
    """(moments, views): error that comes from a view's being late, in metres."""
    moment: NDArray[np.int64]
    """Of each instant asked for, which moment tells of it; -1 = that of the call before."""
    age_ns: NDArray[np.int64]
    """Of each instant asked for, by how much that moment is earlier."""
    flags: NDArray[FlagBits]
    """Of each instant asked for."""


class Views(Awaited, Protocol):
    """Registered views that are read together."""

    @property
    def newest_used(self) -> Arrival[Seen] | None:
        """Newest frame behind the last instant that was read."""

    @property
    def timings(self) -> dict[str, ViewTiming]:
        """What each view's frames ask for at present, and what they are given."""

    def push(self, frame: LandmarkFrame, received_ns: int) -> Outcome:
        """Take a frame in."""

    def see(self, stamps_ns: NDArray[np.int64]) -> Sights:
        """What is seen at increasing, settled instants, each asked for once."""


def hidden_in_all(flags: NDArray[FlagBits], usable: NDArray[np.bool_]) -> NDArray[FlagBits]:
    """Say of each instant whether every view that is used hides points: (instants, views)."""
    hides = (flags & Flag.HIDDEN) != 0
    all_hide = (hides | ~usable).all(axis=1) & usable.any(axis=1)
    return np.where(all_hide, FlagBits(Flag.HIDDEN), FlagBits(0))
