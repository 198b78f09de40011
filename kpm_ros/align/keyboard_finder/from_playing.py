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

"""A camera's place from playing: which key went down while which fingertips were where.

No picture is needed, only a known lens. Which finger struck is not known: the one that explains the
key best is taken, and the camera must explain all strikes together far better than by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.keyboard_finder.finder import NoKeyboardError
from kpm_ros.align.keyboard_finder.struck_keys import (
    FAR,
    FEWEST_STRIKES,
    LEAST_FIT,
    StruckKeys,
    nearest_tips,
)
from kpm_ros.core.camera_model import Camera, facing
from kpm_ros.core.keyboard import OCTAVE_M, WHITE_WIDTH_M

Floats = NDArray[np.float64]

LEAST_SPAN_M = 0.25
LEAST_LEAD = 10.0
"""By how much less likely all strikes together must be from any other place: a logarithm."""
OTHER_PLACE_M = 0.015
AZIMUTHS_DEG = np.arange(-180, 180, 30)
ELEVATIONS_DEG = (15, 30, 45, 60, 75, 89)
MOST_STARTS = 14


@dataclass(frozen=True)
class Played:
    """A camera found from playing."""

    camera: Camera
    strikes: int
    explained: float
    """Fraction of the strikes."""
    error_mm: float
    """Root mean square of fingertips beside their keys' middle."""
    lead: float
    """How much less likely the strikes are from the next best place: a logarithm."""


def from_playing(strikes: StruckKeys, lens: Camera, start: Camera | None = None) -> Played:
    """Find a camera's place; NoKeyboardError says why it is not sure.

    `start` is a place that is known but for the octave, or that was known before.
    """
    if len(strikes.keys) < FEWEST_STRIKES:
        raise NoKeyboardError(
            f"{len(strikes.keys)} notes are too few, counting those with a hand in sight: play "
            f"{FEWEST_STRIKES} or more"
        )
    span = float(np.ptp(strikes.keys[:, 0]))
    if span < LEAST_SPAN_M:
        raise NoKeyboardError(
            f"the notes lie within {100 * span:.0f} cm: play over {100 * LEAST_SPAN_M:.0f} cm or "
            "more of the keyboard"
        )
    starts = list(_moved(start, OCTAVE_M, 8)) if start else list(_starts(strikes, lens))
    if not starts:
        raise NoKeyboardError("no camera above the keys sees the fingers so")
    rough = sorted(starts, key=strikes.cost)[:MOST_STARTS]
    refined = [_refined(strikes, camera) for camera in rough]
    _, best = min(refined, key=_cost)
    # One finger's place is nearly as good as the next one's: look there, too.
    refined += [_refined(strikes, camera) for camera in _moved(best, WHITE_WIDTH_M, 3)]
    cost, best = min(refined, key=_cost)
    others = [other for other, one in refined if _apart_m(strikes, best, one) > OTHER_PLACE_M]
    lead = (min(others, default=np.inf) - cost) * len(strikes.keys) / 2
    off = strikes.nearest_off(best)
    near = (off**2).sum(axis=-1) < FAR**2
    share = float(near.mean())
    beside = (off * strikes.spread(best))[near, 0]
    error_mm = 1e3 * float(np.sqrt((beside**2).mean())) if near.any() else np.inf
    found = Played(best, len(strikes.keys), share, error_mm, float(lead))
    if share < LEAST_FIT or lead < LEAST_LEAD:
        raise NoKeyboardError(
            f"playing does not tell for sure: {100 * share:.0f} % of the notes are explained, "
            f"and another place explains them nearly as well (a lead of {lead:.0f}; wanted: "
            f"{100 * LEAST_FIT:.0f} %, {LEAST_LEAD:g}): play more notes, wide apart, black and "
            "white, or show the keyboard"
        )
    return found


