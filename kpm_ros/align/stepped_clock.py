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

"""A clock that moves in steps, as a bag's player sets /clock, and what is received between them.

It stands still between steps, and is not known before the first of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

import numpy as np

LONGEST_STEP_NS = 500_000_000
"""A longer step is a jump to another place in a recording."""

KEPT_STEPS = 1000

OVERTAKEN_NS = 1_000_000
"""A step counts from so long after it was told, so that what was sent just before it has come, too:
topics overtake each other on their way."""

MOST_WAITING = 1000
MOST_WAITING_VALUES = 1_000_000
"""Samples that wait for a clock's next step, which may never come; and numbers in them."""


class Step(NamedTuple):
    """One step of the clock."""

    counts_from_ns: int
    """On the host's clock."""
    shown_ns: int


class SteppedClock:
    """Tells by a clock that moves in steps when something was received.

    `ros2 bag play --clock` steps by 25 ms times its rate. What the clock showed when a message was
    received follows from when both of them reached this process; looking at the clock only when
    the message is taken would make everything late that a busy moment has kept waiting.
    """

    def __init__(self) -> None:
        """Know no time yet."""
        self._steps: deque[Step] = deque(maxlen=KEPT_STEPS)
        self._coming: deque[Step] = deque(maxlen=KEPT_STEPS)
        """Those that do not count yet."""

    def tell(self, shown_ns: int, received_ns: int) -> None:
        """Note what the clock shows, and when that was heard on the host's clock."""
        self._coming.append(Step(received_ns + OVERTAKEN_NS, shown_ns))

    def advance(self, host_ns: int) -> list[Step]:
        """Let the steps count that are due, and give them."""
        found = []
        while self._coming and self._coming[0].counts_from_ns <= host_ns:
            found.append(self._coming.popleft())
        self._steps += found
        return found

    @property
    def shown_ns(self) -> int | None:
        """What the clock shows; None while nobody has set it."""
        return self._steps[-1].shown_ns if self._steps else None

    @property
    def heard_ns(self) -> int:
        """What was told last, whether it counts yet or not; 0 while nothing was."""
        newest = self._coming or self._steps
        return newest[-1].shown_ns if newest else 0

    @property
    def step_ns(self) -> int:
        """How long the clock's last step was; 0 for a jump, and before the second of them."""
        return self._length(len(self._steps) - 2) if len(self._steps) > 1 else 0

    def at(self, received_ns: int, stamp_ns: int = 0) -> int:
        """When a message with this stamp was received, given that instant on the host's clock.

        That was after one step and before the next; if its stamp is later than the first of them,
        then no earlier than its stamp.
        """
        place = max(0, bisect_right(self._steps, received_ns, key=itemgetter(0)) - 1)
        after_ns = self._steps[place].shown_ns
        step_ns = self._length(place if place + 1 < len(self._steps) else max(0, place - 1))
        return min(max(after_ns, stamp_ns), after_ns + step_ns)

    def _length(self, place: int) -> int:
        """How much time passed from one step to the next; 0 where there is none, or a jump."""
        if place + 1 >= len(self._steps):
            return 0
        length_ns = self._steps[place + 1].shown_ns - self._steps[place].shown_ns
        return length_ns if 0 < length_ns <= LONGEST_STEP_NS else 0


class Received(NamedTuple):
    """A sample on its way to whoever takes it in."""

    received_ns: int
    """On the host's clock."""
    sample: Any
    """Has a `stamp_ns`."""
    push: Callable[[Any, int], None]


class SteppedInputs:
    """Hands samples on between the clock's steps, however many of these have come since.

    At ten times real time, two steps are a jump; a busy moment must not make it one.
    """

    def __init__(self, clock: SteppedClock) -> None:
        """Hold nothing."""
        self.dropped = 0
        """Samples given up because too many waited."""
        self._clock = clock
        self._waiting: list[Received] = []

    def __len__(self) -> int:
        """Count the samples that wait for a step."""
        return len(self._waiting)

    def add(self, sample: Any, received_ns: int, push: Callable[[Any, int], None]) -> None:
        """Take in a sample; `push` is called with it and its time of receipt by the clock."""
        self._waiting.append(Received(received_ns, sample, push))

    def follow(self, host_ns: int, advance: Callable[[int], None]) -> None:
        """Push what was received before each step that is due, then call `advance` with its time.

        What was received since the last of them is pushed, too, unless its stamp says that the next
        step came first: that one will tell when it was received.
        """
        steps = self._clock.advance(host_ns)
        if self._clock.shown_ns is None:
            self._keep(self._waiting)
            return
        arrived = sorted(self._waiting, key=attrgetter("received_ns"))
        place = 0
        for step in steps:
            early = []
            while place < len(arrived) and arrived[place].received_ns < step.counts_from_ns:
                if not self._push(arrived[place]):
                    # It overtook this step on its way, and belongs after it.
                    early.append(arrived[place]._replace(received_ns=step.counts_from_ns))
                place += 1
            advance(step.shown_ns)
            arrived[place:place] = early
        self._keep([each for each in arrived[place:] if not self._push(each)])
        advance(self._clock.shown_ns)

    def _keep(self, waiting: list[Received]) -> None:
        self._waiting = _newest(waiting)
        self.dropped += len(waiting) - len(self._waiting)

    def _push(self, received: Received) -> bool:
        """Hand a sample on; False where it is to wait for a step."""
        stamp_ns = received.sample.stamp_ns
        at_ns = self._clock.at(received.received_ns, stamp_ns)
        if at_ns < stamp_ns <= self._clock.heard_ns + LONGEST_STEP_NS:
            return False
        received.push(received.sample, at_ns)
        return True


def _newest(waiting: list[Received]) -> list[Received]:
    """Keep no more than there is room for."""
    kept = waiting[-MOST_WAITING:]
    values = 0
    for place in range(len(kept) - 1, -1, -1):
        values += _values(kept[place].sample)
        if values > MOST_WAITING_VALUES:
            return kept[place + 1 :]
    return kept


def _values(sample: Any) -> int:
    held = (getattr(sample, spec.name) for spec in fields(sample))
    return sum(each.size for each in held if isinstance(each, np.ndarray))
