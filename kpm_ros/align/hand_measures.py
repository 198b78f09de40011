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

"""How a hand looks to a model, in a few numbers: its size, or where in a picture it is.

They are measured of what the model is told, in training and in use alike, so that the lowest and
highest of training are kept on its card and say in use whether a hand is like those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.stream_kinds import SPREAD
from kpm_ros.core.streams import IMAGE, Landmarks

Floats = NDArray[np.floating[Any]]

MOMENT_S = 0.2
"""Between the moments at which a hand is measured."""
MOMENTS = 16
"""A hand is judged by the median of so many of them."""
OUTERMOST = 0.005
"""Share of what training had, at either end, that is not taken for usual."""


class Measure(NamedTuple):
    """One of the numbers."""

    margin: float
    """By how much it may be outside of what training had."""
    form: str
    words: str
    remedy: str


_ELSEWHERE = (
    "set the camera up as it was for the training, or register the cameras and take a model in the "
    "keyboard's frame"
)

MEASURES: Mapping[str, Measure] = {
    "size": Measure(
        0.03,
        "{:.2f}",
        "is {} times as large as usual",
        "train a model with such hands, or adapt it to this one (kpm adapt)",
    ),
    "unsure": Measure(
        0.004,
        "{:.3f}",
        "is known to {} m",
        "let another camera see it, or strike keys where the cameras see fingers; a single camera "
        "cannot place a hand of unusual size",
    ),
    "across": Measure(0.05, "{:.2f}", "is at {} of the picture's width", _ELSEWHERE),
    "down": Measure(0.05, "{:.2f}", "is at {} of the picture's height", _ELSEWHERE),
    "wide": Measure(0.012, "{:.3f}", "extends over {} of the picture's width", _ELSEWHERE),
    "tall": Measure(0.012, "{:.3f}", "extends over {} of the picture's height", _ELSEWHERE),
}
"""Extents are standard deviations of the points."""


def measures_of(stream: Landmarks) -> tuple[str, ...]:
    """Name what is measured of a stream: nothing of what is no hand."""
    if "tips" not in stream.skeleton.roles:
        return ()
    if stream.coordinates == IMAGE:
        return ("across", "down", "wide", "tall")
    size = ("size",) if stream.skeleton.lengths_m else ()
    return (*size, "unsure") if SPREAD in stream.measures else size


def on_card(stream: Landmarks, measure: str) -> str:
    """How a model's card calls a measure of a stream, whichever hand is in use."""
    return f"{stream.view}_{measure}"


def measured(stream: Landmarks, values: Floats) -> Floats:
    """Measure a hand in rows (n, columns) of its stream: (n, measures)."""
    points = values[:, : stream.points_width].reshape(len(values), -1, stream.dimensions)
    if stream.coordinates == IMAGE:
        flat = points[..., :2]
        return np.concatenate((flat.mean(axis=1), flat.std(axis=1)), axis=1)
    numbers = []
    if stream.skeleton.lengths_m:
        numbers.append(_size(stream, points))
    if SPREAD in stream.measures:
        numbers.append(values[:, stream.columns.index(SPREAD)])
    return np.stack(numbers, axis=1)


def _size(stream: Landmarks, points: Floats) -> Floats:
    bones, usual_m = np.array(stream.skeleton.bones), np.array(stream.skeleton.lengths_m)
    long_m = np.linalg.norm(points[:, bones[:, 0]] - points[:, bones[:, 1]], axis=-1)
    # Of long bones, trackers' errors are the smaller part.
    return np.asarray(long_m @ usual_m / (usual_m @ usual_m))


def ranges_of(stream: Landmarks, performances: Sequence[Floats]) -> dict[str, list[float]]:
    """Lowest and highest usual value of each measure, as it would be judged, with the margin.

    Each performance is (moments, columns), of moments at which something was seen.
    """
    judged = [
        np.median(np.lib.stride_tricks.sliding_window_view(numbers, MOMENTS, axis=0), axis=-1)
        for numbers in (measured(stream, rows) for rows in performances)
        if len(numbers) >= MOMENTS
    ]
    if not judged:
        return {}
    every = np.quantile(np.concatenate(judged), (OUTERMOST, 1 - OUTERMOST), axis=0)
    return {
        on_card(stream, name): [
            round(float(low - MEASURES[name].margin), 4),
            round(float(high + MEASURES[name].margin), 4),
        ]
        for name, low, high in zip(measures_of(stream), *every, strict=True)
    }


def strange_hand(
    stream: Landmarks, numbers: Floats, familiar: Mapping[str, Sequence[float]]
) -> str:
    """Say what about a hand no training has seen; empty = nothing, or the card says nothing."""
    for name, value in zip(measures_of(stream), numbers.tolist(), strict=True):
        low, high = familiar.get(on_card(stream, name), (-np.inf, np.inf))
        if not low <= value <= high:
            one = MEASURES[name]
            whose = f"the {stream.side} hand" if stream.side else "the hand"
            where = f" in the view {stream.view!r}" if stream.coordinates == IMAGE else ""
            seen, least, most = (one.form.format(number) for number in (value, low, high))
            return (
                f"{whose}{where} {one.words.format(seen)}, but the model was trained with {least} "
                f"to {most}: {one.remedy}"
            )
    return ""
