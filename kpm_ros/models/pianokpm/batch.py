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

"""PianoKPM Net over whole recordings, many at once, on a CPU or a GPU."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kpm_ros.models.architecture import Stretch
from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Array, Tensors
from kpm_ros.models.input_checks import check_values
from kpm_ros.models.pianokpm.network import build_network
from kpm_ros.models.pianokpm.shapes import structure_of
from kpm_ros.models.weight_files import check_tensors
from kpm_ros.models.whole_recordings import CHUNK, OverlappingChunks, usable_device


class PianoKPMBatch:
    """Evaluates recordings as one pass over each, zeros before and after.

    The encoder takes each recording in chunks; the decoder takes one step of all recordings at a
    time.
    """

    def __init__(
        self, card: ModelCard, tensors: Tensors, device: str = "cpu", chunk: int = CHUNK
    ) -> None:
        check_tensors(card, tensors)
        self.card = card
        self._device = usable_device(device)
        self._chunk = chunk
        behind = 2 * structure_of(card).reach - card.lookahead
        self._chunks = OverlappingChunks(self._device, chunk, behind, card.lookahead)
        self._network = build_network(card, tensors).to(self._device)

    @torch.inference_mode()
    def run(self, stretches: Sequence[Stretch]) -> list[Array]:
        """Turn each stretch into the effort (T, M) that the network says."""
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
        check_values(self.card, stretch.values)
        encode = self._network.encode
        parts = list(self._chunks.through(lambda _, values: encode(values), stretch))
        if not parts:
            return torch.zeros(structure_of(self.card).features, 0, device=self._device)
        return torch.cat(parts, dim=1)

    def _decode(self, features: Tensor) -> Tensor:
        """Effort (B, M, T) from features (B, F, T), in pieces that bound what steps hold on to."""
        previous = torch.zeros(len(features), len(self.card.muscles), device=self._device)
        parts = []
        for piece in features.split(self._chunk, dim=2):
            parts.append(self._network.decode_in_sequence(piece, previous))
            previous = parts[-1][:, :, -1] if piece.shape[2] else previous
        return torch.cat(parts, dim=2)
