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

"""Whole recordings, many at once, on a CPU or a GPU: what streaming gives, for offline work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kpm_ros.estimate.layout import structure_of
from kpm_ros.estimate.network import build_network
from kpm_ros.estimate.weights import check_tensors
from kpm_ros.models.card import ModelCard

Array = NDArray[np.float32]


class Stretch(NamedTuple):
    """Consecutive samples of the grid; a sense that the model does not use may be None."""

    first_index: int
    """Grid index of the first sample. A recording on no clock begins its own grid, at 0."""
    pose: Array | None
    """(T, P)"""
    keys: Array | None
    """(T, K)"""


def usable_device(name: str) -> torch.device:
    """Find a device of torch by its name, and refuse a GPU that is not there."""
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"the device {name!r} cannot be used: torch sees no GPU; 'cpu' works")
    return torch.device(name)


class OverlappingChunks:
    """Takes recordings to a device in chunks that overlap by what a network can see.

    Memory then does not grow with a recording's length.
    """

    def __init__(self, device: torch.device, size: int, behind: int, ahead: int) -> None:
        """Size of a chunk, and how far behind and ahead of it the network sees, in samples."""
        self._device = device
        self._size, self._behind, self._ahead = size, behind, ahead

    def through(
        self,
        network: Callable[[int, Tensor | None, Tensor | None], Tensor],
        stretch: Stretch,
        samples: int,
    ) -> Iterator[Tensor]:
        """Give what the network makes of each chunk in turn, (channels, samples).

        The network is told at which grid index what it is given begins.
        """
        for start in range(0, samples, self._size):
            end = min(samples, start + self._size)
            first, last = max(0, start - self._behind), min(samples, end + self._ahead)
            senses = (stretch.pose, stretch.keys)
            seen = (None if x is None else self._columns(x[first:last]) for x in senses)
            # TF32 would round the convolutions' inputs to ten bits.
            with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
                made = network(stretch.first_index + first, *seen)
            yield made[0, :, start - first : end - first]

    def _columns(self, rows: Array) -> Tensor:
        columns = np.ascontiguousarray(rows.T, dtype=np.float32)
        return torch.from_numpy(columns)[None].to(self._device)


class BatchEstimator:
    """Evaluates recordings as one pass over each, zeros before and after.

    The encoder takes each recording in chunks; the decoder takes one step of all recordings at a
    time.
    """

    def __init__(
        self,
        card: ModelCard,
        tensors: Mapping[str, Array],
        device: str = "cpu",
        chunk: int = 8192,
    ) -> None:
        check_tensors(card, tensors)
        self.card = card
        self._device = usable_device(device)
        self._chunk = chunk
        behind = 2 * structure_of(card).reach - card.lookahead
        self._chunks = OverlappingChunks(self._device, chunk, behind, card.lookahead)
        self._network = build_network(card, dict(tensors)).to(self._device)

    @torch.inference_mode()
    def run(self, stretches: Sequence[Stretch]) -> list[Array]:
        """Turn pose and keys of each stretch into the effort (T, M) that the network says."""
        features = [self._encode(stretch) for stretch in stretches]
        lengths = [rows.shape[1] for rows in features]
        if not lengths:
            return []
        batch = torch.zeros(len(features), features[0].shape[0], max(lengths), device=self._device)
        for rows, target in zip(features, batch, strict=True):
            target[:, : rows.shape[1]] = rows
        effort = self._decode(batch).cpu().numpy()
        return [rows[:, :length].T.copy() for rows, length in zip(effort, lengths, strict=True)]

    def _encode(self, stretch: Stretch) -> Tensor:
        """Features (F, T) of one stretch."""
        senses = [x for x in (stretch.pose, stretch.keys) if x is not None]
        samples = len(senses[0]) if senses else 0
        if any(len(x) != samples for x in senses):
            raise ValueError(f"pose has {len(senses[0])} samples and keys {len(senses[1])}")
        encode = self._network.encode
        parts = list(
            self._chunks.through(lambda _, pose, keys: encode(pose, keys), stretch, samples)
        )
        if not parts:
            return torch.zeros(structure_of(self.card).features, 0, device=self._device)
        return torch.cat(parts, dim=1)

    def _decode(self, features: Tensor) -> Tensor:
        """Effort (B, M, T) from features (B, F, T), in pieces that bound what steps hold on to."""
        previous = torch.zeros(len(features), len(self.card.muscles), device=self._device)
        parts = []
        for piece in features.split(self._chunk, dim=2):
            parts.append(self._network.decode_stepwise(piece, previous))
            previous = parts[-1][:, :, -1] if piece.shape[2] else previous
        return torch.cat(parts, dim=2)
