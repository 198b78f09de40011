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

"""Features of a window of gestures, by an auto-encoder of ours: what sets of movements differ in.

PianoMotion10M compares sets in the features of an auto-encoder whose training was not published,
and whose published figures nobody could repeat. This is another one, and its distances are not
theirs.
"""

from __future__ import annotations

from torch import Tensor, nn

from kpm_ros.models.pianomotion.motion_card import ANGLES, WINDOW, MotionCard

FEATURES = 16
_CHANNELS = 48
_HALVINGS = 3


class MotionAutoencoder(nn.Module):
    """A window of gestures into few numbers, and back."""

    def __init__(self, card: MotionCard) -> None:
        super().__init__()
        self.card = card
        shape = (_CHANNELS, WINDOW >> _HALVINGS)
        size = shape[0] * shape[1]
        halving: list[nn.Module] = []
        doubling: list[nn.Module] = []
        for level in range(_HALVINGS):
            width = _CHANNELS if level else ANGLES
            halving += [nn.Conv1d(width, _CHANNELS, 4, stride=2, padding=1), nn.GELU()]
            left = _CHANNELS if level < _HALVINGS - 1 else ANGLES
            doubling += [nn.GELU(), nn.ConvTranspose1d(_CHANNELS, left, 4, stride=2, padding=1)]
        self.encoder = nn.Sequential(*halving, nn.Flatten(), nn.Linear(size, FEATURES))
        self.decoder = nn.Sequential(nn.Linear(FEATURES, size), nn.Unflatten(1, shape), *doubling)

    def forward(self, angles: Tensor) -> Tensor:
        """Give gestures (B, 96, 240) as they come back."""
        made: Tensor = self.decoder(self.encoder(angles))
        return made
