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

"""Key depth for pianos that only send notes: a plausible curve from each note event.

A note-on says how fast the key was struck, and from that follows how long the key took to go down:
about 25 ms for a forte and 160 ms for a piano touch on a grand piano (Askenfelt & Jansson 1990,
1991; Goebl, Bresin & Galembo 2005; all as others quote them), taken here for the loudest and the
softest; 20 to about 200 ms were found elsewhere. A live stream cannot know of a key before its
note-on, so the curve starts there, although the real key arrives at its bottom at about that
moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.piano import FIRST_NOTE, PIANO_KEYS
from kpm_ros.sense.samples import KeyEvent, KeyEventKind

SLOWEST_PRESS_S = 0.160
FASTEST_PRESS_S = 0.025
RELEASE_S = 0.050
MAX_SLOPE_PER_S = 1.875 / FASTEST_PRESS_S
"""Steepest key depth per second; 1.875 is the peak slope of `minimum_jerk`."""


def press_time_s(velocity: int) -> float:
    """How long a key takes to go down at this MIDI velocity; unknown (0) counts as mezzo-forte."""
    loudness = (min(velocity or 64, 127) - 1) / 126
    return SLOWEST_PRESS_S * float(FASTEST_PRESS_S / SLOWEST_PRESS_S) ** loudness


def minimum_jerk(part: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rise from 0 to 1 with minimum jerk as `part` goes from 0 to 1; outside, stay."""
    part = np.clip(part, 0.0, 1.0)
    return part * part * part * (part * (part * 6.0 - 15.0) + 10.0)


