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

"""Where a body's weight must go, so that it neither falls over nor pulls at the floor."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_banded
from scipy.spatial.transform import Rotation

from kpm_ros.simulate.exerciser.exercising_person import GRAVITY
from kpm_ros.simulate.exerciser.figure import Figure

Array = NDArray[np.float64]

_HARDLY = 0.4
"""Share of the weight below which the point of support is not heeded."""
_TOO_SHORT_S = 0.085
_TRUNK = 0.7
"""Part of the body's inertia that bows with the trunk."""
_UPRIGHT_S = 0.12
"""How long the trunk takes to get ready for a flight's turning, and to be done with it."""
_ABSORB_S = 0.17
"""From landing to a crouch, and from there to the moment of a jump."""
_SINK = 0.42
"""How deep the crouch is, relative to the way at the speed of landing."""
_RISE_S = 0.32
"""From standing still to the moment of a jump, and from landing to standing still, at most."""


class Masses(NamedTuple):
    """A body's masses on their way."""

    share: Array
    """(bodies,): of the whole mass."""
    place: Array
    """(n, bodies, 3)"""
    inertia: Array
    """(n, bodies, 3, 3): about their own centres, along the world's axes, by the whole mass."""
    turn: Array
    """(n, bodies, 3, 3): how each is turned."""

    @property
    def centre(self) -> Array:
        """Centre of mass, (n, 3)."""
        return np.asarray(np.einsum("b,nbi->ni", self.share, self.place))


def masses(figure: Figure, q: Array) -> Masses:
    """Place a body's masses for postures."""
    model = figure.model
    heavy = np.flatnonzero(model.body_mass > 1e-3)
    placed = figure.place(q)
    at = placed.origin[:, heavy] + np.einsum(
        "nbij,bj->nbi", placed.rotation[:, heavy], model.body_ipos[heavy]
    )
    whole = model.body_mass[heavy].sum()
    turn = placed.rotation[:, heavy]
    axes = turn @ Rotation.from_quat(model.body_iquat[heavy], scalar_first=True).as_matrix()
    inertia = (axes * model.body_inertia[heavy][:, None]) @ axes.swapaxes(-1, -2) / whole
    return Masses(np.asarray(model.body_mass[heavy] / whole), at, inertia, turn)


def change(values: Array, rate_hz: float) -> Array:
    """Second derivative along the first axis."""
    out = np.zeros_like(values)
    out[1:-1] = (values[2:] - 2 * values[1:-1] + values[:-2]) * rate_hz**2
    return out


def spin(body: Masses, rate_hz: float) -> Array:
    """Angular momentum about the centre of mass, (n, 3), by the whole mass."""
    arm = body.place - body.centre[:, None]
    moving = np.cross(arm, np.gradient(arm, 1.0 / rate_hz, axis=0))
    rolling = np.gradient(body.turn, 1.0 / rate_hz, axis=0) @ body.turn.swapaxes(-1, -2)
    speed = np.stack([rolling[..., 2, 1], rolling[..., 0, 2], rolling[..., 1, 0]], axis=-1)
    own = np.einsum("nbij,nbj->ni", body.inertia, speed)
    return np.asarray(np.einsum("b,nbi->ni", body.share, moving) + own)


def turning(body: Masses, flights: tuple[tuple[float, float], ...], rate_hz: float) -> Array:
    """How far the trunk must bow, (n,), so that in flight the body turns by itself.

    Nothing changes angular momentum there: where legs and arms would, the trunk answers for them.
    Flights that are over before a trunk could answer are left as they are.
    """
    times = np.arange(len(body.place)) / rate_hz
    flying = np.zeros(len(times), np.bool_)
    for up, down in flights:
        flying |= (times >= up) & (times <= down) & (down - up > _TOO_SHORT_S)
    bowing = spin(body, rate_hz)[:, 1]
    arm = body.place - body.centre[:, None]
    across = np.einsum("b,nb->n", body.share, arm[..., 0] ** 2 + arm[..., 2] ** 2)
    borne = np.where(flying, 0.0, _UPRIGHT_S**-2)
    missing = np.where(flying, -np.gradient(bowing, 1.0 / rate_hz) / (_TRUNK * across), 0.0)
    return _bounded(borne, missing, rate_hz)


