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

"""A drawing of which muscle is to be contracted, and what moves: for a terminal, and as SVG."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from html import escape

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.settings import ConfigurationError, nearest
from kpm_ros.core.sides import LEFT
from kpm_ros.simulate.hand import HAND_SKELETON, KinematicHand
from kpm_ros.simulate.person import Person

COLUMNS, LINES = 36, 18
"""Of the drawing in a terminal, whose characters are twice as high as wide."""
SIZE = 320
"""Of the other one, in the units of SVG."""
ARROW = 0.35
"""Length of the arrow, as part of the way between the two points that it leads apart."""


@dataclass(frozen=True)
class MuscleHelp:
    """How one muscle is contracted, in words and on a drawing of the hand."""

    prompt: str
    place: tuple[str, ...] = ()
    """Two points of the hand's skeleton: the muscle lies between them."""
    moves: str = ""
    """The point that it moves."""
    away_from: str = ""
    """The point that this one is moved away from."""

    def __post_init__(self) -> None:
        """Refuse points that the hand has not got."""
        if len(self.place) not in (0, 2) or bool(self.moves) != bool(self.away_from):
            raise ConfigurationError(
                "place must name two points, and moves and away_from one each, or be left out"
            )
        for point in (*self.place, self.moves, self.away_from):
            if point and point not in HAND_SKELETON.points:
                raise ConfigurationError(
                    f"{HAND_SKELETON.name} has no point {point!r}"
                    f"{nearest(point, HAND_SKELETON.points)}"
                )

    @property
    def is_drawn(self) -> bool:
        """Whether there is anything to draw."""
        return bool(self.place or self.moves)


def draw_svg(told: MuscleHelp, side: str, title: str) -> str:
    """Draw the back of the hand: the muscle as a dot, an arrow where the finger is pressed to."""
    points = (0.08 + 0.84 * _hand(side)) * SIZE
    lines = [
        _line(points[a], points[b], "#888" if a == 0 or b == 0 else "#444", 14)
        for a, b in HAND_SKELETON.bones
    ]
    place, arrow = _marks(told, points)
    if arrow is not None:
        lines.append(_line(*arrow, "#0057b7", 5, ' marker-end="url(#head)"'))
    if place is not None:
        x, y = place
        lines.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="13" fill="#ffb000" stroke="#000"/>')
    head = (
        '<marker id="head" orient="auto" markerWidth="5" markerHeight="5" refX="1" refY="2.5">'
        '<path d="M0,0 L5,2.5 L0,5 z" fill="#0057b7"/></marker>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" role="img">'
        f"<title>{escape(title)}</title><defs>{head}</defs>"
        f'<rect width="{SIZE}" height="{SIZE}" fill="#fff"/>{"".join(lines)}</svg>\n'
    )


def draw_text(told: MuscleHelp, side: str) -> list[str]:
    """Draw the same with characters: the muscle is O, and the finger is pressed towards >."""
    points = _hand(side) * (COLUMNS - 1, LINES - 1)
    page = [[" "] * COLUMNS for _ in range(LINES)]
    for a, b in HAND_SKELETON.bones:
        for x, y in np.linspace(points[a], points[b], 2 * LINES).round().astype(int):
            page[y][x] = "."
    place, arrow = _marks(told, points)
    if arrow is not None:
        x, y = np.clip(arrow[1].round().astype(int), 0, (COLUMNS - 1, LINES - 1))
        across, down = arrow[1] - arrow[0]
        signs = "^v" if abs(down) * 2 > abs(across) else "<>"
        page[y][x] = signs[int((down if signs == "^v" else across) > 0)]
    if place is not None:
        x, y = place.round().astype(int)
        page[y][x] = "O"
    return ["".join(line).rstrip() for line in page]


def _marks(
    told: MuscleHelp, points: NDArray[np.float64]
) -> tuple[NDArray[np.float64] | None, tuple[NDArray[np.float64], NDArray[np.float64]] | None]:
    """Where the muscle is, and from where to where the arrow leads."""
    at = {name: points[k] for k, name in enumerate(HAND_SKELETON.points)}
    place = (at[told.place[0]] + at[told.place[1]]) / 2 if told.place else None
    if not told.moves:
        return place, None
    away = at[told.moves] - at[told.away_from]
    return place, (at[told.moves] + 0.15 * away, at[told.moves] + (0.15 + ARROW) * away)


def _hand(side: str) -> NDArray[np.float64]:
    """Points of a hand seen from above, within 0 to 1, y downwards."""
    points = _right_hand()
    return points * (-1, 1) + (1, 0) if side == LEFT else points


@lru_cache(maxsize=1)
def _right_hand() -> NDArray[np.float64]:
    """Points of a right hand with its fingers stretched and a little spread."""
    model = KinematicHand(Person())
    palm = np.array([[0.0, 0.0, model.height_m]])
    tips = palm + model.natural * (1.35, 1.5, 0.3)
    flat = model.landmarks(model.posture(palm, tips[None]))[0, :, :2] * (1, -1)
    low, high = flat.min(axis=0), flat.max(axis=0)
    margin = (1 - (high - low) / (high - low).max()) / 2
    return np.asarray((flat - low) / (high - low).max() + margin)


def _line(
    start: NDArray[np.float64], end: NDArray[np.float64], colour: str, width: int, more: str = ""
) -> str:
    ends = f'x1="{start[0]:.0f}" y1="{start[1]:.0f}" x2="{end[0]:.0f}" y2="{end[1]:.0f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}" stroke-linecap="round"{more}/>'
