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

"""Frames of one camera view; one that shows the very hand of the frame before is no news."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from itertools import chain

from kpm_ros.align.arrivals import Arrival, Arrivals
from kpm_ros.align.cadence import REMEMBERED
from kpm_ros.align.frame_reading import Seen

ANY_GAP_NS = 2**62
MOST_FRAMES = 512
"""Frames remembered per view: more than any wait lasts, few enough never to grow."""


class ViewFrames(Arrivals[Seen]):
    """Frames in stamp order, of which those that stand still count as if they had not come.

    No camera sees a hand twice in the same place to the last bit: a frame that says so shows a
    picture that stands still. It settles nothing, so that the next news is waited for.
    """

    def __init__(self, wait_ns: int, *, may_repeat: bool) -> None:
        """Wait this long for news; with `may_repeat`, the same hand again is news, too."""
        super().__init__(wait_ns, ANY_GAP_NS, MOST_FRAMES)
        self.last_seen: Arrival[Seen] | None = None
        """Newest of the frames given up that saw a hand."""
        self.past_ns: list[int] = []
        """Stamps of the last frames given up that were news, in order."""
        self._may_repeat = may_repeat

    def news(self, frames: Iterable[Arrival[Seen]]) -> list[Arrival[Seen]]:
        """Leave out what is no news; put the last hand before frames that came after it."""
        seen = self.last_seen
        kept = [] if seen is None else [seen]
        for frame in frames:
            if seen is not None and frame.stamp_ns <= seen.stamp_ns:
                continue
            if self._is_news(seen, frame):
                kept.append(frame)
                seen = frame if frame.item.row is not None else seen
        return kept

    def tells(self, stamp_ns: int) -> bool:
        """Whether the frame with this stamp is news."""
        places = (k for k, piece in enumerate(self._pieces) if piece.stamp_ns == stamp_ns)
        return any(self._tells(place) for place in places)

    def pop_oldest(self) -> Arrival[Seen]:
        """Forget the oldest frame and give it; of news, what it saw and when is remembered."""
        oldest, seen = super().pop_oldest(), self.last_seen
        if self._is_news(seen, oldest):
            insort(self.past_ns, oldest.stamp_ns)
            del self.past_ns[:-REMEMBERED]
            newer = seen is None or oldest.stamp_ns > seen.stamp_ns
            self.last_seen = oldest if newer and oldest.item.row is not None else seen
        return oldest

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        self.last_seen = None
        self.past_ns.clear()

    def _tells(self, place: int) -> bool:
        before = chain(reversed(self._pieces[:place]), [self.last_seen])
        seen = next((f for f in before if f is not None and f.item.row is not None), None)
        return self._is_news(seen, self._pieces[place])

    def _is_news(self, seen: Arrival[Seen] | None, later: Arrival[Seen]) -> bool:
        return self._may_repeat or seen is None or not seen.item.same_as(later.item)