def correction(body: Masses, support: Array, flying: NDArray[np.bool_], rate_hz: float) -> Array:
    """How far the body must be shifted, (n, 2), to be carried at `support` (n, 2) on the floor.

    On the floor the moment of weight and inertia about the point of support must vanish; in flight
    the centre of mass may not be accelerated sideways. Both are one linear differential equation,
    d'' - k d = r, of the shift d.
    """
    speeding = change(body.place, rate_hz)
    height = np.einsum("b,nb->n", body.share, body.place[..., 2])
    fall = np.einsum("b,nb->n", body.share, speeding[..., 2]) + GRAVITY
    # Where the floor hardly pushes yet, a point of support means little.
    borne = np.where(flying, 0.0, np.clip(fall / (_HARDLY * GRAVITY), 0.0, 1.0))
    stiffness = borne * np.maximum(fall, 0.0) / height
    shift = np.empty((len(height), 2))
    for axis in range(2):
        arm = body.place[..., axis] - support[:, axis, None]
        moment = np.einsum("b,nb->n", body.share, (speeding[..., 2] + GRAVITY) * arm)
        moment -= np.einsum("b,nb->n", body.share, speeding[..., axis] * body.place[..., 2])
        free = -np.einsum("b,nb->n", body.share, speeding[..., axis])
        shift[:, axis] = _bounded(
            stiffness, borne * moment / height + (1.0 - borne) * free, rate_hz
        )
    return shift


def _bounded(stiffness: Array, forcing: Array, rate_hz: float) -> Array:
    """Solve d'' - k d = r, still at both ends."""
    count = len(stiffness)
    bands = np.zeros((3, count))
    bands[0, 2:] = bands[2, :-2] = rate_hz**2
    bands[1] = -2.0 * rate_hz**2 - stiffness
    right = forcing.copy()
    for end in (0, -1):
        bands[1, end] = 1.0
        right[end] = -forcing[end] / max(stiffness[end], 1.0)
    bands[0, 1] = bands[2, count - 2] = 0.0
    return np.asarray(solve_banded((1, 1), bands, right))


def flight_heights(
    usual: Array, flights: tuple[tuple[float, float], ...], rate_hz: float
) -> tuple[Array, NDArray[np.bool_]]:
    """How high the centre of mass goes, given how high it would without flights, and when it flies.

    In flight it falls freely, and comes down where it went up. Between two flights, and from and to
    standing, it follows the polynomial that has the right place, speed and acceleration at both
    ends, so that the floor's force begins and ends at zero.
    """
    height, flying = usual.copy(), np.zeros(len(usual), np.bool_)
    times = np.arange(len(usual)) / rate_hz
    for number, (up, down) in enumerate(flights):
        first, last = (float(np.interp(at, times, usual)) for at in (up, down))
        speed = GRAVITY * (down - up) / 2
        slope = (last - first) / (down - up)
        within = (times >= up) & (times <= down)
        since = times[within] - up
        height[within] = first + (speed + slope) * since - GRAVITY * since**2 / 2
        flying |= within
        before = flights[number - 1] if number else None
        if before is None or up - before[1] > 2 * _RISE_S:
            begin = up - _RISE_S
            start = (float(np.interp(begin, times, usual)), 0.0, 0.0)
        else:
            begin = before[1]
            long = before[1] - before[0]
            there = float(np.interp(begin, times, usual))
            fell = (there - float(np.interp(before[0], times, usual))) / long
            start = (there, fell - GRAVITY * long / 2, -GRAVITY)
            if up - begin > 2 * _ABSORB_S:
                # People land, stay in a crouch and push off, rather than sink all the time.
                low = min(there, first) - _SINK * max(-start[1], speed + slope) * _ABSORB_S
                crouch = (low, 0.0, 0.0)
                _join(height, times, begin, begin + _ABSORB_S, start, crouch)
                height[(times >= begin + _ABSORB_S) & (times <= up - _ABSORB_S)] = low
                begin, start = up - _ABSORB_S, crouch
        _join(height, times, begin, up, start, (first, speed + slope, -GRAVITY))
        after = flights[number + 1] if number + 1 < len(flights) else None
        if after is None or after[0] - down > 2 * _RISE_S:
            end = down + _RISE_S
            rest = (float(np.interp(end, times, usual)), 0.0, 0.0)
            _join(height, times, down, end, (last, slope - speed, -GRAVITY), rest)
    return height, flying


def flight_rise(flights: tuple[tuple[float, float], ...], count: int, rate_hz: float) -> Array:
    """How much higher a body is in flight than where it went up."""
    rise, times = np.zeros(count), np.arange(count) / rate_hz
    for up, down in flights:
        rise += GRAVITY / 2 * np.maximum((times - up) * (down - times), 0.0)
    return rise


def _join(
    height: Array,
    times: Array,
    begin: float,
    end: float,
    start: tuple[float, float, float],
    stop: tuple[float, float, float],
) -> None:
    """Write the polynomial of fifth degree between two states (place, speed, acceleration)."""
    within = (times > begin) & (times < end)
    long = end - begin
    u = (times[within] - begin) / long
    p0, v0, a0 = start[0], start[1] * long, start[2] * long**2
    p1, v1, a1 = stop[0], stop[1] * long, stop[2] * long**2
    d, e, f = p1 - p0 - v0 - a0 / 2, v1 - v0 - a0, a1 - a0
    c3, c4, c5 = 10 * d - 4 * e + f / 2, -15 * d + 7 * e - f, 6 * d - 3 * e + f / 2
    height[within] = p0 + u * (v0 + u * (a0 / 2 + u * (c3 + u * (c4 + u * c5))))
