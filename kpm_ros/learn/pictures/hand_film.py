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

"""A short film of playing hands: as a camera sees them, keys, and muscles that light up.

The keyboard is drawn where the registration says it is; without one there is only the hand.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.hands import without_side
from kpm_ros.core.keyboard import (
    BLACK_FRONT_M,
    BLACK_HEIGHT_M,
    BLACK_WIDTH_M,
    WHITE_LENGTH_M,
    WHITE_WIDTH_M,
    centre_m,
    is_black,
)
from kpm_ros.core.piano import FIRST_NOTE, PIANO_KEYS
from kpm_ros.core.skeletons import Skeleton
from kpm_ros.learn.pictures.effort_colours import effort_map
from kpm_ros.learn.pictures.muscle_lines import muscle_lines

FPS = 15.0
SEEN_PX, TRACES_PX, HEIGHT_PX = 620, 340, 400
_TRACE_S = 3.0
_MARGIN = 0.35
"""Around the hand, as a part of what it moves over."""
_PAPER, _INK, _MUTED = (24, 26, 32), (232, 234, 238), (120, 126, 138)
_WHITE, _BLACK, _DOWN = (214, 216, 220), (52, 54, 60), (0, 170, 125)
_BONE = (150, 158, 175)
_QUALITY = 70
_BRIGHTEST = 0.998
"""What this part of all effort stays below is drawn in the brightest colour."""
_FAINTEST = 0.25
"""Of the colours: what is darker is not seen on dark paper."""

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Seen:
    """What a film shows of one instant."""

    time_s: float
    hands: Mapping[str, NDArray[np.floating[Any]]]
    """(points, 2) of each hand by its side, in fractions of the camera's picture."""
    down: Collection[int] = ()
    """Notes whose keys are down."""


