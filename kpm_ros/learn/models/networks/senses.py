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

"""What all compared networks begin with: the senses that a card names, as one signal."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kpm_ros.estimate.layout import SENSES, input_channels
from kpm_ros.models.card import ModelCard


class Senses(nn.Module):
    """Normalised pose and keys (B, C, T), one above the other."""

    pose_offset: Tensor
    pose_scale: Tensor

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        self.card = card
        self.channels = sum(input_channels(card, sense) for sense in card.inputs)
        zeros, ones = (0.0,) * card.pose_channels, (1.0,) * card.pose_channels
        offset = torch.tensor(card.pose_offset or zeros, dtype=torch.float32)
        scale = torch.tensor(card.pose_scale or ones, dtype=torch.float32)
        # The card carries them; the weights need not.
        self.register_buffer("pose_offset", offset[:, None], persistent=False)
        self.register_buffer("pose_scale", scale[:, None], persistent=False)

    def forward(self, pose: Tensor | None, keys: Tensor | None) -> Tensor:
        """Stack the senses that the card names; others are ignored and may be None."""
        parts = []
        for sense, values in zip(SENSES, (pose, keys), strict=True):
            if sense not in self.card.inputs:
                continue
            if values is None:
                raise ValueError(f"the model {self.card.name!r} needs {sense}, and none was given")
            normal = (values - self.pose_offset) / self.pose_scale if sense == "pose" else values
            parts.append(normal)
        return torch.cat(parts, dim=1)


def to_frames(signal: Tensor, samples: int) -> Tensor:
    """Average (B, C, T) over frames of so many samples; a last frame cut short holds its end."""
    missing = -signal.shape[-1] % samples
    return F.avg_pool1d(F.pad(signal, (0, missing), mode="replicate"), samples)


def from_frames(frames: Tensor, samples: int, length: int) -> Tensor:
    """Draw (B, M, F) out to (B, M, length) by straight lines between the middles of frames."""
    drawn = F.interpolate(frames, scale_factor=float(samples), mode="linear", align_corners=False)
    return drawn[..., :length]
