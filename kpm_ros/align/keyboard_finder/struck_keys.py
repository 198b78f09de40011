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

"""Keys that went down while a camera saw fingertips, and how well a place of it explains them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.keyboard import BLACK_HEIGHT_M, TRAVEL_M, centre_m, is_black
from kpm_ros.core.skeletons import find_skeleton
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
LEAST_FIT = 0.75
"""Fraction of strikes that some fingertip must explain."""


@dataclass(frozen=True)
class StruckKeys:
    """Keys that went down, and the fingertips that one camera saw then."""

    keys: Floats
    """(n, 3): where a finger usually strikes."""
    tips: Floats
    """(n, tips, 2), in fractions of the picture; not a number for a hand that was not seen."""
    hands: NDArray[np.int64]
    """(tips,): which hand each is of."""

    @classmethod
    def of(cls, frames: Sequence[LandmarkFrame], events: Sequence[KeyEvent]) -> StruckKeys:
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

    def off(self, camera: Camera) -> Floats:
        """How far (n, tips, 2) fingertips are from each key, in standard deviations."""
        rays, eye = camera.rays(self.tips), camera.position
        with np.errstate(divide="ignore", invalid="ignore"):
            far = (self.keys[:, None, 2] - eye[2]) / rays[..., 2]
            there = eye[:2] + far[..., None] * rays[..., :2]
            there[far <= 0] = 1e3
            return np.asarray((there - self.keys[:, None, :2]) / self.spread(camera)[:, None])

    def spread(self, camera: Camera) -> Floats:
        """How far a fingertip is seen from its key's usual place, across and along the key (n, 2).

        A camera that looks along the keys makes much of a tracker's error.
        """
        here = camera.project(self.keys)
        slopes = np.stack(
            [(camera.project(self.keys + step) - here) / 1e-4 for step in 1e-4 * np.eye(3)[:2]], -1
        )
        width, height = camera.image_size
        slopes *= np.array([[1.0], [height / width]])
        area = slopes[:, 0, 0] * slopes[:, 1, 1] - slopes[:, 0, 1] * slopes[:, 1, 0]
        area = np.maximum(np.abs(area), 1e-9)
        across = np.hypot(slopes[:, 0, 1], slopes[:, 1, 1]) / area
        along = np.hypot(slopes[:, 0, 0], slopes[:, 1, 0]) / area
        seen = TRACKER * np.stack((across, along), axis=-1)
        return np.asarray(np.minimum(np.hypot((ACROSS_M, ALONG_M), seen), 1.0))

    def nearest_off(self, camera: Camera) -> Floats:
        """The same (n, 2) of the fingertip that explains each key best."""
        off = self.off(camera)
        return np.asarray(off[np.arange(len(off)), nearest_tips(off)])

    def explained(self, camera: Camera) -> float:
        """Fraction of strikes for which a fingertip is where the camera has the key."""
        if not len(self.keys):
            return 0.0
        near = (self.nearest_off(camera) ** 2).sum(axis=-1) < FAR**2
        return float(near.mean())

    def cost(self, camera: Camera) -> float:
        """How unlikely they are: the mean of minus twice the logarithm, but for a constant."""
        off = self.nearest_off(camera)
        unsure = 2 * np.log(self.spread(camera) / (ACROSS_M, ALONG_M)).sum(axis=-1)
        return float((np.minimum((off**2).sum(axis=-1), FAR**2) + unsure).mean())


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


def nearest_tips(off: Floats) -> NDArray[np.int64]:
    """Which fingertip explains each key best, of what `StruckKeys.off` says."""
    square = np.where(np.isnan(off).any(axis=-1), np.inf, (off**2).sum(axis=-1))
    return np.asarray(square.argmin(axis=1))


def doubt_of_views(cameras: Mapping[str, Camera], strikes: Mapping[str, StruckKeys]) -> str:
    """Say which views are swapped, or see another piano than the one that is played."""
    fits = {
        (view, other): strikes[view].explained(camera)
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
