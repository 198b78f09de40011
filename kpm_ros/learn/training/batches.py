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

"""Training batches: windows of recordings as a network takes them, one batch a step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from kpm_ros.core.streams import Streams
from kpm_ros.learn.recordings.on_grid import GridRecording, frames_per_sample
from kpm_ros.learn.training.dropouts import Dropouts
from kpm_ros.learn.training.training_settings import Settings
from kpm_ros.learn.training.windows import Window, WindowOrder
from kpm_ros.models.card import ModelCard
from kpm_ros.models.missing_senses import blank
from kpm_ros.models.registry import architecture_of

if TYPE_CHECKING:
    from kpm_ros.learn.training.resident import ResidentBatches

Array = NDArray[np.float32]


class Cut(NamedTuple):
    """One window of a recording."""

    values: Array
    """(T, columns)"""
    missing: NDArray[np.uint32]
    """(T,): which streams are missing, as bits."""
    effort: Array
    """(T, muscles)"""


class Batch(NamedTuple):
    """What a network is given, and what it is to give."""

    values: Tensor
    """(B, columns, T)"""
    missing: Tensor
    """(B, T): which streams are missing, as bits."""
    effort: Tensor
    """(B, muscles, T)"""


def cut(
    one: GridRecording,
    start: int,
    length: int,
    stretched: bool,
    card: ModelCard,
    dropped: NDArray[np.uint32] | None = None,
) -> Cut:
    """Cut a window out of a recording, as its model would be given it.

    Senses that are missing, or dropped on purpose, are replaced as in use.
    """
    stop = start + length
    if stretched:
        values, missing = one.stretched(start, stop), np.zeros(length, np.uint32)
    else:
        values, missing, _ = one.window(start, stop)
    if dropped is not None:
        missing = missing | dropped
    effort = np.asarray(one.effort[start:stop], np.float32)
    return Cut(blank(values, missing, card), missing, effort)


def stack(cuts: Sequence[Cut]) -> Batch:
    """Put windows of one length together."""
    values, missing, effort = zip(*cuts, strict=True)
    return Batch(
        torch.from_numpy(np.stack([x.T for x in values])),
        torch.from_numpy(np.stack(missing).astype(np.int64)),
        torch.from_numpy(np.stack([x.T for x in effort])),
    )


@dataclass(frozen=True)
class Batches:
    """Every batch of a training; which windows it holds follows from the seed and the step."""

    recordings: Sequence[GridRecording]
    order: WindowOrder
    card: ModelCard
    dropouts: Dropouts
    stretched: bool

    def at(self, step: int, device: int = 0, devices: int = 1) -> Batch:
        """Give one step's batch, or the share of it that one of several devices takes."""
        windows = self.order.batch_at(step)
        dropped = self.dropouts.missing(self.card, step, len(windows), self.order.window)
        mine = range(device, len(windows), devices)
        # The last batch of an epoch may have fewer windows than there are devices.
        return stack([self._window(windows[i], dropped[i]) for i in mine or [0]])

    def on_device(self, device: torch.device) -> ResidentBatches | None:
        """Give the same batches cut on a GPU, where it has the room for all recordings."""
        from kpm_ros.learn.training.resident import ResidentBatches, fits

        return ResidentBatches(self, device) if fits(self, device) else None

    def _window(self, window: Window, dropped: NDArray[np.uint32]) -> Cut:
        one = self.recordings[window.recording]
        return cut(one, window.start, self.order.window, self.stretched, self.card, dropped)


def make_batches(
    recordings: Sequence[GridRecording], card: ModelCard, settings: Settings
) -> Batches:
    """Cut a training's recordings into windows as its settings say."""
    stretched = settings.pose_timing == "window"
    step = settings.window - settings.overlap
    together = _samples_between_frames(card.streams, card.rate_hz)
    if stretched and (step % together or settings.window % together):
        raise ValueError(
            f"windows of {settings.window} samples that overlap by {settings.overlap} do not all "
            f"begin with a frame: give multiples of {together}, or pose-timing stamps"
        )
    lengths, left = [], settings.max_train_minutes * 60 * card.rate_hz
    for one in recordings:
        lengths.append(int(min(len(one), left)))
        left -= lengths[-1]
    architecture = architecture_of(card)
    order = WindowOrder(
        tuple(lengths),
        settings.window,
        settings.overlap,
        settings.batch,
        settings.seed,
        settings.shifted,
        architecture.span(card).stride if architecture.live else 1,
        tuple(one.known for one in recordings),
    )
    dropouts = Dropouts(settings.drop_senses, settings.seed)
    return Batches(recordings, order, card, dropouts, stretched)


def _samples_between_frames(streams: Streams, rate_hz: int) -> int:
    """Fewest samples after which every view has a frame again."""
    ratios = [frames_per_sample(view, rate_hz) for view in streams.landmarks]
    return math.lcm(*(ratio.denominator for ratio in ratios))


class StepBatches(Protocol):
    """Whatever gives a training's batches, step by step."""

    def at(self, step: int, device: int = 0, devices: int = 1) -> Any:
        """Give one step's batch, or the share of it that one of several devices takes."""

    def on_device(self, device: torch.device) -> ResidentBatches | None:
        """Give the same batches cut on a GPU, where that is worth it."""


class BatchStream(IterableDataset[Any]):
    """Batches from one step on, for one of several devices; workers take turns."""

    def __init__(self, batches: StepBatches, begin: int, device: int, devices: int) -> None:
        super().__init__()
        self._batches, self._begin = batches, begin
        self._device, self._devices = device, devices

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        step = self._begin + (worker.id if worker else 0)
        while True:
            yield self._batches.at(step, self._device, self._devices)
            step += worker.num_workers if worker else 1
