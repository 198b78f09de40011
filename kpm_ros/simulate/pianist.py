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

"""A simulated pianist: a score, a hand and its muscles as continuous signals, endlessly repeated.

`Performer` is what cameras, keyboard and electrodes ask for. `Pianist` answers it from a plan, a
`HandModel` and a `MuscleModel`; either can be replaced by a better one. Times are seconds since the
performance began, and increase within one call. Everything here is simulated.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.piano import FIRST_NOTE, MIDDLE_C, PIANO_KEYS
from kpm_ros.core.sides import RIGHT
from kpm_ros.sense.midi.key_depth import minimum_jerk
from kpm_ros.sense.midi.score import Score
from kpm_ros.sense.samples import KeyEventKind
from kpm_ros.simulate.crossing import Reach
from kpm_ros.simulate.fingering import HAND_OVER_KEYS, Manner
from kpm_ros.simulate.hand import HandModel, KinematicHand
from kpm_ros.simulate.movement import Movement
from kpm_ros.simulate.movement_plan import make_plan, reach_of
from kpm_ros.simulate.muscles import MuscleModel, PlainMuscles
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.strokes import LEAD_S, playable
from kpm_ros.simulate.tracked_view import Visible

_ROUNDING_S = 1e-6


class Move(NamedTuple):
    """Something the keyboard reports: a note on or off, or a pedal."""

    time_s: float
    kind: KeyEventKind
    note: int = 0
    velocity: int = 0
    pedal: int = 0
    value: float = 0.0


class Learnt(NamedTuple):
    """What a pianist works out of a score once, for a whole pass."""

    knots: NDArray[np.float64]
    activation: NDArray[np.float64]
    """(frames, muscles): of all of them."""


class Part(NamedTuple):
    """What a pianist's hand plays of a score."""

    lowest: int = MIDDLE_C
    """It takes notes from here up."""
    idle: int = MIDDLE_C
    """Where it rests with none to play."""
    period_s: float = 0.0
    """A pass takes so long, or longer. With a period, there may be nothing to play."""
    own_keys_only: bool = False
    """Whether somebody else plays what the hand does not; else that is played out of sight."""
    manner: Manner = HAND_OVER_KEYS
    """How its fingers are chosen."""
    over: Reach | None = None
    """The other hand, over which it is led where both are at the same keys."""


WHOLE = Part()
"""Of a right hand whose left one is not in sight."""


