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

"""Frames of grid samples, convolutions over them, and the tensors of those."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.card import ModelCard


@dataclass(frozen=True, slots=True)
class BlockStructure:
    """Width of a network, and its convolutions over frames."""

    width: int = 128
    kernel: int = 5
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    """Of one block after another: how many frames apart the kernel's taps are."""

    @property
    def reach(self) -> int:
        """Frames that an output depends on, the present one too."""
        return (self.kernel - 1) * sum(self.dilations) + 1


def fade(stride: int) -> NDArray[np.float32]:
    """How much of the step from the frame before is taken back, in each of a frame's samples."""
    return 1 - (np.arange(stride, dtype=np.float32) + 1) / stride


def first_end(card: ModelCard, first_index: int, stride: int) -> int:
    """Which sample, of those from a grid index on, is the first with which a frame ends."""
    return (card.lookahead - first_index) % stride


def frame_ends(
    samples: int, card: ModelCard, stride: int, first_index: int = 0
) -> NDArray[np.int64]:
    """Say which of a signal's samples frames end with: all that the network looks at.

    Frames that begin within the signal and end after it look at its last sample.
    """
    end = first_end(card, first_index, stride)
    count = max(1, -(-(samples + card.lookahead - end) // stride))
    return np.minimum(np.arange(count, dtype=np.int64) * stride + end, samples - 1)


def block_shapes(structure: BlockStructure) -> dict[str, tuple[int, ...]]:
    """List the shape of every tensor of the convolutions by its name."""
    width = structure.width
    table: dict[str, tuple[int, ...]] = {}
    for block in range(len(structure.dilations)):
        name = f"block.{block}"
        table |= {f"{name}.norm.weight": (width,), f"{name}.norm.bias": (width,)}
        table |= {f"{name}.conv.weight": (width, width, structure.kernel)}
        table |= {f"{name}.conv.bias": (width,)}
        table |= {f"{name}.linear.weight": (width, width), f"{name}.linear.bias": (width,)}
    return table
