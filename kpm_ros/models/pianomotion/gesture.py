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

"""The second stage: how both hands are turned and bent, by diffusion, where the first puts them."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from kpm_ros.models.pianomotion.motion_card import (
    ANGLES,
    ENCODING,
    GESTURE,
    PLACES,
    POSITION,
    MotionCard,
)
from kpm_ros.models.pianomotion.own_features import MotionAutoencoder
from kpm_ros.models.pianomotion.position import PositionPredictor
from kpm_ros.models.pianomotion.sequence import sequence_model
from kpm_ros.models.pianomotion.unet import UNet


class Conditions(NamedTuple):
    """What a window's gestures follow from, once for all steps of its sampling."""

    features: Tensor
    """(B, width, n)"""
    places: Tensor
    """(B, 6, n), normalised."""


class GestureModel(nn.Module):
    """The U-Net, with the predictor of positions that it was trained on, which stays as it is."""

    def __init__(self, card: MotionCard) -> None:
        super().__init__()
        self.card = card
        size, width = card.layout, card.feature_width
        self.position = PositionPredictor(card).requires_grad_(False)
        self.sequence = sequence_model(card, width)
        self.widen = nn.Linear(ANGLES, width)
        self.unet = UNet(2 * width + PLACES, ANGLES, size.channels, size.multiples)
        self.train()

    def train(self, mode: bool = True) -> GestureModel:
        """Train the rest; the first stage is as in use."""
        super().train(mode)
        self.position.eval()
        return self

    def conditions(self, given: Tensor, frames: int) -> Conditions:
        """Run the first stage, and what carries its features along."""
        with torch.no_grad():
            places, features = self.position(given, frames)
        carried = self.sequence(features)
        return Conditions(carried.transpose(1, 2), places.transpose(1, 2))

    def forward(self, noisy: Tensor, at: Tensor, conditions: Conditions) -> Tensor:
        """Say the velocity (B, 96, n) of noisy gestures as of steps (B,)."""
        widened = self.widen(noisy.transpose(1, 2)).transpose(1, 2)
        columns = torch.cat((conditions.features, widened, conditions.places), 1)
        said: Tensor = self.unet(columns, at)
        return said


_NETWORKS: dict[str, Any] = {
    POSITION: PositionPredictor,
    GESTURE: GestureModel,
    ENCODING: MotionAutoencoder,
}


def make_network(card: MotionCard) -> nn.Module:
    """Make the card's network with whatever weights its layers begin with."""
    network: nn.Module = _NETWORKS[card.stage](card)
    return network


def start_network(card: MotionCard, seed: int) -> nn.Module:
    """Make the card's network with random weights, the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make_network(card)
