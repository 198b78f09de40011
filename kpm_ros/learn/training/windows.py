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

"""Windows cut from recordings for training: which ones, and in which order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Window(NamedTuple):
    """Where one window begins."""

    recording: int
    start: int


def window_starts(samples: int, window: int, overlap: int) -> NDArray[np.int64]:
    """First samples of all whole windows of one recording, neighbours sharing `overlap`."""
    if not 0 <= overlap < window:
        raise ValueError(f"windows of {window} samples cannot overlap by {overlap}: 0 to below it")
    return np.arange(0, samples - window + 1, window - overlap)


@dataclass(frozen=True)
class WindowOrder:
    """Which windows make up each training step; the same seed gives the same steps.

    Every window comes once an epoch, in an order drawn for that epoch. With `shifted`, it is moved
    by a random part of the step between neighbours, so that no two epochs cut the same way. All
    begin with a frame of the model, which is `stride` samples long. None is drawn in which no
    effort is known.
    """

    lengths: tuple[int, ...]
    window: int
    overlap: int
    batch: int
    seed: int
    shifted: bool = True
    stride: int = 1
    known: tuple[tuple[tuple[int, int], ...], ...] = ()
    """Of each recording, the stretches in which some effort is known; empty where that is all."""

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"a batch of {self.batch} windows is none: 1 or more")
        if not self.windows:
            raise ValueError(
                f"no recording is as long as a window of {self.window} samples in which some "
                "effort is known: take longer recordings, or train on a shorter window"
            )

    @cached_property
    def windows(self) -> Sequence[Window]:
        """All windows, unmoved."""
        windows = (
            Window(recording, int(start) // self.stride * self.stride)
            for recording, samples in enumerate(self.lengths)
            for start in window_starts(samples, self.window, self.overlap)
        )
        return [window for window in windows if self._has_truth(window)]

    @property
    def steps_per_epoch(self) -> int:
        """How many batches hold all windows; the last one may be smaller."""
        return -(-len(self.windows) // self.batch)

    def batch_at(self, step: int) -> list[Window]:
        """Windows of one training step, counted from 0 over all epochs."""
        epoch, place = divmod(step, self.steps_per_epoch)
        windows = self.windows
        draw = np.random.default_rng([self.seed, epoch])
        order = draw.permutation(len(windows))
        chosen = order[place * self.batch : (place + 1) * self.batch]
        if not self.shifted:
            return [windows[i] for i in chosen]
        moves = draw.integers(0, self.window - self.overlap, len(windows))
        return [self._moved(windows[i], int(moves[i])) for i in chosen]

    def _moved(self, window: Window, by: int) -> Window:
        last = self.lengths[window.recording] - self.window
        start = min(window.start + by, last) // self.stride * self.stride
        moved = Window(window.recording, start)
        return moved if self._has_truth(moved) else window

    def _has_truth(self, window: Window) -> bool:
        if not self.known:
            return True
        stretches, stop = self.known[window.recording], window.start + self.window
        last = bisect_left(stretches, stop, key=lambda stretch: stretch[0]) - 1
        return last >= 0 and stretches[last][1] > window.start