class Performer(Protocol):
    """Whatever plays: its signals at any increasing times from 0 on."""

    muscles: tuple[str, ...]
    person: Person

    @property
    def hands(self) -> Mapping[str, Visible]:
        """What is in sight, by its side."""

    def landmarks(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Landmarks of the right hand in the piano's frame: (n, points, 3) in metres."""

    def key_depth(self, times_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """Depth of every key: (n, keys), 0 at rest, 1 fully down."""

    def activation(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Activation of every muscle: (n, muscles), in 0..1."""

    def moves(self, since_s: float, until_s: float) -> Iterator[Move]:
        """List what the keyboard reports from one time up to, not including, another."""


class Pianist:
    """Plays a score with the right hand in sight, over and over."""

    def __init__(
        self,
        score: Score,
        seed: int = 0,
        person: Person | None = None,
        hand: HandModel | None = None,
        muscles: MuscleModel | None = None,
        learnt: Learnt | None = None,
        part: Part = WHOLE,
    ) -> None:
        """Learn the score: choose fingers and plan movements.

        What the same pianist has `learnt` of the same score before need not be worked out again.
        """
        self.person = person or Person()
        self.score = playable(score)
        if not (self.score.notes or part.period_s):
            raise ValueError(f"the score {score.name!r} has no note that a piano can play")
        self.hand = hand or KinematicHand(self.person)
        model = muscles or PlainMuscles(self.person, self.hand)
        self.muscles = model.names
        self.all_muscles = (*model.names, *model.deep)
        self.plan = make_plan(
            self.score, self.hand, part.lowest, part.idle, part.period_s, part.manner, part.over
        )
        self.period_s = self.plan.period_s
        knots = learnt.knots if learnt else None
        self._movement = Movement(self.plan, self.hand, self.person, seed, knots)
        strokes = self.plan.strokes
        self._sounding = strokes.finger >= (0 if part.own_keys_only else -1)
        by_press = np.argsort(strokes.press_s, kind="stable")
        self._by_press = by_press[self._sounding[by_press]]
        self._press_s = strokes.press_s[self._by_press]
        self._longest_s = float((strokes.end_s - strokes.press_s).max(initial=0.0))
        self._moves = self._one_pass()
        self._move_times = [move.time_s for move in self._moves]
        self._model = model
        self._known = learnt

    @cached_property
    def _activation(self) -> NDArray[np.float64]:
        """Activation of all muscles, worked out when it is first asked for: it takes longest."""
        if self._known:
            return self._known.activation
        times = self._movement.times_s
        return self._model.activation(
            self._movement.at(times), self._force(times), self._movement.rate_hz
        )

    @property
    def reach(self) -> Reach:
        """From where to where along the keys the hand is, all through a pass."""
        return reach_of(self.plan, self.hand)

    @property
    def learnt(self) -> Learnt:
        """What took time to learn."""
        return Learnt(self._movement.knots, self._activation)

    @property
    def hands(self) -> Mapping[str, Visible]:
        """What is in sight, by its side."""
        return {RIGHT: self}

    def posture(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Posture of the right hand: (n, d), as its hand model reads it."""
        return self._movement.at(self._within(times_s))

    def landmarks(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Landmarks of the right hand in the piano's frame: (n, points, 3) in metres."""
        return self.hand.landmarks(self.posture(times_s))

    def force(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each finger's force on its key: (n, fingers) in newtons."""
        return self._force(self._within(times_s))

    def key_depth(self, times_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """Depth of every key: (n, keys), 0 at rest, 1 fully down."""
        depth = np.zeros((len(times_s), PIANO_KEYS), dtype=np.float32)
        now = self._within(times_s)
        turns = np.flatnonzero(np.diff(now) < 0) + 1
        start = 0
        for stop in (*turns, len(now)):
            if stop > start:
                self._add_strokes(now[start:stop], depth[start:stop])
            start = stop
        return depth

    def activation(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Activation of every muscle in `muscles`: (n, muscles), in 0..1."""
        return self._activation_of(times_s, self._activation[:, : len(self.muscles)])

    def all_activation(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same of every muscle in `all_muscles`, whether an electrode is on it or not."""
        return self._activation_of(times_s, self._activation)

    def _activation_of(
        self, times_s: NDArray[np.float64], activation: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Draw activation between its samples by straight lines."""
        count = len(activation)
        place = self._within(times_s) * (count / self.period_s)
        left = np.minimum(place.astype(np.int64), count - 1)
        part = (place - left)[:, None]
        before, after = activation[left], activation[(left + 1) % count]
        return np.asarray(before + (after - before) * part)

    def moves(self, since_s: float, until_s: float) -> Iterator[Move]:
        """List what the keyboard reports from one time up to, not including, another."""
        turn = int(since_s // self.period_s)
        while turn * self.period_s < until_s:
            start_s = turn * self.period_s
            first = bisect_left(self._move_times, since_s - start_s - _ROUNDING_S)
            last = bisect_left(self._move_times, until_s - start_s + _ROUNDING_S)
            for move in self._moves[first:last]:
                time_s = start_s + move.time_s
                if since_s <= time_s < until_s:
                    yield move._replace(time_s=time_s)
            turn += 1

    def _within(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fold times into one pass."""
        times_s = np.asarray(times_s, dtype=np.float64)
        return np.asarray(times_s - np.floor(times_s / self.period_s) * self.period_s)

    def _add_strokes(self, now: NDArray[np.float64], depth: NDArray[np.float32]) -> None:
        """Write the keys that move or are down within increasing moments of one pass."""
        strokes = self.plan.strokes
        first = np.searchsorted(self._press_s, now[0] - self._longest_s)
        last = np.searchsorted(self._press_s, now[-1], side="right")
        for note in self._by_press[first:last]:
            start, stop = np.searchsorted(now, (strokes.press_s[note], strokes.end_s[note]))
            if stop == start:
                continue
            press, onset = strokes.press_s[note], strokes.onset_s[note]
            release, end = strokes.release_s[note], strokes.end_s[note]
            at = now[start:stop]
            down = (1 - strokes.from_depth[note]) * minimum_jerk((at - press) / (onset - press))
            up = (1 - strokes.to_depth[note]) * minimum_jerk((at - release) / (end - release))
            depth[start:stop, strokes.key[note]] = strokes.from_depth[note] + down - up

    def _one_pass(self) -> list[Move]:
        """Everything the keyboard reports in one pass, pedals up at its end."""
        strokes = self.plan.strokes
        moves = []
        ours = self._sounding
        for key, velocity, on, off in zip(
            strokes.key[ours],
            strokes.velocity[ours],
            strokes.onset_s[ours],
            strokes.off_s[ours],
            strict=True,
        ):
            note = int(key) + FIRST_NOTE
            moves.append(Move(float(on), KeyEventKind.NOTE_ON, note, int(velocity)))
            moves.append(Move(float(off), KeyEventKind.NOTE_OFF, note))
        values: dict[int, float] = {}
        for pedal in self.score.pedals:
            values[pedal.pedal] = pedal.value
            at = LEAD_S + pedal.time_s
            moves.append(Move(at, KeyEventKind.PEDAL, pedal=pedal.pedal, value=pedal.value))
        end_s = self.period_s - 0.1
        moves += [
            Move(end_s, KeyEventKind.PEDAL, pedal=pedal) for pedal, value in values.items() if value
        ]
        return sorted(moves, key=lambda move: move.time_s)

    def _force(self, now: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each finger's force within one pass: (n, fingers) in newtons."""
        return np.concatenate([plan.force.at(now) for plan in self.plan.fingertips], axis=1)
