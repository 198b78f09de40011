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

"""A camera's place, lens and a keyboard's measures, fitted to the borders seen in a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

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
FOCAL_SPREAD = 0.15
"""Standard deviation of a focal length that is only assumed, as a fraction."""
BEND_SPREAD = 0.05
"""Of an assumed lens's first radial coefficient."""
MEASURES = ("white_length_m", "black_front_m", "black_height_m", "black_width_m")
SPREADS_M = (0.004, 0.003, 0.001, 0.0008)
"""How much pianos differ in these measures: standard deviations."""
LONGEST_STEP = (0.05, 0.05, 0.05, 0.1, 0.1, 0.1)
"""How far a camera turns and moves in one step, about, in radians and metres."""
NOISE_PX = 0.5
"""Of one border's place; those of one key err together, which `SHARED` counts."""
SHARED = 8.0
LIP_M = 0.018
"""How far down a white key's front face goes at least."""
FEWEST_BORDERS = 30
"""Points on borders that a fit takes."""


@dataclass(frozen=True)
class Lens:
    """What is known of a camera's lens before a keyboard was seen."""

    camera: Camera
    """Its place does not matter."""
    known: bool = False
    """Whether it was measured; else it is refined as far as the picture allows."""

    @classmethod
    def assumed(cls, width: int, height: int, view_deg: float = 65.0) -> Lens:
        """Take a usual angle of view across the picture's longer side."""
        focal = float(max(width, height) / 2 / np.tan(np.radians(view_deg / 2)))
        middle = ((width - 1) / 2, (height - 1) / 2)
        return cls(Camera((width, height), (focal, focal, *middle)))


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


@dataclass(frozen=True)
class Fit:
    """A camera in its place, the keyboard as measured, and how well both explain the picture."""

    camera: Camera
    keyboard: Keyboard
    lens: Lens
    found: Found
    covariance: NDArray[np.float64] = field(repr=False, default_factory=lambda: np.zeros((0, 0)))
    """Of the parameters: turn (3), translation (3), logarithm of the focal length, first radial
    coefficient, then `MEASURES`."""

    def errors_px(self) -> NDArray[np.float64]:
        """How far borders were found from where they should be."""
        return np.asarray(np.abs(self.found.offset[self.found.hit]))

    def errors_mm(self) -> NDArray[np.float64]:
        """The same on the keys."""
        hit = self.found.hit
        return self.errors_px() * _mm_per_px(self.camera, self.found)[hit]


def _mm_per_px(camera: Camera, found: Found) -> NDArray[np.float64]:
    """How far a border's point on its plane moves when its picture moves by a pixel."""
    points = found.outline.points
    here = found.expected
    steps = []
    for axis in ((0.001, 0, 0), (0, 0.001, 0)):
        moved = camera.pixels(points + np.array(axis)) - here
        steps.append((moved * found.normal).sum(axis=-1))
    return 1.0 / np.maximum(np.hypot(*steps), 1e-6)


class _Parameters:
    """Camera and keyboard as a vector that may be changed a little, and back."""

    def __init__(self, lens: Lens, camera: Camera, keyboard: Keyboard) -> None:
        self.lens, self.camera, self.keyboard = lens, camera, keyboard
        self.spreads = np.array(
            [*LONGEST_STEP]
            + ([0.0, 0.0] if lens.known else [FOCAL_SPREAD, BEND_SPREAD])
            + list(SPREADS_M)
        )
        self.free = self.spreads > 0
        usual = Keyboard()
        now = [np.log(camera.lens[0] / lens.camera.lens[0]), _bend(camera) - _bend(lens.camera)]
        now += [getattr(keyboard, name) - getattr(usual, name) for name in MEASURES]
        self.off = np.concatenate((np.zeros(6), now))
        """How far they are from what was expected, where anything was."""

    def moved(self, change: Floats) -> tuple[Camera, Keyboard]:
        """Camera and keyboard after a change of the vector."""
        cv2 = load_opencv()
        turn = cv2.Rodrigues(np.asarray(change[:3], np.float64))[0] @ self.camera.turn
        camera = self.camera.at(turn, np.array(self.camera.translation) + change[3:6])
        fx, fy, cx, cy = camera.lens
        grown = float(np.exp(change[6]))
        k1, *rest = camera.distortion
        camera = replace(
            camera,
            lens=(fx * grown, fy * grown, cx, cy),
            distortion=(float(k1 + change[7]), *rest),
        )
        named: dict[str, Any] = {
            name: float(getattr(self.keyboard, name) + value)
            for name, value in zip(MEASURES, change[8:], strict=True)
        }
        return camera, replace(self.keyboard, **named)


