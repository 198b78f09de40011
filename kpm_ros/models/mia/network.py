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

"""The two networks of Muscles in Action, made to take any senses at any rate.

The original maps a body's 2D keypoints, 30 frames at 10 fps, to 30 values of each muscle. Hands
are an order of magnitude faster: here windows are about a second, frames come at up to 64 Hz,
whatever else the card lists are further input channels, and the output is drawn out to the grid's
rate by straight lines. Widths, layers and heads are the original's; the first convolution spans a
third of the window, as there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kpm_ros.models.card import ModelCard
from kpm_ros.models.torch_layers import (
    Normalise,
    from_frames,
    places,
    samples_a_frame,
    to_frames,
)

WIDTH = 128
KERNEL = 21
"""Frames that the Transformer's convolution sees: a third of a second."""
LAYERS, HEADS = 4, 8
CNN_LAYERS, CNN_KERNEL = 5, 5


class MiaCnn(nn.Module):
    """Five convolutions in time, with ReLU between them."""

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        self.card = card
        self.frame = samples_a_frame(card)
        self.normalise = Normalise(card)
        widths = (card.streams.width, *[WIDTH] * (CNN_LAYERS - 1), len(card.muscles))
        self.convs = nn.ModuleList(
            nn.Conv1d(widths[i], widths[i + 1], CNN_KERNEL, padding="same")
            for i in range(CNN_LAYERS)
        )

    @property
    def last(self) -> nn.Module:
        """The layer that gives the effort, by its weight and bias."""
        return self.convs[-1]

    def forward(self, values: Tensor) -> Tensor:
        """Turn values (B, W, T) into effort (B, M, T)."""
        x = to_frames(self.normalise(values), self.frame)
        for i, conv in enumerate(self.convs):
            x = conv(torch.relu(x) if i else x)
        return from_frames(x, self.frame, values.shape[-1])


class MiaTransformer(nn.Module):
    """One wide convolution in time, then a Transformer's encoder that sees the whole window."""

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        self.card = card
        self.frame = samples_a_frame(card)
        self.normalise = Normalise(card)
        self.conv = nn.Conv1d(card.streams.width, WIDTH, KERNEL, padding="same")
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, dim_feedforward=4 * WIDTH, dropout=0.1, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.muscles = nn.Linear(WIDTH, len(card.muscles))

    @property
    def last(self) -> nn.Module:
        """The layer that gives the effort, by its weight and bias."""
        return self.muscles

    def forward(self, values: Tensor) -> Tensor:
        """Turn values (B, W, T) into effort (B, M, T)."""
        frames = self.conv(to_frames(self.normalise(values), self.frame)).transpose(1, 2)
        x = self.encoder(frames + places(frames.shape[1], WIDTH, frames))
        return from_frames(self.muscles(x).transpose(1, 2), self.frame, values.shape[-1])
