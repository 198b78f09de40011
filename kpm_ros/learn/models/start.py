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

"""The network that a training begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kpm_ros.estimate.network import ConvBlock, PianoKPMNet, Stage, TemporalBlock
from kpm_ros.learn.models.families import bare_network
from kpm_ros.learn.models.rules import Performed, mean_effort
from kpm_ros.learn.models.trained import load
from kpm_ros.models.card import ModelCard

_LAST_LAYER_GAIN = 10.0
"""The decoder's last layer starts so much larger: its output is multiplied by 0.01."""
_SMALLEST_MOVEMENT = 0.03
"""Movements of the hand smaller than this, relative to a channel's, are taken to be jitter."""
_EVERY = 64

_RANDOM_PART = 0.5
"""Of a later convolution's usual random weights, beside what passes its input through."""
_BRANCH_PART = 0.3
"""Of a residual branch's usual random weights."""
_FIRST_BIAS, _LATER_BIAS = 1.0, 2.0
"""So much is added ahead of each ReLU that it cuts little off."""

Tensors = Mapping[str, NDArray[np.float32]]


def fresh_network(card: ModelCard, training: Sequence[Performed], seed: int) -> PianoKPMNet:
    """Draw random weights that suit the data: they give the mean effort, and see small movements.

    Nearly all of a landmark's movement is the whole hand's along the keyboard, and effort shows in
    what little is left. So the first pose layer's random weights are turned to weigh all directions
    in which the pose varies alike, rather than by how much it varies.
    """
    torch.manual_seed(seed)
    network = PianoKPMNet(card)
    last = network.decoder.linear3
    with torch.no_grad():
        last.weight.mul_(_LAST_LAYER_GAIN)
        mean = torch.from_numpy(mean_effort(training)).float()
        last.bias.copy_(mean / network.decoder.scale)
        if "pose" in card.inputs:
            first = network.get_parameter("pose.0.conv.weight")
            whitening = torch.from_numpy(_whitening(card, training)).float()
            first.copy_(torch.einsum("ock,cd->odk", first, whitening))
        _pass_through(network)
    return network


def _pass_through(network: PianoKPMNet) -> None:
    """Let the encoder at first hand on what it is given.

    Ten random layers one after another would leave little of the input for training to find.
    """
    for part in network.modules():
        if isinstance(part, ConvBlock | Stage):
            weight = part.conv.weight
            if len(weight) != weight.shape[1]:  # the first, whose input is of another width
                part.get_parameter("conv.bias").add_(_FIRST_BIAS)
                continue
            present = part.padding[0]  # the tap that looks at the output's own instant
            weight.mul_(_RANDOM_PART)
            weight[:, :, present] += torch.eye(len(weight))
            part.get_parameter("conv.bias").add_(_LATER_BIAS)
        elif isinstance(part, TemporalBlock):
            part.conv.weight.mul_(_BRANCH_PART)
            part.linear2.weight.mul_(_BRANCH_PART)


class Start(NamedTuple):
    """A trained model to go on from."""

    card: ModelCard
    tensors: Tensors


def load_start(name: str, card: ModelCard) -> Start:
    """Read a model that differs from the card in nothing but its look-ahead and normalisation."""
    before = load(name)
    for what in ("architecture", "inputs", "views", "landmarks", "keys", "muscles", "rate_hz"):
        if getattr(before.card, what) != getattr(card, what):
            raise ValueError(
                f"{name} cannot be fine-tuned into this model: its {what} is "
                f"{getattr(before.card, what)!r}, not {getattr(card, what)!r}"
            )
    return Start(before.card, before.tensors)


def tuned_network(card: ModelCard, tensors: Tensors) -> nn.Module:
    """Begin with another model's weights."""
    network = bare_network(card)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    return network


def _whitening(card: ModelCard, training: Sequence[Performed]) -> NDArray[np.float64]:
    """Find the symmetric matrix after which the normalised pose varies alike in all directions."""
    rows = np.concatenate([one.pose()[::_EVERY] for one in training])
    normal = (rows - np.asarray(card.pose_offset or 0.0)) / np.asarray(card.pose_scale or 1.0)
    variance, directions = np.linalg.eigh(np.cov(normal.T))
    gain = 1 / np.sqrt(np.maximum(variance, 0) + _SMALLEST_MOVEMENT**2)
    return np.asarray((directions * gain) @ directions.T)
