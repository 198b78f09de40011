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

"""An encoder-decoder like NeuroPose, turned round: from movement to muscles instead of back.

As there, convolutions with pooling lead down to a coarse rate, residual blocks work there, and
convolutions after each doubling lead back up, with what the way down had found added on. Here the
signal is one-dimensional in time, and norms are over the channels of each instant, so that a window
of any length gives the same.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from kpm_ros.models.card import ModelCard
from kpm_ros.models.torch_layers import ConvBlock, Normalise

WIDTHS = (64, 128, 256)
"""Channels at each level on the way down."""
COARSEST_HZ = 16
RESIDUAL_BLOCKS = 4
KERNEL, AHEAD = 5, 2


def pooling(card: ModelCard) -> int:
    """Each level's rate is that of the one above it divided by this; the lowest is about 16 Hz."""
    return max(2, round((card.rate_hz / COARSEST_HZ) ** (1 / len(WIDTHS))))


class Residual(nn.Module):
    """Two convolutions whose result is added to what they were given."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = ConvBlock(width, width, KERNEL, AHEAD)
        self.second = ConvBlock(width, width, KERNEL, AHEAD)

    def forward(self, x: Tensor) -> Tensor:
        """(B, W, T) to the same."""
        found: Tensor = self.second(self.first(x))
        return x + found


class NeuroPose(nn.Module):
    """Down to about 16 Hz, residual blocks, and up again."""

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        self.card = card
        self.pool = pooling(card)
        self.normalise = Normalise(card)
        before = (card.streams.width, *WIDTHS)
        self.down = nn.ModuleList(
            ConvBlock(before[i], width, KERNEL, AHEAD) for i, width in enumerate(WIDTHS)
        )
        self.middle = nn.Sequential(*(Residual(WIDTHS[-1]) for _ in range(RESIDUAL_BLOCKS)))
        self.up = nn.ModuleList(
            ConvBlock(WIDTHS[min(i + 1, len(WIDTHS) - 1)], WIDTHS[i], KERNEL, AHEAD)
            for i in reversed(range(len(WIDTHS)))
        )
        self.muscles = nn.Conv1d(WIDTHS[0], len(card.muscles), 1)

    @property
    def last(self) -> nn.Module:
        """The layer that gives the effort, by its weight and bias."""
        return self.muscles

    def forward(self, values: Tensor) -> Tensor:
        """Turn values (B, W, T) into effort (B, M, T)."""
        x = self.normalise(values)
        samples = x.shape[-1]
        x = F.pad(x, (0, -samples % self.pool ** len(WIDTHS)), mode="replicate")
        found = []
        for block in self.down:
            found.append(block(x))
            x = F.max_pool1d(found[-1], self.pool)
        x = self.middle(x)
        for block in self.up:
            x = block(F.interpolate(x, scale_factor=float(self.pool), mode="nearest")) + found.pop()
        effort: Tensor = self.muscles(x)
        return effort[..., :samples]
