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

"""Training data kept on the device that trains, where windows are then cut within microseconds.

A GPU trains a small network faster than processes of the CPU can cut windows for it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.recording import parts_of
from kpm_ros.learn.training.batches import Batch, Batches
from kpm_ros.models.missing_senses import neutral_row

_READ_TOGETHER = 65_536
_MOST_OF_DEVICE = 0.25
"""Share of a GPU's free memory that data may take: others may train on it, too."""


def fits(batches: Batches, device: torch.device) -> bool:
    """Whether a training's data may be kept on its device: a GPU that has the room."""
    if device.type != "cuda" or batches.stretched:
        return False
    columns = batches.card.streams.width + len(batches.card.muscles) + 2
    needed = 4 * columns * sum(len(one) for one in batches.recordings)
    return needed < _MOST_OF_DEVICE * torch.cuda.mem_get_info(device)[0]


class ResidentBatches:
    """The very batches that `Batches` gives, cut on a device that holds all recordings."""

    def __init__(self, batches: Batches, device: torch.device) -> None:
        """Take all recordings to the device."""
        self._batches, self._device = batches, device
        ends = np.cumsum([len(one) for one in batches.recordings])
        self._starts = np.concatenate(([0], ends[:-1])).astype(np.int64)
        card, samples = batches.card, int(ends[-1])
        self._values = torch.empty((samples, card.streams.width), device=device)
        self._effort = torch.empty((samples, len(card.muscles)), device=device)
        self._missing = torch.empty(samples, dtype=torch.int64, device=device)
        for one, start in zip(batches.recordings, self._starts, strict=True):
            self._take(one, int(start))
        neutral = torch.from_numpy(neutral_row(card)).to(device)
        self._blanks = [
            (card.streams.bits(sense), card.streams.senses[sense], neutral)
            for sense in card.optional
        ]

    def at(self, step: int, device: int = 0, devices: int = 1) -> Batch:
        """Give one step's batch, or the share of it that one of several devices takes."""
        whole = self._batches
        windows, length = whole.order.batch_at(step), whole.order.window
        dropped = whole.dropouts.missing(whole.card, step, len(windows), length)
        mine = list(range(device, len(windows), devices)) or [0]
        starts = [self._starts[windows[i].recording] + windows[i].start for i in mine]
        rows = np.array(starts, np.int64)[:, None] + np.arange(length)
        at = torch.from_numpy(rows).to(self._device)
        values, missing = self._values[at], self._missing[at]
        if whole.card.optional:
            missing = missing | self._on_device(dropped[mine].astype(np.int64))
        for bits, columns, neutral in self._blanks:
            gone = (missing & bits) != 0
            part = values[..., columns]
            values[..., columns] = torch.where(gone[..., None], neutral[columns], part)
        return Batch(
            values.transpose(1, 2).contiguous(),
            missing,
            self._effort[at].transpose(1, 2).contiguous(),
        )

    def from_step(self, step: int, device: int, devices: int) -> Iterator[Batch]:
        """Give batches from one step on, without an end."""
        while True:
            yield self.at(step, device, devices)
            step += 1

    def _take(self, one: GridRecording, start: int) -> None:
        for part in parts_of(len(one), _READ_TOGETHER):
            found = one.window(part.start, part.stop)
            rows = slice(start + part.start, start + part.start + len(found.values))
            self._values[rows] = self._on_device(found.values)
            self._missing[rows] = self._on_device(found.missing.astype(np.int64))
            effort = np.array(one.effort[part], np.float32)
            self._effort[rows] = self._on_device(effort)

    def _on_device(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self._device)
