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

"""The first stage of CodeTalker: effort to codes of a small book, and back.

Each frame becomes a few codes, and each code the nearest entry of the book. Both ways are alike: a
convolution over five frames, a norm over the window, and a Transformer's layers without a mask. As
published, attention is divided by the root of all the width rather than of a head's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kpm_ros.models.shared_shapes import NORM_EPSILON
from kpm_ros.models.torch_layers import places

SLOPE, KERNEL = 0.2, 5
COMMITMENT = 0.25
"""How much the way to the book is drawn to it, of how much the book is drawn to what is coded."""


@dataclass(frozen=True, slots=True)
class Size:
    """Widths and layers of both stages; the defaults are those published for the set BIWI."""

    width: int = 1024
    heads: int = 8
    hidden: int = 1536
    layers: int = 6
    """Of each way, to codes and back."""
    tokens: int = 8
    """Codes of a frame."""
    token_width: int = 128
    entries: int = 256
    """Of the book."""
    decoder_layers: int = 12
    decoder_heads: int = 4


class Coded(NamedTuple):
    """What became of effort on its way to codes."""

    before: Tensor
    """(B, n, tokens x token width), ahead of the book."""
    entries: Tensor
    """The nearest entries, alike in shape."""


class Layer(nn.Module):
    """Attention to all frames, then two linear layers; norms come first, and both add on."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.heads, self.scale = size.heads, size.width**-0.5
        self.norm_attention = nn.LayerNorm(size.width, eps=NORM_EPSILON)
        self.attended = nn.Linear(size.width, 3 * size.width, bias=False)
        self.joined = nn.Linear(size.width, size.width)
        self.norm_linear = nn.LayerNorm(size.width, eps=NORM_EPSILON)
        self.linear1 = nn.Linear(size.width, size.hidden)
        self.linear2 = nn.Linear(size.hidden, size.width)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, n, width) to the same."""
        parts = self.attended(self.norm_attention(frames)).unflatten(-1, (3, self.heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        found = F.scaled_dot_product_attention(query, key, value, scale=self.scale)
        frames = frames + self.joined(found.transpose(1, 2).flatten(2))
        inner = F.gelu(self.linear1(self.norm_linear(frames)))
        return frames + self.linear2(inner)


class Trunk(nn.Module):
    """What both ways have in common."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.conv = nn.Conv1d(
            size.width, size.width, KERNEL, padding="same", padding_mode="replicate"
        )
        self.linear = nn.Linear(size.width, size.width)
        self.layers = nn.Sequential(*(Layer(size) for _ in range(size.layers)))

    def forward(self, frames: Tensor) -> Tensor:
        """(B, n, width) to the same."""
        convolved = F.leaky_relu(self.conv(frames.transpose(1, 2)), SLOPE)
        # Over the window's frames, each channel by itself; of one frame alone nothing is left.
        alike = F.layer_norm(convolved, convolved.shape[-1:]).transpose(1, 2)
        x = self.linear(alike)
        coded: Tensor = self.layers(x + places(x.shape[1], x.shape[2], x))
        return coded


class Codes(nn.Module):
    """Effort of frames to codes, and codes to effort."""

    def __init__(self, size: Size, muscles: int) -> None:
        super().__init__()
        self.tokens = size.tokens
        flat = size.tokens * size.token_width
        self.effort_in = nn.Linear(muscles, size.width)
        self.encoder = Trunk(size)
        self.codes_out = nn.Linear(size.width, flat)
        self.book = nn.Parameter(torch.empty(size.entries, size.token_width))
        nn.init.uniform_(self.book, -1 / size.entries, 1 / size.entries)
        self.codes_in = nn.Linear(flat, size.width)
        self.decoder = Trunk(size)
        self.effort_out = nn.Linear(size.width, muscles, bias=False)

    def encode(self, effort: Tensor) -> Coded:
        """Turn effort (B, n, M) into codes."""
        before = self.codes_out(self.encoder(F.leaky_relu(self.effort_in(effort), SLOPE)))
        return Coded(before, self.nearest(before))

    def nearest(self, codes: Tensor) -> Tensor:
        """Find the book's nearest entry of each code of (B, n, tokens x token width)."""
        some = codes.unflatten(-1, (self.tokens, -1))
        with torch.no_grad():
            chosen = torch.cdist(some.flatten(0, -2).float(), self.book.float()).argmin(dim=1)
        return self.book[chosen].view_as(some).flatten(-2)

    def decode(self, codes: Tensor) -> Tensor:
        """Turn codes (B, n, tokens x token width) into effort (B, n, M)."""
        effort: Tensor = self.effort_out(self.decoder(self.codes_in(codes)))
        return effort

    def forward(self, codes: Tensor) -> Tensor:
        """Put each code's nearest entry in its place, and decode."""
        return self.decode(straight_through(codes, self.nearest(codes)))


def straight_through(codes: Tensor, entries: Tensor) -> Tensor:
    """Give the entries, with gradients that pass as if they were the codes."""
    return codes + (entries - codes).detach()
