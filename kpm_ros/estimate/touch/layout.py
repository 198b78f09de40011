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

"""What TouchNet is made of: frames, features, widths, and the tensors that follow from a card.

Nothing here computes; the torch network, the streaming evaluation and the files all read it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.estimate.layout import CardError, TensorSpec, check_lookahead, look_up
from kpm_ros.models.card import ModelCard

STRIDE = 8
"""Grid samples a frame: the network runs once for so many, and gives so many outputs at once."""
FADE = 1 - (np.arange(STRIDE, dtype=np.float32) + 1) / STRIDE
"""How much of the step from the frame before is taken back, in each of a frame's samples."""
LONGEST_LOOKAHEAD = 128
"""Samples of the future that a model may wait for at most."""

LANDMARKS = 21
TIPS = (4, 8, 12, 16, 20)
"""Fingertips among the landmarks, thumb first."""
PALM = (0, 5, 9, 13, 17)
"""Wrist and knuckles: what of a hand moves as one."""
ASPECT = 0.5625
"""Height of a picture over its width, as far as the hand's size in it is concerned."""
SMALL = 1e-6
"""Added where something might be divided by zero."""
LIMIT = 8.0
"""Normalised features are cut off at this size, whatever a tracker does."""

OFFSETS = (-1.0, -0.5, 0.0, 0.5, 1.0)
"""Places around a fingertip at which the keys are felt for, in white keys."""
CHORD = 6
"""White keys to each side of the sounding keys' centre in the picture of them."""

WHITE_STEPS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5)
"""Middle of each key of an octave, in white keys from the octave's left edge."""


@dataclass(frozen=True, slots=True)
class TouchStructure:
    """Width and convolutions of one architecture."""

    width: int = 128
    kernel: int = 5
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    """Of one block after another: how many frames apart the kernel's taps are."""

    @property
    def reach(self) -> int:
        """Frames before the present one that an output depends on, features' own change aside."""
        return (self.kernel - 1) * sum(self.dilations) + 1


ARCHITECTURES: dict[str, TouchStructure] = {
    "touchnet": TouchStructure(),
    "touchnet-light": TouchStructure(width=32, kernel=3, dilations=(1, 2)),
}


def first_end(card: ModelCard, first_index: int) -> int:
    """Which sample, of those from a grid index on, is the first with which a frame ends."""
    return (card.lookahead - first_index) % STRIDE


@dataclass(frozen=True, slots=True)
class FeatureSpan:
    """Where the parts of a frame's features lie."""

    hand: slice
    """Landmarks in the palm's frame, and the palm, of every view; then how each has changed."""
    touch: slice
    """Depth and speed of the keys around each fingertip."""
    keys: slice
    """The sounding keys by themselves."""
    absent: slice
    """1 where a sense is missing, in the order of the card's inputs."""

    @property
    def width(self) -> int:
        """Of all features together."""
        return self.absent.stop


def feature_span(card: ModelCard) -> FeatureSpan:
    """Lay out the features that a card's inputs give."""
    pose, keys = "pose" in card.inputs, "keys" in card.inputs
    sizes = (
        len(card.views) * (2 * LANDMARKS + 3) * 2 if pose else 0,
        2 * len(TIPS) * len(OFFSETS) if pose and keys else 0,
        2 * (2 * CHORD + 1) + 2 if keys else 0,
        len(card.inputs),
    )
    ends = np.cumsum((0, *sizes)).tolist()
    return FeatureSpan(*(slice(ends[i], ends[i + 1]) for i in range(len(sizes))))


def key_places(card: ModelCard) -> NDArray[np.float32]:
    """Middle of each key, in white keys from the C below MIDI note 0's octave on."""
    notes = range(card.first_note, card.first_note + card.keys)
    return np.array([7 * (note // 12) + WHITE_STEPS[note % 12] for note in notes], np.float32)


def structure_of(card: ModelCard) -> TouchStructure:
    """Look the card's architecture up, and refuse a card that no network fits."""
    structure = look_up(card, ARCHITECTURES)
    check_lookahead(card, LONGEST_LOOKAHEAD)
    if "pose" in card.inputs and card.landmarks != LANDMARKS:
        raise CardError(
            f"{card.architecture} needs {LANDMARKS} landmarks a view, not {card.landmarks}"
        )
    return structure


def tensor_table(card: ModelCard) -> dict[str, TensorSpec]:
    """List every tensor of the card's model by its name in our files."""
    structure = structure_of(card)
    width, features = structure.width, feature_span(card).width
    measured = feature_span(card).absent.start
    table: dict[str, tuple[int, ...]] = {
        "features.offset": (measured,),
        "features.gain": (measured,),
    }
    if {"pose", "keys"} <= set(card.inputs):
        table["features.place"] = (2 * len(card.views) + 1,)
    table |= {"inlet.weight": (width, features), "inlet.bias": (width,)}
    for block in range(len(structure.dilations)):
        name = f"block.{block}"
        table |= {f"{name}.norm.weight": (width,), f"{name}.norm.bias": (width,)}
        table |= {f"{name}.conv.weight": (width, width, structure.kernel)}
        table |= {f"{name}.conv.bias": (width,)}
        table |= {f"{name}.linear.weight": (width, width), f"{name}.linear.bias": (width,)}
    outputs = STRIDE * len(card.muscles)
    table |= {"outlet.weight": (outputs, width), "outlet.bias": (outputs,)}
    return {name: TensorSpec(shape, name) for name, shape in table.items()}
