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

"""The published networks of Muscles in Action with random weights, and rows for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from kpm_ros.core.streams import Channels, Streams
from kpm_ros.models.card import ModelCard
from kpm_ros.models.mia.published import COUNTS, MUSCLES, PERSONS, joints
from kpm_ros.models.registry import find_architecture

METRIC, IMAGE = joints(3), joints(2)
POSE_COLUMNS = METRIC.columns
GIVEN = {
    "mia-iccv": Streams((METRIC, PERSONS)),
    "mia-iccv-pose": Streams((Channels("muscles", MUSCLES, COUNTS, 10.0), PERSONS)),
    "mia-paper-transformer": Streams((IMAGE,)),
    "mia-paper-cnn": Streams((IMAGE,)),
}
NETWORKS = tuple(GIVEN)


def new_card(name: str, **fields: Any) -> ModelCard:
    given = {
        "streams": GIVEN[name],
        "muscles": POSE_COLUMNS if name == "mia-iccv-pose" else MUSCLES,
        "unit": "m" if name == "mia-iccv-pose" else COUNTS,
        "rate_hz": 10,
    }
    return find_architecture(name).new_card(**(given | fields))


def network_of(card: ModelCard, seed: int = 0) -> nn.Module:
    return find_architecture(card.architecture).initial_network(card, [], seed).eval()


def tensors_of(network: nn.Module) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def rows_of(card: ModelCard, samples: int = 30, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    rows = random.normal(0, 0.4, (samples, card.streams.width)).astype(np.float32)
    if PERSONS in card.streams.listed:
        rows[:, card.streams.columns["person"]] = 0.7
    return rows
