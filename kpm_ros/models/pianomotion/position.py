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

"""The first stage: where both hands are, of every frame of a window."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from kpm_ros.models.pianomotion.features import make_features
from kpm_ros.models.pianomotion.motion_card import HANDS, PLACES, MotionCard
from kpm_ros.models.pianomotion.recipes import AS_CODED
from kpm_ros.models.pianomotion.sequence import sequence_model

BOTTLENECK = 128
"""Width of the layer before the places."""


class PositionPredictor(nn.Module):
    """Sound or notes to the normalised places of both hands, right first."""

    def __init__(self, card: MotionCard) -> None:
        super().__init__()
        self.card = card
        width = card.layout.width
        self.features = make_features(card)
        self.narrow = nn.Linear(card.feature_width, width)
        self.sequence = sequence_model(card, width)
        self.places = nn.Sequential(
            nn.Linear(width, BOTTLENECK), nn.Linear(BOTTLENECK, PLACES), nn.Tanh()
        )

    def forward(self, given: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """Give places (B, n, 6), and the features (B, n, width) that they follow from."""
        features: Tensor = self.features(given, frames)
        places: Tensor = self.places(self.sequence(self.narrow(features)))
        return places, features


class PositionLosses(NamedTuple):
    """Both parts of the loss, of equal weight."""

    place: Tensor
    velocity: Tensor


def position_losses(
    estimate: Tensor, places: Tensor, visible: Tensor, follows: str = AS_CODED
) -> PositionLosses:
    """Compare places (B, n, 6) of hands that are visible or not (B, n, 2).

    Places count where a hand is visible, differences from frame to frame everywhere: by their size
    as coded, by their square as the paper writes.
    """
    seen = visible.repeat_interleave(PLACES // len(HANDS), dim=-1)
    place = ((estimate - places).abs() * seen).sum() / seen.sum().clamp(min=1)
    moved = torch.diff(estimate, dim=1) - torch.diff(places, dim=1)
    return PositionLosses(
        place, moved.abs().mean() if follows == AS_CODED else moved.square().mean()
    )
