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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.keyboard_finder.finder import NoKeyboardError
from kpm_ros.core.camera_model import Camera
from kpm_ros.core.keyboard import (
    BLACK_HEIGHT_M,
    OCTAVE_M,
    TRAVEL_M,
    WHITE_WIDTH_M,
    centre_m,
    is_black,
)
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.sense.camera.opencv import load_opencv
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, LandmarkFrame

Floats = NDArray[np.float64]

NEAR_NS = 40_000_000
"""A frame this far from a strike still shows the finger on its key."""
ON_WHITE_M, ON_BLACK_M = 0.025, 0.070
"""Where fingers strike, behind the white keys' front edge."""
ACROSS_M, ALONG_M = 0.005, 0.018
"""Standard deviations: beside the key's middle, and along the key."""
TRACKER = 0.002
"""Standard deviation of a fingertip in the picture, in widths of it."""
FAR = 3.0
"""Standard deviations beyond which no finger struck the key."""
FEWEST_STRIKES = 40
LEAST_SPAN_M = 0.25
LEAST_FIT = 0.75
"""Fraction of strikes that some fingertip must explain."""
LEAST_LEAD = 10.0
"""By how much less likely all strikes together must be from any other place: a logarithm."""
OTHER_PLACE_M = 0.015
AZIMUTHS_DEG = np.arange(-180, 180, 30)
ELEVATIONS_DEG = (15, 30, 45, 60, 75, 89)
MOST_STARTS = 14


