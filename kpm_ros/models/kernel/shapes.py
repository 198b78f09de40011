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

"""What kernel regression sees of a movement, and the tensors that follow from a card.

It looks at frames of the grid: at a few moments, speeds and means of the last seconds. Those are
gathered in views, each of which has a kernel of its own, written out as random features.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from kpm_ros.models.architecture import Shapes
from kpm_ros.models.card import ModelCard

FRAME_HZ = 25.0
"""About how often it runs."""
AHEAD_S, LONGEST_AHEAD_S = 0.2, 0.5
"""What it waits for of the future, usually and at most."""
BEHIND_S = 4.0
"""How far it looks back."""
SPEED_S = 0.15
"""Speeds are told as the way in so much time."""
FEATURES = 200
"""Random features of each view."""
WIDTH = 0.7
"""Of the kernels, in typical distances of two moments."""
LIMIT = 4.0
"""Normalised columns are cut off at this size."""


class Moment(NamedTuple):
    """What is told of every column: its value at an instant, its speed there, or a mean."""

    kind: str
    """at, speed or mean"""
    start_s: float
    """From the present on; negative before it."""
    stop_s: float = 0.0
    """Of a mean."""


_NOW, _SOON = Moment("at", 0.0), Moment("at", 0.2)
VIEWS: dict[str, tuple[Moment, ...]] = {
    "near": (Moment("at", -0.2), _NOW, _SOON),
    "moving": (_NOW, Moment("speed", -0.16), Moment("speed", 0.0), Moment("speed", 0.16)),
    "past": (
        _NOW,
        _SOON,
        Moment("mean", -0.6, -0.2),
        Moment("mean", -1.5, -0.6),
        Moment("mean", -4.0, -1.5),
    ),
    "pace": (_NOW, _SOON),
}
"""Each view's moments; the last one's stand beside how fast everything moved."""
PACES = ((-0.1, 0.2), (-0.4, -0.1), (-1.0, -0.4), (-3.0, -1.0))
"""Over which stretches it is told how fast everything moved."""
MOMENTS = tuple(dict.fromkeys(moment for view in VIEWS.values() for moment in view))
"""All different ones; the effort may also follow each of them directly."""


def stride_of(card: ModelCard) -> int:
    """Grid samples a frame."""
    return max(1, round(card.rate_hz / FRAME_HZ))


class Timing(NamedTuple):
    """Frames that are looked at, of which the newest is the last."""

    frame_s: float
    ahead: int
    """Frames after the present one."""
    behind: int
    """Frames before the present one."""

    @property
    def seen(self) -> int:
        """All of them."""
        return self.behind + 1 + self.ahead

    def place(self, time_s: float) -> int:
        """Which frame an instant is in; what is not known yet is as in the newest."""
        return min(self.behind + round(time_s / self.frame_s), self.seen - 1)


def timing_of(card: ModelCard) -> Timing:
    """Say how many frames a card's model sees."""
    stride = stride_of(card)
    frame_s = stride / card.rate_hz
    return Timing(frame_s, card.lookahead // stride, math.ceil(BEHIND_S / frame_s))


def view_widths(card: ModelCard) -> dict[str, int]:
    """Count the numbers of each view."""
    width = card.streams.width
    counts = {name: len(moments) * width for name, moments in VIEWS.items()}
    counts["pace"] += len(PACES)
    return counts


def feature_count(card: ModelCard) -> int:
    """Count what the effort is a sum of, but for a constant."""
    return FEATURES * len(VIEWS) + len(MOMENTS) * card.streams.width


def tensor_shapes(card: ModelCard) -> Shapes:
    """List the shape of every tensor by its name."""
    outputs = stride_of(card) * len(card.muscles)
    table: Shapes = {}
    for name, count in view_widths(card).items():
        table |= {f"{name}.directions": (count, FEATURES), f"{name}.phases": (FEATURES,)}
    return {**table, "readout.weight": (feature_count(card), outputs), "readout.bias": (outputs,)}
