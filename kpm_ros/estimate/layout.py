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

"""Which tensors a model holds: structure, names, shapes and look-ahead of each layer.

Nothing here computes; the torch network, the streaming evaluation and the files all read it, so
that they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from kpm_ros.models.card import MOST_RATE_HZ, ModelCard

AnyStructure = TypeVar("AnyStructure")

NORM_EPSILON = 1e-5
"""What LayerNorm adds to the variance."""

SENSES = ("pose", "keys")
"""The inputs a model may have, in the order in which they are added."""


@dataclass(frozen=True, slots=True)
class StageStructure:
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


ARCHITECTURES: dict[str, Structure] = {
    "pianokpm-net": Structure(),
    "pianokpm-light": Structure(width=128, groups=8, features=32, hidden=128),
}


class CardError(ValueError):
    """A model card describes a model that cannot be built."""


def structure_of(card: ModelCard) -> Structure:
    """Look the card's architecture up, and refuse a card that no network fits."""
    structure = look_up(card, ARCHITECTURES)
    check_lookahead(card, structure.reach)
    return structure


def look_up(card: ModelCard, architectures: Mapping[str, AnyStructure]) -> AnyStructure:
    """Find the card's architecture among those of a kind, and refuse sizes that none can have."""
    structure = architectures.get(card.architecture)
    if structure is None:
        raise CardError(
            f"the architecture {card.architecture!r} is not known: {', '.join(architectures)} are"
        )
    check_sizes(card)
    return structure


def check_lookahead(card: ModelCard, longest: int) -> None:
    """Refuse a card that waits for more of the future than its architecture can."""
    if not 0 <= card.lookahead <= longest:
        raise CardError(
            f"a look-ahead of {card.lookahead} samples is outside 0..{longest}, "
            f"what {card.architecture} can have"
        )


def check_sizes(card: ModelCard) -> None:
    """Refuse a card whose inputs, sizes or normalisation fit no network of any architecture."""
    _check_senses(card)
    if not 0 < card.rate_hz <= MOST_RATE_HZ:
        raise CardError(
            f"a model at {card.rate_hz} samples a second cannot be run: 1 to {MOST_RATE_HZ} can"
        )
    sizes = {"muscles": len(card.muscles)}
    if "pose" in card.inputs:
        sizes.update(views=len(card.views), landmarks=card.landmarks)
    if "keys" in card.inputs:
        sizes.update(keys=card.keys)
    for what, size in sizes.items():
        if not 0 < size <= 1024:
            raise CardError(f"a model with {size} {what} cannot be built: 1 to 1024 can")
    for what, values in (("pose_offset", card.pose_offset), ("pose_scale", card.pose_scale)):
        if len(values) not in (0, card.pose_channels):
            raise CardError(
                f"{what} has {len(values)} values where the pose has {card.pose_channels} channels"
            )
        if not all(isinstance(v, int | float) and abs(v) < 1e30 for v in values):
            raise CardError(f"{what} holds a value that is not a number")
    if 0 in card.pose_scale:
        raise CardError("pose_scale holds a zero, by which nothing can be divided")


def _check_senses(card: ModelCard) -> None:
    if not card.inputs or any(sense not in SENSES for sense in card.inputs):
        raise CardError(f"a model's inputs are of {', '.join(SENSES)}, not {list(card.inputs)}")
    if any(sense not in card.inputs for sense in card.optional):
        raise CardError(
            f"a model can do without its inputs {', '.join(card.inputs)} only, "
            f"not without {list(card.optional)}"
        )


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


def input_channels(card: ModelCard, sense: str) -> int:
    """Width of one input."""
    return card.pose_channels if sense == "pose" else card.keys


@dataclass(frozen=True, slots=True)
class TensorSpec:
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

    for sense in (s for s in SENSES if s in card.inputs):
        before = input_channels(card, sense)
        for i, kernel in enumerate(structure.encoder_kernels):
            old = f"network.{'pose' if sense == 'pose' else 'key'}_conv.{i}"
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
