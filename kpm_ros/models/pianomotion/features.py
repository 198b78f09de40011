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

"""What both stages are told of the music: features of each frame, made of sound or of notes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kpm_ros.models.pianomotion.motion_card import MIDI, MotionCard
from kpm_ros.models.pianomotion.piano_roll import COLUMNS
from kpm_ros.models.pianomotion.sound import SoundFeatures

KERNEL = 9
"""Frames that each of the two convolutions sees."""


class RollFeatures(nn.Module):
    """Two convolutions over the piano roll, in place of the encoder of sound."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(COLUMNS, width, KERNEL, padding="same"),
            nn.GELU(),
            nn.Conv1d(width, width, KERNEL, padding="same"),
        )

    def forward(self, roll: Tensor, frames: int) -> Tensor:
        """Turn a roll (B, n, columns) into features (B, n, width)."""
        made: Tensor = self.layers(roll[:, :frames].transpose(1, 2)).transpose(1, 2)
        return made


def make_features(card: MotionCard) -> nn.Module:
    """Make what turns what the card's model is given into features, with whatever weights."""
    if card.features == MIDI:
        return RollFeatures(card.feature_width)
    return SoundFeatures(card.sound)


def nothing_played(card: MotionCard, count: int) -> Tensor:
    """Silence of so many rows, as the card's model is given it."""
    return torch.zeros((count, COLUMNS) if card.features == MIDI else (count,))
