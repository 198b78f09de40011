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
from kpm_ros.simulate.exerciser import balance, legs
from kpm_ros.simulate.exerciser.coordinates import COORDINATES, LEG, pelvis_turn
from kpm_ros.simulate.exerciser.figure import Figure
from kpm_ros.simulate.exerciser.movements import find_exercise
from kpm_ros.simulate.exerciser.movements.timeline import (
    SIDES,
    Repetition,
    Timeline,
    make_timeline,
)
from kpm_ros.simulate.exerciser.person import ExercisingPerson

Array = NDArray[np.float64]

RATE_HZ = 100.0
_ROUNDS, _ROUNDS_JUMPING = 4, 7
"""How often the body is shifted until it is in balance."""
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
_ROOM = 0.06
"""How far from its limits a leg's angle begins to be held back, in radians."""
_CLEAR_M = 0.015
"""How far a foot is lifted at least while a leg is led by its joints."""
_HEAVY = 1e-4


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
    plans = [_FootPlan(figure, timeline, side) for side in SIDES]
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


class _FootPlan:
    """Where one foot is to be: on the floor, on its way to another place, or led by its leg."""

    def __init__(self, figure: Figure, timeline: Timeline, side: str) -> None:
        told = timeline.channels
        number = SIDES.index(side)
        left = 1.0 if side == "l" else -1.0
        segments = figure.segments
        leg_m = segments.thigh_m + segments.shank_m
        self._chain = legs.leg_chain(figure, side)
        self._foot = segments.feet[number]
        self.columns = [COORDINATES.index(f"{name}_{side}") for name in LEG]
        self.air = told[f"{side}_air"]
        count = len(self.air)
        led = (
            told[f"{side}_hip"],
            -told[f"{side}_abduct"],
            told[f"{side}_rotate"],
            told[f"{side}_knee"],
            told[f"{side}_ankle"],
            np.zeros(count),
        )
        self._led = _possible(np.column_stack(led))
        heading = left * told[f"{side}_toe"] - told["heading"]
        rise = np.maximum(told[f"{side}_heel"], 0.0)
        self._axes = _heading(heading) @ _pitch(rise) @ self._chain.flat
        sole = self._foot.sole
        heel = self._heel_bone(figure, number)
        # The foot turns up about the front of its sole, which stays where it is.
        front = np.array([sole[:, 0].max(), sole[np.argmax(sole[:, 0]), 1], sole[:, 2].min()])
        about = np.column_stack(
            [
                leg_m * told[f"{side}_step"],
                segments.hips[number, 1] + left * leg_m * told[f"{side}_out"],
                leg_m * told[f"{side}_lift"],
            ]
        )
        turned = _heading(heading)
        middle = 0.5 * (sole[:, 0].min() + sole[:, 0].max())
        pivot = about + turned @ np.array([front[0] - middle, 0.0, 0.0])
        self._origin = pivot + (turned @ _pitch(rise)) @ (heel - front)
        self._sole = sole - heel
        # Under a foot whose heel is up, the load is nearer to its front.
        ahead = (front[0] - middle) * np.clip(rise / 0.35, 0.0, 0.85)
        carried = turned @ np.array([1.0, 0.0, 0.0]) * ahead[:, None]
        self.carrying = (about + carried)[:, :2]
        self.off = (self.air > 0.0) | (told[f"{side}_lift"] > 0.0)
        self.standing = ~self.off
        self.hip = self._chain.hip
        self.ankle = self._origin - np.einsum("nij,j->ni", self._axes @ self._chain.flat.T, heel)

    def _heel_bone(self, figure: Figure, number: int) -> Array:
        """Origin of the heel's bone from the ankle's joint, of a flat foot."""
        placed = figure.place(np.zeros((1, len(COORDINATES))))
        side = SIDES[number]
        ankle, heel = (figure.model.body(f"{name}_{side}").id for name in ("talus", "calcn"))
        return np.asarray(placed.origin[0, heel] - placed.origin[0, ankle])

    def rise(self, height: Array) -> None:
        """Take the foot along when the body flies, by so much at each instant."""
        self._origin[:, 2] += height
        self.ankle[:, 2] += height

    def angles(self, q: Array, turn: Array) -> Array:
        """Angles (n, 6) of the leg that put the foot there."""
        pelvis = q[:, :3]
        origin, axes = self._origin, self._axes
        part = np.flatnonzero(self.air > 0.0)
        if len(part):
            origin, axes = origin.copy(), axes.copy()
            origin[part], axes[part] = self._through_the_air(pelvis[part], turn[part], part)
        begin = np.deg2rad([10.0, 0.0, 0.0, 15.0, 5.0, 0.0])
        return legs.reach(self._chain, pelvis, turn, origin, axes, begin)

    def _through_the_air(
        self, pelvis: Array, turn: Array, part: NDArray[np.int64]
    ) -> tuple[Array, Array]:
        """Between the floor and where the joints' angles lead, never into the floor."""
        free, free_axes = legs.foot_of(self._chain, pelvis, turn, self._led[part])
        share = self.air[part]
        origin = self._origin[part] + share[:, None] * (free - self._origin[part])
        axes = _between(self._axes[part], free_axes, share)
        lowest = origin[:, None] + np.einsum("nij,pj->npi", axes @ self._chain.flat.T, self._sole)
        floor = _CLEAR_M * minimum_jerk(np.minimum(2.0 * share, 1.0))
        # Smoothly, so that nothing jerks when the floor comes near.
        deep = floor - lowest[..., 2].min(axis=1)
        origin[:, 2] += np.where(share < 1e-9, 0.0, _soft_positive(deep, 0.004 + 0 * share))
        return origin, axes


def _support(plans: list[_FootPlan], timeline: Timeline) -> Array:
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
    q: Array, turn: Array, plans: list[_FootPlan], most_m: float, ahead: float
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


def _possible(led: Array) -> Array:
    """Keep a leg's angles (n, 6) within its limits, without corners."""
    low, high = np.deg2rad(legs.LIMITS_DEG).T + np.outer([1.0, -1.0], np.full(len(LEG), _ROOM))
    width = np.full_like(led, _ROOM)
    led = high - _soft_positive(high - led, width)
    return np.asarray(low + _soft_positive(led - low, width))


def _soft_positive(values: Array, width: Array) -> Array:
    """About `values` where they are above 0 and about 0 below, without a corner."""
    return np.asarray(0.5 * (values + np.sqrt(values**2 + width**2)))


def _heading(angle: Array) -> Array:
    """Turns to the left about the vertical, (n, 3, 3)."""
    c, s, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.array([[c, -s, zero], [s, c, zero], [zero, zero, one]]).transpose(2, 0, 1)


def _pitch(angle: Array) -> Array:
    """Turns that raise the heel, (n, 3, 3)."""
    c, s, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.array([[c, zero, s], [zero, one, zero], [-s, zero, c]]).transpose(2, 0, 1)


def _between(begin: Array, end: Array, share: Array) -> Array:
    """Turn part of the way from one frame to another, (n, 3, 3)."""
    from scipy.spatial.transform import Rotation

    way = Rotation.from_matrix(begin.transpose(0, 2, 1) @ end).as_rotvec()
    return np.asarray(begin @ Rotation.from_rotvec(way * share[:, None]).as_matrix())
