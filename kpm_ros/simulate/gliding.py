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

"""A palm that glides along with the music while its fingers stay on their keys.

Where each grip strains the fingers least, the palm would jump whenever the thumb passes under. It
may be anywhere, though, from where the fingers reach their keys without strain: it is drawn there
towards the line between the places before and after, again and again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.fingering import Grip
from kpm_ros.simulate.grips import Chooser

_TURNS = 12
_PARTS = np.array([1.0, 0.6, 0.3, 0.1, 0.0])
"""How far of the way to that line is tried."""
_UNSTRAINED = 0.90
"""Stretch up to which the palm may follow; what is more strained anyway gets no worse."""
_FURTHEST_S = 2.0
"""Grips that are further apart in time do not draw each other."""


def glide(grips: list[Grip], chooser: Chooser) -> None:
    """Move the palms of grips whose fingers are chosen, in place."""
    if len(grips) < 3:
        return
    palm = np.array([grip.palm for grip in grips])
    times = np.array([grip.time_s for grip in grips])
    counts = np.array([len(grip.fingers) for grip in grips])
    alike = [np.flatnonzero(counts == count) for count in np.unique(counts)]
    held = [_held(grips, rows) for rows in alike]
    allowed = np.empty(len(grips))
    for rows, (fingers, touch) in zip(alike, held, strict=True):
        now = chooser.worst_stretch(palm[None, rows], touch, fingers)[0]
        allowed[rows] = np.maximum(now, _UNSTRAINED)
    gap = np.diff(times)
    part = (gap[:-1] / np.maximum(gap[:-1] + gap[1:], 1e-6))[:, None]
    drawn = ((gap[:-1] < _FURTHEST_S) & (gap[1:] < _FURTHEST_S))[:, None]
    for _ in range(_TURNS):
        way = np.zeros_like(palm)
        between = palm[:-2] * (1 - part) + palm[2:] * part
        way[1:-1] = np.where(drawn, between - palm[1:-1], 0.0)
        for rows, (fingers, touch) in zip(alike, held, strict=True):
            tried = palm[rows] + _PARTS[:, None, None] * way[rows]
            fits = chooser.worst_stretch(tried, touch, fingers) <= allowed[rows] + 1e-9
            fits[-1] = True
            palm[rows] = tried[fits.argmax(axis=0), np.arange(len(rows))]
    for grip, place in zip(grips, palm, strict=True):
        grip.palm = place


def _held(
    grips: list[Grip], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Fingers (rows, k) of some grips and where they touch (rows, k, 3)."""
    fingers = np.array([list(grips[row].fingers.values()) for row in rows])
    touch = np.array([[grips[row].touch[note] for note in grips[row].fingers] for row in rows])
    return fingers, touch
