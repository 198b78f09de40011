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

"""What BodyNet begins with before training: usual sizes of features, mean effort."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from kpm_ros.models.bodynet.network import BodyNet
from kpm_ros.models.bodynet.shapes import muscle_sources, stride_of
from kpm_ros.models.examples import Example, mean_effort
from kpm_ros.models.framed.initial_values import whiten

RIDGE = 0.01
"""A tracker's noise is in all directions, and is not to be blown up."""


def suit(network: BodyNet, examples: Sequence[Example]) -> None:
    """Fit everything that training leaves alone; begin with the mean effort of both sides."""
    card = network.card
    stride, sources = stride_of(card), muscle_sources(card)
    whiten(
        network.features, network.inlet, card, stride, examples,
        behind=network.features.describer.behind, ridge=RIDGE,
    )  # fmt: skip
    outputs, effort = np.array(sources.outputs), mean_effort(examples)
    means = [effort[outputs == output].mean() for output in range(sources.width)]
    with torch.no_grad():
        network.outlet.weight.zero_()
        network.outlet.bias.copy_(torch.from_numpy(np.tile(means, stride)))
