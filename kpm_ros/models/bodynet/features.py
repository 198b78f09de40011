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

"""What BodyNet is given of each frame, normalised, in torch.

Nothing here is learnt in training. The usual size of each feature (`offset`, `gain`) is found
before it and comes with the weights.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor, nn

from kpm_ros.models.bodynet.description import Describer
from kpm_ros.models.bodynet.shapes import LIMIT, VIEWS, features_of, stride_of
from kpm_ros.models.card import ModelCard
from kpm_ros.models.framed.blocks import ends_of_frames


class Features(nn.Module):
    """Values on the grid to normalised features of frames, of either side of the body."""

    offset: Tensor
    gain: Tensor

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        self.card = card
        self.describer = Describer(card)
        self.register_buffer("offset", torch.zeros(features_of(card)))
        self.register_buffer("gain", torch.ones(features_of(card)))

    def forward(self, values: Tensor, first_index: int) -> Tensor:
        """Turn values (B, W, T) into features (B, frames, 2, F); see `ends_of_frames`.

        The last one says whether there is no body.
        """
        # Training may otherwise do with fewer digits.
        with torch.no_grad(), torch.autocast(values.device.type, enabled=False):
            features, present = self.raw(values, first_index)
            scaled = ((features - self.offset) * self.gain).clamp(-LIMIT, LIMIT)
            return torch.cat((scaled * present, 1 - present), dim=-1)

    def raw(self, values: Tensor, first_index: int) -> tuple[Tensor, Tensor]:
        """Give features before they are normalised, and 1 or 0 for a body or none."""
        rows = ends_of_frames(values, self.card, stride_of(self.card), first_index).float()
        signals = rows.cpu().numpy()
        threads = min(torch.get_num_threads(), len(signals))
        if threads > 1:
            # Compiled code lets other threads run.
            with ThreadPoolExecutor(threads) as pool:
                described = list(pool.map(self._describe, signals))
        else:
            described = [self._describe(one) for one in signals]
        features, present = (
            torch.from_numpy(np.stack(parts)).to(values.device)
            for parts in zip(*described, strict=True)
        )
        return features, present[..., None, None].expand(-1, -1, VIEWS, 1)

    def _describe(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Describe a signal's frames; what was before the first stands still."""
        given = (self.describer.points(rows), self.describer.ages(rows))
        behind = self.describer.behind
        return self.describer.describe(
            *(np.concatenate([np.repeat(part[:1], behind, axis=0), part]) for part in given)
        )
