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

"""Models by name: describe (`new_card`), begin (`build`, `fit`), keep (`save`, `load`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.models.families import (
    ARCHITECTURES,
    Family,
    bare_network,
    check_card,
    family_of,
    find_family,
    new_card,
    window_of,
)
from kpm_ros.learn.models.rules import RULES, Performed, mean_effort
from kpm_ros.learn.models.trained import Trained, load, save
from kpm_ros.models.card import ModelCard

if TYPE_CHECKING:
    from torch import nn

    from kpm_ros.learn.recordings.release import Release

__all__ = [
    "ARCHITECTURES",
    "Family",
    "Trained",
    "build",
    "family_of",
    "find_family",
    "fit",
    "load",
    "new_card",
    "save",
    "window_of",
]

FIRST_SIZE = 0.05
"""Of the usual random weights of a compared network's last layer: effort is small, and with those
the first thing to be learnt would be to be quiet."""


def build(card: ModelCard, data: Iterable[Performed] | None, seed: int) -> nn.Module:
    """Make a network of the card with fresh weights, which suit the data where data is given."""
    import torch

    performances = list(data) if data is not None else []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if performances and card.architecture.startswith("pianokpm"):
            from kpm_ros.learn.models.start import fresh_network

            return fresh_network(card, performances, seed)
        network = bare_network(card)
    if performances:
        _suit(network, card, performances)
    return network


def _suit(network: nn.Module, card: ModelCard, performances: Sequence[Performed]) -> None:
    """Begin near what is known before training: the mean effort at the least."""
    import torch

    if card.architecture.startswith("touchnet"):
        from kpm_ros.estimate.touch.network import TouchNet
        from kpm_ros.learn.models.touch_start import suit

        suit(cast(TouchNet, network), performances)
        return
    last = cast("nn.Module", network.last)
    with torch.no_grad():
        last.get_parameter("weight").mul_(FIRST_SIZE)
        last.get_parameter("bias").copy_(torch.from_numpy(mean_effort(performances)))


def fit(
    card: ModelCard, data: Release | Sequence[Performed], seed: int = 0
) -> tuple[ModelCard, dict[str, NDArray[np.float32]]]:
    """Fit a rule to a data set's training part, or to performances; its card may come back fuller.

    What there is to choose is chosen on the data set's validation part.
    """
    family = family_of(card)
    check_card(card)
    if family.kind != "closed-form":
        raise ValueError(f"{family.name} is a network, which is trained rather than fitted")
    splits: Mapping[str, Sequence[str]] | None = getattr(data, "splits", None)
    if splits is None:
        return RULES[family.name].fit(card, list(cast("Sequence[Performed]", data)), (), seed)
    release = cast("Release", data)
    training, choosing = (
        [release.performance(name) for name in splits.get(part, ())] for part in ("train", "val")
    )
    return RULES[family.name].fit(card, training, choosing, seed)
