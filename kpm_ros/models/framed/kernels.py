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

"""The arithmetic of one frame at a time, compiled.

Weights lie with their inputs as rows, so that a product adds up whole rows of outputs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import compiled
from kpm_ros.models.row_kernels import add, normalise, rectify

Array = NDArray[np.float32]


@compiled
def add_weighted_rows(x: Array, weights: Array, y: Array) -> None:
    """Add to y the product of x and weights (inputs, outputs), four inputs at a time."""
    inputs, outputs = weights.shape
    whole = inputs // 4 * 4
    for i in range(0, whole, 4):
        first, second, third, fourth = x[i], x[i + 1], x[i + 2], x[i + 3]
        for j in range(outputs):
            y[j] += (
                first * weights[i, j]
                + second * weights[i + 1, j]
                + third * weights[i + 2, j]
                + fourth * weights[i + 3, j]
            )
    for i in range(whole, inputs):
        factor = x[i]
        for j in range(outputs):
            y[j] += factor * weights[i, j]


@compiled
def run_blocks(
    x: Array, frame: int, dilations: NDArray[np.int64], convs: Array, linears: Array,
    vectors: Array, rings: Array, taps: Array,
) -> None:  # fmt: skip
    """Pass one frame through the blocks, in place; each block's ring keeps what it has seen.

    Of each block, `vectors` holds the norm's gain and shift, then both biases.
    """
    width, size = len(x), rings.shape[1]
    kernel = len(taps) // width
    hidden = np.empty(width, np.float32)
    change = np.empty(width, np.float32)
    for block in range(len(dilations)):
        ring, vector = rings[block], vectors[block]
        normalise(x, vector[0], vector[1], ring[frame % size], 0)
        for tap in range(kernel):
            seen = ring[(frame - (kernel - 1 - tap) * dilations[block]) % size]
            target = taps[tap * width : (tap + 1) * width]
            for j in range(width):
                target[j] = seen[j]
        for j in range(width):
            hidden[j] = vector[2, j]
            change[j] = vector[3, j]
        add_weighted_rows(taps, convs[block], hidden)
        rectify(hidden)
        add_weighted_rows(hidden, linears[block], change)
        add(x, change)


@compiled
def join(effort: Array, first: bool, fade: Array, edge: Array) -> None:
    """Let a frame of effort, sample by sample, begin where the one before ended."""
    muscles = len(edge)
    for m in range(muscles):
        step = effort[m] - edge[m]
        if not first:
            for k in range(len(fade)):
                effort[k * muscles + m] -= fade[k] * step
        edge[m] = effort[len(effort) - muscles + m]