@dataclass(frozen=True)
class Strikes:
    """Keys that went down, and the fingertips that one camera saw then."""

    keys: Floats
    """(n, 3): where a finger usually strikes."""
    tips: Floats
    """(n, tips, 2), in fractions of the picture; not a number for a hand that was not seen."""
    hands: NDArray[np.int64]
    """(tips,): which hand each is of."""

    @classmethod
    def of(cls, frames: Sequence[LandmarkFrame], events: Sequence[KeyEvent]) -> Strikes:
        """Bring one view's frames and the key events together."""
        sides = sorted({frame.side for frame in frames})
        by_side = [
            [frame for frame in frames if frame.side == side and frame.points is not None]
            for side in sides
        ]
        stamps = [np.array([frame.stamp_ns for frame in seen]) for seen in by_side]
        keys, tips = [], []
        for event in events:
            if event.kind is not KeyEventKind.NOTE_ON or not event.velocity:
                continue
            hands = [
                _nearest(seen, at, event.stamp_ns) for seen, at in zip(by_side, stamps, strict=True)
            ]
            if any(np.isfinite(hand).all() for hand in hands):
                black = is_black(event.note)
                height = (BLACK_HEIGHT_M if black else 0.0) - TRAVEL_M / 2
                y = ON_BLACK_M if black else ON_WHITE_M
                keys.append((centre_m(event.note), y, height))
                tips.append(np.concatenate(hands))
        count = len(tips[0]) if tips else 0
        owners = np.repeat(np.arange(len(sides)), count // max(len(sides), 1))
        return cls(np.reshape(keys, (-1, 3)), np.reshape(tips, (len(keys), count, 2)), owners)


def _nearest(seen: Sequence[LandmarkFrame], stamps: NDArray[np.int64], at_ns: int) -> Floats:
    nothing = np.full((5, 2), np.nan)
    if not len(stamps):
        return nothing
    place = int(np.abs(stamps - at_ns).argmin())
    points = seen[place].points
    if abs(int(stamps[place]) - at_ns) > NEAR_NS or points is None:
        return nothing
    tips = find_skeleton(seen[place].skeleton).role("tips")
    return np.asarray(points[list(tips), :2], np.float64)


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


def from_playing(strikes: Strikes, lens: Camera, start: Camera | None = None) -> Played:
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
    rough = sorted(starts, key=lambda camera: _cost(strikes, camera))[:MOST_STARTS]
    refined = [_refined(strikes, camera) for camera in rough]
    best = min(refined, key=lambda camera: _cost(strikes, camera))
    # One finger's place is nearly as good as the next one's: look there, too.
    refined += [_refined(strikes, camera) for camera in _moved(best, WHITE_WIDTH_M, 3)]
    refined.sort(key=lambda camera: _cost(strikes, camera))
    best = refined[0]
    others = [one for one in refined if _apart_m(strikes, best, one) > OTHER_PLACE_M]
    cost = _cost(strikes, best)
    lead = min((_cost(strikes, one) - cost for one in others), default=np.inf)
    lead *= len(strikes.keys) / 2
    off = _off(strikes, best)
    off = off[np.arange(len(off)), _struck(off)]
    chosen = (off**2).sum(axis=-1) < FAR**2
    share = float(chosen.mean())
    beside = (off * _spread(strikes, best))[chosen, 0]
    error_mm = 1e3 * float(np.sqrt((beside**2).mean())) if chosen.any() else np.inf
    found = Played(best, len(strikes.keys), share, error_mm, float(lead))
    if share < LEAST_FIT or lead < LEAST_LEAD:
        raise NoKeyboardError(
            f"playing does not tell for sure: {100 * share:.0f} % of the notes are explained, "
            f"and another place explains them nearly as well (a lead of {lead:.0f}; wanted: "
            f"{100 * LEAST_FIT:.0f} %, {LEAST_LEAD:g}): play more notes, wide apart, black and "
            "white, or show the keyboard"
        )
    return found


def explained(strikes: Strikes, camera: Camera) -> float:
    """Fraction of strikes for which a fingertip is where the camera has the key."""
    off = _off(strikes, camera)
    off = off[np.arange(len(off)), _struck(off)]
    return float(((off**2).sum(axis=-1) < FAR**2).mean()) if len(off) else 0.0


def doubt_of_views(cameras: Mapping[str, Camera], strikes: Mapping[str, Strikes]) -> str:
    """Say which views are swapped, or see another piano than the one that is played."""
    fits = {
        (view, other): explained(strikes[view], camera)
        for view in strikes
        for other, camera in cameras.items()
        if len(strikes[view].keys) >= FEWEST_STRIKES
    }
    for one, other in combinations(cameras, 2):
        own = min(fits.get((one, one), 1.0), fits.get((other, other), 1.0))
        exchanged = min(fits.get((one, other), 0.0), fits.get((other, one), 0.0))
        if own < LEAST_FIT <= exchanged:
            return (
                f"the views {one!r} and {other!r} seem to be swapped: each sees fingers on the "
                "keys that go down where the other stands"
            )
    for view in cameras:
        if fits.get((view, view), 1.0) < LEAST_FIT:
            return (
                f"{view} sees fingers on only {100 * fits[view, view]:.0f} % of the keys that go "
                "down: does it see the piano that is played, and is the octave right"
            )
    return ""


def _off(strikes: Strikes, camera: Camera) -> Floats:
    """How far each fingertip is from each key that went down, in standard deviations (n, t, 2)."""
    rays, eye = camera.rays(strikes.tips), camera.position
    with np.errstate(divide="ignore", invalid="ignore"):
        far = (strikes.keys[:, None, 2] - eye[2]) / rays[..., 2]
        there = eye[:2] + far[..., None] * rays[..., :2]
        there[far <= 0] = 1e3
        return np.asarray((there - strikes.keys[:, None, :2]) / _spread(strikes, camera)[:, None])


def _spread(strikes: Strikes, camera: Camera) -> Floats:
    """How far a fingertip is seen from its key's usual place, across and along the key (n, 2).

    A camera that looks along the keys makes much of a tracker's error.
    """
    here = camera.project(strikes.keys)
    slopes = np.stack(
        [(camera.project(strikes.keys + step) - here) / 1e-4 for step in 1e-4 * np.eye(3)[:2]], -1
    )
    width, height = camera.image_size
    slopes *= np.array([[1.0], [height / width]])
    area = slopes[:, 0, 0] * slopes[:, 1, 1] - slopes[:, 0, 1] * slopes[:, 1, 0]
    area = np.maximum(np.abs(area), 1e-9)
    across = np.hypot(slopes[:, 0, 1], slopes[:, 1, 1]) / area
    along = np.hypot(slopes[:, 0, 0], slopes[:, 1, 0]) / area
    seen = TRACKER * np.stack((across, along), axis=-1)
    return np.asarray(np.minimum(np.hypot((ACROSS_M, ALONG_M), seen), 1.0))


def _struck(off: Floats) -> NDArray[np.int64]:
    square = np.where(np.isnan(off).any(axis=-1), np.inf, (off**2).sum(axis=-1))
    return np.asarray(square.argmin(axis=1))


def _cost(strikes: Strikes, camera: Camera) -> float:
    """How unlikely the strikes are: the mean of minus twice the logarithm, but for a constant."""
    off = _off(strikes, camera)
    off = off[np.arange(len(off)), _struck(off)]
    unsure = 2 * np.log(_spread(strikes, camera) / (ACROSS_M, ALONG_M)).sum(axis=-1)
    return float((np.minimum((off**2).sum(axis=-1), FAR**2) + unsure).mean())


def _starts(strikes: Strikes, lens: Camera) -> Iterator[Camera]:
    """Stand upright in every direction, where hands would be over their keys about."""
    low = strikes.keys[:, 0] <= np.median(strikes.keys[:, 0])
    two = len(np.unique(strikes.hands)) > 1
    owner = np.where(low | (not two), 0, 1)
    hand = strikes.hands[None] == owner[:, None]
    middle = np.nanmean(np.where(hand[..., None], strikes.tips, np.nan), axis=1)
    known = np.isfinite(middle).all(axis=-1)
    slopes, keys = lens.slopes(middle[known]), strikes.keys[known]
    for elevation in np.radians(ELEVATIONS_DEG):
        for azimuth in np.radians(AZIMUTHS_DEG):
            flat = np.cos(elevation)
            ahead = -np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)])
            right = np.cross(ahead, (0, 0, 1.0))
            right /= np.linalg.norm(right)
            turn = np.stack((right, np.cross(ahead, right), ahead))
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
        shift = camera.turn @ np.array([steps * by_m, 0.0, 0.0])
        yield camera.at(camera.turn, np.array(camera.translation) - shift)


