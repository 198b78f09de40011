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

"""TouchNet in torch: for training, and as the reference that streaming must reproduce."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from kpm_ros.models.card import ModelCard
from kpm_ros.models.framed.blocks import OntoGrid, blocks
from kpm_ros.models.touchnet.features import Features
from kpm_ros.models.touchnet.shapes import STRIDE, structure_of


class TouchNet(nn.Module):
    """Features of each frame, convolutions over those before, eight samples of effort a frame."""

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        structure = structure_of(card)
        self.card = card
        self.features = Features(card)
        self.inlet = nn.Linear(self.features.span.width, structure.width)
        self.block = blocks(structure)
        self.outlet = nn.Linear(structure.width, STRIDE * len(card.muscles))
        self.onto_grid = OntoGrid(card, STRIDE)

    def forward(self, values: Tensor, first_index: int = 0) -> Tensor:
        """Turn values (B, W, T) into effort (B, M, T).

        `first_index` says where on the grid the signal begins; windows of a training begin with a
        frame.
        """
        features = self.features(values, first_index)
        known = self.outlet(self.block(F.relu(self.inlet(features))))
        effort: Tensor = known.unflatten(-1, (STRIDE, -1))
        in_time: Tensor = self.onto_grid(effort, values.shape[-1], first_index)
        return in_time


def build_network(card: ModelCard, tensors: Mapping[str, NDArray[np.float32]]) -> TouchNet:
    """Make the network of a card with the given weights, ready to evaluate."""
    network = TouchNet(card)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    return network.eval()
