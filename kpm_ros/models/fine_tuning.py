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

"""Networks that begin with the weights of a model that was trained before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Tensors
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.trained import Trained, load

if TYPE_CHECKING:
    from torch import nn

_SAME = ("architecture", "streams", "muscles", "rate_hz")
"""What of a card must be as it was."""


def load_to_go_on_from(name: Path | str, card: ModelCard) -> Trained:
    """Read a model that differs from the card in nothing but its look-ahead and normalisation."""
    before = load(name)
    for what in _SAME:
        if getattr(before.card, what) != getattr(card, what):
            raise ValueError(
                f"{name} cannot be fine-tuned into this model: its {what} is "
                f"{_shown(before.card, what)}, not {_shown(card, what)}"
            )
    return before


def network_with(card: ModelCard, tensors: Tensors) -> nn.Module:
    """Make the card's network with the given weights."""
    import torch

    network = architecture_of(card).network(card)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    return network


def _shown(card: ModelCard, what: str) -> str:
    if what == "streams":
        return ", ".join(f"{one.name} of {one.width} columns" for one in card.streams)
    return repr(getattr(card, what))
