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

"""Tensors arranged for the compiled code, and the memory that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import on_cache_line
from kpm_ros.models.framed.shapes import BlockStructure

Array = NDArray[np.float32]

_VECTORS = ("norm.weight", "norm.bias", "conv.bias", "linear.bias")


class BlockWeights(NamedTuple):
    """Tensors of all blocks, as they are read."""

    dilations: NDArray[np.int64]
    convs: Array
    linears: Array
    vectors: Array
    """Of each block: the norm's gain and shift, then both biases."""


def arrange_blocks(structure: BlockStructure, tensors: Mapping[str, Array]) -> BlockWeights:
    """Turn each block's tensors the way in which they are read."""
    blocks = [f"block.{block}" for block in range(len(structure.dilations))]

    def taps(name: str) -> Array:
        weight = tensors[f"{name}.weight"].transpose(2, 1, 0)
        return weight.reshape(-1, structure.width)

    return BlockWeights(
        dilations=np.array(structure.dilations, np.int64),
        convs=single(np.stack([taps(f"{name}.conv") for name in blocks])),
        linears=single(np.stack([rows(tensors, f"{name}.linear") for name in blocks])),
        vectors=single(
            np.stack([[tensors[f"{name}.{vector}"] for vector in _VECTORS] for name in blocks])
        ),
    )


def empty_rings(structure: BlockStructure) -> Array:
    """Make room for what each block is given: a row a frame, over and over from the first row."""
    longest = (structure.kernel - 1) * max(structure.dilations) + 1
    shape = (len(structure.dilations), longest, structure.width)
    return on_cache_line(np.zeros(shape, np.float32))


def rows(tensors: Mapping[str, Array], name: str) -> Array:
    """Turn a linear layer's weight so that its inputs are rows."""
    return single(tensors[f"{name}.weight"].T)


def single(values: Array) -> Array:
    """Lay an array out as the compiled code wants it."""
    return on_cache_line(np.ascontiguousarray(values, np.float32))
