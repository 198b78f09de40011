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

"""Which borders of a keyboard's keys a camera sees, and on which side of each it is bright."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.camera_model import Camera, Floats
from kpm_ros.core.keyboard import WHITE_WIDTH_M, Keyboard

LEVELS = 5
"""Heights at which a black key is asked whether it hides what lies behind it."""
MARGIN_M = 0.0015
"""What is seen this near a black key's border is its own border."""
BESIDE = 2.5
"""How far beside a black key's border it must be white, in millimetres."""
MARGIN_PX = 2.0
NEAREST_M = 0.02


class Kind(IntEnum):
    """What a border is of."""

    GAP = 0
    """A thin dark line between two white keys."""
    BLACK_SIDE = 1
    BLACK_FRONT = 2
    FRONT = 3
    """Of the white keys' tops."""
    LEFT = 4
    RIGHT = 5
    BACK = 6
    """Where white keys end at the fallboard."""


@dataclass(frozen=True)
class Outline:
    """Points on borders, with what is needed to look for them in a picture."""

    points: NDArray[np.float64]
    """(n, 3), in the keyboard's frame."""
    along: NDArray[np.float64]
    """(n, 3): a step along the border."""
    bright: NDArray[np.float64]
    """(n, 3): a step to the bright side."""
    kind: NDArray[np.int64]
    key: NDArray[np.int64]
    """Which gap or black key, counted from the left; -1 for the rest."""

    def taken(self, which: NDArray[np.bool_]) -> Outline:
        """Keep some."""
        return Outline(
            self.points[which],
            self.along[which],
            self.bright[which],
            self.kind[which],
            self.key[which],
        )


def outline(keyboard: Keyboard, camera: Camera, hidden: bool = True) -> Outline:
    """List the borders that a camera sees; without `hidden`, those behind black keys too."""
    everything = _borders(keyboard, camera.position)
    width, height = camera.image_size
    ahead = camera.in_optical_frame(everything.points)[:, 2] > NEAREST_M
    everything = everything.taken(ahead)
    x, y = camera.pixels(everything.points).T
    inside = (x > MARGIN_PX) & (x < width - 1 - MARGIN_PX)
    inside &= (y > MARGIN_PX) & (y < height - 1 - MARGIN_PX)
    seen = everything.taken(inside)
    if hidden:
        seen = seen.taken(~hidden_by_blacks(keyboard, camera.position, seen.points))
        seen = seen.taken(_against_white(keyboard, camera.position, seen))
    return seen


def _against_white(keyboard: Keyboard, eye: Floats, seen: Outline) -> NDArray[np.bool_]:
    """Say which borders stand out against white, not another black key or the case."""
    part = seen.points[:, 2] / (eye[2] - seen.points[:, 2])
    behind = seen.points - part[:, None] * (eye - seen.points)
    beside = behind + BESIDE * seen.bright
    beside[:, 2] = 0.0
    black = np.isin(seen.kind, (Kind.BLACK_SIDE, Kind.BLACK_FRONT))
    on_keys = (beside[:, 1] > 0) & (beside[:, 1] < keyboard.white_length_m)
    on_keys &= (beside[:, 0] > keyboard.left_m) & (beside[:, 0] < keyboard.right_m)
    return ~black | (on_keys & ~hidden_by_blacks(keyboard, eye, beside))


def _borders(keyboard: Keyboard, eye: Floats) -> Outline:
    front, back = keyboard.black_front_m, keyboard.white_length_m
    made = _Made()
    borders = keyboard.borders_m
    blacks = keyboard.blacks_m
    ends = (borders[0], borders[-1])
    on_front = np.linspace(0.05, 0.95, 7) * front
    on_back = np.linspace(front, 0.95 * back, 9)
    for at, x in enumerate(borders[1:-1]):
        open_behind = not len(blacks) or np.abs(blacks - x).min() > WHITE_WIDTH_M / 2
        ys = np.concatenate((on_front, on_back)) if open_behind else on_front
        made.line(x, ys, 0.0, "y", (0.001, 0, 0), Kind.GAP, at)
    ys = np.linspace(0.06, 0.94, 17) * back
    for x, kind, side in zip(ends, (Kind.LEFT, Kind.RIGHT), (1, -1), strict=True):
        made.line(x, ys, 0.0, "y", (side * 0.001, 0, 0), kind, -1)
    thirds = (borders[:-1, None] + WHITE_WIDTH_M * np.array([0.2, 0.5, 0.8])).ravel()
    made.line(thirds, 0.0, 0.0, "x", (0, 0.001, 0), Kind.FRONT, -1)
    free = thirds
    if len(blacks):
        free = thirds[np.abs(thirds[:, None] - blacks).min(axis=1) > 0.6 * keyboard.black_width_m]
    made.line(free, back, 0.0, "x", (0, -0.001, 0), Kind.BACK, -1)
    _black_borders(made, keyboard, eye)
    return made.finished()


