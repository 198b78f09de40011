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

"""The networks of Muscles in Action as published: those of the paper, and those of 2023.

They take 30 frames at 10 Hz and give as many values of each muscle, or of each joint. A published
convolution over all columns at once is written as the one in time that it amounts to.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kpm_ros.models.card import ModelCard
from kpm_ros.models.mia.published import COUNTS, NO_CONDITION, PERSON
from kpm_ros.models.torch_layers import places

WIDTH = 128
KERNEL = 9
DROPOUT = 0.1
FEED_FORWARD = 2048
CONDITION_CHANNELS = 2
FIRST_SCALE = 100.0
"""In the first version, what is learnt is the sensor's counts divided by it."""
CNN_WIDTHS = (128, 64, 128, 64)
NORMED = 3
"""Of the CNN's layers, the first so many are normalised."""
LARGE = math.sqrt(WIDTH)
"""By which the Transformers multiply what they are given."""


def seen_columns(card: ModelCard) -> list[int]:
    """List the columns that the convolution sees: all but those that say who the person is."""
    told = set(told_columns(card))
    return [column for column in range(card.streams.width) if column not in told]


def told_columns(card: ModelCard) -> list[int]:
    """List the columns that say who the person is."""
    found = card.streams.columns.get(PERSON, slice(0, 0))
    return list(range(found.start, found.stop))


def _encoder(layers: int, heads: int) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        WIDTH, heads, dim_feedforward=FEED_FORWARD, dropout=DROPOUT, batch_first=True
    )
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)


def output_scale(card: ModelCard) -> float:
    """Give what the first version's outputs are multiplied by: counts are learnt as hundreds."""
    return FIRST_SCALE if card.unit == COUNTS else 1.0


class Transformer2023(nn.Module):
    """A convolution, places, who the person is, and eight layers of a Transformer's encoder."""

    layers, heads = 8, 16

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        self.card = card
        self._seen, self._told = seen_columns(card), told_columns(card)
        self.conv = nn.Conv1d(
            len(self._seen), WIDTH - CONDITION_CHANNELS, KERNEL, padding=KERNEL // 2
        )
        self.dropout = nn.Dropout(DROPOUT)
        self.encoder = _encoder(self.layers, self.heads)
        self.last = nn.Linear(WIDTH, len(card.muscles))

    def forward(self, values: Tensor) -> Tensor:
        """Turn values (B, W, T) into effort or joints (B, M, T)."""
        frames = self.conv(values[:, self._seen] * LARGE).transpose(1, 2)
        frames = self.dropout(frames + places(frames.shape[1], frames.shape[2], frames))
        condition = self._condition(values).to(frames.dtype)
        told = condition[..., None].expand(*condition.shape, CONDITION_CHANNELS)
        found: Tensor = self.last(self.encoder(torch.cat((frames, told), dim=2)))
        return found.transpose(1, 2)

    def _condition(self, values: Tensor) -> Tensor:
        """Say of each frame who the person is (B, T); 0, or nothing, is nobody in particular."""
        if not self._told:
            return values.new_full((len(values), values.shape[-1]), NO_CONDITION)
        told = values[:, self._told[0]]
        return torch.where(told == 0, NO_CONDITION, told)


class FirstTransformer(nn.Module):
    """A convolution, places, and four layers of a Transformer's encoder; nothing is negative."""

    layers, heads = 4, 8

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        self.card = card
        self._scale = output_scale(card)
        self.conv = nn.Conv1d(card.streams.width, WIDTH, KERNEL, padding=KERNEL // 2)
        self.dropout = nn.Dropout(DROPOUT)
        self.encoder = _encoder(self.layers, self.heads)
        self.last = nn.Linear(WIDTH, len(card.muscles))

    def forward(self, values: Tensor) -> Tensor:
        """Turn values (B, W, T) into effort (B, M, T)."""
        frames = self.conv(values * LARGE).transpose(1, 2)
        frames = self.dropout(frames + places(frames.shape[1], frames.shape[2], frames))
        found = torch.relu(self.last(self.encoder(frames)))
        return self._scale * found.transpose(1, 2)


class BatchNorm(nn.Module):
    """Batch normalisation over (B, C, T), whose state is numbers only: torch's counts batches."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise by the batch in training, and by what was met there in use."""
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, self.training
        )


class FirstCnn(nn.Module):
    """Five convolutions in time, of which the first three are normalised; nothing is negative."""

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        self.card = card
        self._scale = output_scale(card)
        widths = (card.streams.width, *CNN_WIDTHS, len(card.muscles))
        self.convs = nn.ModuleList(
            nn.Conv1d(before, after, KERNEL, padding=KERNEL // 2)
            for before, after in itertools.pairwise(widths)
        )
        self.norms = nn.ModuleList(BatchNorm(width) for width in widths[1 : 1 + NORMED])

    @property
    def last(self) -> nn.Module:
        """The layer that gives the effort, by its weight and bias."""
        return self.convs[-1]

    def forward(self, values: Tensor) -> Tensor:
        """Turn values (B, W, T) into effort (B, M, T)."""
        x = values
        for place, conv in enumerate(self.convs):
            x = conv(x)
            if place < NORMED:
                x = self.norms[place](x)
            x = torch.relu(x)
        return self._scale * x
