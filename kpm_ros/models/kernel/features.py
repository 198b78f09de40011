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

"""From frames to features, in fitting as in a stream."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.card import ModelCard
from kpm_ros.models.kernel.shapes import (
    FEATURES,
    LIMIT,
    MOMENTS,
    PACES,
    SPEED_S,
    VIEWS,
    WIDTH,
    Moment,
    Timing,
    timing_of,
    view_widths,
)

Array = NDArray[np.float32]


def limited(rows: Array) -> Array:
    """Cut normalised rows off, whatever a sensor does."""
    return np.clip(rows, -LIMIT, LIMIT)


def draw_directions(card: ModelCard, seed: int) -> dict[str, Array]:
    """Draw each view's random features: what two moments have in common falls with their distance.

    The features are those of Rahimi and Recht (2007) for a Gaussian kernel.
    """
    random = np.random.default_rng(seed)
    tensors: dict[str, Array] = {}
    for name, count in view_widths(card).items():
        directions = random.normal(0, 1 / (WIDTH * np.sqrt(count)), (count, FEATURES))
        tensors[f"{name}.directions"] = directions.astype(np.float32)
        tensors[f"{name}.phases"] = random.uniform(0, 2 * np.pi, FEATURES).astype(np.float32)
    return tensors


class Describer:
    """Gives the features of frames, each told from those before it and the few after it."""

    def __init__(self, card: ModelCard, tensors: Mapping[str, Array]) -> None:
        self.timing = timing_of(card)
        self._kernels = {
            name: (tensors[f"{name}.directions"], tensors[f"{name}.phases"]) for name in VIEWS
        }
        self._share = np.float32(1 / np.sqrt(len(MOMENTS) * max(1, card.streams.width)))

    def describe(self, frames: Array) -> Array:
        """Give the features of all frames but the first `timing.seen - 1`, normalised ones."""
        count = len(frames) - self.timing.seen + 1
        told = {moment: _told(frames, moment, self.timing, count) for moment in MOMENTS}
        views = {
            name: np.concatenate([told[moment] for moment in moments], axis=1)
            for name, moments in VIEWS.items()
        }
        paces = np.float32(2) * np.log1p(3 * self._pace(frames, count))
        views["pace"] = np.concatenate([views["pace"] * np.float32(0.5), paces], axis=1)
        size = np.float32(np.sqrt(2 / FEATURES))
        waves = [
            np.cos(view @ self._kernels[name][0] + self._kernels[name][1]) * size
            for name, view in views.items()
        ]
        direct = [told[moment] * self._share for moment in MOMENTS]
        return np.concatenate([*waves, *direct], axis=1, dtype=np.float32)

    def _pace(self, frames: Array, count: int) -> Array:
        """How fast all columns moved over some stretches."""
        timing = self.timing
        steps = np.abs(np.diff(frames, axis=0, prepend=frames[:1])).mean(axis=1, keepdims=True)
        steps *= np.float32(SPEED_S / timing.frame_s)
        means = [
            _means(steps, timing.place(start), timing.place(stop) + 1, count)
            for start, stop in PACES
        ]
        return np.concatenate(means, axis=1)


def _told(rows: Array, moment: Moment, timing: Timing, count: int) -> Array:
    """Give what so many windows of frames tell of a moment."""
    first = timing.place(moment.start_s)
    if moment.kind == "at":
        return rows[first : first + count]
    if moment.kind == "speed":
        last = min(first + 1, timing.seen - 1)
        change = rows[last : last + count] - rows[first - 1 : first - 1 + count]
        return change * np.float32(SPEED_S / timing.frame_s / (last - first + 1))
    return _means(rows, first, max(first + 1, timing.place(moment.stop_s)), count)


def _means(rows: Array, start: int, stop: int, count: int) -> Array:
    """Average rows `start` to `stop` of so many windows, each a row further on."""
    part = rows[start : stop + count - 1]
    sums = np.cumsum(np.concatenate([np.zeros_like(part[:1]), part]), axis=0, dtype=np.float64)
    length = stop - start
    return ((sums[length:] - sums[:-length]) / length).astype(np.float32)
