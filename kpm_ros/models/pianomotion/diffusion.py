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

"""Diffusion: how noise is added to movement, what the network learns of it, and the way back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor

STEPS = 1000
"""In which noise is added, and in which it can be taken away at most."""
_FIRST_PART = 0.008
_MOST_NOISE = 0.999

Denoise = Callable[[Tensor, int], Tensor]
"""Turns noisy movement, and the step it is of, into the velocity that the network says."""


def kept_shares() -> Tensor:
    """Say what share of the movement's variance is left after each step: (STEPS,), in float64.

    Along a squared cosine; no single step takes more than nearly all.
    """
    at = torch.arange(STEPS + 1, dtype=torch.float64) / STEPS
    along = ((at + _FIRST_PART) / (1 + _FIRST_PART) * math.pi / 2).cos() ** 2
    kept = (along[1:] / along[:-1]).clamp(min=1 - _MOST_NOISE)
    return kept.cumprod(0)


class Diffusion:
    """The schedule of noise with all that follows from it, on a device."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        """Lay it out."""
        shares = kept_shares()
        before = torch.cat((torch.ones(1, dtype=torch.float64), shares[:-1]))
        # The signal-to-noise ratio over itself plus one is the share of the movement itself.
        self.weights = shares.float().to(device)
        self.signal = shares.sqrt().float().to(device)
        self.noise = (1 - shares).sqrt().float().to(device)
        added = 1 - shares / before
        self._start_part = (added * before.sqrt() / (1 - shares)).float().tolist()
        self._noisy_part = ((1 - before) * (1 - added).sqrt() / (1 - shares)).float().tolist()
        self._spread = (added * (1 - before) / (1 - shares)).clamp(min=1e-20).sqrt().tolist()
        self._signals, self._noises = self.signal.tolist(), self.noise.tolist()

    def noisy(self, start: Tensor, at: Tensor, noise: Tensor) -> Tensor:
        """Add noise to movement (B, columns, n) as after steps `at` (B,)."""
        return self._of(self.signal, at) * start + self._of(self.noise, at) * noise

    def velocity(self, start: Tensor, at: Tensor, noise: Tensor) -> Tensor:
        """What the network is to say: the noise less the movement, each by the other's share."""
        return self._of(self.signal, at) * noise - self._of(self.noise, at) * start

    def loss(self, said: Tensor, start: Tensor, at: Tensor, noise: Tensor) -> Tensor:
        """Mean squared error of the velocity, of little weight where there is little but noise."""
        error = (said - self.velocity(start, at, noise)).square().flatten(1).mean(1)
        return (error * self.weights[at]).mean()

    def start_of(self, noisy: Tensor, at: int, velocity: Tensor) -> Tensor:
        """Say which movement a velocity stands for, held to what angles can be."""
        start = self._signals[at] * noisy - self._noises[at] * velocity
        return start.clamp(-1, 1)

    def sample(self, denoise: Denoise, first: Tensor, steps: int, draw: Iterator[Tensor]) -> Tensor:
        """Turn noise into movement in so many steps.

        In all of them as it was added, with new noise at each; in fewer without, from one step to a
        later one at once.
        """
        check_steps(steps)
        return (
            self._all_steps(denoise, first, draw)
            if steps == STEPS
            else self._strides(denoise, first, steps)
        )

    def _all_steps(self, denoise: Denoise, noisy: Tensor, draw: Iterator[Tensor]) -> Tensor:
        for at in reversed(range(STEPS)):
            start = self.start_of(noisy, at, denoise(noisy, at))
            noisy = self._start_part[at] * start + self._noisy_part[at] * noisy
            if at:
                noisy = noisy + self._spread[at] * next(draw)
        return noisy

    def _strides(self, denoise: Denoise, noisy: Tensor, steps: int) -> Tensor:
        path = torch.linspace(-1, STEPS - 1, steps + 1).int().flip(0).tolist()
        for at, after in pairwise(path):
            start = self.start_of(noisy, at, denoise(noisy, at))
            if after < 0:
                return start
            noise = (noisy - self._signals[at] * start) / self._noises[at]
            noisy = self._signals[after] * start + self._noises[after] * noise
        raise AssertionError("the path ends below 0")

    @staticmethod
    def _of(values: Tensor, at: Tensor) -> Tensor:
        return values[at][:, None, None]


FEWEST_STEPS = 5


def check_steps(steps: int) -> None:
    """Refuse a number of steps in which nothing sensible comes about."""
    if not FEWEST_STEPS <= steps <= STEPS:
        raise ValueError(f"steps is {steps}, but must be {FEWEST_STEPS} to {STEPS}")
