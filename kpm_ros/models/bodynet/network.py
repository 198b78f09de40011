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

"""BodyNet in torch: for training, and as the reference that streaming must reproduce."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kpm_ros.models.bodynet.features import Features
from kpm_ros.models.bodynet.shapes import features_of, muscle_sources, stride_of, structure_of
from kpm_ros.models.card import ModelCard
from kpm_ros.models.framed.blocks import OntoGrid, blocks


class BodyNet(nn.Module):
    """One network for a body's left side, and for its right side in a mirror."""

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        structure, sources = structure_of(card), muscle_sources(card)
        self.card = card
        self.features = Features(card)
        self.inlet = nn.Linear(features_of(card) + 1, structure.width)
        self.block = blocks(structure)
        self.outlet = nn.Linear(structure.width, stride_of(card) * sources.width)
        self.onto_grid = OntoGrid(card, stride_of(card))
        self._views, self._outputs = list(sources.views), list(sources.outputs)

    def forward(self, values: Tensor, first_index: int = 0) -> Tensor:
        """Turn values (B, W, T) into effort (B, M, T).

        `first_index` says where on the grid the signal begins; windows of a training begin with a
        frame.
        """
        features = self.features(values, first_index)
        # Either side is a signal of its own.
        sides = self.inlet(features).transpose(1, 2).flatten(0, 1)
        known = self.outlet(self.block(F.relu(sides))).unflatten(0, (-1, 2))
        outputs = known.unflatten(-1, (stride_of(self.card), -1))
        effort = torch.stack(
            [
                outputs[:, view, :, :, output]
                for view, output in zip(self._views, self._outputs, strict=True)
            ],
            dim=-1,
        )
        in_time: Tensor = self.onto_grid(effort, values.shape[-1], first_index)
        return in_time
