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

"""One repetition of an exercise as one person does it, and the posture between two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from kpm_ros.simulate.exerciser.exercising_person import ExercisingPerson
from kpm_ros.simulate.exerciser.movements.exercise import (
    ARM,
    BODY,
    LEG,
    SIGNED,
    UNSCALED,
    Exercise,
)
from kpm_ros.simulate.exerciser.packaged_body import SIDES

CHANNELS = (*BODY, *(f"{side}_{name}" for side in SIDES for name in (*LEG, *ARM)))


class Manner(NamedTuple):
    """How one person does one exercise in one take."""

    gain: Mapping[str, float]
    """Of each channel's way from the base posture, by its name without a side."""
    timing: tuple[float, ...]
    """Factors of the parts between key postures."""
    pace: float
    depth: float
    smooth_s: float


def take_manner(exercise: Exercise, person: ExercisingPerson, seed: int) -> Manner:
    """Draw a take's manner around the person's habit in this exercise."""
    words = [ord(letter) for letter in exercise.name]
    habit = np.random.default_rng([*words, *_bits(person)])
    draw = np.random.default_rng([seed, 0x7A4E])
    names = (*BODY, *LEG, *ARM)
    own = np.exp(habit.normal(0.0, 0.13, len(names)) + draw.normal(0.0, 0.04, len(names)))
    parts = len(exercise.keys) + 1
    timing = np.exp(habit.normal(0.0, 0.12, parts) + draw.normal(0.0, 0.05, parts))
    usual_pace = float(np.exp(habit.normal(0.0, 0.08)))
    return Manner(
        dict(zip(names, own.tolist(), strict=True)),
        tuple(timing.tolist()),
        person.pace * usual_pace * float(np.exp(draw.normal(0.0, 0.12))),
        person.depth * float(np.exp(draw.normal(0.0, 0.10))),
        exercise.smooth_s / person.jerkiness * float(np.exp(draw.normal(0.0, 0.12))),
    )


class Base:
    """The posture between repetitions, as this person takes it."""

    def __init__(
        self, exercise: Exercise, person: ExercisingPerson, draw: np.random.Generator
    ) -> None:
        self.told = dict(exercise.base)
        told = self.told
        self.values = dict.fromkeys(CHANNELS, 0.0)
        self.values["weight"] = 0.5
        self.values["height"] = told.get("height", 0.0)
        lean = np.rad2deg(person.trunk_lean_rad)
        self.values["lean"] = told.get("lean", 0.0) + lean * float(draw.uniform(0.6, 1.4))
        self.values["tilt"] = told.get("tilt", 0.0)
        guarded = told.get("a_elbow", 0.0) > 60.0
        for side in SIDES:
            for name in (*LEG, *ARM):
                self.values[f"{side}_{name}"] = told.get(f"a_{name}", 0.0)
            self.values[f"{side}_toe"] += np.rad2deg(person.toe_out_rad)
            self.values[f"{side}_side"] *= 1.0 + 0.6 * (person.arm_bend - 1.0)
            if guarded:
                self.values[f"{side}_flex"] *= person.guard_height
            else:
                self.values[f"{side}_elbow"] *= person.arm_bend
        widen = 0.10 * (person.stance_width - 1.0) + float(draw.normal(0.0, 0.008))
        for side in SIDES:
            self.values[f"{side}_out"] += widen

    def hold(self, knots: dict[str, list[tuple[float, float]]], time_s: float) -> None:
        """Be in this posture at a time."""
        for name, value in self.values.items():
            _put(knots[name], time_s, value)


class RepetitionPlan:
    """One repetition, with its own depth and timing."""

    def __init__(
        self,
        exercise: Exercise,
        manner: Manner,
        person: ExercisingPerson,
        base: Base,
        draw: np.random.Generator,
        start_s: float,
        side: str,
    ) -> None:
        self._exercise, self._base, self._start_s, self._side = exercise, base, start_s, side
        tired = 1.0 - person.fatigue * start_s / 60.0
        uneven = 1.0 + person.asymmetry * (1.0 if side == "r" else -1.0)
        vary = 1.0 / person.regularity
        fast, slow = exercise.period_s
        usual = np.sqrt(fast * slow)
        period = usual / (manner.pace * tired) * float(np.exp(draw.normal(0.0, 0.05 * vary)))
        self.period_s = float(np.clip(period, 0.85 * fast, 1.15 * slow))
        self._depth = float(
            np.clip(manner.depth * tired * uneven * np.exp(draw.normal(0, 0.05 * vary)), 0.6, 1.3)
        )
        names = (*BODY, *LEG, *ARM)
        own = np.exp(draw.normal(0.0, 0.05 * vary, len(names)))
        self._gain = {
            name: manner.gain[name] * value for name, value in zip(names, own, strict=True)
        }
        parts = np.diff([0.0, *(each.at for each in exercise.keys), 1.0])
        # Flights last as long as the body falls: people do not choose them.
        vary = 0.0 if exercise.flights else vary
        steady = 0.0 if exercise.flights else 1.0
        parts = (
            parts
            * np.asarray(manner.timing) ** steady
            * np.exp(draw.normal(0.0, 0.04 * vary, len(parts)))
        )
        ends = np.cumsum(parts) / parts.sum()
        self._at = ends[:-1]
        self.flights = [
            (start_s + since * self.period_s, start_s + until * self.period_s)
            for since, until in exercise.flights
        ]
        if exercise.flows:
            self.flights += [
                (since + self.period_s, until + self.period_s) for since, until in self.flights
            ]

    def tell(self, knots: dict[str, list[tuple[float, float]]]) -> None:
        """Add its key postures."""
        exercise = self._exercise
        if not exercise.flows:
            named = {name for each in exercise.keys for name in each.values}
            for name in named:
                channel = self._channel(name)
                _put(knots[channel], self._start_s, self._base.values[channel])
        for part, each in zip(self._at, exercise.keys, strict=True):
            time_s = self._start_s + float(part) * self.period_s
            for name, value in each.values.items():
                channel = self._channel(name)
                _put(knots[channel], time_s, self._value(name, channel, value))

    def _channel(self, name: str) -> str:
        if name in BODY:
            return name
        other = "l" if self._side == "r" else "r"
        return f"{self._side if name[0] == 'a' else other}_{name[2:]}"

    def _value(self, name: str, channel: str, value: float) -> float:
        plain = name if name in BODY else name[2:]
        right = self._side == "r"
        if plain == "weight":
            return 1.0 - value if right else value
        if plain in SIGNED:
            value = value if right else -value
        if plain in UNSCALED:
            return value + (self._base.values[channel] if plain == "toe" else 0.0)
        # What was told of the base is where the way begins; the person's own base is kept.
        begin = self._base.told.get(name, 0.0)
        far = self._depth * self._gain[plain]
        if plain in ("out", "step"):
            far = 0.5 + 0.5 * far
        return self._base.values[channel] + (value - begin) * far


def _put(knots: list[tuple[float, float]], time_s: float, value: float) -> None:
    """Add a knot; where there is one at or after this time, the new one takes its place."""
    while knots and knots[-1][0] > time_s - 1e-3 and len(knots) > 1:
        knots.pop()
    knots.append((time_s, value))


def _bits(person: ExercisingPerson) -> tuple[int, ...]:
    """Numbers that tell a person from others, to draw habits from."""
    traits = (person.pace, person.depth, person.jerkiness, person.regularity, person.stance_width)
    return tuple(round(value * 1e6) for value in traits)