@dataclass(frozen=True)
class Film:
    """All that a film is drawn from."""

    skeleton: Skeleton
    image_size: tuple[int, int]
    seen: Sequence[Seen]
    times_s: NDArray[np.float64]
    effort: NDArray[np.floating[Any]]
    """(samples, muscles) at those times; NaN where it is not valid."""
    muscles: tuple[str, ...]
    drawn: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Between which points each muscle is drawn."""
    camera: Camera | None = None
    title: str = ""

    def frames(self) -> list[NDArray[np.uint8]]:
        """Draw them all."""
        shown = self.effort[np.searchsorted(self.times_s, self.seen[0].time_s) :]
        known = shown[np.isfinite(shown)]
        most = float(np.quantile(known, _BRIGHTEST)) if known.size else 1.0
        window = _Window.around(self)
        keys = _keys(self, window)
        return [self._frame(seen, window, keys, max(most, 1e-3)) for seen in self.seen]

    def webp(self) -> bytes:
        """Pack them as one moving picture that browsers show."""
        from PIL import Image

        pictures = [Image.fromarray(frame) for frame in self.frames()]
        packed = io.BytesIO()
        pictures[0].save(
            packed,
            "webp",
            save_all=True,
            append_images=pictures[1:],
            duration=round(1000 / FPS),
            loop=0,
            quality=_QUALITY,
            method=0,
        )
        return packed.getvalue()

    def _frame(
        self, seen: Seen, window: _Window, keys: Sequence[_Key], most: float
    ) -> NDArray[np.uint8]:
        import cv2

        canvas = np.full((HEIGHT_PX, SEEN_PX + TRACES_PX, 3), _PAPER, np.uint8)
        left: Any = canvas[:, :SEEN_PX]
        left = np.ascontiguousarray(left)
        for key in keys:
            colour = _DOWN if key.note in seen.down else (_BLACK if key.black else _WHITE)
            cv2.fillConvexPoly(left, key.outline, colour, cv2.LINE_AA)
            cv2.polylines(left, [key.outline], True, _PAPER, 1, cv2.LINE_AA)
        now = self._effort_at(seen.time_s)
        for side, points in seen.hands.items():
            self._hand(left, window.pixels(points), side, now / most)
        cv2.putText(
            left,
            self.title,
            (10, HEIGHT_PX - 12),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.5,
            _INK,
            1,
            cv2.LINE_AA,
        )
        canvas[:, :SEEN_PX] = left
        canvas[:, SEEN_PX:] = self._traces(seen.time_s, most)
        return canvas

    def _hand(
        self, canvas: Any, points: NDArray[np.int32], side: str, shares: NDArray[np.float64]
    ) -> None:
        import cv2

        for a, b in self.skeleton.bones:
            cv2.line(canvas, points[a].tolist(), points[b].tolist(), _BONE, 2, cv2.LINE_AA)
        lines = muscle_lines([without_side(muscle) for muscle in self.muscles], self.drawn)
        for muscle, share in zip(self.muscles, shares, strict=True):
            bare = without_side(muscle)
            other_hand = bare != muscle and side and not muscle.startswith(side[0].upper())
            if bare not in lines or other_hand or not np.isfinite(share):
                continue
            line = lines[bare]
            first, last = (points[self.skeleton.points.index(p)] for p in (line.first, line.last))
            begin, end = first + line.begin * (last - first), first + line.end * (last - first)
            share = min(max(float(share), 0.0), 1.0)
            width = 3 + round(9 * share)
            one, other = begin.round().astype(int).tolist(), end.round().astype(int).tolist()
            cv2.line(canvas, one, other, _shade(share), width, cv2.LINE_AA)

    def _traces(self, time_s: float, most: float) -> NDArray[np.uint8]:
        """Draw the last seconds of each muscle, now at the right."""
        import cv2

        canvas = np.full((HEIGHT_PX, TRACES_PX, 3), _PAPER, np.uint8)
        first, last = np.searchsorted(self.times_s, (time_s - _TRACE_S, time_s))
        row_px = HEIGHT_PX / max(1, len(self.muscles))
        name_px = 70
        across = name_px + (self.times_s[first:last] - time_s + _TRACE_S) * (
            (TRACES_PX - name_px - 10) / _TRACE_S
        )
        for row, muscle in enumerate(self.muscles):
            floor = round((row + 0.9) * row_px)
            share = np.clip(np.nan_to_num(self.effort[first:last, row]) / most, 0, 1)
            up = floor - share * 0.75 * row_px
            place = (4, floor - 4)
            cv2.putText(canvas, muscle, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
            cv2.line(canvas, (name_px, floor), (TRACES_PX - 10, floor), _MUTED, 1)
            if len(across) > 1:
                line = np.stack([across, up], axis=1).round().astype(np.int32)
                corners = [[line[0, 0], floor], *line.tolist(), [line[-1, 0], floor]]
                cv2.fillPoly(canvas, [np.array(corners, np.int32)], _shade(float(share[-1])))
        return canvas

    def _effort_at(self, time_s: float) -> NDArray[np.float64]:
        if not len(self.times_s):
            return np.full(len(self.muscles), np.nan)
        k = min(int(np.searchsorted(self.times_s, time_s)), len(self.times_s) - 1)
        return self.effort[k].astype(np.float64)


@dataclass(frozen=True)
class _Window:
    """The part of the camera's picture that is shown."""

    corner: NDArray[np.float64]
    scale: float
    image_size: NDArray[np.float64]

    @classmethod
    def around(cls, film: Film) -> _Window:
        """Show what the hands move over, with some margin."""
        size = np.array(film.image_size, np.float64)
        every = [points for seen in film.seen for points in seen.hands.values()]
        if not every:
            return cls(np.zeros(2), float(min((SEEN_PX, HEIGHT_PX) / size)), size)
        points = np.concatenate(every)[:, :2] * size
        low, high = np.quantile(points, (0.005, 0.995), axis=0)
        middle, span = (low + high) / 2, (high - low) * (1 + 2 * _MARGIN)
        scale = float(min((SEEN_PX, HEIGHT_PX) / np.maximum(span, 1.0)))
        return cls(middle - np.array([SEEN_PX, HEIGHT_PX]) / (2 * scale), scale, size)

    def pixels(self, fractions: NDArray[np.floating[Any]]) -> NDArray[np.int32]:
        """Place points of the camera's picture in the film's."""
        placed = (fractions[..., :2] * self.image_size - self.corner) * self.scale
        return np.asarray(np.clip(placed, -5000, 5000).round().astype(np.int32))


@dataclass(frozen=True)
class _Key:
    note: int
    black: bool
    outline: NDArray[np.int32]


def _keys(film: Film, window: _Window) -> list[_Key]:
    """Project the keys, the black ones last as they lie above."""
    if film.camera is None:
        return []
    found = []
    for note in range(FIRST_NOTE, FIRST_NOTE + PIANO_KEYS):
        black = is_black(note)
        half = (BLACK_WIDTH_M if black else WHITE_WIDTH_M) / 2
        front, height = (BLACK_FRONT_M, BLACK_HEIGHT_M) if black else (0.0, 0.0)
        x = centre_m(note)
        corners = np.array(
            [
                [x - half, front, height],
                [x + half, front, height],
                [x + half, WHITE_LENGTH_M, height],
                [x - half, WHITE_LENGTH_M, height],
            ]
        )
        if np.all(film.camera.in_optical_frame(corners)[:, 2] > 0):
            outline = window.pixels(film.camera.project(corners)[:, :2])
            found.append(_Key(note, black, outline))
    return sorted(found, key=lambda key: key.black)


def _shade(share: float) -> Colour:
    place = _FAINTEST + (1 - _FAINTEST) * min(max(share, 0.0), 1.0)
    red, green, blue = effort_map()(place)[:3]
    return round(255 * red), round(255 * green), round(255 * blue)