def _starts(strikes: StruckKeys, lens: Camera) -> Iterator[Camera]:
    """Stand upright in every direction, where hands would be over their keys about."""
    low = strikes.keys[:, 0] <= np.median(strikes.keys[:, 0])
    two = len(np.unique(strikes.hands)) > 1
    owner = np.where(low | (not two), 0, 1)
    hand = strikes.hands[None] == owner[:, None]
    told = hand[..., None] & np.isfinite(strikes.tips)
    count = told.sum(axis=1)
    known = (count > 0).all(axis=-1)
    middle = np.where(told, strikes.tips, 0.0).sum(axis=1)[known] / count[known]
    slopes, keys = lens.slopes(middle), strikes.keys[known]
    for elevation in np.radians(ELEVATIONS_DEG):
        for azimuth in np.radians(AZIMUTHS_DEG):
            flat = np.cos(elevation)
            ahead = -np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)])
            turn = facing(ahead, np.array([0.0, 0.0, 1.0]))
            turned = keys @ turn.T
            # What is seen at these slopes: x + tx = u (z + tz), y + ty = v (z + tz).
            rows = np.zeros((len(keys), 2, 3))
            rows[:, 0, 0] = rows[:, 1, 1] = 1.0
            rows[:, :, 2] = -slopes
            right_side = slopes * turned[:, 2:] - turned[:, :2]
            shift = np.linalg.lstsq(rows.reshape(-1, 3), right_side.ravel(), rcond=None)[0]
            camera = lens.at(turn, shift)
            if camera.position[2] > 0.1:
                yield camera


def _moved(camera: Camera, by_m: float, most: int) -> Iterator[Camera]:
    for steps in range(-most, most + 1):
        yield camera.shifted(np.array([steps * by_m, 0.0, 0.0]))


def _cost(refined: tuple[float, Camera]) -> float:
    return refined[0]


def _refined(strikes: StruckKeys, camera: Camera, rounds: int = 15) -> tuple[float, Camera]:
    """Let each strike choose its finger, fit to those, and again; say what that costs."""
    rows = np.arange(len(strikes.keys))
    damping = 1e-2
    cost = strikes.cost(camera)
    for _ in range(rounds):
        off = strikes.off(camera)
        struck = nearest_tips(off)
        chosen = StruckKeys(strikes.keys, strikes.tips[rows, struck][:, None], strikes.hands[:1])
        now = off[rows, struck]
        square = (now**2).sum(axis=-1)
        weight = np.where(square < 4 * FAR**2, 1 / (1 + square / 4), 0.0)
        slopes = np.stack(
            [(chosen.off(_nudged(camera, at))[:, 0] - now) / NUDGE for at in range(6)], axis=-1
        )
        normal = np.einsum("nci,n,ncj->ij", slopes, weight, slopes)
        right = -np.einsum("nci,n,nc->i", slopes, weight, now)
        try:
            change = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-9), right)
        except np.linalg.LinAlgError:
            break
        tried = _changed(camera, np.clip(change, -0.2, 0.2))
        new = strikes.cost(tried)
        if new < cost:
            done = cost - new < 1e-5
            camera, cost, damping = tried, new, damping / 3
            if done:
                break
        else:
            damping *= 8
            if damping > 1e3:
                break
    return cost, camera


NUDGE = 1e-4


def _nudged(camera: Camera, at: int) -> Camera:
    change = np.zeros(6)
    change[at] = NUDGE
    return _changed(camera, change)


def _changed(camera: Camera, change: Floats) -> Camera:
    """Turn and move a camera a little, about its own place."""
    return camera.moved(np.concatenate((change[:3], np.zeros(3)))).shifted(change[3:])


def _apart_m(strikes: StruckKeys, one: Camera, other: Camera) -> float:
    """How far apart two cameras have the keys that went down, on the keys."""
    there = other.on_level(other.slopes(one.project(strikes.keys)), strikes.keys[:, 2])
    return float(np.median(np.linalg.norm(there - strikes.keys[:, :2], axis=-1)))
