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

"""RMSE against the length of what a model is given, as Muscles in Action's second table has it.

Windows are cut into pieces of the length, which follow each other; the last one ends with its
window. Each piece is estimated by itself, from nothing, and each of a window's 30 instants is
scored once, in the first piece that holds it: so at every length the same instants are scored. A
length of 0 is a single instant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kpm_ros.learn.recordings.cutting import cut
from kpm_ros.learn.recordings.recording import Recording
from kpm_ros.learn.scores.body_windows import (
    INSTANTS,
    SCORED_HZ,
    Window,
    at_instants,
    estimate_alone,
)
from kpm_ros.learn.scores.exercise_scores import SquaredErrors

if TYPE_CHECKING:
    from kpm_ros.models.trained import Trained

LENGTHS_S = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)


class Piece(NamedTuple):
    """Where a piece lies in its window, in scored instants, and from which on it is scored."""

    first: int
    stop: int
    scored: int


def pieces(length_s: float) -> Iterator[Piece]:
    """Lay pieces of a length over a window."""
    size = max(1, round(length_s * SCORED_HZ))
    if not math.isclose(max(length_s, 1 / SCORED_HZ) * SCORED_HZ, size) or size > INSTANTS:
        raise ValueError(
            f"an input of {length_s:g} s cannot be cut from windows of {INSTANTS / SCORED_HZ:g} s "
            f"at {SCORED_HZ} Hz: give 0, or tenths of a second up to 3"
        )
    for scored in range(0, INSTANTS, size):
        first = min(scored, INSTANTS - size)
        yield Piece(first, first + size, scored)


def rmse_at_length(
    model: Trained,
    windows: Sequence[Window],
    length_s: float,
    tell: Callable[[], None] = lambda: None,
) -> float:
    """Score a model that is given so much at a time."""
    errors = SquaredErrors.none(len(model.card.muscles))
    for window in windows:
        for piece in pieces(length_s):
            effort = estimate_alone(model, _alone(window, piece, length_s))
            count = piece.stop - piece.first
            found = at_instants(effort, model.card.rate_hz, count=count)
            errors.add(window.truth[piece.scored : piece.stop], found[piece.scored - piece.first :])
        tell()
    return float(f"{errors.rmse:.6g}")


def _alone(window: Window, piece: Piece, length_s: float) -> Recording:
    """Cut a piece out of a recording; a single instant is one sample of the effort long."""
    start_s = window.start_s + piece.first / SCORED_HZ
    truth = window.recording.truth
    return cut(window.recording, start_s, start_s + (length_s or 1 / truth.rate_hz))
