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

"""The network's layers over a hop of samples, compiled; `plan.py` says which layers there are.

Every layer with a memory keeps its input rows in one piece: first the history that its kernel
reaches back to, then the rows of this hop. A layer before has written them there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import LANES, PANEL, ROWS, compiled
from kpm_ros.models.pianokpm.kernels import (
    Array,
    Weights,
    add_product,
    add_row_product,
    add_tile,
)
from kpm_ros.models.row_kernels import add, fill_rows, normalise, normalise_rows, rectify

CONV, STILL_CONV, LANE_CONV, MIX, LINEAR = range(5)
"""Kinds of layer: conv block; the same for inputs that mostly stand still; convolution within
lanes; two linear layers; one linear layer."""

LAYER = np.dtype(
    [
        (name, np.int64)
        for name in (
            "kind",
            "source",  # where the input rows begin, history first
            "width",  # of an input row
            "kernel",
            "ahead",  # samples of the future this layer waits for
            "before",  # samples of the future all layers before it wait for
            "target",  # where the output rows go
            "out",  # width of an output row
            "adds",  # 1: add to what is there
            "weights",
            "weights2",
            "params",
            "groups",
        )
    ]
)
"""One layer as the compiled code sees it; places are offsets into flat arrays."""


@compiled
def _add_still_product(
    layer: Any, rows: int, first: int, weights: Weights, params: Array,
    memory: Array, series: Array, c: Array,
) -> None:  # fmt: skip
    """Add a convolution whose input channels mostly stand still, as a piano's keys do.

    A channel that does not change within the windows adds one multiple of its summed weights to
    every row; only the others are convolved.
    """
    width, kernel, out = layer.width, layer.kernel, layer.out
    span = rows + kernel - 1
    source = layer.source + first * width
    still = series[span : span + out]
    still[:] = 0
    blocks = (rows + ROWS - 1) // ROWS
    for channel in range(width):
        values = memory[source + channel : source + channel + span * width : width]
        value = values[0]
        moving = False
        for row in range(1, span):
            moving |= values[row] != value
        if not moving:
            if value != 0:
                at = layer.params + (3 + channel) * out
                sums = params[at : at + out]
                for j in range(out):
                    still[j] += value * sums[j]
            continue
        for row in range(span):
            series[row] = values[row]
        for panel in range(out // PANEL):
            w = layer.weights + (panel * width + channel) * kernel * PANEL
            for block in range(blocks):
                row = block * rows // blocks
                count = (block + 1) * rows // blocks - row
                at = row * out + panel * PANEL
                add_tile(count, series, row, 1, weights, w, PANEL, LANES, kernel, c, at, out, LANES)
    for row in range(rows):
        add(c[row * out : (row + 1) * out], still)


@compiled
def _add_lane_product(
    layer: Any, rows: int, first: int, params: Array, memory: Array, c: Array
) -> None:
    """Add a convolution over groups of channels, the same for each lane of a group.

    One output instant is the product of the weights, (groups) x (kernel, groups), and the window,
    (kernel, groups) x (lanes), which lies in memory just so.
    """
    width, groups = layer.width, layer.groups
    lanes = width // groups
    depth = layer.kernel * groups
    vectors = lanes // LANES
    apart = LANES if vectors == 2 else width
    blocks = (groups + ROWS - 1) // ROWS
    for row in range(0, rows, 3 - vectors):
        window = layer.source + (first + row) * width
        for block in range(blocks):
            group = block * groups // blocks
            count = (block + 1) * groups // blocks - group
            add_tile(
                count, params, layer.params + 3 * width + group * depth, depth,
                memory, window, lanes, apart, depth,
                c, row * width + group * lanes, lanes, apart,
            )  # fmt: skip


@compiled
def _conv_block(
    layer: Any, rows: int, first: int, weights: Weights, params: Array,
    memory: Array, scratch: Array, series: Array,
) -> None:  # fmt: skip
    """Convolution, ReLU, norm."""
    out = layer.out
    rest = params[layer.params :]
    fill_rows(rows, rest[:out], scratch)
    if layer.kind == STILL_CONV:
        _add_still_product(layer, rows, first, weights, params, memory, series, scratch)
    else:
        add_product(
            rows, memory, layer.source + first * layer.width, layer.width, weights, layer.weights,
            layer.kernel * layer.width, out, scratch, 0,
        )  # fmt: skip
    rectify(scratch[: rows * out])
    normalise_rows(rows, scratch, rest[out : 3 * out], memory[layer.target :], layer.adds)


@compiled
def _lane_block(
    layer: Any, rows: int, first: int, params: Array, memory: Array, scratch: Array
) -> None:
    """Convolution within lanes, ReLU, plus the input, norm."""
    width = layer.width
    rest = params[layer.params :]
    fill_rows(rows + 1, rest[:width], scratch)
    _add_lane_product(layer, rows, first, params, memory, scratch)
    values = scratch[: rows * width]
    rectify(values)
    add(values, memory[layer.source + (first + layer.kernel - 1 - layer.ahead) * width :])
    normalise_rows(rows, values, rest[width : 3 * width], memory[layer.target :], 0)


@compiled
def _mix_block(
    layer: Any, rows: int, weights: Weights, params: Array,
    memory: Array, scratch: Array, scratch2: Array,
) -> None:  # fmt: skip
    """Linear, ReLU, linear, plus the input, norm."""
    width = layer.width
    rest = params[layer.params :]
    fill_rows(rows, rest[:width], scratch)
    add_product(rows, memory, layer.source, width, weights, layer.weights, width, width, scratch, 0)
    rectify(scratch[: rows * width])
    fill_rows(rows, rest[width : 2 * width], scratch2)
    add_product(rows, scratch, 0, width, weights, layer.weights2, width, width, scratch2, 0)
    values = scratch2[: rows * width]
    add(values, memory[layer.source :])
    normalise_rows(rows, values, rest[2 * width : 4 * width], memory[layer.target :], 0)


@compiled
def _linear(layer: Any, rows: int, weights: Weights, params: Array, memory: Array) -> None:
    """One linear layer."""
    fill_rows(rows, params[layer.params : layer.params + layer.out], memory[layer.target :])
    add_product(
        rows, memory, layer.source, layer.width, weights, layer.weights, layer.width, layer.out,
        memory, layer.target,
    )  # fmt: skip


@compiled
def run_layers(
    layers: NDArray[np.void], weights: Weights, params: Array,
    memory: Array, scratch: Array, scratch2: Array, pushed: int, fresh: int, ends: bool,
) -> int:  # fmt: skip
    """Run every layer over `fresh` new input rows, after `pushed` earlier ones.

    With `ends`, no more rows will come: each layer's input is followed by zeros instead, as at the
    end of a one-pass evaluation. Returns how many rows the last layer gave.

    The rows that a layer would give for instants before the first sample are dropped: a layer
    after it sees zeros there, as at the start of a one-pass evaluation.
    """
    rows = 0
    for index in range(len(layers)):
        layer = layers[index]
        if layer.kind == MIX:
            _mix_block(layer, rows, weights, params, memory, scratch, scratch2)
            continue
        if layer.kind == LINEAR:
            _linear(layer, rows, weights, params, memory)
            continue
        width = layer.width
        received = max(0, pushed - layer.before)
        rows = max(0, pushed + fresh - layer.before) - received
        history = layer.kernel - 1
        if ends:
            rows = pushed - received
            start = layer.source + (history + rows) * width
            memory[start : start + layer.ahead * width] = 0
            rows += layer.ahead
        first = min(rows, max(0, layer.ahead - received))
        given = rows - first
        if given > 0:
            if layer.kind == LANE_CONV:
                _lane_block(layer, given, first, params, memory, scratch)
            else:
                _conv_block(layer, given, first, weights, params, memory, scratch, scratch2)
        kept = memory[layer.source + rows * width :]
        history_rows = memory[layer.source : layer.source + history * width]
        for j in range(len(history_rows)):
            history_rows[j] = kept[j]
        rows = given
    return rows


@compiled
def run_decoder(
    rows: int, drive: Array, previous: Array, weights: Weights, w_at: int, params: Array,
    slope: np.float32, effort: Array,
) -> None:  # fmt: skip
    """Decode rows one after another, each from the effort before it, which `previous` keeps.

    `drive` holds what the first linear layer makes of the features; params the rest of the
    decoder: its weights for the previous effort, norms, biases, and the last layer.
    """
    muscles = len(previous)
    hidden = drive.shape[1]
    ends = np.cumsum(np.array([muscles, 1, 1, 1, 1, 1, muscles])) * hidden
    feedback = params[: ends[0]].reshape(muscles, hidden)
    gain1, shift1 = params[ends[0] : ends[1]], params[ends[1] : ends[2]]
    bias2 = params[ends[2] : ends[3]]
    gain2, shift2 = params[ends[3] : ends[4]], params[ends[4] : ends[5]]
    last = params[ends[5] : ends[6]].reshape(muscles, hidden)
    bias3 = params[ends[6] :]
    x = np.empty(hidden, np.float32)
    y = np.empty(hidden, np.float32)
    for row in range(rows):
        for j in range(hidden):
            x[j] = drive[row, j]
        for m in range(muscles):
            for j in range(hidden):
                x[j] += previous[m] * feedback[m, j]
        normalise(x, gain1, shift1, x, 0)
        for j in range(hidden):
            x[j] = max(x[j], slope * x[j])
            y[j] = bias2[j]
        add_row_product(x, weights, w_at, hidden, hidden, y)
        normalise(y, gain2, shift2, y, 0)
        for j in range(hidden):
            y[j] = max(y[j], slope * y[j])
        for m in range(muscles):
            total = bias3[m]
            for j in range(hidden):
                total += last[m, j] * y[j]
            previous[m] = total
            effort[row, m] = total
