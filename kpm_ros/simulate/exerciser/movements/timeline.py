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

"""A take of an exercise as curves of its channels: repetitions, rests, habits and variation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from kpm_ros.sense.midi.key_depth import minimum_jerk
from kpm_ros.simulate.exerciser.exercising_person import ExercisingPerson
from kpm_ros.simulate.exerciser.movements.exercise import (
    Exercise,
)
from kpm_ros.simulate.exerciser.movements.repetitions import (
    CHANNELS,
    Base,
    RepetitionPlan,
    take_manner,
)
from kpm_ros.simulate.exerciser.packaged_body import SIDES

Array = NDArray[np.float64]

PLACED = ("step", "out", "toe", "lift", "air")
"""Channels of a foot that stands still while it is on the floor: they stop at each key."""

_TRUNCATED = 3.0
_REST_S = (0.8, 2.5)
_LEAD_S = (0.5, 1.2)
_SETTLE_S = 0.5
"""From standing into a movement that flows, and out of it."""
_WANDER_HZ = 0.35
"""How fast posture wanders."""
_WANDER = {
    "tilt": 1.2,
    "list": 0.6,
    "turn": 1.5,
    "lean": 1.2,
    "bend": 1.0,
    "twist": 1.2,
    "weight": 0.02,
    **{f"{side}_{name}": 2.2 for side in SIDES for name in ("flex", "side", "elbow", "pronate")},
}
"""How far, as standard deviations of channels."""


class Repetition(NamedTuple):
    """When one repetition was, and which side was the active one."""

    start_s: float
    end_s: float
    side: str


@dataclass(frozen=True)
class Timeline:
    """What a person means to do, sample by sample."""

    rate_hz: float
    channels: Mapping[str, Array]
    """As `CHANNELS` names them: angles in radians, lengths in legs; left is positive."""
    flights: tuple[tuple[float, float], ...]
    """From when to when no foot is on the floor."""
    repetitions: tuple[Repetition, ...]
    shift_s: Array
    """How long the weight takes to leave a foot, at each instant."""


def make_timeline(
    exercise: Exercise, person: ExercisingPerson, seed: int, seconds: float, rate_hz: float
) -> Timeline:
    """Tell a take from its beginning to its end."""
    manner = take_manner(exercise, person, seed)
    draw = np.random.default_rng([seed, 0x7117])
    base = Base(exercise, person, draw)
    knots: dict[str, list[tuple[float, float]]] = {
        name: [(-1.0, value)] for name, value in base.values.items()
    }
    repetitions: list[Repetition] = []
    flights: list[tuple[float, float]] = []
    now = float(draw.uniform(*_LEAD_S))
    for sides in _sets(exercise, person, draw):
        first = True
        for side in sides:
            repetition = RepetitionPlan(exercise, manner, person, base, draw, now, side)
            if now + repetition.period_s > seconds - _SETTLE_S:
                break
            if exercise.flows and first:
                base.hold(knots, now - _SETTLE_S)
            repetition.tell(knots)
            flights += [each for each in repetition.flights if each not in flights]
            repetitions.append(Repetition(now, now + repetition.period_s, side))
            now += repetition.period_s
            if not exercise.flows:
                base.hold(knots, now)
                now += float(draw.uniform(*exercise.pause_s))
            first = False
        else:
            if exercise.flows:
                now += _SETTLE_S
                base.hold(knots, now)
            now += float(draw.uniform(*_REST_S)) + (_SETTLE_S if exercise.flows else 0.0)
            if now < seconds:
                continue
        break
    if exercise.flows and repetitions:
        base.hold(knots, repetitions[-1].end_s + _SETTLE_S)
    base.hold(knots, max(now, seconds) + 1.0)
    count = round(seconds * rate_hz)
    times = np.arange(count) / rate_hz
    channels = {
        name: _curve(name, knots[name], times, manner.smooth_s, rate_hz) for name in CHANNELS
    }
    for name, size in _WANDER.items():
        channels[name] = channels[name] + size * _wander(draw, count, rate_hz)
    if not repetitions:
        raise ValueError(f"{seconds:g} s are too short for {exercise.name}")
    return Timeline(
        rate_hz,
        {name: values * _unit(name) for name, values in channels.items()},
        _merged(flights),
        tuple(repetitions),
        np.full(count, exercise.shift_s),
    )


def _sets(
    exercise: Exercise, person: ExercisingPerson, draw: np.random.Generator
) -> list[list[str]]:
    """Which side is active in each repetition of each set, more than fit into any take."""
    handed = "r" if person.right_handed else "l"
    other = "l" if handed == "r" else "r"
    one_sided = exercise.one_sided and draw.random() < 0.4
    chosen = handed if draw.random() < 0.7 else other
    sets = []
    for _ in range(400):
        count = int(draw.integers(exercise.repetitions[0], exercise.repetitions[1] + 1))
        start = handed if draw.random() < 0.6 else other
        pair = (start, "l" if start == "r" else "r")
        if one_sided:
            sets.append([chosen] * count)
            chosen = chosen if draw.random() < 0.5 else ("l" if chosen == "r" else "r")
        else:
            sets.append([pair[k % 2] for k in range(count)])
    return sets


def _curve(
    name: str, knots: list[tuple[float, float]], times: Array, smooth_s: float, rate_hz: float
) -> Array:
    """Lead a channel through its knots without going beyond them."""
    at, values = np.array(knots).T
    if np.ptp(values) == 0.0:
        return np.full(len(times), values[0])
    if name.rpartition("_")[2] in PLACED:
        left = np.clip(np.searchsorted(at, times, side="right") - 1, 0, len(at) - 2)
        part = (times - at[left]) / (at[left + 1] - at[left])
        return np.asarray(values[left] + (values[left + 1] - values[left]) * minimum_jerk(part))
    curve = PchipInterpolator(at, values)(times)
    return np.asarray(
        gaussian_filter1d(curve, smooth_s * rate_hz, mode="nearest", truncate=_TRUNCATED)
    )


def _wander(draw: np.random.Generator, count: int, rate_hz: float) -> Array:
    """Noise as slow as posture wanders, of standard deviation 1."""
    sigma = rate_hz / (2 * np.pi * _WANDER_HZ)
    white = draw.standard_normal(count + 2 * int(4 * sigma))
    slow = gaussian_filter1d(white, sigma, mode="wrap")[int(4 * sigma) :][:count]
    return np.asarray(slow * np.sqrt(2 * np.sqrt(np.pi) * sigma))


def _unit(name: str) -> float:
    """Radians of a degree, for channels that are angles."""
    plain = name.rpartition("_")[2]
    lengths = ("height", "weight", "step", "out", "lift", "air")
    return 1.0 if plain in lengths else float(np.pi / 180.0)


def _merged(flights: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Put flights in order, those that overlap as one."""
    merged: list[tuple[float, float]] = []
    for since, until in sorted(flights):
        if merged and since <= merged[-1][1] + 1e-6:
            merged[-1] = (merged[-1][0], max(until, merged[-1][1]))
        else:
            merged.append((since, until))
    return tuple(merged)
