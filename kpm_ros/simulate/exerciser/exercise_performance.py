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

"""One take of an exercise by one person: every joint's angle, and which foot is on the floor."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from kpm_ros.sense.midi.key_depth import minimum_jerk
from kpm_ros.simulate.exerciser import balance
from kpm_ros.simulate.exerciser.coordinates import COORDINATES, pelvis_turn
from kpm_ros.simulate.exerciser.exercising_person import ExercisingPerson
from kpm_ros.simulate.exerciser.figure import Figure
from kpm_ros.simulate.exerciser.foot_plan import FootPlan
from kpm_ros.simulate.exerciser.movements import find_exercise
from kpm_ros.simulate.exerciser.movements.timeline import Repetition, Timeline, make_timeline
from kpm_ros.simulate.exerciser.packaged_body import SIDES

Array = NDArray[np.float64]

RATE_HZ = 100.0
_ROUNDS, _ROUNDS_JUMPING = 4, 8
"""How often the body is shifted until it is in balance."""
_SETTLING = 3
"""Of these the last ones, in which the trunk no longer bows for flights."""
_UPRIGHT = 0.985
"""How much of a leg's length is used when standing: people's knees are never quite straight."""
_STRETCH = 0.992
"""The most of a leg's length that a foot on the floor is away from its hip."""
_AHEAD_S, _AHEAD_JUMPING_S = 0.20, 0.04
"""How long before a foot would be out of reach the pelvis is lowered."""
_LED_FREE_M = 0.5
"""By how much a foot may be further away once its leg is led by its joints."""
_TURN = 0.36
"""The furthest that the pelvis turns, in radians."""
_HEAVY = 1e-4
_TILT = COORDINATES.index("pelvis_tilt")