def _black_borders(made: _Made, keyboard: Keyboard, eye: Floats) -> None:
    """Outline each black key as it stands out against the white: foot or top, what is farther."""
    height, front = keyboard.black_height_m, keyboard.black_front_m
    ys = front + (keyboard.white_length_m - front) * np.linspace(0.1, 0.95, 11)
    # Seen from the eye, a point of the top hides this point of the white keys' plane.
    larger = eye[2] / max(eye[2] - height, 1e-6)
    foot_half, top_half = keyboard.black_width_m / 2, keyboard.black_top_width_m / 2
    for at, x in enumerate(keyboard.blacks_m):
        for side in (-1, 1):
            foot = x + side * foot_half
            top = x + side * top_half
            shadow = eye[0] + (top - eye[0]) * larger
            is_top = side * (shadow - foot) > 0
            made.line(
                top if is_top else foot,
                ys,
                height if is_top else 0.0,
                "y",
                (side * 0.001, 0, 0),
                Kind.BLACK_SIDE,
                at,
            )
        top_front = front + keyboard.black_slope_m
        is_top = eye[1] + (top_front - eye[1]) * larger < front
        half = top_half if is_top else foot_half
        made.line(
            x + half * np.linspace(-0.6, 0.6, 5),
            top_front if is_top else front,
            height if is_top else 0.0,
            "x",
            (0, -0.001, 0),
            Kind.BLACK_FRONT,
            at,
        )


def hidden_by_blacks(keyboard: Keyboard, eye: Floats, points: Floats) -> NDArray[np.bool_]:
    """Say which points lie behind a black key, seen from the eye."""
    blacks = keyboard.blacks_m
    hidden = np.zeros(len(points), bool)
    if not len(blacks) or not len(points):
        return hidden
    order = np.sort(blacks)
    for level in np.linspace(0.0, 1.0, LEVELS):
        z = level * keyboard.black_height_m
        part = (z - points[:, 2]) / (eye[2] - points[:, 2])
        towards = (part > 0) | ((level == 0) & (points[:, 2] == 0))
        at = points[:, :2] + part[:, None] * (eye[:2] - points[:, :2])
        half = keyboard.black_width_m / 2
        half -= level * (keyboard.black_width_m - keyboard.black_top_width_m) / 2
        front = keyboard.black_front_m + level * keyboard.black_slope_m
        right = np.clip(np.searchsorted(order, at[:, 0]), 0, len(order) - 1)
        left = np.maximum(right - 1, 0)
        off = np.minimum(np.abs(order[right] - at[:, 0]), np.abs(order[left] - at[:, 0]))
        within = (off < half - MARGIN_M) & (at[:, 1] > front + MARGIN_M)
        within &= at[:, 1] < keyboard.white_length_m
        hidden |= within & towards
    return hidden


class _Made:
    """Borders as they are put together."""

    def __init__(self) -> None:
        self._points: list[NDArray[np.float64]] = []
        self._about: list[tuple[int, tuple[float, float, float], int, int, bool]] = []

    def line(
        self,
        x: Floats | float,
        y: Floats | float,
        z: float,
        axis: str,
        bright: tuple[float, float, float],
        kind: Kind,
        key: int,
    ) -> None:
        """Add points of one straight border."""
        points = np.stack(np.broadcast_arrays(x, y, z), axis=-1).reshape(-1, 3)
        self._points.append(np.asarray(points, np.float64))
        self._about.append((len(points), bright, kind, key, axis == "x"))

    def finished(self) -> Outline:
        """Put them all into arrays."""
        counts = [count for count, *_ in self._about]
        across = np.repeat([is_x for *_, is_x in self._about], counts)
        along = np.where(across[:, None], (0.001, 0.0, 0.0), (0.0, 0.001, 0.0))
        return Outline(
            np.concatenate(self._points),
            along,
            np.repeat([bright for _, bright, *_ in self._about], counts, axis=0),
            np.repeat([int(kind) for _, _, kind, *_ in self._about], counts),
            np.repeat([key for *_, key, _ in self._about], counts),
        )
