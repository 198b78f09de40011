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

"""What PianoKPM Net begins with before it is trained, so that it learns from the first step on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Example, mean_effort, pieces, stride_between
from kpm_ros.models.normalisation import normalised
from kpm_ros.models.pianokpm.network import PianoKPMNet, Stage, TemporalBlock
from kpm_ros.models.pianokpm.shapes import mostly_still
from kpm_ros.models.torch_layers import ConvBlock

_FIRST_SCALE = 0.1
"""Of what the decoder's last layer gives at first, whatever its output is multiplied by."""
_SMALLEST_MOVEMENT = 0.03
"""Movements smaller than this, relative to a column's, are taken to be jitter."""
_MEASURED_HZ = 16.0

_RANDOM_PART = 0.5
"""Of a later convolution's usual random weights, beside what passes its input through."""
_BRANCH_PART = 0.3
"""Of a residual branch's usual random weights."""
_FIRST_BIAS, _LATER_BIAS = 1.0, 2.0
"""So much is added ahead of each ReLU that it cuts little off."""


def suit(network: PianoKPMNet, examples: Sequence[Example]) -> None:
    """Make random weights such that they give the mean effort, and see small movements.

    Nearly all of a landmark's movement is the whole hand's along the keyboard, and effort shows in
    what little is left. So the random weights of a sense's first layer are turned to weigh all
    directions in which the sense varies alike, rather than by how much it varies.
    """
    card, last = network.card, network.decoder.linear3
    with torch.no_grad():
        last.weight.mul_(_FIRST_SCALE / network.decoder.scale)
        mean = torch.from_numpy(mean_effort(examples)).float()
        last.bias.copy_(mean / network.decoder.scale)
        for sense in card.streams.senses:
            if not mostly_still(card, sense):
                first = network.get_parameter(f"{sense}.0.conv.weight")
                whitening = torch.from_numpy(_whitening(card, sense, examples)).float()
                first.copy_(torch.einsum("ock,cd->odk", first, whitening))
        _pass_through(network)


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


def _whitening(card: ModelCard, sense: str, examples: Sequence[Example]) -> NDArray[np.float64]:
    """Find the symmetric matrix after which a normalised sense varies alike in all directions."""
    columns, every = card.streams.senses[sense], stride_between(card.rate_hz, _MEASURED_HZ)
    rows = np.concatenate(
        [
            one.values(*piece)[::every, columns]
            for one in examples
            for piece in pieces(one, every * 128)
        ]
    )
    normal = np.zeros((len(rows), card.streams.width), np.float32)
    normal[:, columns] = rows
    covariance = np.cov(normalised(card, normal)[:, columns].T.astype(np.float64))
    variance, directions = np.linalg.eigh(np.atleast_2d(covariance))
    gain = 1 / np.sqrt(np.maximum(variance, 0) + _SMALLEST_MOVEMENT**2)
    return np.asarray((directions * gain) @ directions.T)
