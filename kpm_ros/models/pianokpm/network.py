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

"""PianoKPM Net in torch: for training, and as the reference that streaming must reproduce.

A parameter's name here is its name in our weights files (`shapes.tensor_table`), so a network's
`state_dict()` is what `weight_files.save_model` takes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from kpm_ros.models.card import CardError, ModelCard
from kpm_ros.models.pianokpm.decoder_gradient import DecoderWeights, decode
from kpm_ros.models.pianokpm.shapes import (
    StageStructure,
    Structure,
    share_lookahead,
    structure_of,
)
from kpm_ros.models.shared_shapes import NORM_EPSILON
from kpm_ros.models.torch_layers import ChannelNorm, ConvBlock, Normalise


class TemporalBlock(nn.Module):
    """A convolution in time within lanes, then two linear layers at each instant; both residual."""

    def __init__(self, width: int, groups: int, kernel: int, ahead: int) -> None:
        super().__init__()
        self.groups = groups
        self.conv = nn.Conv2d(groups, groups, (1, kernel))
        self.conv_norm = ChannelNorm(width)
        self.linear1 = nn.Linear(width, width)
        self.linear2 = nn.Linear(width, width)
        self.linear_norm = ChannelNorm(width)
        self.padding = (kernel - 1 - ahead, ahead)

    def forward(self, x: Tensor) -> Tensor:
        """(B, W, T) to the same."""
        lanes = F.pad(x, self.padding).unflatten(1, (self.groups, -1))
        x = self.conv_norm(F.relu(self.conv(lanes)).flatten(1, 2) + x)
        mixed = self.linear2(F.relu(self.linear1(x.transpose(1, 2))))
        return self.linear_norm(mixed.transpose(1, 2) + x)


class Stage(nn.Module):
    """A conv block and the temporal blocks after it."""

    def __init__(
        self, structure: Structure, stage: StageStructure, shares: tuple[int, ...]
    ) -> None:
        super().__init__()
        first = ConvBlock(structure.width, structure.width, stage.kernel, shares[0])
        self.conv, self.norm = first.conv, first.norm
        self.padding = first.padding
        self.block = nn.ModuleList(
            TemporalBlock(structure.width, structure.groups, kernel, ahead)
            for kernel, ahead in zip(stage.temporal_kernels, shares[1:], strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, W, T) to the same."""
        x = self.norm(F.relu(self.conv(F.pad(x, self.padding))))
        for block in self.block:
            x = block(x)
        return x


class Decoder(nn.Module):
    """Features and the previous output to the next output."""

    def __init__(self, structure: Structure, muscles: int) -> None:
        super().__init__()
        hidden = structure.hidden
        self.linear1 = nn.Linear(structure.features + muscles, hidden)
        self.norm1 = nn.LayerNorm(hidden, eps=NORM_EPSILON)
        self.linear2 = nn.Linear(hidden, hidden)
        self.norm2 = nn.LayerNorm(hidden, eps=NORM_EPSILON)
        self.linear3 = nn.Linear(hidden, muscles)
        self.slope, self.scale = structure.slope, structure.effort_scale

    def forward(self, features: Tensor, previous: Tensor) -> Tensor:
        """(..., F) and (..., M) to (..., M)."""
        x = self.linear1(torch.cat((features, previous), dim=-1))
        x = F.leaky_relu(self.norm1(x), self.slope)
        x = F.leaky_relu(self.norm2(self.linear2(x)), self.slope)
        return self.linear3(x) * self.scale


class PianoKPMNet(nn.Module):
    """The network a card describes, with its look-ahead realised by asymmetric padding.

    The card's normalisation is part of the network, so callers always hand in what the grid
    carries.
    """

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        structure = structure_of(card)
        shares = share_lookahead(structure, card.lookahead)
        self.card = card
        self.normalise = Normalise(card)
        count = len(structure.encoder_kernels)
        for sense, columns in card.streams.senses.items():
            widths = (columns.stop - columns.start, *[structure.width] * count)
            blocks = (
                ConvBlock(widths[i], structure.width, kernel, shares[i])
                for i, kernel in enumerate(structure.encoder_kernels)
            )
            if hasattr(self, sense):
                raise CardError(
                    f"torch's modules have something named {sense!r}: name the sense otherwise"
                )
            self.add_module(sense, nn.Sequential(*blocks))
        stages = []
        for stage in structure.stages:
            end = count + 1 + len(stage.temporal_kernels)
            stages.append(Stage(structure, stage, shares[count:end]))
            count = end
        self.stage = nn.Sequential(*stages)
        self.features = nn.Linear(structure.width, structure.features)
        self.decoder = Decoder(structure, len(card.muscles))

    def encode(self, values: Tensor) -> Tensor:
        """Turn values (B, W, T) into features (B, F, T)."""
        normal = self.normalise(values)
        encoded = [
            self.get_submodule(sense)(normal[:, columns])
            for sense, columns in self.card.streams.senses.items()
        ]
        x = encoded[0]
        for more in encoded[1:]:
            x = x + more
        features: Tensor = self.features(self.stage(x).transpose(1, 2)).transpose(1, 2)
        return features

    def decode(self, features: Tensor, previous: Tensor) -> Tensor:
        """Decode all instants at once, given at each what the previous output is taken to be.

        Takes features (B, F, T) and previous (B, M, T), whose instant t holds the output of t - 1
        (zeros at the start); gives effort (B, M, T).
        """
        effort: Tensor = self.decoder(features.transpose(1, 2), previous.transpose(1, 2))
        return effort.transpose(1, 2)

    def decode_in_sequence(self, features: Tensor, previous: Tensor | None = None) -> Tensor:
        """Decode (B, F, T) one instant after another, each from the output before it."""
        decoder, count = self.decoder, features.shape[1]
        first, last = decoder.linear1, decoder.linear3
        # Rounding that a wide layer forgives would here go round with the output.
        with torch.autocast(features.device.type, enabled=False):
            rows = features.float().permute(2, 0, 1)
            if previous is None:
                previous = rows.new_zeros(rows.shape[1], len(self.card.muscles))
            weights = DecoderWeights(
                feedback=first.weight[:, count:].contiguous(),
                norm1=decoder.norm1.weight,
                shift1=decoder.norm1.bias,
                linear2=decoder.linear2.weight,
                bias2=decoder.linear2.bias,
                norm2=decoder.norm2.weight,
                shift2=decoder.norm2.bias,
                linear3=last.weight * decoder.scale,
                bias3=last.bias * decoder.scale,
            )
            seen = F.linear(rows, first.weight[:, :count], first.bias)
            effort = decode(seen, previous, weights, decoder.slope, NORM_EPSILON)
        return effort.permute(1, 2, 0)

    def forward(self, values: Tensor) -> Tensor:
        """Turn values (B, W, T) into effort (B, M, T)."""
        return self.decode_in_sequence(self.encode(values))


def build_network(card: ModelCard, tensors: Mapping[str, NDArray[np.float32]]) -> PianoKPMNet:
    """Make the network of a card with the given weights, ready to evaluate."""
    network = PianoKPMNet(card)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    return network.eval()
