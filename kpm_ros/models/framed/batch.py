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

"""Whole recordings, on a CPU or a GPU: what streaming gives, for offline work."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from kpm_ros.models.architecture import Stretch
from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Array, Tensors
from kpm_ros.models.input_checks import check_values
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.weight_files import check_tensors
from kpm_ros.models.whole_recordings import CHUNK, OverlappingChunks, usable_device


class FramedBatch:
    """Evaluates recordings as one pass over each, its last sample held at the end."""

    def __init__(
        self, card: ModelCard, tensors: Tensors, device: str = "cpu", chunk: int = CHUNK
    ) -> None:
        check_tensors(card, tensors)
        self.card = card
        usable = usable_device(device)
        architecture = architecture_of(card)
        self._stride, settling = architecture.span(card)
        # Part of another frame, where chunks begin between two.
        behind = settling + self._stride + 2 * card.lookahead
        self._chunks = OverlappingChunks(
            usable, self._whole_frames(chunk), self._whole_frames(behind), card.lookahead
        )
        network = architecture.network(card)
        network.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
        self._network: nn.Module = network.eval().to(usable)

    @torch.inference_mode()
    def run(self, stretches: Sequence[Stretch]) -> list[Array]:
        """Turn each stretch into the effort (T, M) that the network says."""
        return [self._one(stretch) for stretch in stretches]

    def _one(self, stretch: Stretch) -> Array:
        check_values(self.card, stretch.values)
        parts = [np.zeros((0, len(self.card.muscles)), np.float32)]
        for effort in self._chunks.through(self._run_chunk, stretch):
            parts.append(effort.T.cpu().numpy())
        return np.concatenate(parts)

    def _run_chunk(self, first_index: int, values: Tensor) -> Tensor:
        effort: Tensor = self._network(values, first_index)
        return effort

    def _whole_frames(self, samples: int) -> int:
        """Samples of so many frames that these many fit in."""
        return -(-samples // self._stride) * self._stride
