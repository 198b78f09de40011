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

"""Layers that networks of several architectures are made of."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kpm_ros.models.card import ModelCard
from kpm_ros.models.shared_shapes import NORM_EPSILON

FRAME_HZ = 64
"""About how often networks of frames look at hands; slower grids are taken as they are."""
MASK_SLOPE = 0.25
"""Of the first head's falling mask; each further one has a quarter of the one before it."""


class Normalise(nn.Module):
    """Brings the columns of (B, W, T) to the size that a card's model expects."""

    offset: Tensor
    scale: Tensor

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        width = card.streams.width
        offset = torch.tensor(card.offset or (0.0,) * width, dtype=torch.float32)
        scale = torch.tensor(card.scale or (1.0,) * width, dtype=torch.float32)
        # The card carries them; the weights need not.
        self.register_buffer("offset", offset[:, None], persistent=False)
        self.register_buffer("scale", scale[:, None], persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        """(B, W, T) to the same."""
        return (values - self.offset) / self.scale


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of (B, C, T) at each instant."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=NORM_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each instant by itself."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class ConvBlock(nn.Module):
    """Convolution in time that sees `ahead` samples of the future, ReLU, norm."""

    def __init__(self, channels: int, width: int, kernel: int, ahead: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, width, kernel)
        self.norm = ChannelNorm(width)
        self.padding = (kernel - 1 - ahead, ahead)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) to (B, W, T)."""
        return self.norm(F.relu(self.conv(F.pad(x, self.padding))))


def to_frames(signal: Tensor, samples: int) -> Tensor:
    """Average (B, C, T) over frames of so many samples; a last frame cut short holds its end."""
    missing = -signal.shape[-1] % samples
    return F.avg_pool1d(F.pad(signal, (0, missing), mode="replicate"), samples)


def from_frames(frames: Tensor, samples: int, length: int) -> Tensor:
    """Draw (B, M, F) out to (B, M, length) by straight lines between the middles of frames."""
    drawn = F.interpolate(frames, scale_factor=float(samples), mode="linear", align_corners=False)
    return drawn[..., :length]


def samples_a_frame(card: ModelCard) -> int:
    """Samples of the grid that make up one frame."""
    return max(1, round(card.rate_hz / FRAME_HZ))


def places(count: int, width: int, like: Tensor) -> Tensor:
    """Tell one frame's place in the window from another's, by sines and cosines: (count, width)."""
    at = torch.arange(count, device=like.device, dtype=like.dtype)[:, None]
    pairs = torch.arange(0, width, 2, device=like.device, dtype=like.dtype)
    angle = at * torch.exp(pairs * (-math.log(10_000.0) / width))
    return torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1)


def falling_mask(heads: int, count: int, period: int) -> Tensor:
    """What is added before the softmax (heads, n, n): nothing of the future, less of the past.

    The slope takes one step every so many frames.
    """
    age = torch.arange(count)[:, None] - torch.arange(count)
    slopes = MASK_SLOPE ** torch.arange(1, heads + 1)
    bias = -slopes[:, None, None] * torch.div(age.clamp(min=0), period, rounding_mode="floor")
    return bias.masked_fill(age < 0, -torch.inf)
