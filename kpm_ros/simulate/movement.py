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

"""Movement: one whole pass of a performance as postures that follow each other smoothly.

Palm and fingertips follow the plan; the hand is led along them frame by frame, its posture is freed
of what no muscle could do, and what is between two frames is drawn by cubic splines, so that places
and angles, their speed and their acceleration have no jumps, at a pass's end as little as within.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.keyboard import BLACK_FRONT_M, BLACK_HEIGHT_M, TRAVEL_M
from kpm_ros.sense.midi.key_depth import minimum_jerk
from kpm_ros.simulate.crossing import BENT_RAD, IDLE_M, PALM_M
from kpm_ros.simulate.hand import HandModel
from kpm_ros.simulate.movement_plan import MovementPlan
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.products import mixed

RATE_HZ = 250
"""Frames of a pass; a count that fills it exactly is chosen."""
CUT_OFF_HZ = 45.0
"""Where posture's amplitude is halved."""
_STEEPNESS = 8
_BATCH = 8192
_SWAY_M = np.array([0.0012, 0.0015, 0.0008])
"""How far the palm drifts about its place, and no further, so that fingers stay in reach."""
_DIP_S = 0.07
"""Standard deviation in time of the palm's fall with a strike."""
_CLEARANCE_M = 0.012
"""How far before the black keys' front a lifted finger begins to rise above them."""
_ABOVE_M = 0.002
_ENSLAVED = np.array(
    [
        [0.00, 0.04, 0.00, 0.00, 0.00],
        [0.03, 0.00, 0.15, 0.04, 0.02],
        [0.00, 0.12, 0.00, 0.18, 0.06],
        [0.00, 0.04, 0.20, 0.00, 0.22],
        [0.00, 0.02, 0.06, 0.25, 0.00],
    ]
)
"""How much of a finger's way down (row) each idle one (column) is taken along."""


