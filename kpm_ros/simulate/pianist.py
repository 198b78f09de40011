"""A simulated pianist: a score, a hand and its muscles as continuous signals, endlessly repeated.

`Performer` is what cameras, keyboard and electrodes ask for. `Pianist` answers it from a plan, a
`HandModel` and a `MuscleModel`; either can be replaced by a better one. Times are seconds since the
performance began, and increase within one call. Everything here is simulated.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.keys import ease
from kpm_ros.sense.samples import FIRST_NOTE, LANDMARKS, PIANO_KEYS, KeyEventKind
from kpm_ros.sense.score import Score
from kpm_ros.simulate.hand import FINGERS, HandModel, KinematicHand
from kpm_ros.simulate.keyboard import TRAVEL_M
from kpm_ros.simulate.muscles import MuscleModel, PlainMuscles
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.plan import LEAD_S, make_plan, playable

_MUSCLE_RATE_HZ = 250
_BATCH = 4096
_ROUNDING_S = 1e-6
_SWAY_M = np.array([0.0012, 0.0015, 0.0008])
"""How far the palm drifts about its place, and no further, so that fingers stay in reach."""


class Move(NamedTuple):
    """Something the keyboard reports: a note on or off, or a pedal."""

    time_s: float
    kind: KeyEventKind
    note: int = 0
    velocity: int = 0
    pedal: int = 0
    value: float = 0.0


class Performer(Protocol):
    """Whatever plays: its signals at any increasing times from 0 on."""

    muscles: tuple[str, ...]
    person: Person

    def landmarks(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Landmarks of the right hand in the piano's frame: (n, 21, 3) in metres."""

    def key_depth(self, times_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """Depth of every key: (n, 88), 0 at rest, 1 fully down."""

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
    ) -> None:
        """Learn the score: choose fingers, plan movements, and work out the muscles' part."""
        self.person = person or Person()
        self.score = playable(score)
        if not self.score.notes:
            raise ValueError(f"the score {score.name!r} has no note that a piano can play")
        self.hand = hand or KinematicHand(self.person)
        model = muscles or PlainMuscles(self.person)
        self.muscles = model.names
        self.plan = make_plan(self.score, self.hand)
        self.period_s = self.plan.period_s
        draw = np.random.default_rng([seed, 0x5A1])
        self._sway_rate = np.round(draw.uniform(0.1, 0.5, 3) * self.period_s) / self.period_s
        self._sway_phase = draw.uniform(0, 2 * np.pi, 3)
        strokes = self.plan.strokes
        self._by_press = np.argsort(strokes.press_s, kind="stable")
        self._press_s = strokes.press_s[self._by_press]
        self._longest_s = float((strokes.end_s - strokes.press_s).max())
        self._moves = self._one_pass()
        self._move_times = [move.time_s for move in self._moves]
        self._activation = self._learn_muscles(model)

    def landmarks(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Landmarks of the right hand in the piano's frame: (n, 21, 3) in metres."""
        now = self._within(times_s)
        palm = self.plan.palm.at(now)
        palm = palm + _SWAY_M * np.sin(
            2 * np.pi * self._sway_rate * now[:, None] + self._sway_phase
        )
        tips = palm[:, None, :] + self.hand.natural
        tips[:, :, 2] += self.hand.height_m - palm[:, None, 2] + self.person.lift_m
        for finger, plan in enumerate(self.plan.fingertips):
            on_key = plan.place.at(now)
            on_key[:, 2] -= TRAVEL_M * plan.depth.at(now)[:, 0]
            tips[:, finger] += plan.contact.at(now) * (on_key - tips[:, finger])
        return self.hand.landmarks(palm, tips)

    def force(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each finger's force on its key: (n, fingers), 1 = that of the loudest strike."""
        now = self._within(times_s)
        return np.concatenate([plan.force.at(now) for plan in self.plan.fingertips], axis=1)

    def key_depth(self, times_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """Depth of every key: (n, 88), 0 at rest, 1 fully down."""
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
        """Activation of every muscle: (n, muscles), in 0..1."""
        count = len(self._activation)
        place = self._within(times_s) * (count / self.period_s)
        left = np.minimum(place.astype(np.int64), count - 1)
        part = (place - left)[:, None]
        before, after = self._activation[left], self._activation[(left + 1) % count]
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
            down = (1 - strokes.from_depth[note]) * ease((at - press) / (onset - press))
            up = (1 - strokes.to_depth[note]) * ease((at - release) / (end - release))
            depth[start:stop, strokes.key[note]] = strokes.from_depth[note] + down - up

    def _one_pass(self) -> list[Move]:
        """Everything the keyboard reports in one pass, pedals up at its end."""
        strokes = self.plan.strokes
        moves = []
        for key, velocity, on, off in zip(
            strokes.key, strokes.velocity, strokes.onset_s, strokes.off_s, strict=True
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

    def _learn_muscles(self, model: MuscleModel) -> NDArray[np.float64]:
        """Activation over one pass, at a rate that shows all of it."""
        count = round(self.period_s * _MUSCLE_RATE_HZ)
        times = np.arange(count) * (self.period_s / count)
        landmarks = np.empty((count, LANDMARKS, 3), dtype=np.float32)
        force = np.empty((count, FINGERS), dtype=np.float32)
        for start in range(0, count, _BATCH):
            part = slice(start, start + _BATCH)
            landmarks[part] = self.landmarks(times[part])
            force[part] = self.force(times[part])
        return model.activation(landmarks, force, count / self.period_s)
