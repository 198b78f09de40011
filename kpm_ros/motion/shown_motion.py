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

"""A movement of hands as something that cameras and keyboard meet: recorded, or generated."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hand_motion import HandMotion, MotionError, OneHandMotion
from kpm_ros.core.piano import FIRST_NOTE, PIANO_KEYS
from kpm_ros.core.stream_kinds import KEYBOARD
from kpm_ros.sense.midi.key_depth import RELEASE_S, minimum_jerk, press_time_s
from kpm_ros.sense.midi.score import Score
from kpm_ros.sense.samples import KeyEventKind
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import Move
from kpm_ros.simulate.strokes import playable
from kpm_ros.simulate.tracked_view import Visible

Array = NDArray[np.float64]

_ROUNDING_S = 1e-6


class Pace:
    """Which instant of a movement is shown when: from a start on, at a rate, once or over and over.

    >>> pace = Pace(2.0, 6.0, rate=2.0, loop=True)
    >>> pace.instants(np.array([0.0, 1.0, 2.5])).tolist()
    [2.0, 4.0, 3.0]
    """

    def __init__(self, start_s: float, end_s: float, rate: float = 1.0, loop: bool = False) -> None:
        """Show what is from one instant of the movement up to another."""
        self.start_s, self.end_s, self.rate, self.loop = start_s, end_s, rate, loop

    @property
    def period_s(self) -> float:
        """How long one pass takes."""
        return (self.end_s - self.start_s) / self.rate

    def instants(self, times_s: Array) -> Array:
        """Instants of the movement (n,) that are shown at these times; past the end after it."""
        if self.loop:
            times_s = times_s - np.floor(times_s / self.period_s) * self.period_s
        return self.start_s + times_s * self.rate

    def passes(self, since_s: float, until_s: float) -> range:
        """Which passes, counted from 0, are shown between two times."""
        if not self.loop:
            return range(1)
        return range(max(0, int(since_s // self.period_s)), int(until_s // self.period_s) + 1)


class MovingHand:
    """One hand as a camera meets it: not there where it is not known."""

    def __init__(self, motion: HandMotion, side: str, pace: Pace) -> None:
        """Show this hand of a movement whose landmarks are known."""
        hand: OneHandMotion = motion.hands[side]
        if hand.landmarks is None:
            raise MotionError(
                f"the {side} hand's landmarks are not known, and only they can be shown to a camera"
            )
        self._points = np.where(hand.visible[:, None, None], hand.landmarks, np.nan)
        self._start_s, self._rate_hz, self._pace = motion.start_s, motion.rate_hz, pace

    def landmarks(self, times_s: Array) -> Array:
        """Landmarks in the piano's frame (n, points, 3), by straight lines between frames."""
        return between(self._points, (self._pace.instants(times_s) - self._start_s) * self._rate_hz)


def between(frames: Array, at: Array) -> Array:
    """Draw frames (n, ...) by straight lines at places among them; beyond them nothing is known."""
    last = len(frames) - 1
    inside = (at >= -0.5) & (at <= last + 0.5)
    at = np.clip(at, 0.0, last)
    left = np.minimum(at.astype(np.int64), max(last - 1, 0))
    shape = (-1, *[1] * (frames.ndim - 1))
    part = (at - left).reshape(shape)
    before, after = frames[left], frames[np.minimum(left + 1, last)]
    # A frame beside one that is not known is known by itself.
    drawn = np.where(part == 0, before, before + part * (after - before))
    return np.where(inside.reshape(shape), drawn, np.nan)


class ShownMotion:
    """A movement and its notes as cameras and a keyboard meet them; it has no electrodes."""

    muscles: tuple[str, ...] = ()

    def __init__(
        self, motion: HandMotion, score: Score, pace: Pace | None = None, sides: Sequence[str] = ()
    ) -> None:
        """Show the movement, whose places are in the piano's frame, at a pace; or some hands."""
        if motion.frame != KEYBOARD:
            raise MotionError(
                f"places are in the frame {motion.frame!r}, but must be in the keyboard's for "
                "cameras and keys to meet them"
            )
        self.person = Person()
        self.pace = pace or Pace(motion.start_s, motion.start_s + motion.duration_s)
        shown = list(sides) or list(motion.hands)
        self._hands = {side: MovingHand(motion, side, self.pace) for side in shown}
        self._notes = playable(score).notes
        self._press_s = np.array([n.onset_s - press_time_s(n.velocity) for n in self._notes])
        self._up_s = np.array([note.end_s + RELEASE_S / 2 for note in self._notes])
        self._moves = self._one_pass(score)
        self._move_times = [move.time_s for move in self._moves]

    @property
    def hands(self) -> Mapping[str, Visible]:
        """What is in sight, by its side."""
        return self._hands

    def landmarks(self, times_s: Array) -> Array:
        """Landmarks of the first hand in the piano's frame: (n, points, 3) in metres."""
        return next(iter(self._hands.values())).landmarks(times_s)

    def activation(self, times_s: Array) -> Array:
        """Activation of no muscle: (n, 0); nobody measured any."""
        return np.zeros((len(times_s), 0))

    def key_depth(self, times_s: Array) -> NDArray[np.float32]:
        """Depth of every key: (n, keys), 0 at rest, 1 fully down, as notes tell it."""
        depth = np.zeros((len(times_s), PIANO_KEYS), np.float32)
        now = self.pace.instants(times_s)
        if not len(now):
            return depth
        for number in np.flatnonzero((self._press_s < now.max()) & (self._up_s > now.min())):
            note, press_s = self._notes[number], self._press_s[number]
            part = (now > press_s) & (now < self._up_s[number])
            down = minimum_jerk((now[part] - press_s) / (note.onset_s - press_s))
            up = minimum_jerk((now[part] - self._up_s[number] + RELEASE_S) / RELEASE_S)
            key = note.pitch - FIRST_NOTE
            depth[part, key] = np.maximum(depth[part, key], down - up)
        return depth

    def moves(self, since_s: float, until_s: float) -> Iterator[Move]:
        """List what the keyboard reports from one time up to, not including, another."""
        pace = self.pace
        for number in pace.passes(since_s, until_s):
            begun_s = number * pace.period_s if pace.loop else 0.0
            first, last = (
                bisect_left(self._move_times, pace.start_s + (at_s - begun_s) * pace.rate + off_s)
                for at_s, off_s in ((since_s, -_ROUNDING_S), (until_s, _ROUNDING_S))
            )
            for move in self._moves[first:last]:
                time_s = begun_s + (move.time_s - pace.start_s) / pace.rate
                if since_s <= time_s < until_s:
                    yield move._replace(time_s=time_s)

    def _one_pass(self, score: Score) -> list[Move]:
        """Notes and pedals of one pass, in order of time; nothing stays down at its end."""
        start_s, end_s = self.pace.start_s, self.pace.end_s
        moves = [
            Move(move.time_s, KeyEventKind.PEDAL, pedal=move.pedal, value=move.value)
            for move in score.pedals
            if start_s <= move.time_s < end_s
        ]
        for note in self._notes:
            if start_s <= note.onset_s < end_s:
                off_s = min(note.end_s, end_s - 2 * _ROUNDING_S)
                moves.append(Move(note.onset_s, KeyEventKind.NOTE_ON, note.pitch, note.velocity))
                moves.append(Move(off_s, KeyEventKind.NOTE_OFF, note.pitch))
        return sorted(moves, key=lambda move: move.time_s)
