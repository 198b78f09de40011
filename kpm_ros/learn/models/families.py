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

"""The kinds of models that can be trained and compared here, by name."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from kpm_ros.estimate.layout import SENSES
from kpm_ros.models.card import ModelCard

if TYPE_CHECKING:
    from torch import nn

_LOOKAHEAD_UNIT = 192
WINDOW = 1024
"""Samples in the windows of models that take whole windows, unless their card says otherwise."""
WINDOW_LOOKAHEAD = WINDOW * 3 // 4 - 1
"""Of each window the middle half is used, whose first sample has so many of the window after it."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """One kind of model."""

    name: str
    description: str
    kind: Literal["network", "closed-form"] = "network"
    """Trained by gradient steps, or fitted in one go."""
    live: bool = False
    """Whether the pipeline runs it as it plays; others only work on recordings."""
    architecture: str
    """What its cards say."""
    lookahead: int
    """Samples of the future that it waits for, unless its card says otherwise."""
    inputs: tuple[str, ...] = SENSES
    """What it takes, unless its card says otherwise."""
    windowed: bool = False
    """Whether every output depends on its whole window, so that it must be run in windows."""
    network: str = ""
    """Module and class of a network."""


_FAMILIES = (
    Family(
        name="mean",
        description="always the mean effort of the training data",
        kind="closed-form",
        architecture="mean",
        lookahead=0,
        inputs=(),
    ),
    Family(
        name="nearest",
        description="effort of the training instant that looked most alike, of at most 16384",
        kind="closed-form",
        architecture="nearest",
        lookahead=31,
    ),
    Family(
        name="ridge",
        description="ridge regression on pose and keys at seven moments within 63 samples",
        kind="closed-form",
        architecture="ridge",
        lookahead=31,
    ),
    Family(
        name="mia-cnn",
        description="the five-layer CNN of Muscles in Action, adapted to hands",
        architecture="mia-cnn",
        lookahead=WINDOW_LOOKAHEAD,
        windowed=True,
        network="kpm_ros.learn.models.networks.muscles_in_action:MiaCnn",
    ),
    Family(
        name="mia-transformer",
        description="the Transformer of Muscles in Action, adapted to hands",
        architecture="mia-transformer",
        lookahead=WINDOW_LOOKAHEAD,
        windowed=True,
        network="kpm_ros.learn.models.networks.muscles_in_action:MiaTransformer",
    ),
    Family(
        name="neuropose",
        description="an encoder-decoder with residual blocks, like NeuroPose",
        architecture="neuropose",
        lookahead=WINDOW_LOOKAHEAD,
        windowed=True,
        network="kpm_ros.learn.models.networks.neuropose:NeuroPose",
    ),
    Family(
        name="pianokpm",
        description="PianoKPM Net as published",
        live=True,
        architecture="pianokpm-net",
        lookahead=31,
        network="kpm_ros.estimate.network:PianoKPMNet",
    ),
    Family(
        name="pianokpm-light",
        description="PianoKPM Net, half as wide",
        live=True,
        architecture="pianokpm-light",
        lookahead=31,
        network="kpm_ros.estimate.network:PianoKPMNet",
    ),
    Family(
        name="touchnet",
        description="ours: what each finger touches, in the hand's own frame, at 128 Hz",
        live=True,
        architecture="touchnet",
        lookahead=31,
        network="kpm_ros.estimate.touch.network:TouchNet",
    ),
    Family(
        name="touchnet-light",
        description="ours, a quarter as wide and with one layer",
        live=True,
        architecture="touchnet-light",
        lookahead=31,
        network="kpm_ros.estimate.touch.network:TouchNet",
    ),
)

ARCHITECTURES: dict[str, Family] = {family.name: family for family in _FAMILIES}


def find_family(name: str) -> Family:
    """Look a family up by the name that users give."""
    if name not in ARCHITECTURES:
        raise ValueError(f"there is no model {name!r}: choose from {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]


def family_of(card: ModelCard) -> Family:
    """Find the family of a card's architecture."""
    for family in _FAMILIES:
        if family.architecture == card.architecture:
            return family
    known = ", ".join(family.architecture for family in _FAMILIES)
    raise ValueError(f"the architecture {card.architecture!r} is not known: {known} are")


def new_card(family_name: str, **given: Any) -> ModelCard:
    """Describe an untrained model of a family; `given` names fields of the card."""
    family = find_family(family_name)
    own: dict[str, Any] = {
        "name": family.name,
        "lookahead": family.lookahead,
        "inputs": family.inputs,
    }
    card = ModelCard(architecture=family.architecture, **(own | given))
    check_card(card)
    return card


def check_card(card: ModelCard) -> None:
    """Refuse a card that no model of its family fits."""
    family = family_of(card)
    unknown = any(sense not in SENSES for sense in card.inputs)
    if unknown or bool(card.inputs) != bool(family.inputs):
        if not family.inputs:
            raise ValueError(f"{family.name} takes no inputs, and was given {list(card.inputs)}")
        raise ValueError(f"a model's inputs are of {', '.join(SENSES)}, not {list(card.inputs)}")
    if family.windowed and (card.lookahead < 0 or (card.lookahead + 1) % _LOOKAHEAD_UNIT):
        raise ValueError(
            f"{family.name} sees whole windows and uses their middle half: its look-ahead is "
            f"191, 383, 575 or {WINDOW_LOOKAHEAD} samples and so on, not {card.lookahead}"
        )


def window_of(card: ModelCard) -> int | None:
    """Samples in the windows that the model is to be trained and run on; None if any will do."""
    return (card.lookahead + 1) * 4 // 3 if family_of(card).windowed else None


def bare_network(card: ModelCard) -> nn.Module:
    """Make the card's network with whatever weights its layers begin with."""
    check_card(card)
    family = family_of(card)
    if family.kind != "network":
        raise ValueError(f"{family.name} is fitted in one go: it has no network")
    place, _, name = family.network.partition(":")
    return cast("nn.Module", getattr(importlib.import_module(place), name)(card))