class _Ramp(NamedTuple):
    """One key moving from one depth to another."""

    start_ns: int
    length_ns: int
    depth: float
    target: float

    @property
    def end_ns(self) -> int:
        """When it has arrived."""
        return self.start_ns + self.length_ns

    def at(self, stamps_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Depth at each instant."""
        part = (stamps_ns - self.start_ns) / self.length_ns
        return np.asarray(self.depth + (self.target - self.depth) * minimum_jerk(part))


class _Key:
    """One key's present movement, and the one that is to follow it."""

    __slots__ = ("follow", "ramp", "struck_ns")

    def __init__(self, ramp: _Ramp) -> None:
        self.ramp = ramp
        self.follow: _Ramp | None = None
        self.struck_ns = ramp.start_ns

    @property
    def end_ns(self) -> int:
        """When the key comes to rest."""
        return self.follow.end_ns if self.follow else self.ramp.end_ns

    @property
    def rest(self) -> float:
        """Depth at which it comes to rest."""
        return self.follow.target if self.follow else self.ramp.target

    def at(self, stamps_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Depth at each instant."""
        depth = self.ramp.at(stamps_ns)
        if self.follow:
            later = stamps_ns >= self.follow.start_ns
            depth = np.where(later, self.follow.at(stamps_ns), depth)
        return np.clip(depth, 0.0, 1.0)

    def move(self, start_ns: int, seconds: float, target: float) -> None:
        """Leave for another depth from wherever the key is at that instant."""
        depth = float(self.at(np.array([start_ns], dtype=np.int64))[0])
        self.ramp = _Ramp(start_ns, round(seconds * 1e9), depth, target)
        self.follow = None


class _Page:
    """The depths one call of `sample` is to return, filled in key by key as time goes on."""

    def __init__(self, stamps_ns: NDArray[np.int64], rest: NDArray[np.float32]) -> None:
        self.stamps_ns = stamps_ns
        self.depth = np.empty((len(stamps_ns), len(rest)), dtype=np.float32)
        self.depth[:] = rest
        self._written: dict[int, int] = {}

    def write(self, number: int, key: _Key, before_ns: int) -> None:
        """Fill in a moving key's depth up to, not including, an instant."""
        since = self._written.get(number, 0)
        until = int(np.searchsorted(self.stamps_ns, before_ns))
        if until > since:
            self.depth[since:until, number] = key.at(self.stamps_ns[since:until])
            self._written[number] = until


class KeyDepthFromNotes:
    """Turns note events into the depth of every key, causally.

    Sample increasing instants, and give each call the events up to its newest instant, in the order
    of their stamps; whoever calls keeps those that are yet to act. However sampling is split into
    calls, the numbers are the same. An event of an instant that was sampled without it starts to
    act at the newest instant sampled, so that depth never jumps.

    - A note-on starts a press that lasts `press_time_s(velocity)`; on a key that is down it only
      renews the note.
    - A note-off starts a release of 50 ms. If the press is not over by then, the key first finishes
      it in 25 ms: a note that sounded has reached the bottom.
    - The pedals hold strings, not keys: they change nothing here.
    - A key held for `longest_hold_s` is stuck: its note-off was lost, by the piano or on the way.
      It is let go and counted in `stuck`. Nowhere else is a note given up.
    - Notes outside the keys are counted in `ignored`, and otherwise without effect.
    """

    def __init__(
        self,
        keys: int = PIANO_KEYS,
        first_note: int = FIRST_NOTE,
        longest_hold_s: float = 30.0,
    ) -> None:
        """Make a keyboard at rest."""
        if keys < 1:
            raise ValueError(f"keys must be at least 1, not {keys}")
        if longest_hold_s <= 0:
            raise ValueError(f"longest_hold_s must be above 0, not {longest_hold_s}")
        self.keys = keys
        self.first_note = first_note
        self._hold_ns = round(longest_hold_s * 1e9)
        self.reset()

    def reset(self) -> None:
        """Let go of everything at once and forget what happened."""
        self.ignored = 0
        self.stuck = 0
        self._rest = np.zeros(self.keys, dtype=np.float32)
        self._moving: dict[int, _Key] = {}
        self._down: dict[int, _Key] = {}
        self._sampled_ns: int | None = None

    def sample(
        self, stamps_ns: NDArray[np.int64], events: Sequence[KeyEvent] = ()
    ) -> NDArray[np.float32]:
        """Depth of every key at increasing instants: (instants, keys), 0 at rest, 1 fully down."""
        page = _Page(stamps_ns, self._rest)
        for event in events:
            self._apply(event, page)
        if not len(stamps_ns):
            return page.depth
        newest = int(stamps_ns[-1])
        self._give_up_stuck(list(self._down), newest, page)
        for number, key in list(self._moving.items()):
            page.write(number, key, newest + 1)
            if key.end_ns <= newest:
                self._rest[number] = key.rest
                del self._moving[number]
        self._sampled_ns = newest
        return page.depth

    def _give_up_stuck(self, numbers: Sequence[int], now_ns: int, page: _Page) -> None:
        """Let go, at its own time, of each key that has been held for too long by now."""
        for number in numbers:
            if number in self._down:
                stuck_ns = self._down[number].struck_ns + self._hold_ns
                if stuck_ns <= now_ns:
                    self.stuck += 1
                    self._let_go(number, stuck_ns, page)

    def _apply(self, event: KeyEvent, page: _Page) -> None:
        """Let one event act on the keys it concerns."""
        at_ns = event.stamp_ns
        if self._sampled_ns is not None:
            at_ns = max(at_ns, self._sampled_ns)
        if event.kind == KeyEventKind.ALL_NOTES_OFF:
            numbers = list(self._down)
        elif event.kind not in (KeyEventKind.NOTE_ON, KeyEventKind.NOTE_OFF):
            return
        elif 0 <= event.note - self.first_note < self.keys:
            numbers = [event.note - self.first_note]
        else:
            self.ignored += 1
            return
        self._give_up_stuck(numbers, at_ns, page)
        for number in numbers:
            if event.kind == KeyEventKind.NOTE_ON:
                self._strike(number, at_ns, event.velocity, page)
            elif number in self._down:
                self._let_go(number, at_ns, page)

    def _strike(self, number: int, at_ns: int, velocity: int, page: _Page) -> None:
        """Start a press."""
        length_s = press_time_s(velocity)
        if number in self._down:
            self._down[number].struck_ns = at_ns
            return
        key = self._moving.get(number)
        if key is None:
            key = _Key(_Ramp(at_ns, round(length_s * 1e9), 0.0, 1.0))
        else:
            page.write(number, key, at_ns)
            key.move(at_ns, length_s, 1.0)
            key.struck_ns = at_ns
        self._moving[number] = self._down[number] = key

    def _let_go(self, number: int, at_ns: int, page: _Page) -> None:
        """Start a release, after the press has been finished."""
        key = self._down.pop(number)
        self._moving[number] = key
        page.write(number, key, at_ns)
        if at_ns < key.ramp.end_ns:
            key.move(at_ns, FASTEST_PRESS_S, 1.0)
            key.follow = _Ramp(key.ramp.end_ns, round(RELEASE_S * 1e9), 1.0, 0.0)
        else:
            key.move(at_ns, RELEASE_S, 0.0)
