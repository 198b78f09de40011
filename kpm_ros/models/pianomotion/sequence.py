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

"""What carries a window's frames along in time, in both stages: a Transformer or an SSM."""

from __future__ import annotations

from torch import nn

from kpm_ros.models.pianomotion.mamba import Mamba
from kpm_ros.models.pianomotion.motion_card import SSM, MotionCard
from kpm_ros.models.pianomotion.transformer import AlignedTransformer


def sequence_model(card: MotionCard, width: int) -> nn.Module:
    """Make it for frames of a width."""
    size = card.layout
    if card.sequence == SSM:
        return Mamba(width, size.layers)
    return AlignedTransformer(width, size.layers, size.heads, size.hidden, card.masked_alone)
