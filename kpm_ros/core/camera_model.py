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

"""A camera with its lens, and where it stands in the keyboard's frame: points to pixels and back.

Pixels are counted as OpenCV and CameraInfo do: (0, 0) is the middle of the first one, at the top
left. Landmarks are fractions of the image's width and height; both are offered here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

UNDISTORTING_STEPS = 10

MOST_PIXELS = 1 << 15
LARGEST = 1e6
"""Of a number that says where a camera stands, or what its lens is."""

SIZES = {"image_size": 2, "lens": 4, "distortion": 5, "rotation": 9, "translation": 3}
"""Of each of a camera's lists of numbers."""


SAME_SHAPE = 0.01
"""Relative difference of pictures' shapes that comes of rounding to whole pixels."""


class CameraError(ValueError):
    """A camera that cannot be, said in a sentence."""


def same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether pictures of two sizes differ in nothing but their number of pixels.

    >>> same_shape((1280, 720), (640, 360)), same_shape((1280, 720), (640, 480))
    (True, False)
    """
    (width, height), (across, down) = one, other
    return abs(width * down - across * height) <= SAME_SHAPE * across * height


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole with radial and tangential distortion ("plumb_bob"), at a place.

    >>> camera = Camera((1280, 720), (1050.0, 1050.0, 640.0, 360.0), translation=(0.0, 0.0, 1.0))
    >>> camera.project(np.array([[0.0, 0.0, 0.0]])).tolist()
    [[0.500390625, 0.5006944444444444]]
    """

    image_size: tuple[int, int]
    """Width and height, in pixels."""
    lens: tuple[float, float, float, float]
    """fx, fy, cx, cy, in pixels."""
    distortion: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)
    """k1, k2, p1, p2, k3."""
    rotation: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    """Row by row, from the keyboard's frame to the optical one: x right, y down, z ahead."""
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of the keyboard's origin in the optical frame, in metres."""

    def as_plain(self) -> dict[str, list[float]]:
        """Write it with plain values."""
        return {name: list(value) for name, value in asdict(self).items()}

    @classmethod
    def from_plain(cls, told: Mapping[str, Any], where: str) -> Camera:
        """Read what `as_plain` wrote; a CameraError says what is wrong with it."""
        lists = {name: numbers(told.get(name), size, name, where) for name, size in SIZES.items()}
        width, height = lists.pop("image_size")
        if not all(1 <= side <= MOST_PIXELS and side == int(side) for side in (width, height)):
            raise CameraError(f"{where} has pictures of {width:g} x {height:g} pixels")
        if not min(lists["lens"][:2]) > 0:
            raise CameraError(f"{where} has a focal length that is not above 0")
        turn = np.array(lists["rotation"]).reshape(3, 3)
        if not np.allclose(turn @ turn.T, np.eye(3), atol=1e-3) or np.linalg.det(turn) < 0:
            raise CameraError(f"{where} has a rotation that is none")
        return cls((int(width), int(height)), **lists)  # type: ignore[arg-type]

    @property
    def turn(self) -> NDArray[np.float64]:
        """Matrix from the keyboard's frame to the optical one."""
        return np.array(self.rotation).reshape(3, 3)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Of the lens, as OpenCV has it."""
        fx, fy, cx, cy = self.lens
        return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])

    @property
    def position(self) -> NDArray[np.float64]:
        """Where it stands, in the keyboard's frame."""
        return np.asarray(-self.turn.T @ np.array(self.translation))

    def at(self, turn: Floats, translation: Floats) -> Camera:
        """Put the same camera elsewhere."""
        x, y, z = (float(value) for value in translation)
        return replace(
            self, rotation=tuple(float(v) for v in np.ravel(turn)), translation=(x, y, z)
        )

    def shifted(self, by_m: Floats) -> Camera:
        """Move it by three metres along the keyboard's axes."""
        return self.at(self.turn, np.array(self.translation) - self.turn @ by_m)

    def moved(self, step: Floats) -> Camera:
        """Turn it about its own axes by three angles, then move it by three metres along them."""
        turn = rotation_matrix(step[:3])
        return self.at(turn @ self.turn, turn @ np.array(self.translation) + step[3:])

    def in_optical_frame(self, points: Floats) -> NDArray[np.float64]:
        """Points (..., 3) of the keyboard's frame as the camera sees them; z is depth."""
        return np.asarray(points @ self.turn.T + np.array(self.translation))

    def pixels(self, points: Floats) -> NDArray[np.float64]:
        """Project points (..., 3) of the keyboard's frame to pixels (..., 2)."""
        seen = self.in_optical_frame(points)
        bent = self.bent(seen[..., :2] / seen[..., 2:])
        fx, fy, cx, cy = self.lens
        return np.asarray(bent * (fx, fy) + (cx, cy))

    def project(self, points: Floats) -> NDArray[np.float64]:
        """Project points (..., 3) of the keyboard's frame to fractions of the image (..., 2)."""
        return (self.pixels(points) + 0.5) / self.image_size

    def slopes(self, fractions: Floats) -> NDArray[np.float64]:
        """Undistorted x/z and y/z (..., 2) of what is seen at fractions of the image."""
        fx, fy, cx, cy = self.lens
        bent = (np.asarray(fractions)[..., :2] * self.image_size - 0.5 - (cx, cy)) / (fx, fy)
        straight = bent
        if any(self.distortion):
            for _ in range(UNDISTORTING_STEPS):
                straight = straight + bent - self.bent(straight)
        return np.asarray(straight)

    def rays(self, fractions: Floats) -> NDArray[np.float64]:
        """Directions (..., 3) of length 1 in the keyboard's frame; they start at `position`."""
        return self.rays_at(self.slopes(fractions))

    def rays_at(self, slopes: Floats) -> NDArray[np.float64]:
        """The same of what is seen at x/z and y/z (..., 2)."""
        ahead = np.concatenate((slopes, np.ones_like(slopes[..., :1])), axis=-1)
        ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
        return np.asarray(ahead @ self.turn)

    def on_level(self, slopes: Floats, level_m: Floats | float) -> NDArray[np.float64]:
        """Where (..., 2) in x and y what is seen would be if it were so high above the keyboard."""
        rays, position = self.rays_at(slopes), self.position
        down = np.minimum(rays[..., 2], -1e-3)
        far = (level_m - position[2]) / down
        return np.asarray(position[:2] + far[..., None] * rays[..., :2])

    def scaled(self, width: int, height: int) -> Camera:
        """The same camera with another picture size of the same shape."""
        fx, fy, cx, cy = self.lens
        across, down = width / self.image_size[0], height / self.image_size[1]
        lens = (fx * across, fy * down, (cx + 0.5) * across - 0.5, (cy + 0.5) * down - 0.5)
        return replace(self, image_size=(width, height), lens=lens)

    def bent(self, slopes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Slopes (..., 2) as the lens bends them."""
        if not any(self.distortion):
            return slopes
        k1, k2, p1, p2, k3 = self.distortion
        x, y = slopes[..., 0], slopes[..., 1]
        square = x * x + y * y
        radial = 1 + square * (k1 + square * (k2 + square * k3))
        return np.stack(
            (
                x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x),
                y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y,
            ),
            axis=-1,
        )


def facing(ahead: Floats, up: Floats) -> NDArray[np.float64]:
    """Axes of a camera that looks this way and is held so, row by row: right, down, ahead."""
    ahead = ahead / np.linalg.norm(ahead)
    right = np.cross(ahead, up)
    right /= np.linalg.norm(right)
    return np.stack((right, np.cross(ahead, right), ahead))


def rotation_matrix(turn: Floats) -> NDArray[np.float64]:
    """Matrix that turns about an axis (3,) by as many radians as that is long."""
    angle = float(np.linalg.norm(turn))
    x, y, z = np.asarray(turn) / max(angle, 1e-300)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def numbers(value: Any, size: int, name: str, where: str) -> tuple[float, ...]:
    """Read so many numbers, none of them beyond all measure."""
    good = isinstance(value, list) and len(value) == size
    if not good or not all(
        type(number) in (int, float) and math.isfinite(number) and abs(number) < LARGEST
        for number in value
    ):
        raise CameraError(f"{where} must have {size} numbers as its {name}")
    return tuple(float(number) for number in value)
