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

"""A recording's time while it is played: it runs, stands still, runs at another rate, or jumps."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from kpm_ros.core.grid import NS_PER_S
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.bag_file import BagMessage
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.topics import TopicFinder


def open_senses(
    path: Path, start_s: float = 0.0, namespace: str = "", only: Collection[str] = ()
) -> tuple[BagReader, dict[str, str]]:
    """Open a bag that is to be played, and find what its senses said by the pipeline's own names.

    A bag without that, and one that is over before the start, are refused.
    """
    bag = BagReader(path)
    try:
        found = TopicFinder(bag, namespace, only).senses()
        if bag.span_ns is None:
            raise BagError(f"the bag {path} holds no message")
        length_s = (bag.span_ns[1] - bag.span_ns[0]) / NS_PER_S
        if start_s > length_s:
            raise BagError(f"start_s is {start_s:g}, but the bag is {length_s:.1f} s long")
    except BaseException:
        bag.close()
        raise
    return bag, found


class PlaybackClock:
    """Says which instant of a recording is played at which instant of a steady clock."""

    def __init__(self, start_ns: int, end_ns: int, rate: float = 1.0) -> None:
        """Stand still at the start; `end_ns` is never passed."""
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.rate = rate
        self.running = False
        self._at_ns = start_ns
        self._since_ns = 0

    def at(self, steady_ns: int) -> int:
        """Instant of the recording at this instant of the steady clock."""
        passed_ns = round((steady_ns - self._since_ns) * self.rate) if self.running else 0
        return min(self._at_ns + max(0, passed_ns), self.end_ns)

    def run(self, steady_ns: int) -> None:
        """Go on from where it stands."""
        self._settle(steady_ns)
        self.running = True

    def pause(self, steady_ns: int) -> None:
        """Stand still."""
        self._settle(steady_ns)
        self.running = False

    def set_rate(self, rate: float, steady_ns: int) -> None:
        """Run at another rate from now on."""
        self._settle(steady_ns)
        self.rate = rate

    def seek(self, instant_ns: int, steady_ns: int) -> None:
        """Jump to an instant, or to the end that is nearer to it."""
        self._at_ns = min(max(instant_ns, self.start_ns), self.end_ns)
        self._since_ns = steady_ns

    def _settle(self, steady_ns: int) -> None:
        self._at_ns = self.at(steady_ns)
        self._since_ns = steady_ns


class MessageQueue:
    """A recording's messages, taken as their time comes."""

    def __init__(self, bag: BagReader, topics: Collection[str]) -> None:
        """Begin before the first message; an empty bag is refused."""
        if bag.span_ns is None:
            raise BagError(f"the bag {bag.folder} holds no message")
        self._bag = bag
        self._topics = topics
        self.seek(bag.span_ns[0])

    def seek(self, instant_ns: int) -> None:
        """Go on with the first message received at this instant or later."""
        self._messages = self._bag.messages(self._topics, instant_ns)
        self._next = next(self._messages, None)

    def take(self, until_ns: int) -> list[BagMessage]:
        """Take what was received until this instant and has not been taken."""
        taken = []
        while self._next is not None and self._next.stamp_ns <= until_ns:
            taken.append(self._next)
            self._next = next(self._messages, None)
        return taken
