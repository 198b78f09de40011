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

"""How long a stream that tells of itself regularly may be silent before it is late."""

from __future__ import annotations

from bisect import insort

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.arrivals import NEVER_NS
from kpm_ros.align.cadence import REMEMBERED, usual_gap_ns

LATE_GAPS = 1.5
"""Of the usual gaps: so much longer than they ever are, something did not come."""
NEVER_LATE_NS = int(np.iinfo(np.int64).max)
"""Longer than any silence: of a stream that has not shown yet that it is regular."""
MOST_CHANGES = 64
"""Kept of them: more than happen while a sample waits."""


class Regularity:
    """The silence after which a stream is late, at each instant by what had come in time for it.

    It follows from stamps and times of receipt alone: how often anybody looks changes nothing.
    """

    def __init__(self, least_ns: int, wait_ns: int) -> None:
        """Never late within `least_ns`; what comes counts for instants that still wait so long."""
        self._least_ns, self._wait_ns = least_ns, wait_ns
        self.clear()

    def add(self, stamp_ns: int, received_ns: int) -> None:
        """Take in that something came."""
        insort(self._stamps_ns, stamp_ns)
        del self._stamps_ns[:-REMEMBERED]
        gap_ns = usual_gap_ns(self._stamps_ns)
        late_ns = max(self._least_ns, round(LATE_GAPS * gap_ns)) if gap_ns else NEVER_LATE_NS
        if late_ns != self._late_ns[-1]:
            self._from_ns.append(max(self._from_ns[-1], received_ns - self._wait_ns))
            self._late_ns.append(late_ns)
            del self._from_ns[:-MOST_CHANGES], self._late_ns[:-MOST_CHANGES]

    def late_ns(self, stamps_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Longest silence of a stream that is not late, at instants."""
        place = np.searchsorted(self._from_ns, stamps_ns, side="right") - 1
        return np.asarray(self._late_ns, np.int64)[np.maximum(place, 0)]

    def clear(self) -> None:
        """Forget what came."""
        self._stamps_ns: list[int] = []
        self._from_ns, self._late_ns = [NEVER_NS], [NEVER_LATE_NS]
