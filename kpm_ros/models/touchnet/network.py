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

"""TouchNet in torch: for training, and as the reference that streaming must reproduce."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from kpm_ros.models.card import ModelCard
from kpm_ros.models.shared_shapes import NORM_EPSILON
from kpm_ros.models.touchnet.features import Features
from kpm_ros.models.touchnet.shapes import FADE, STRIDE, first_end, structure_of


class Block(nn.Module):
    """Norm, a convolution over frames before the present one, and a linear layer; residual."""

    def __init__(self, width: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.conv = nn.Conv1d(width, width, kernel, dilation=dilation)
        self.linear = nn.Linear(width, width)
        self.behind = (kernel - 1) * dilation

    def forward(self, x: Tensor) -> Tensor:
        """(B, frames, W) to the same."""
        seen = F.pad(self.norm(x).transpose(1, 2), (self.behind, 0))
        change: Tensor = self.linear(F.relu(self.conv(seen)).transpose(1, 2))
        return x + change


class TouchNet(nn.Module):
    """Features of each frame, convolutions over those before, eight samples of effort a frame.

    What a frame knows, the one before did not, so that effort steps where frames meet. Each frame
    therefore begins where the last one ended and comes to its own line within its eight samples. In
    training it does not: a network that is free to would learn to make larger steps.
    """

    fade: Tensor

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        structure = structure_of(card)
        self.card = card
        self.features = Features(card)
        width, outputs = structure.width, STRIDE * len(card.muscles)
        self.inlet = nn.Linear(self.features.span.width, width)
        self.block = nn.Sequential(
            *(Block(width, structure.kernel, dilation) for dilation in structure.dilations)
        )
        self.outlet = nn.Linear(width, outputs)
        self.register_buffer("fade", torch.from_numpy(FADE)[:, None], persistent=False)

    def forward(self, values: Tensor, first_index: int = 0) -> Tensor:
        """Turn values (B, W, T) into effort (B, M, T).

        `first_index` says where on the grid the signal begins; windows of a training begin with a
        frame. What no frame that ends within the signal tells of is zero.
        """
        features = self.features(values, first_index)
        known = self.outlet(self.block(F.relu(self.inlet(features))))
        effort = known.unflatten(-1, (STRIDE, -1))
        if not self.training:
            effort = self._joined(effort)
        # The first frame's effort begins so many samples before the signal.
        early = self.card.lookahead - first_end(self.card, first_index)
        in_time: Tensor = F.pad(effort.flatten(1, 2), (0, 0, -early, 0))
        return in_time[:, : values.shape[-1]].transpose(1, 2)

    def _joined(self, effort: Tensor) -> Tensor:
        """Let each frame of effort (B, frames, 8, M) begin where the one before ended."""
        first, last = effort[:, :, :1], effort[:, :, -1:]
        ended = torch.cat([first[:, :1], last[:, :-1]], dim=1)
        return effort + self.fade * (ended - first)


def build_network(card: ModelCard, tensors: Mapping[str, NDArray[np.float32]]) -> TouchNet:
    """Make the network of a card with the given weights, ready to evaluate."""
    network = TouchNet(card)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    return network.eval()