class Movement:
    """The posture of one hand at any moment of one endlessly repeated pass."""

    def __init__(
        self,
        plan: MovementPlan,
        hand: HandModel,
        person: Person,
        seed: int,
        knots: NDArray[np.float64] | None = None,
    ) -> None:
        """Lead the hand through the whole pass, unless `knots` are known from an earlier time."""
        self.period_s = plan.period_s
        self.count = max(4, round(plan.period_s * RATE_HZ))
        self.rate_hz = self.count / plan.period_s
        self._plan = plan
        self._hand = hand
        self._person = person
        draw = np.random.default_rng([seed, 0x5A1])
        self._sway_rate = np.round(draw.uniform(0.1, 0.5, 3) * self.period_s) / self.period_s
        self._sway_phase = draw.uniform(0, 2 * np.pi, 3)
        self.knots = self._learn() if knots is None else knots
        if len(self.knots) != self.count:
            raise ValueError(f"{len(self.knots)} frames do not make a pass of {self.count}")

    @property
    def times_s(self) -> NDArray[np.float64]:
        """When the frames are."""
        return np.arange(self.count) / self.rate_hz

    def at(self, now: NDArray[np.float64]) -> NDArray[np.float64]:
        """Posture at each moment within the pass: (n, d).

        A uniform cubic B-spline without ends. SciPy's BSpline would need its knots repeated around
        the end of the pass, and its last bits differ.
        """
        place = now * self.rate_hz
        left = np.floor(place)
        part = (place - left)[:, None]
        index = left.astype(np.int64) - 1
        rest = 1.0 - part
        weights = (
            rest * rest * rest / 6,
            2 / 3 - part * part * (1 - part / 2),
            2 / 3 - rest * rest * (1 - rest / 2),
            part * part * part / 6,
        )
        posture = np.zeros((len(now), self.knots.shape[1]))
        for k, weight in enumerate(weights):
            posture += weight * self.knots[(index + k) % self.count]
        return posture

    def targets(
        self, now: NDArray[np.float64], dip_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where palm (n, 3) and fingertips (n, fingers, 3) are to be."""
        palm = self._plan.palm.at(now)
        palm = palm + _SWAY_M * np.sin(
            2 * np.pi * self._sway_rate * now[:, None] + self._sway_phase
        )
        palm[:, 2] -= dip_m
        raised = self._raised(now)[:, None]
        palm += raised * PALM_M
        idle = palm[:, None, :] + self._hand.natural
        flat = np.clip(2.0 - 2.0 * palm[:, 2, None] / self._hand.height_m, 0.0, 0.8)
        low = self._person.lift_m * (1.0 - flat)
        contact = np.concatenate([plan.contact.at(now) for plan in self._plan.fingertips], axis=1)
        depth = np.concatenate([plan.depth.at(now) for plan in self._plan.fingertips], axis=1)
        along = mixed(contact * depth, _ENSLAVED) * self._person.enslaving
        taken = np.minimum(along, 0.5) * TRAVEL_M
        near_black = (idle[:, :, 1] - BLACK_FRONT_M + _CLEARANCE_M) / _CLEARANCE_M
        idle[:, :, 2] = (
            low - np.minimum(taken, low) + (BLACK_HEIGHT_M + _ABOVE_M) * minimum_jerk(near_black)
        )
        idle += raised[:, None] * IDLE_M
        tips = idle
        for finger, plan in enumerate(self._plan.fingertips):
            on_key = plan.place.at(now)
            on_key += raised * (plan.inner.at(now) - on_key)
            on_key[:, 2] -= TRAVEL_M * depth[:, finger]
            tips[:, finger] += contact[:, finger, None] * (on_key - tips[:, finger])
        return palm, tips

    def _learn(self) -> NDArray[np.float64]:
        """Spline coefficients of the whole pass's posture, one row a frame."""
        times, dip_m = self.times_s, self._dip_m()
        parts = []
        for start in range(0, self.count, _BATCH):
            part = slice(start, start + _BATCH)
            palm, tips = self.targets(times[part], dip_m[part])
            bent = BENT_RAD * self._raised(times[part])
            parts.append(self._hand.posture(palm, tips, bent))
        posture = np.concatenate(parts)
        frequency = np.fft.rfftfreq(self.count, 1 / self.rate_hz)
        keep = 1 / (1 + (frequency / CUT_OFF_HZ) ** _STEEPNESS)
        spline = 2 / 3 + np.cos(2 * np.pi * frequency / self.rate_hz) / 3
        spectrum = np.fft.rfft(posture, axis=0) * (keep / spline)[:, None]
        knots = np.fft.irfft(spectrum, n=self.count, axis=0)
        # A spline stays between its coefficients, so no joint goes beyond its limits anywhere.
        return np.clip(knots, *self._hand.limits.T)

    def _raised(self, now: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far up the hand is over the other one, as a part of the whole way: (n,)."""
        raised = self._plan.raised
        return np.zeros(len(now)) if raised is None else raised.at(now)

    def _dip_m(self) -> NDArray[np.float64]:
        """How far the palm has fallen into the keys, (frames,): with loudness, as is its manner."""
        strokes = self._plan.strokes
        own = strokes.finger >= 0
        frame = (strokes.onset_s[own] * self.rate_hz).astype(np.int64) % self.count
        struck = np.zeros(self.count)
        # Of notes struck together the loudest counts, so that chords do not fall deeper.
        np.maximum.at(struck, frame, (strokes.velocity[own] / 127) ** 2)
        frequency = np.fft.rfftfreq(self.count, 1 / self.rate_hz)
        bump = np.exp(-0.5 * (2 * np.pi * frequency * _DIP_S) ** 2) * _DIP_S * np.sqrt(2 * np.pi)
        fallen = np.fft.irfft(np.fft.rfft(struck) * bump * self.rate_hz, n=self.count)
        return np.asarray(self._person.palm_dip_m * np.tanh(fallen))
