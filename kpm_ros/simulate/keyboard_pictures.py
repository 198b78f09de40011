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

"""SIMULATED pictures of a keyboard in a room: keys, case, light, hands and a lens that bends lines.

They are plain polygons, for tests of what looks for a keyboard; nobody would take them for photos.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.keyboard import Keyboard
from kpm_ros.sense.camera.opencv import load_opencv

Image = NDArray[np.uint8]
Colour = tuple[float, float, float]

FINER = 3
"""Pictures are drawn this much finer, then made smaller: that softens edges as a lens does."""
SHIFT = 4
"""Bits of a pixel's fraction that OpenCV draws to."""
NEAREST_M = 0.05
STEP_M = 0.05
"""Straight lines are drawn in pieces of this length, which a lens may bend."""
GAP_M = 0.0010
LIP_M = 0.018
"""How far a white key's front face reaches down."""


@dataclass(frozen=True)
class Scenery:
    """What a keyboard's picture shows besides its keys. Colours are blue, green, red."""

    case: Colour = (40, 40, 42)
    floor: Colour = (80, 95, 110)
    white: float = 225.0
    black: float = 35.0
    lip: float = 0.85
    """How bright the white keys' front faces are, against their tops."""
    cheek_height_m: float = 0.01
    clutter: int = 12
    """How many things lie about."""
    shadow_m: tuple[float, float] = (0.003, 0.002)
    """How far a black key's shadow falls, to the right and to the back."""
    unevenness: float = 0.15
    """By how much light falls off across the picture."""
    hands: tuple[float, ...] = ()
    """Where along the keyboard hands are."""
    blur_px: float = 0.6
    noise: float = 2.0
    gain: float = 1.0
    jpeg_quality: int = 85


def draw_scenery(seed: int, keyboard: Keyboard, hands: int = 2) -> Scenery:
    """Draw a scenery at random, with this many hands on the keys."""
    draw = np.random.default_rng((seed, 0x5C))
    grey = draw.uniform(15, 70)
    wood = np.array([45, 75, 120]) * draw.uniform(0.5, 1.1)
    case = wood if draw.random() < 0.3 else grey + draw.normal(0, 4, 3)
    middles = draw.uniform(keyboard.left_m + 0.1, keyboard.right_m - 0.1, hands)
    return Scenery(
        case=_colour(case),
        floor=_colour(draw.uniform(50, 170) + draw.normal(0, 15, 3)),
        white=draw.uniform(190, 250),
        black=draw.uniform(20, 55),
        lip=draw.uniform(0.6, 0.95),
        cheek_height_m=draw.uniform(0.0, 0.02),
        clutter=int(draw.integers(4, 25)),
        shadow_m=(draw.uniform(-0.006, 0.006), draw.uniform(-0.004, 0.004)),
        unevenness=draw.uniform(0.0, 0.3),
        hands=tuple(float(x) for x in middles),
        blur_px=draw.uniform(0.4, 1.0),
        noise=draw.uniform(0.5, 4.0),
        gain=draw.uniform(0.75, 1.15),
        jpeg_quality=int(draw.integers(70, 96)),
    )


def draw_keyboard(seed: int, keys: int = 88, first_note: int = 21) -> Keyboard:
    """Draw the measures in which pianos differ."""
    draw = np.random.default_rng((seed, 0xCE))
    return Keyboard(
        first_note=first_note,
        keys=keys,
        white_length_m=draw.uniform(0.144, 0.153),
        black_front_m=draw.uniform(0.047, 0.053),
        black_height_m=draw.uniform(0.0105, 0.0135),
        black_width_m=draw.uniform(0.0125, 0.0140),
    )


def keyboard_picture(
    keyboard: Keyboard, camera: Camera, scenery: Scenery | None = None, seed: int = 0
) -> Image:
    """Draw what a camera sees: blue, green, red (height, width, 3)."""
    scenery = scenery or Scenery()
    canvas = _Canvas(camera, scenery, seed)
    canvas.surroundings(keyboard)
    canvas.whites(keyboard)
    canvas.blacks(keyboard)
    for x in scenery.hands:
        canvas.hand(x)
    return canvas.finished()


