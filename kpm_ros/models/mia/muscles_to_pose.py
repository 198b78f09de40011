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

"""From muscles to the pose that goes with them: a small network of ours.

The released one, eight layers of a Transformer that see effort of some hundredths, has learnt no
more than the mean pose after minutes on a processor. Here effort is brought to one size by its
square root, so that small efforts count, and every frame is told the window's mean and most.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kpm_ros.models.card import ModelCard
from kpm_ros.models.mia.published_networks import BatchNorm, seen_columns

WIDTH = 96
KERNEL = 5
DILATIONS = (1, 2, 4)
DROPOUT = 0.2


class MusclesToPose(nn.Module):
    """Convolutions over 0.5, 0.9 and 1.7 s, each of which also sees the window as a whole."""

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        self.card = card
        self._seen = seen_columns(card)
        self.size = BatchNorm(len(self._seen))
        self.first = nn.Conv1d(len(self._seen), WIDTH, KERNEL, padding=KERNEL // 2)
        self.blocks = nn.ModuleList(_Block(dilation) for dilation in DILATIONS)
        self.last = nn.Conv1d(WIDTH, len(card.muscles), 1)

    def forward(self, values: Tensor) -> Tensor:
        """Turn values (B, W, T) into joints (B, M, T)."""
        x = torch.relu(self.first(self.size(values[:, self._seen].clamp(min=0).sqrt())))
        for block in self.blocks:
            x = block(x)
        found: Tensor = self.last(x)
        return found


class _Block(nn.Module):
    """Adds to each frame what its neighbours, and the whole window, say."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        around = dilation * (KERNEL // 2)
        self.near = nn.Conv1d(WIDTH, WIDTH, KERNEL, padding=around, dilation=dilation)
        self.whole = nn.Linear(2 * WIDTH, WIDTH)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) to the same."""
        whole = self.whole(torch.cat((x.mean(dim=2), x.amax(dim=2)), dim=1))
        added: Tensor = self.dropout(torch.relu(self.near(x) + whole[:, :, None]))
        return x + added
