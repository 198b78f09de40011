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

"""The published U-Net over time: what was added to a window of movement, seen at several scales."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GROUPS = 8
HEADS, HEAD_WIDTH = 4, 32
FIRST_KERNEL = 7
LONGEST_PERIOD = 10_000.0


class UNet(nn.Module):
    """Down and up again through levels of half the rate each, knowing how much noise there is."""

    def __init__(self, given: int, made: int, channels: int, multiples: Sequence[int]) -> None:
        """Turn so many columns into others, with `channels` times each multiple at each level."""
        super().__init__()
        widths = [channels, *(channels * each for each in multiples)]
        told = 4 * channels
        self.enter = nn.Conv1d(given, channels, FIRST_KERNEL, padding=FIRST_KERNEL // 2)
        self.noise_level = NoiseLevel(channels, told)
        pairs = list(pairwise(widths))
        last = len(pairs) - 1
        self.down = nn.ModuleList(
            Level(fine, fine, fine, told, _coarser(fine, coarse, level == last))
            for level, (fine, coarse) in enumerate(pairs)
        )
        deepest = widths[-1]
        self.middle_in = Residual(deepest, deepest, told)
        self.attention = Attention(deepest)
        self.middle_out = Residual(deepest, deepest, told)
        self.up = nn.ModuleList(
            Level(fine + coarse, coarse, fine + coarse, told, _finer(coarse, fine, level == 0))
            for level, (fine, coarse) in reversed(list(enumerate(pairs)))
        )
        self.last = Residual(2 * channels, channels, told)
        self.leave = nn.Conv1d(channels, made, 1)

    def forward(self, columns: Tensor, at: Tensor) -> Tensor:
        """Turn columns (B, W, n), noisy as of steps `at` (B,), into others (B, M, n)."""
        told = self.noise_level(at)
        entered = x = self.enter(columns)
        kept: list[Tensor] = []
        for level in cast("Iterable[Level]", self.down):
            x = level.first(x, told)
            kept.append(x)
            x = level.attention(level.second(x, told))
            kept.append(x)
            x = level.change(x)
        x = self.middle_out(self.attention(self.middle_in(x, told)), told)
        for level in cast("Iterable[Level]", self.up):
            x = level.first(torch.cat((x, kept.pop()), 1), told)
            x = level.second(torch.cat((x, kept.pop()), 1), told)
            x = level.change(level.attention(x))
        left: Tensor = self.leave(self.last(torch.cat((x, entered), 1), told))
        return left


class Level(nn.Module):
    """Two residual blocks, attention of linear cost, and the way to the next level."""

    def __init__(self, first: int, width: int, second: int, told: int, change: nn.Module) -> None:
        super().__init__()
        self.first = Residual(first, width, told)
        self.second = Residual(second, width, told)
        self.attention = LinearAttention(width)
        self.change = change


def _coarser(fine: int, coarse: int, last: bool) -> nn.Module:
    if last:
        return nn.Conv1d(fine, coarse, 3, padding=1)
    return nn.Conv1d(fine, coarse, 4, stride=2, padding=1)


def _finer(coarse: int, fine: int, last: bool) -> nn.Module:
    conv = nn.Conv1d(coarse, fine, 3, padding=1)
    return conv if last else nn.Sequential(nn.Upsample(scale_factor=2), conv)


class NoiseLevel(nn.Module):
    """Tells the blocks how noisy what they see is."""

    def __init__(self, waves: int, told: int) -> None:
        super().__init__()
        self.waves = waves
        self.layers = nn.Sequential(nn.Linear(waves, told), nn.GELU(), nn.Linear(told, told))

    def forward(self, at: Tensor) -> Tensor:
        """Turn steps (B,) into what the blocks are told (B, told)."""
        half = self.waves // 2
        ranks = torch.arange(half, device=at.device)
        phases = at[:, None] * torch.exp(ranks * (-math.log(LONGEST_PERIOD) / (half - 1)))
        told: Tensor = self.layers(torch.cat((phases.sin(), phases.cos()), -1))
        return told


class Residual(nn.Module):
    """Two convolutions beside a straight way; the first one is scaled and moved by the level."""

    def __init__(self, given: int, made: int, told: int) -> None:
        super().__init__()
        self.told = nn.Sequential(nn.SiLU(), nn.Linear(told, 2 * made))
        self.conv_in = nn.Conv1d(given, made, 3, padding=1)
        self.norm_in = nn.GroupNorm(GROUPS, made)
        self.conv_out = nn.Conv1d(made, made, 3, padding=1)
        self.norm_out = nn.GroupNorm(GROUPS, made)
        self.straight = nn.Conv1d(given, made, 1) if given != made else nn.Identity()

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """Turn (B, given, n) into (B, made, n)."""
        scale, shift = self.told(told)[..., None].chunk(2, dim=1)
        inner = F.silu(self.norm_in(self.conv_in(x)) * (scale + 1) + shift)
        made: Tensor = F.silu(self.norm_out(self.conv_out(inner))) + self.straight(x)
        return made


class Scaled(nn.Module):
    """Each frame brought to one length over its channels, then scaled by channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Scale (B, width, n)."""
        return F.normalize(x, dim=1) * self.gain * x.shape[1] ** 0.5


class _Attending(nn.Module):
    """What both kinds of attention have in common: queries, keys and values by head."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = HEADS * HEAD_WIDTH
        self.norm = Scaled(width)
        self.ask = nn.Conv1d(width, 3 * inner, 1, bias=False)
        self.answer = nn.Conv1d(inner, width, 1)

    def _parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give queries, keys and values, each (B, heads, width of a head, n)."""
        parts = self.ask(self.norm(x)).unflatten(1, (3, HEADS, HEAD_WIDTH))
        query, key, value = parts.unbind(1)
        return query, key, value


class Attention(_Attending):
    """Every frame looks at every other one."""

    def forward(self, x: Tensor) -> Tensor:
        """Add to (B, width, n) what it finds."""
        query, key, value = (part.transpose(2, 3) for part in self._parts(x))
        found = F.scaled_dot_product_attention(query, key, value)
        return x + self.answer(found.transpose(2, 3).flatten(1, 2))


class LinearAttention(_Attending):
    """The same at a cost that grows with the frames and not with their square."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.even = Scaled(width)

    def forward(self, x: Tensor) -> Tensor:
        """Add to (B, width, n) what it finds."""
        query, key, value = self._parts(x)
        seen = torch.einsum("bhdn,bhen->bhde", key.softmax(-1), value)
        found = torch.einsum("bhde,bhdn->bhen", seen, query.softmax(-2) * HEAD_WIDTH**-0.5)
        return x + self.even(self.answer(found.flatten(1, 2)))
