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

"""The published encoder and decoder over the frames of one window."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kpm_ros.models.torch_layers import falling_mask

PERIOD = 30
"""Frames over which the causal mask's slope takes one step."""


class AlignedTransformer(nn.Module):
    """A Transformer whose decoder sees, of the encoder, only what is of the same frame.

    Both are given the same frames. As published nothing tells a frame's place in the window but,
    for a window alone, a causal mask that falls with age; training on batches never has it.
    """

    def __init__(
        self, width: int, layers: int, heads: int, hidden: int, masked_alone: bool
    ) -> None:
        """Take so many layers each; the decoder's perceptrons are as wide as the frames."""
        super().__init__()
        self.heads, self.masked_alone = heads, masked_alone
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(width, heads, hidden, batch_first=True),
            layers,
            enable_nested_tensor=False,
        )
        self.decoder = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(width, heads, width, batch_first=True), layers
        )

    def forward(self, frames: Tensor) -> Tensor:
        """Turn frames (B, n, width) into as many."""
        count = frames.shape[1]
        others = ~torch.eye(count, dtype=torch.bool, device=frames.device)
        own = None
        if self.masked_alone and len(frames) == 1:
            own = falling_mask(self.heads, count, PERIOD).to(frames.device)
        decoded: Tensor = self.decoder(
            frames, self.encoder(frames), tgt_mask=own, memory_mask=others
        )
        return decoded
