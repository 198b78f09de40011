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

"""Finding a camera again that was knocked: from playing, and from what other cameras still see.

Its place is what makes fingertips fall onto the keys they strike, and its rays meet those of the
cameras that still stand. It is believed only if strikes that it was not found from agree, and if
what is known of it says where a hand is to within millimetres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.sightings import Floats, misses
from kpm_ros.core.camera_model import Camera

FEWEST_STRIKES = 16
"""Of which half find the camera, and half judge it."""
MOST_OFF_M = 0.006
"""Typical error of strikes and rays that were held out, beyond which nothing is believed."""
MOST_UNSURE_M = 0.005
"""Standard deviation of where the found camera would see a hand, beyond which playing does not
tell enough."""

_TURN_RAD, _MOVE_M = 0.25, 0.25
"""Standard deviations of how far a camera is knocked."""
_MOST_KNOCKED = 2.5
"""Of these, together: what was carried elsewhere is registered anew, as playing from one spot would
fit more than one place."""
_RAY_M = 0.004
"""Of how far rays of one point pass each other, most of which stays the same for a landmark."""
_INDEPENDENT_MOMENTS = 4.0
_CAUCHY = 3.0
_STEP = 1e-5
_ROUNDS = 14
_AROUND_M = np.array([(y, z) for y in (-0.10, 0.03) for z in (0.0, 0.06)])
"""Where the rest of a hand is from a fingertip that strikes, along keys and above them."""
_LEAST_SCALE = 0.25
"""Errors may be smaller than was thought, but by no more than what this is the square of."""


@dataclass(frozen=True)
class Evidence:
    """What is known of one camera that was knocked, all from after it was."""

    slopes: Floats
    """(moments, points, 2): what it saw."""
    others: Sequence[tuple[Camera, Floats]]
    """Cameras that still stand, and what each saw at the same moments."""
    tips: Floats
    """(strikes, 2): where it saw the fingertip of each strike."""
    places: Floats
    """(strikes, 3): where in the keyboard's frame that tip was."""
    errors_m: Floats
    """(strikes, 2): standard deviations of x and y of that."""

    def half(self, which: int) -> Evidence:
        """Every other moment and strike."""
        part = slice(which, None, 2)
        others = [(camera, slopes[part]) for camera, slopes in self.others]
        return Evidence(
            self.slopes[part], others, self.tips[part], self.places[part], self.errors_m[part]
        )


@dataclass(frozen=True)
class Found:
    """A camera's new place, and how far off what was held out is."""

    camera: Camera
    off_m: float


def find_again(camera: Camera, evidence: Evidence) -> Found | None:
    """Find the place of a camera that stood elsewhere; None where playing does not tell it."""
    if len(evidence.tips) < FEWEST_STRIKES:
        return None
    found, _ = _fitted(camera, evidence.half(0))
    off_m = _off_m(found, evidence.half(1))
    if not off_m <= MOST_OFF_M:
        return None
    found, covariance = _fitted(camera, evidence)
    if _knocked(camera, found) > _MOST_KNOCKED:
        return None
    if not _unsure_m(found, covariance, _about(evidence.places)) <= MOST_UNSURE_M:
        return None
    return Found(found, off_m)


def _knocked(before: Camera, after: Camera) -> float:
    """How far a camera was turned and moved, in standard deviations."""
    cosine = (np.trace(before.turn @ after.turn.T) - 1) / 2
    turned = float(np.arccos(np.clip(cosine, -1, 1))) / _TURN_RAD
    moved = float(np.sqrt(((before.position - after.position) ** 2).sum())) / _MOVE_M
    return float(np.hypot(turned, moved)) / np.sqrt(2)


def _about(places: Floats) -> Floats:
    """Where the hand was while it struck at these places."""
    along = np.percentile(places, (5, 95), axis=0)
    y = float(np.median(places[:, 1]))
    return np.array([(x, y + back, up) for x in along[:, 0] for back, up in _AROUND_M])


def _fitted(start: Camera, evidence: Evidence) -> tuple[Camera, NDArray[np.float64]]:
    """Least squares that outliers do not move, with the covariance of the six numbers."""
    prior = np.diag(1 / np.array([_TURN_RAD] * 3 + [_MOVE_M] * 3) ** 2)
    camera, damping = start, 1e-3
    away = np.zeros(6)
    known = prior
    cost = np.inf
    for _ in range(_ROUNDS):
        residuals = _residuals(camera, evidence)
        weights = 1 / (1 + (residuals / _CAUCHY) ** 2)
        columns = [
            (_residuals(camera.moved(step), evidence) - residuals) / _STEP
            for step in np.eye(6) * _STEP
        ]
        slopes = np.stack(columns, axis=1)
        known = slopes.T @ (slopes * weights[:, None]) + prior
        pull = slopes.T @ (weights * residuals) + prior @ away
        for _ in range(4):
            step = -np.linalg.solve(known + damping * np.diag(np.diag(known)), pull)
            tried = camera.moved(step)
            new_cost = _cost(_residuals(tried, evidence)) + (away + step) @ prior @ (away + step)
            if new_cost < cost or not np.isfinite(cost):
                damping /= 5
                break
            damping *= 10
        else:
            break
        improved = cost - new_cost
        camera, cost, away = tried, new_cost, away + step
        if improved < 1e-4 * cost:
            break
    residuals = _residuals(camera, evidence)
    scale = np.clip(1.48**2 * np.median(residuals**2), _LEAST_SCALE, 1.0)
    return camera, np.linalg.inv(known) * scale


def _residuals(camera: Camera, evidence: Evidence) -> NDArray[np.float64]:
    level = camera.on_level(evidence.tips, evidence.places[:, 2])
    parts = [((level - evidence.places[:, :2]) / evidence.errors_m).ravel()]
    share = np.sqrt(min(1.0, _INDEPENDENT_MOMENTS / max(len(evidence.slopes), 1)))
    parts += [
        misses(camera, evidence.slopes, other, slopes).ravel() * (share / _RAY_M)
        for other, slopes in evidence.others
    ]
    residuals = np.concatenate(parts)
    return np.where(np.isfinite(residuals), residuals, 0.0)


def _cost(residuals: NDArray[np.float64]) -> float:
    return float(np.log1p((residuals / _CAUCHY) ** 2).sum())


def _off_m(camera: Camera, evidence: Evidence) -> float:
    """Typical distance across keys, and between rays, of what the camera was not found from."""
    level = camera.on_level(evidence.tips, evidence.places[:, 2])
    # A low camera tells less across keys than a high one: in units of what it can tell.
    beside = np.abs(level[:, 0] - evidence.places[:, 0])
    off = [float(np.median(beside) * min(1.0, 0.005 / np.median(evidence.errors_m[:, 0])))]
    off += [
        float(np.median(np.abs(np.nanmedian(misses(camera, evidence.slopes, other, slopes), 0))))
        for other, slopes in evidence.others
    ]
    return max(off)


def _unsure_m(camera: Camera, covariance: NDArray[np.float64], points: Floats) -> float:
    """Largest standard deviation of where points would be seen, at their own distance."""
    there = camera.in_optical_frame(points)
    seen = there[:, :2] / there[:, 2:]
    moved = []
    for step in np.eye(6) * _STEP:
        now = camera.moved(step).in_optical_frame(points)
        moved.append((now[:, :2] / now[:, 2:] - seen) * there[:, 2:] / _STEP)
    slopes = np.stack(moved, axis=-1)
    variance = np.einsum("nij,jk,nik->ni", slopes, covariance, slopes)
    return float(np.sqrt(variance.max()))
