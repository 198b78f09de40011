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

"""Frames, blocks and effort on the grid in torch: for training, and as streaming's reference."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kpm_ros.models.card import ModelCard
from kpm_ros.models.framed.shapes import BlockStructure, fade, first_end, frame_ends
from kpm_ros.models.shared_shapes import NORM_EPSILON


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


def blocks(structure: BlockStructure) -> nn.Sequential:
    """Make all convolutions of a network."""
    return nn.Sequential(
        *(Block(structure.width, structure.kernel, dilation) for dilation in structure.dilations)
    )


def ends_of_frames(values: Tensor, card: ModelCard, stride: int, first_index: int) -> Tensor:
    """Pick the last sample of each frame: (B, W, T) to (B, frames, W).

    `first_index` is the grid index of the first sample. The grid's frame k ends with sample
    stride x k + look-ahead; those are picked that end within the signal, and those that begin
    within it and end after it, where its last sample stands still.
    """
    at = torch.from_numpy(frame_ends(values.shape[-1], card, stride, first_index))
    return values[..., at.to(values.device)].transpose(1, 2)


class OntoGrid(nn.Module):
    """Puts frames of effort (B, frames, stride, M) onto the grid: (B, M, T).

    What a frame knows, the one before did not, so that effort steps where frames meet. Each frame
    therefore begins where the last one ended and comes to its own line within its samples. In
    training it does not: a network that is free to would learn to make larger steps.

    What no frame that ends within the signal tells of is zero.
    """

    fade: Tensor

    def __init__(self, card: ModelCard, stride: int) -> None:
        super().__init__()
        self._card, self._stride = card, stride
        self.register_buffer("fade", torch.from_numpy(fade(stride))[:, None], persistent=False)

    def forward(self, effort: Tensor, samples: int, first_index: int) -> Tensor:
        """Give so many samples, of which the first one has the grid index."""
        if not self.training:
            effort = self._joined(effort)
        # The first frame's effort begins so many samples before the signal.
        early = self._card.lookahead - first_end(self._card, first_index, self._stride)
        in_time: Tensor = F.pad(effort.flatten(1, 2), (0, 0, -early, 0))
        return in_time[:, :samples].transpose(1, 2)

    def _joined(self, effort: Tensor) -> Tensor:
        """Let each frame of effort begin where the one before ended."""
        first, last = effort[:, :, :1], effort[:, :, -1:]
        ended = torch.cat([first[:, :1], last[:, :-1]], dim=1)
        return effort + self.fade * (ended - first)