def _bend(camera: Camera) -> float:
    return camera.distortion[0]


STEPS = np.array([1e-4] * 3 + [1e-4] * 3 + [1e-3, 1e-3] + [1e-4] * 4)
"""For differences, each in its parameter's unit."""


def improved(
    pictures: Sequence[Picture],
    lens: Lens,
    camera: Camera,
    keyboard: Keyboard,
    reaches_px: Sequence[float] = (5.0, 3.0, 3.0, 2.0, 2.0),
    kinds: Sequence[Kind] = tuple(Kind),
) -> Fit:
    """Fit to what is found ever nearer to where it is expected; of several pictures, to all."""
    covariance = np.zeros((len(STEPS), len(STEPS)))
    for reach in reaches_px:
        seen = [look(picture, camera, keyboard, reach) for picture in pictures]
        if sum(int(found.hit.sum()) for found in seen) < FEWEST_BORDERS:
            break
        parameters = _Parameters(lens, camera, keyboard)
        change, covariance = _step(parameters, seen, kinds, reach)
        camera, keyboard = parameters.moved(change)
    found = look(pictures[0], camera, keyboard, reaches_px[-1])
    return Fit(camera, keyboard, lens, found, covariance)


def _step(
    parameters: _Parameters, seen: Sequence[Found], kinds: Sequence[Kind], reach_px: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows, off = [], []
    for found in seen:
        hit = found.hit & np.isin(found.outline.kind, kinds)
        outline_ = found.outline.taken(hit)
        rows.append(_slopes(parameters, outline_, found.normal[hit]))
        off.append(found.offset[hit])
    slopes, target = np.concatenate(rows), np.concatenate(off)
    free = parameters.free
    slopes = slopes[:, free]
    prior = parameters.spreads[free]
    prior_off = -parameters.off[free]
    change = np.zeros(slopes.shape[1])
    normal = np.eye(len(change))
    for _ in range(6):
        rest = target - slopes @ change
        spread = max(1.48 * float(np.median(np.abs(rest))) if len(rest) else 1.0, 0.25)
        # One border that is off as a whole, as the keys' front may be at first, is not left out.
        cut = max(3.0 * spread, 0.6 * reach_px)
        weight = np.clip(1 - (rest / cut) ** 2, 0.0, None) ** 2
        weight /= SHARED * max(spread, NOISE_PX) ** 2
        normal = slopes.T @ (weight[:, None] * slopes) + np.diag(prior**-2.0)
        right = slopes.T @ (weight * target) + prior_off * prior**-2.0
        change = np.linalg.solve(normal, right)
    whole = np.zeros(len(free))
    whole[free] = change
    covariance = np.zeros((len(free), len(free)))
    # What keeps a step short says nothing about the place.
    bare = normal - np.diag(np.where(np.flatnonzero(free) < 6, prior**-2.0, 0.0))
    covariance[np.ix_(free, free)] = np.linalg.pinv(bare)
    return whole, covariance


def _slopes(
    parameters: _Parameters, seen: Outline, normal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How each border moves along its normal with each parameter."""
    here = parameters.camera.pixels(seen.points)
    slopes = np.zeros((len(seen.points), len(STEPS)))
    for at, step in enumerate(STEPS):
        if not parameters.free[at]:
            continue
        change = np.zeros(len(STEPS))
        change[at] = step
        camera, keyboard = parameters.moved(change)
        points = _carried(seen, parameters.keyboard, keyboard) if at >= 8 else seen.points
        slopes[:, at] = ((camera.pixels(points) - here) * normal).sum(axis=-1) / step
    return slopes


def _carried(seen: Outline, before: Keyboard, after: Keyboard) -> NDArray[np.float64]:
    """Move points on borders as the keyboard's measures change."""
    points = seen.points.copy()
    points[:, 2] *= after.black_height_m / before.black_height_m
    points[seen.kind == Kind.BACK, 1] += after.white_length_m - before.white_length_m
    points[seen.kind == Kind.BLACK_FRONT, 1] += after.black_front_m - before.black_front_m
    side = seen.kind == Kind.BLACK_SIDE
    wider = (after.black_width_m - before.black_width_m) / 2
    points[side, 0] += np.sign(seen.bright[side, 0]) * wider
    return points
