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

"""Training batches: windows of a data set as a network takes them, one batch a step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from kpm_ros.learn.recordings import drawing
from kpm_ros.learn.training.dropouts import Dropouts
from kpm_ros.learn.training.settings import Settings
from kpm_ros.learn.training.windows import Window, WindowOrder
from kpm_ros.models.card import ModelCard
from kpm_ros.models.missing_senses import blank
from kpm_ros.models.registry import stride_of
from kpm_ros.simulate.release import release_layout as layout

_RATIO = Fraction(layout.FRAME_RATE_HZ) / Fraction(layout.SAMPLE_RATE_HZ)
FRAMES, SAMPLES = _RATIO.numerator, _RATIO.denominator
"""So many frames of the cameras last as long as so many samples of keys and effort."""

Array = NDArray[np.float32]


class Played(Protocol):
    """What is read of one performance."""

    @property
    def frames(self) -> Array:
        """Pose channels of each camera frame: (F, P)."""
        ...

    @property
    def keys(self) -> Array:
        """Depth of the keys: (T, K)."""
        ...

    @property
    def effort(self) -> Array:
        """True effort: (T, M)."""
        ...


class Batch(NamedTuple):
    """What a network is given, and what it is to give: (B, channels, T) each."""

    pose: Tensor
    keys: Tensor
    effort: Tensor


def cut(one: Played, start: int, length: int, pinned: bool) -> tuple[Array, Array, Array]:
    """Cut pose, keys and effort of one window out of a performance: (T, channels) each."""
    part = slice(start, start + length)
    if pinned:
        own = slice(start * FRAMES // SAMPLES, (start + length) * FRAMES // SAMPLES)
        pose = drawing.pinned(one.frames[own], length)
    else:
        pose = drawing.at_true_times(one.frames, start, length)
    return pose, one.keys[part], one.effort[part]


def stack(cuts: Sequence[tuple[Array, Array, Array]]) -> Batch:
    """Put windows of one length together."""
    parts = zip(*cuts, strict=True)
    return Batch(*(torch.from_numpy(np.stack([x.T for x in part])) for part in parts))


@dataclass(frozen=True)
class Batches:
    """Every batch of a training; which windows it holds follows from the seed and the step."""

    performances: Sequence[Played]
    order: WindowOrder
    card: ModelCard
    dropouts: Dropouts
    pinned: bool

    def at(self, step: int, device: int = 0, devices: int = 1) -> Batch:
        """Give one step's batch, or the share of it that one of several devices takes."""
        windows = self.order.batch_at(step)
        flags = np.zeros((len(windows), self.order.window), np.uint8)
        if self.card.optional:
            flags = self.dropouts.flags(self.card, step, *flags.shape)
        mine = range(device, len(windows), devices)
        # The last batch of an epoch may have fewer windows than there are devices.
        return stack([self._window(windows[i], flags[i]) for i in mine or [0]])

    def _window(self, window: Window, flags: NDArray[np.uint8]) -> tuple[Array, Array, Array]:
        one = self.performances[window.performance]
        pose, keys, effort = cut(one, window.start, self.order.window, self.pinned)
        return (*blank(pose, keys, flags, self.card), effort)


def make_batches(performances: Sequence[Played], card: ModelCard, settings: Settings) -> Batches:
    """Cut a training's performances into windows as its settings say."""
    pinned = settings.pose_timing == "window"
    step = settings.window - settings.overlap
    if pinned and (step % SAMPLES or settings.window % SAMPLES):
        raise ValueError(
            f"windows of {settings.window} samples that overlap by {settings.overlap} do not all "
            f"begin with a frame: give multiples of {SAMPLES}, or pose-timing stamps"
        )
    lengths, left = [], settings.max_train_minutes * 60 * card.rate_hz
    for one in performances:
        lengths.append(int(min(len(one.effort), left)))
        left -= lengths[-1]
    order = WindowOrder(
        tuple(lengths),
        settings.window,
        settings.overlap,
        settings.batch,
        settings.seed,
        settings.shifted,
        stride_of(card),
    )
    dropouts = Dropouts(settings.drop_senses, settings.seed)
    return Batches(performances, order, card, dropouts, pinned)


class BatchStream(IterableDataset[Batch]):
    """Batches from one step on, for one of several devices; workers take turns."""

    def __init__(self, batches: Batches, begin: int, device: int, devices: int) -> None:
        super().__init__()
        self._batches, self._begin = batches, begin
        self._device, self._devices = device, devices

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        step = self._begin + (worker.id if worker else 0)
        while True:
            yield self._batches.at(step, self._device, self._devices)
            step += worker.num_workers if worker else 1
