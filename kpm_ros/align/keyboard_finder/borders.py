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

"""Where a picture has the borders of keys, near where a camera would have them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.keyboard_finder.outline import Kind, Outline, outline
from kpm_ros.core.camera_model import Camera, Floats
from kpm_ros.core.keyboard import Keyboard
from kpm_ros.sense.camera.opencv import load_opencv

SMOOTHING_PX = 0.8
STEP_PX = 0.5
"""Along the line on which a border is sought."""
LEAST_STEP = 0.12
"""Of the contrast of white and black keys: what a border must have within two pixels."""
LEAST_GAP = 0.012
"""The same of the thin line between two white keys."""
LEAST_WHITE = 0.5
"""How bright it must be beside a border, against the brightest tenth."""
LIP_M = 0.018
"""How far down a white key's front face goes at least."""


@dataclass(frozen=True)
class Picture:
    """A grey picture, smoothed for sub-pixel work."""

    grey: NDArray[np.float32]
    noise: float

    @classmethod
    def of(cls, image: NDArray[np.uint8]) -> Picture:
        """Take blue, green, red, or grey."""
        cv2 = load_opencv()
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
        grey = grey.astype(np.float32)
        fine = grey - cv2.GaussianBlur(grey, (0, 0), 1.0)
        noise = float(1.48 * np.median(np.abs(fine)))
        return cls(cv2.GaussianBlur(grey, (0, 0), SMOOTHING_PX), noise)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        height, width = self.grey.shape
        return width, height

    def at(self, pixels: Floats) -> NDArray[np.float64]:
        """Read it between its pixels (..., 2)."""
        cv2 = load_opencv()
        flat = np.asarray(pixels, np.float32).reshape(-1, 1, 2)
        values = np.empty(len(flat), np.float32)
        for begin in range(0, len(flat), 30000):  # OpenCV takes no longer maps
            part = flat[begin : begin + 30000]
            read = cv2.remap(
                self.grey, part, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            values[begin : begin + 30000] = read[:, 0]
        return values.reshape(np.shape(pixels)[:-1]).astype(np.float64)


@dataclass(frozen=True)
class Found:
    """Where borders were found in a picture, beside where they were expected."""

    outline: Outline
    expected: NDArray[np.float64]
    """(n, 2), in pixels."""
    normal: NDArray[np.float64]
    """(n, 2): to the bright side, of length 1."""
    offset: NDArray[np.float64]
    """(n,): how far along the normal it was found; not a number where it was not."""
    strength: NDArray[np.float64]
    """(n,): of what was found, against what it must have."""

    @property
    def hit(self) -> NDArray[np.bool_]:
        """Which borders were found."""
        return np.isfinite(self.offset)

    def support(self, *kinds: Kind) -> float:
        """Fraction of the borders that were found, of some kinds or all."""
        which = np.isin(self.outline.kind, kinds or tuple(Kind))
        return float(self.hit[which].mean()) if which.any() else 0.0


def look(
    picture: Picture, camera: Camera, keyboard: Keyboard, reach_px: float, hidden: bool = True
) -> Found:
    """Look for each border near where it is expected."""
    expected = outline(keyboard, camera, hidden)
    here = camera.pixels(expected.points)
    along = camera.pixels(expected.points + expected.along) - here
    bright = camera.pixels(expected.points + expected.bright) - here
    normal = np.stack((-along[:, 1], along[:, 0]), axis=-1)
    length = np.linalg.norm(normal, axis=-1)
    good = np.isfinite(length) & (length > 1e-3)
    expected, here, bright = expected.taken(good), here[good], bright[good]
    if not len(here):
        return Found(expected, here, here, here[:, 0], here[:, 0])
    normal = normal[good] / length[good, None]
    normal *= np.where((normal * bright).sum(axis=-1) < 0, -1.0, 1.0)[:, None]
    # How wide a key is here: a border is not sought where the next one is.
    wide = 23.5 * np.abs((normal * bright).sum(axis=-1))
    reach = np.minimum(reach_px, np.maximum(0.4 * wide, 1.0))
    lip = (expected.kind == Kind.FRONT) & (camera.position[1] < 0)
    lowest = -reach
    if lip.any():
        # Below the front edge the white key goes on downwards, and its lower edge is clearer.
        low = camera.pixels(expected.points[lip] - (0, 0, LIP_M)) - here[lip]
        face_px = np.abs((low * normal[lip]).sum(axis=-1))
        lowest[lip] = np.where(face_px > 2.0, np.maximum(-0.6 * face_px, -reach[lip]), -reach[lip])
    steps = np.arange(-reach_px - 3, reach_px + 3 + STEP_PX / 2, STEP_PX)
    profile = picture.at(here[:, None] + steps[:, None] * normal[:, None])
    offset, strength = _peaks(picture, profile, steps, (lowest, reach), expected.kind, lip)
    return Found(expected, here, normal, offset, strength)


def _peaks(
    picture: Picture,
    profile: NDArray[np.float64],
    steps: NDArray[np.float64],
    within: tuple[NDArray[np.float64], NDArray[np.float64]],
    kind: NDArray[np.int64],
    faint: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find a border on each line of grey values, and how clear it is."""
    gap = kind == Kind.GAP
    contrast = max(float(np.percentile(profile, 90) - np.percentile(profile, 10)), 20.0)
    two, three = round(1.0 / STEP_PX), round(1.5 / STEP_PX)
    rise, dip = np.zeros_like(profile), np.zeros_like(profile)
    rise[:, two:-two] = profile[:, 2 * two :] - profile[:, : -2 * two]
    beside_gap = 0.5 * (profile[:, 2 * three :] + profile[:, : -2 * three])
    dip[:, three:-three] = beside_gap - profile[:, three:-three]
    score = np.where(gap[:, None], dip, rise)
    noise = max(picture.noise, 0.3)
    least = np.where(
        gap | faint, max(LEAST_GAP * contrast, noise), max(LEAST_STEP * contrast, 3 * noise)
    )
    nearness = 1 - 0.3 * np.abs(steps) / np.abs(steps).max()
    allowed = (steps >= within[0][:, None]) & (steps <= within[1][:, None])
    allowed[:, 1:-1] &= (score[:, 1:-1] >= score[:, :-2]) & (score[:, 1:-1] >= score[:, 2:])
    allowed[:, (0, -1)] = False
    weighed = np.where(allowed, score * nearness, -np.inf)
    best = weighed[:, 1:-1].argmax(axis=1) + 1
    rows = np.arange(len(best))
    top = score[rows, best]
    before, after = score[rows, best - 1], score[rows, best + 1]
    curve = before - 2 * top + after
    shift = np.where(curve < 0, 0.5 * (before - after) / np.minimum(curve, -1e-9), 0.0)
    hit = (top > least) & allowed[rows, best]
    # Beside a key's border it is white; what is merely less dark is of something else.
    beside = profile[rows, np.minimum(best + three, profile.shape[1] - 1)]
    hit &= gap | (beside > LEAST_WHITE * np.percentile(profile, 90))
    offset = np.where(hit, steps[best] + np.clip(shift, -1, 1) * STEP_PX, np.nan)
    return offset, top / least