class Performance(NamedTuple):
    """A take, sample by sample."""

    exercise: str
    rate_hz: float
    q: Array
    """(n, coordinates), as `COORDINATES` names them."""
    contacts: NDArray[np.bool_]
    """(n, 2): whether each foot is on the floor, left before right."""
    repetitions: tuple[Repetition, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Name the coordinates."""
        return COORDINATES


def perform(
    exercise: str,
    person: ExercisingPerson,
    seed: int,
    seconds: float,
    figure: Figure | None = None,
) -> Performance:
    """Make one take; `figure` is the person's body where it is there already."""
    timeline = make_timeline(find_exercise(exercise), person, seed, seconds, RATE_HZ)
    q, contacts = lead(figure or Figure(person), timeline)
    return Performance(exercise, timeline.rate_hz, q, contacts, timeline.repetitions)


def lead(figure: Figure, timeline: Timeline) -> tuple[Array, NDArray[np.bool_]]:
    """Lead a body through a timeline in balance: postures, and feet's contacts."""
    told, rate_hz = timeline.channels, timeline.rate_hz
    q = _upper_body(timeline)
    turn = pelvis_turn(q)
    plans = [FootPlan(figure, timeline, side) for side in SIDES]
    standing = [plan.standing for plan in plans]
    contacts = np.stack(standing, axis=1)
    support = _support(plans, timeline)
    leg_m = figure.segments.thigh_m + figure.segments.shank_m
    high = figure.segments.standing_m - leg_m * (1.0 - _UPRIGHT)
    pelvis = np.column_stack([support, high + leg_m * told["height"]])
    level = np.zeros(len(pelvis))
    wanted: Array | None = None
    ahead = (_AHEAD_JUMPING_S if timeline.flights else _AHEAD_S) * rate_hz
    rounds = _ROUNDS_JUMPING if timeline.flights else _ROUNDS
    for number in range(rounds + 1):
        q[:, :3] = pelvis + np.column_stack([np.zeros((len(pelvis), 2)), level])
        q[:, 2] = _within_reach(q, turn, plans, leg_m * _STRETCH, ahead)
        for plan in plans:
            q[:, plan.columns] = plan.angles(q, turn)
        if number == rounds:
            break
        body = balance.masses(figure, q)
        if timeline.flights:
            if wanted is None:
                wanted, flying = balance.flight_heights(
                    body.centre[:, 2], timeline.flights, rate_hz
                )
                for plan in plans:
                    plan.rise(balance.flight_rise(timeline.flights, len(q), rate_hz))
            level += wanted - body.centre[:, 2]
            if number < rounds - _SETTLING:
                # Bowing lowers the pelvis' front.
                q[:, _TILT] -= balance.turning(body, timeline.flights, rate_hz)
                turn = pelvis_turn(q)
        else:
            flying = np.zeros(len(q), np.bool_)
        pelvis[:, :2] += balance.correction(body, support, flying, rate_hz)
    return q, contacts


def _upper_body(timeline: Timeline) -> Array:
    """Everything but the legs and the pelvis' place."""
    told = timeline.channels
    q = np.zeros((len(told["tilt"]), len(COORDINATES)))
    for name, channel, sign in (
        ("pelvis_tilt", "tilt", -1.0),
        ("pelvis_list", "list", -1.0),
        ("pelvis_rotation", "turn", 1.0),
        ("lumbar_extension", "lean", -1.0),
        ("lumbar_bending", "bend", -1.0),
        ("lumbar_rotation", "twist", 1.0),
    ):
        q[:, COORDINATES.index(name)] = sign * told[channel]
    # Feet that stand let the pelvis turn only so far.
    turned = _TURN * np.tanh(told["turn"] / _TURN)
    q[:, COORDINATES.index("pelvis_rotation")] = turned - told["heading"]
    for side in SIDES:
        forward, aside = told[f"{side}_flex"], told[f"{side}_side"]
        for name, values in (
            ("shoulder_plane", np.arctan2(forward, aside)),
            ("shoulder_elevation", np.hypot(forward, aside)),
            ("shoulder_rotation", told[f"{side}_spin"]),
            ("elbow", told[f"{side}_elbow"]),
            ("pronation", told[f"{side}_pronate"]),
        ):
            q[:, COORDINATES.index(f"{name}_{side}")] = values
    return q


def _support(plans: list[FootPlan], timeline: Timeline) -> Array:
    """Where on the floor the body is to be carried, (n, 2)."""
    left = np.clip(timeline.channels["weight"], 0.0, 1.0)
    shares = []
    for plan, told in zip(plans, (left, 1.0 - left), strict=True):
        shares.append(_HEAVY + told * _available(plan.off, timeline.shift_s * timeline.rate_hz))
    part = (shares[0] / (shares[0] + shares[1]))[:, None]
    return np.asarray(part * plans[0].carrying + (1.0 - part) * plans[1].carrying)


def _available(off: NDArray[np.bool_], ramp: Array) -> Array:
    """How much a foot can carry: nothing while it is off the floor, and less around that."""
    away = np.arange(len(off), dtype=np.float64)
    lifted = np.flatnonzero(off)
    if not len(lifted):
        return np.ones(len(off))
    place = np.searchsorted(lifted, away)
    before = np.abs(away - lifted[np.maximum(place - 1, 0)])
    after = np.abs(lifted[np.minimum(place, len(lifted) - 1)] - away)
    return np.asarray(minimum_jerk((np.minimum(before, after) - 1.0) / np.maximum(ramp, 1.0)))


def _within_reach(
    q: Array, turn: Array, plans: list[FootPlan], most_m: float, ahead: float
) -> Array:
    """Pelvis' height, lowered in time where a foot on the floor would be out of reach.

    `ahead` is how many samples before and after it goes down and up again.
    """
    over = np.zeros(len(q))
    for plan in plans:
        away = plan.ankle - (q[:, :3] + turn @ plan.hip)
        across = np.hypot(away[:, 0], away[:, 1])
        tallest = np.sqrt(np.maximum(most_m**2 - across**2, 0.04))
        over = np.maximum(over, -away[:, 2] - tallest - _LED_FREE_M * plan.air)
    over = np.maximum(over, 0.0)
    if not over.any():
        return np.asarray(q[:, 2])
    lowered = maximum_filter1d(over, 2 * round(ahead) + 1, mode="nearest")
    return np.asarray(q[:, 2] - gaussian_filter1d(lowered, ahead / 2, truncate=2.0))