def _refined(strikes: Strikes, camera: Camera, rounds: int = 15) -> Camera:
    """Let each strike choose its finger, fit to those, and again."""
    rows = np.arange(len(strikes.keys))
    damping = 1e-2
    cost = _cost(strikes, camera)
    for _ in range(rounds):
        off = _off(strikes, camera)
        struck = _struck(off)
        chosen = Strikes(strikes.keys, strikes.tips[rows, struck][:, None], strikes.hands[:1])
        now = off[rows, struck]
        square = (now**2).sum(axis=-1)
        weight = np.where(square < 4 * FAR**2, 1 / (1 + square / 4), 0.0)
        slopes = np.stack(
            [(_off(chosen, _nudged(camera, at))[:, 0] - now) / NUDGE for at in range(6)], axis=-1
        )
        normal = np.einsum("nci,n,ncj->ij", slopes, weight, slopes)
        right = -np.einsum("nci,n,nc->i", slopes, weight, now)
        try:
            change = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-9), right)
        except np.linalg.LinAlgError:
            break
        tried = _changed(camera, np.clip(change, -0.2, 0.2))
        new = _cost(strikes, tried)
        if new < cost:
            done = cost - new < 1e-5
            camera, cost, damping = tried, new, damping / 3
            if done:
                break
        else:
            damping *= 8
            if damping > 1e3:
                break
    return camera


NUDGE = 1e-4


def _nudged(camera: Camera, at: int) -> Camera:
    change = np.zeros(6)
    change[at] = NUDGE
    return _changed(camera, change)


def _changed(camera: Camera, change: Floats) -> Camera:
    """Turn and move a camera a little, about its own place."""
    turn = load_opencv().Rodrigues(np.asarray(change[:3], np.float64))[0] @ camera.turn
    place = camera.position + change[3:]
    return camera.at(turn, -turn @ place)


def _apart_m(strikes: Strikes, one: Camera, other: Camera) -> float:
    """How far apart two cameras have the keys that went down, on the keys."""
    rays, eye = other.rays(one.project(strikes.keys)), other.position
    there = eye + rays * ((strikes.keys[:, 2] - eye[2]) / rays[:, 2])[:, None]
    return float(np.median(np.linalg.norm(there - strikes.keys, axis=-1)))