def empty_room(image_size: tuple[int, int], seed: int) -> Image:
    """Draw a room without any keyboard: clutter, and stripes as shelves and blinds have them."""
    draw = np.random.default_rng((seed, 0xE0))
    camera = Camera(image_size, (900.0, 900.0, image_size[0] / 2, image_size[1] / 2))
    scenery = Scenery(clutter=60, floor=_colour(draw.uniform(40, 200, 3)))
    canvas = _Canvas(camera, scenery, seed)
    width, height = (FINER * side for side in image_size)
    spacing, thick = draw.uniform(20, 60), draw.uniform(0.2, 0.6)
    left, top = draw.uniform(0, width / 3), draw.uniform(0, height / 2)
    bright, dark = (200.0,) * 3, (40.0,) * 3
    board = np.array([[0, 0], [width / 2, 0], [width / 2, height / 4], [0, height / 4]])
    canvas.fill(board + np.array((left, top)), bright)
    bar = np.array([[0, 0], [spacing * thick, 0], [spacing * thick, height / 5], [0, height / 5]])
    for place in np.arange(0.5 * spacing, width / 2 - spacing, spacing):
        canvas.fill(bar + np.array((left + place, top)), dark)
    return canvas.finished()


class _Canvas:
    """A picture on the way, finer than it will be."""

    def __init__(self, camera: Camera, scenery: Scenery, seed: int) -> None:
        self._cv2 = load_opencv()
        self._camera = camera
        self._scenery = scenery
        self._draw = np.random.default_rng((seed, 0xCA))
        width, height = camera.image_size
        size = (width * FINER, height * FINER)
        rough = self._draw.normal(0, 14, (height // 8 + 1, width // 8 + 1, 3))
        rough = self._cv2.resize(rough.astype(np.float32), size)
        self._image = np.clip(rough + np.array(scenery.floor), 0, 255).astype(np.uint8)
        for _ in range(scenery.clutter):
            middle = self._draw.uniform(0, size, 2)
            sides = self._draw.uniform(0.01, 0.12, 2) * size
            box = (middle, sides, self._draw.uniform(0, 180))
            self.fill(self._cv2.boxPoints(box), _colour(self._draw.uniform(10, 245, 3)))

    def fill(self, corners: NDArray[Any], colour: Colour) -> None:
        """Fill a polygon of the fine picture."""
        fixed = np.clip(np.round(corners * (1 << SHIFT)), -(1 << 26), 1 << 26).astype(np.int32)
        self._cv2.fillPoly(self._image, [fixed], colour, self._cv2.LINE_AA, SHIFT)

    def face(self, corners: Any, colour: Any) -> None:
        """Fill a face of the room, of corners in metres."""
        corners = np.asarray(corners, np.float64)
        pieces = [corners[:0]]
        for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            count = max(2, int(np.ceil(np.linalg.norm(b - a) / STEP_M)) + 1)
            pieces.append(a + (b - a) * np.linspace(0, 1, count)[:-1, None])
        points = np.concatenate(pieces)
        if (self._camera.in_optical_frame(points)[:, 2] < NEAREST_M).any():
            return
        self.fill((self._camera.pixels(points) + 0.5) * FINER - 0.5, _colour(colour))

    def box(
        self, low: Any, high: Any, colour: Colour, slope: float = 0.0, taper: float = 0.0
    ) -> None:
        """Draw a block whose top may begin later and be narrower; only faces turned to us."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        foot = [(x0, y0, z0), (x1, y0, z0), (x1, y1, z0), (x0, y1, z0)]
        top = [(x0 + taper, y0 + slope, z1), (x1 - taper, y0 + slope, z1)]
        top += [(x1 - taper, y1, z1), (x0 + taper, y1, z1)]
        x, y, z = self._camera.position
        base = np.array(colour)
        sides = ((y < y0, 0, 1.5), (x > x1, 1, 1.15), (y > y1, 2, 1.0), (x < x0, 3, 0.85))
        for seen, at, light in sides:
            if seen:
                following = (at + 1) % 4
                self.face([foot[at], foot[following], top[following], top[at]], base * light)
        if z > z1:
            self.face(top, base * 1.2)

    def surroundings(self, keyboard: Keyboard) -> None:
        """Draw the case around the keys."""
        left, right, back = keyboard.left_m, keyboard.right_m, keyboard.white_length_m
        case, cheek = self._scenery.case, self._scenery.cheek_height_m
        pieces = int(np.ceil((right - left) / 0.2))
        edges = np.linspace(left - 0.08, right + 0.08, pieces + 1)
        pieces_from_us = sorted(
            pairwise(edges),
            key=lambda ends: -abs(sum(ends) / 2 - self._camera.position[0]),
        )
        for a, b in pieces_from_us:
            self.box((a, back, -0.02), (b, back + 0.2, 0.06), case)
            self.box((a, -0.03, -0.08), (b, 0.0, -LIP_M), tuple(0.8 * np.array(case)))
        for a, b in ((left - 0.08, left), (right, right + 0.08)):
            self.box((a, -0.03, -0.05), (b, back, cheek), tuple(0.9 * np.array(case)))

    def whites(self, keyboard: Keyboard) -> None:
        """Draw the white keys and the gaps between them."""
        white, back = self._scenery.white, keyboard.white_length_m
        borders = keyboard.borders_m
        for a, b in pairwise(borders):
            shade = white * np.ones(3) * self._draw.uniform(0.98, 1.0)
            if self._camera.position[1] < 0:
                face = [(a, 0, -LIP_M), (b, 0, -LIP_M), (b, 0, 0), (a, 0, 0)]
                self.face(face, shade * self._scenery.lip)
            self.face([(a, 0, 0), (b, 0, 0), (b, back, 0), (a, back, 0)], shade)
        for x in borders[1:-1]:
            near, far = x - GAP_M / 2, x + GAP_M / 2
            gap = [(near, 0, 0), (far, 0, 0), (far, back, 0), (near, back, 0)]
            self.face(gap, 0.45 * white * np.ones(3))
        across, behind = self._scenery.shadow_m
        half = keyboard.black_width_m / 2
        for x in keyboard.blacks_m:
            low, high = x - half + min(across, 0), x + half + max(across, 0)
            front = keyboard.black_front_m + min(behind, 0)
            shadow = [(low, front, 0), (high, front, 0), (high, back, 0), (low, back, 0)]
            self.face(shadow, 0.7 * white * np.ones(3))

    def blacks(self, keyboard: Keyboard) -> None:
        """Draw the black keys, the farthest first."""
        half = keyboard.black_width_m / 2
        taper = (keyboard.black_width_m - keyboard.black_top_width_m) / 2
        from_us = sorted(keyboard.blacks_m, key=lambda x: -abs(x - self._camera.position[0]))
        for x in from_us:
            low = (x - half, keyboard.black_front_m, 0.0)
            high = (x + half, keyboard.white_length_m, keyboard.black_height_m)
            colour = (self._scenery.black,) * 3
            self.box(low, high, colour, keyboard.black_slope_m, taper)

    def hand(self, x: float) -> None:
        """Draw a hand on the keys, and its forearm."""
        skin = _colour(np.array([120, 150, 205]) * self._draw.uniform(0.6, 1.05))
        y = self._draw.uniform(-0.03, 0.01)
        palm = np.array([x, y, 0.07])
        elbow = np.add(palm, (self._draw.uniform(-0.12, 0.12), -0.30, 0.05))
        self._limb(elbow, np.add(palm, (0, -0.05, 0)), 0.065, skin)
        self._limb(np.add(palm, (0, -0.03, 0)), np.add(palm, (0, 0.01, 0)), 0.085, skin)
        for finger in range(5):
            across = (finger - 2) * 0.021 + self._draw.normal(0, 0.003)
            reach = 0.05 + 0.02 * (finger in (1, 2, 3)) + self._draw.normal(0, 0.008)
            knuckle = np.add(palm, (0.8 * across, 0.025, 0.005))
            tip = np.array([x + across, y + reach + 0.02, 0.012])
            self._limb(knuckle, tip, 0.017, skin)

    def _limb(self, a: NDArray[Any], b: NDArray[Any], width_m: float, colour: Colour) -> None:
        ends = np.array([a, b])
        depth = self._camera.in_optical_frame(ends)[:, 2]
        if depth.min() < NEAREST_M:
            return
        pixels = (self._camera.pixels(ends) + 0.5) * FINER - 0.5
        thick = max(1, round(FINER * self._camera.lens[0] * width_m / depth.mean()))
        first, second = (tuple(int(v) for v in np.clip(p, -9999, 9999)) for p in pixels)
        self._cv2.line(self._image, first, second, colour, min(thick, 2000), self._cv2.LINE_AA)

    def finished(self) -> Image:
        """Bring light, lens, sensor and compression over it."""
        cv2, scenery = self._cv2, self._scenery
        width, height = self._camera.image_size
        small = cv2.resize(self._image, (width, height), interpolation=cv2.INTER_AREA)
        seen = cv2.GaussianBlur(small.astype(np.float32), (0, 0), scenery.blur_px)
        angle = self._draw.uniform(0, 2 * np.pi)
        down, across = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j]
        slope = np.cos(angle) * across + np.sin(angle) * down
        seen *= (scenery.gain * (1 + scenery.unevenness * slope))[..., None]
        seen += self._draw.normal(0, scenery.noise, seen.shape)
        whole = np.clip(np.round(seen), 0, 255).astype(np.uint8)
        quality = [cv2.IMWRITE_JPEG_QUALITY, scenery.jpeg_quality]
        return np.asarray(cv2.imdecode(cv2.imencode(".jpg", whole, quality)[1], cv2.IMREAD_COLOR))


def _colour(values: Any) -> Colour:
    blue, green, red = (float(v) for v in np.clip(values, 0, 255))
    return blue, green, red
