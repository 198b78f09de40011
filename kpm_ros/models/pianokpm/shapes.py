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

"""What PianoKPM Net is made of: widths, kernels, look-ahead of each layer, names of the tensors.

Nothing here computes; the torch network, the streaming evaluation and the files all read it, so
that they cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from kpm_ros.core.streams import KEYS, PianoKeys
from kpm_ros.models.card import CardError, ModelCard


class StageStructure(NamedTuple):
    """One time-depth-separable stage: kernel of its conv block, kernels of its temporal layers."""

    kernel: int
    temporal_kernels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Structure:
    """Widths and kernels of one architecture; the defaults are the published PianoKPM Net's."""

    width: int = 256
    groups: int = 16
    """Channels of a temporal convolution; it works on the width viewed as groups x lanes."""
    encoder_kernels: tuple[int, ...] = (11, 5)
    stages: tuple[StageStructure, ...] = (StageStructure(17, (9, 9)), StageStructure(9, (5, 5)))
    features: int = 64
    hidden: int = 512
    slope: float = 0.01
    """LeakyReLU's slope below zero in the decoder."""
    effort_scale: float = 0.01
    """The decoder's last layer is multiplied by it."""

    @property
    def kernels(self) -> tuple[int, ...]:
        """Every kernel that spans time, from the input to the features."""
        inner = (k for stage in self.stages for k in (stage.kernel, *stage.temporal_kernels))
        return (*self.encoder_kernels, *inner)

    @property
    def reach(self) -> int:
        """Samples of the future (and as many of the past) that a centred network looks at."""
        return sum(k // 2 for k in self.kernels)


PUBLISHED = Structure()
LIGHT = Structure(width=128, groups=8, features=32, hidden=128)
STRUCTURES = {"pianokpm-net": PUBLISHED, "pianokpm-light": LIGHT}
"""By what cards call them."""

PARTS = ("stage", "features", "decoder")
"""What is behind the encoders, each of which has its sense's name: no sense may be called so."""


def structure_of(card: ModelCard) -> Structure:
    """Look up the widths and kernels of the card's model."""
    return STRUCTURES[card.architecture]


def check_senses(card: ModelCard) -> None:
    """Refuse a card without senses, or with one that has the name of another part."""
    if not card.streams:
        raise CardError(f"{card.architecture} needs a stream or more, and the card lists none")
    for sense in card.streams.senses:
        if sense in PARTS:
            raise CardError(
                f"{card.architecture} cannot take a sense named {sense!r}, as a part of it is: "
                "name it otherwise"
            )


def mostly_still(card: ModelCard, sense: str) -> bool:
    """Say whether most columns of a sense stand still most of the time, as a piano's keys do."""
    return all(isinstance(stream, PianoKeys) for stream in card.streams.of_sense(sense))


def share_lookahead(structure: Structure, total: int) -> tuple[int, ...]:
    """Share a model's look-ahead among its kernels, in proportion to what each has when centred.

    The shares are differences of the rounded-down running sum, so they add up to the total, none
    exceeds half its kernel, and the full total gives the published, centred network.
    """
    shares = []
    halves = 0
    for kernel in structure.kernels:
        before = halves * total // structure.reach
        halves += kernel // 2
        shares.append(halves * total // structure.reach - before)
    return tuple(shares)


class TensorSpec(NamedTuple):
    """One tensor of a model: its shape, and its name in a published checkpoint."""

    shape: tuple[int, ...]
    published: str


def tensor_table(card: ModelCard) -> dict[str, TensorSpec]:
    """List every tensor of the card's model by its name in our files."""
    structure = structure_of(card)
    width, hidden = structure.width, structure.hidden
    table: dict[str, TensorSpec] = {}

    def layer(name: str, published: str, *shape: int) -> None:
        table[f"{name}.weight"] = TensorSpec(shape, f"{published}.weight")
        table[f"{name}.bias"] = TensorSpec(shape[:1], f"{published}.bias")

    for sense, columns in card.streams.senses.items():
        before = columns.stop - columns.start
        for i, kernel in enumerate(structure.encoder_kernels):
            old = f"network.{'key' if sense == KEYS else sense}_conv.{i}"
            layer(f"{sense}.{i}.conv", f"{old}.conv.0", width, before, kernel)
            layer(f"{sense}.{i}.norm", f"{old}.norm", width)
            before = width
    for s, stage in enumerate(structure.stages):
        old = f"network.tds_stages.{s}.layers"
        layer(f"stage.{s}.conv", f"{old}.conv1dblock.conv.0", width, width, stage.kernel)
        layer(f"stage.{s}.norm", f"{old}.conv1dblock.norm", width)
        groups = structure.groups
        for i, kernel in enumerate(stage.temporal_kernels):
            block = f"{old}.tds_block.tds_conv_blocks"
            name = f"stage.{s}.block.{i}"
            layer(f"{name}.conv", f"{block}.{2 * i}.conv2d", groups, groups, 1, kernel)
            layer(f"{name}.conv_norm", f"{block}.{2 * i}.layer_norm", width)
            layer(f"{name}.linear1", f"{block}.{2 * i + 1}.fc_block.0", width, width)
            layer(f"{name}.linear2", f"{block}.{2 * i + 1}.fc_block.2", width, width)
            layer(f"{name}.linear_norm", f"{block}.{2 * i + 1}.layer_norm", width)
    last = len(structure.stages) - 1
    layer("features", f"network.tds_stages.{last}.linear_layer", structure.features, width)
    muscles = len(card.muscles)
    layer("decoder.linear1", "decoder.mlp.0", hidden, structure.features + muscles)
    layer("decoder.norm1", "decoder.mlp.1", hidden)
    layer("decoder.linear2", "decoder.mlp.3", hidden, hidden)
    layer("decoder.norm2", "decoder.mlp.4", hidden)
    layer("decoder.linear3", "decoder.mlp.6", muscles, hidden)
    return table
