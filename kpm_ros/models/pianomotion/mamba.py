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

"""A selective state space (Mamba) in plain torch: one block, as the published predictor has it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

KERNEL, EXPANSION = 4, 2
SLOWEST, FASTEST = 1e-3, 0.1
"""Steps of time that channels begin with, in frames."""


class Mamba(nn.Module):
    """Frames pass through states that forget as fast as the frames themselves tell them to."""

    def __init__(self, width: int, states: int) -> None:
        """Take so many states for each of twice `width` channels."""
        super().__init__()
        inner, rank = EXPANSION * width, math.ceil(width / 16)
        self._parts = (rank, states, states)
        self.enter = nn.Linear(width, 2 * inner, bias=False)
        self.conv = nn.Conv1d(inner, inner, KERNEL, groups=inner, padding=KERNEL - 1)
        self.select = nn.Linear(inner, rank + 2 * states, bias=False)
        self.step = nn.Linear(rank, inner)
        self.log_decay = nn.Parameter(torch.arange(1.0, states + 1).log().repeat(inner, 1))
        self.skip = nn.Parameter(torch.ones(inner))
        self.leave = nn.Linear(inner, width, bias=False)
        self._start_steps(inner, rank)

    def _start_steps(self, inner: int, rank: int) -> None:
        """Spread the channels' first steps of time evenly over their orders of magnitude."""
        nn.init.uniform_(self.step.weight, -(rank**-0.5), rank**-0.5)
        spread = math.log(FASTEST / SLOWEST)
        steps = SLOWEST * (torch.rand(inner) * spread).exp()
        with torch.no_grad():
            self.step.bias.copy_(steps.expm1().log())

    def forward(self, frames: Tensor) -> Tensor:
        """Turn frames (B, n, width) into as many; each sees those before it."""
        values, gate = self.enter(frames).chunk(2, dim=-1)
        count = frames.shape[1]
        values = F.silu(self.conv(values.transpose(1, 2))[..., :count]).transpose(1, 2)
        step, into, out_of = self.select(values).split(self._parts, dim=-1)
        step = F.softplus(self.step(step))
        kept = torch.exp(-step[..., None] * self.log_decay.exp())
        taken = (step * values)[..., None] * into[:, :, None]
        state = torch.zeros_like(kept[:, 0])
        read = []
        for at in range(count):
            state = kept[:, at] * state + taken[:, at]
            read.append((state * out_of[:, at, None]).sum(-1))
        left: Tensor = self.leave((torch.stack(read, 1) + self.skip * values) * F.silu(gate))
        return left
