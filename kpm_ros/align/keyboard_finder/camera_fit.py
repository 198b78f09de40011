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

from kpm_ros.align.keyboard_finder.borders import Found, Picture, look
from kpm_ros.align.keyboard_finder.lenses import Lens
from kpm_ros.align.keyboard_finder.outline import Kind, Outline
from kpm_ros.core.camera_model import Camera, Floats, rotation_matrix
from kpm_ros.core.keyboard import Keyboard

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
FEWEST_BORDERS = 30
"""Points on borders that a fit takes."""


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
        turn = rotation_matrix(change[:3]) @ self.camera.turn
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
