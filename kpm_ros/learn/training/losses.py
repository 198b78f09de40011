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

"""What training makes small: squared error, and how differently the effort is spread.

Where the true effort is not known (NaN), the estimate is as good as any other and costs nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from geomloss import SamplesLoss
from torch import Tensor, nn

BLUR = 0.05
"""Distance in effort below which optimal transport does not tell points apart."""


class Losses(NamedTuple):
    """Both parts of the loss, before they are weighed."""

    squared: Tensor
    transport: Tensor


class EffortLoss:
    """Mean squared error and Sinkhorn distance of each window's cloud of samples."""

    def __init__(self, transport: bool, points: int) -> None:
        """Take the distance over so many samples of each window, drawn anew; 0 for all."""
        self._points = points
        # Beyond 5000 points the library would by itself turn to another that compiles code.
        distance = SamplesLoss("sinkhorn", p=2, blur=BLUR, backend="tensorized")
        self._distance = distance if transport else None

    def __call__(self, estimate: Tensor, effort: Tensor) -> Losses:
        """Compare (B, M, T) with the truth."""
        unknown = effort.isnan()
        masked = bool(unknown.any())
        if masked:
            effort = torch.where(unknown, estimate.detach(), effort)
        squared = nn.functional.mse_loss(estimate, effort)
        if masked:
            squared = squared * (unknown.numel() / (~unknown).sum().clamp(min=1))
        if self._distance is None or not squared.isfinite():  # of which there is no distance
            return Losses(squared, squared.new_zeros(()))
        clouds = (estimate, effort)
        samples = estimate.shape[-1]
        if 0 < self._points < samples:
            chosen = torch.randperm(samples)[: self._points].to(estimate.device)
            clouds = (estimate[..., chosen], effort[..., chosen])
        rows = (cloud.transpose(1, 2).contiguous() for cloud in clouds)
        return Losses(squared, self._distance(*rows).mean())
