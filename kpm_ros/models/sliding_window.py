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

"""Models that see one window of a few seconds: alone as they were published, or sliding, live.

Live, a window slides over the grid, and each output is that of its sample `card.lookahead` rows
before the window's end. The first row is held before a stream's beginning, and at its end the last
window says what is left.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.architecture import BatchEstimator, Span, Stretch, check_lookahead
from kpm_ros.models.card import CardError, ModelCard
from kpm_ros.models.examples import Tensors
from kpm_ros.models.input_checks import check_values
from kpm_ros.models.streamed import StreamedArchitecture
from kpm_ros.models.streaming_network import StreamingNetwork

TOGETHER = 64
"""Windows evaluated at once."""

Array = NDArray[np.float32]
Evaluate = Callable[[Array], Array]
"""Turns windows (B, T, W) into what the model says of them (B, T, M)."""


@dataclass(frozen=True, kw_only=True)
class SlidingArchitecture(StreamedArchitecture):
    """A model of windows of one length at one rate."""

    own_windows: bool = True
    window_samples: int

    @abstractmethod
    def evaluator(self, card: ModelCard, tensors: Tensors, device: str) -> Evaluate:
        """Make what evaluates windows."""

    def usual_lookahead(self, rate_hz: float) -> int:
        """Half of a window: each output then sees as much before as after it."""
        return self.window_samples // 2

    def window(self, card: ModelCard) -> int | None:
        """Samples of the windows that it was published with."""
        return self.window_samples

    def check(self, card: ModelCard) -> None:
        """Refuse another rate, and a look-ahead that is longer than the window."""
        if not card.streams:
            raise CardError(f"{self.name} needs a stream or more, and the card lists none")
        if card.rate_hz != self.grid_rate_hz:
            raise CardError(
                f"{self.name} has windows of {self.window_samples} samples at "
                f"{self.grid_rate_hz} Hz: its grid must run at {self.grid_rate_hz} Hz, not "
                f"{card.rate_hz}"
            )
        check_lookahead(card, self.window_samples - 1)

    def span(self, card: ModelCard) -> Span:
        """Run at every sample; an output sees a window."""
        return Span(1, self.window_samples - 1 - card.lookahead)

    def reach(self, card: ModelCard) -> int:
        """Give all of a window beside an instant."""
        return self.window_samples - 1

    def streaming(self, card: ModelCard, tensors: Tensors) -> StreamingNetwork:
        """Make what slides a window over the grid."""
        evaluate = self.evaluator(card, tensors, "cpu")
        return _SlidingWindow(card, tensors, self.span(card), self.window_samples, evaluate)

    def separate_windows(
        self, card: ModelCard, tensors: Tensors, device: str = "cpu"
    ) -> BatchEstimator:
        """Make what evaluates windows one by one, as the model was published."""
        return _SeparateWindows(card, self.evaluator(card, tensors, device))


class _SeparateWindows:
    """Windows of any lengths, those of one length together."""

    def __init__(self, card: ModelCard, evaluate: Evaluate) -> None:
        self._card, self._evaluate = card, evaluate

    def run(self, stretches: Sequence[Stretch]) -> list[Array]:
        """Turn each window into the effort (T, M) that the model says."""
        rows = [check_values(self._card, one.values) for one in stretches]
        made: list[Array] = [np.zeros((0, len(self._card.muscles)), np.float32)] * len(rows)
        by_length: dict[int, list[int]] = {}
        for place, one in enumerate(rows):
            by_length.setdefault(len(one), []).append(place)
        for length, places in by_length.items():
            for first in range(0, len(places) if length else 0, TOGETHER):
                some = places[first : first + TOGETHER]
                windows = np.stack([np.asarray(rows[place], np.float32) for place in some])
                for place, one in zip(some, self._evaluate(windows), strict=True):
                    made[place] = np.ascontiguousarray(one)
        return made


class _SlidingWindow(StreamingNetwork):
    """Keeps the rows of the newest window."""

    def __init__(
        self, card: ModelCard, tensors: Tensors, span: Span, window: int, evaluate: Evaluate
    ) -> None:
        super().__init__(card, tensors, span, warm_up_samples=card.lookahead + 1)
        self._evaluate = evaluate
        self._rows = np.zeros((window, card.streams.width), np.float32)

    def _take(self, values: Array) -> Array:
        fresh = np.asarray(values, np.float32)
        if not len(fresh):
            return self._nothing()
        window, ahead = len(self._rows), self.card.lookahead
        if not self._pushed:
            self._rows[:] = fresh[0]
        rows = np.concatenate([self._rows, fresh])
        self._rows[:] = rows[len(rows) - window :]
        # Windows that end at samples whose look-back is before the first sample say nothing.
        early = min(len(fresh), max(0, ahead - self._pushed))
        self._pushed += len(fresh)
        ends = range(window + early + 1, len(rows) + 1)
        parts = [
            self._evaluate(np.stack([rows[end - window : end] for end in some]))[:, -1 - ahead]
            for some in (ends[k : k + TOGETHER] for k in range(0, len(ends), TOGETHER))
        ]
        return np.concatenate([self._nothing(), *parts])

    def _finish(self) -> Array:
        left = self._pushed - self.given
        if not left:
            return self._nothing()
        effort: Array = self._evaluate(self._rows[None])[0, len(self._rows) - left :]
        return effort

    def _nothing(self) -> Array:
        return np.zeros((0, len(self.card.muscles)), np.float32)

    def _remembered(self) -> Mapping[str, Array]:
        return {"rows": self._rows}
