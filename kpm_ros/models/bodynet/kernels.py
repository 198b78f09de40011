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

"""BodyNet's arithmetic for one frame at a time, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import compiled
from kpm_ros.models.framed.kernels import add_weighted_rows, join, run_blocks
from kpm_ros.models.row_kernels import rectify

Array = NDArray[np.float32]


class Weights(NamedTuple):
    """A model's tensors, as they are read."""

    inlet: Array
    inlet_bias: Array
    dilations: NDArray[np.int64]
    convs: Array
    linears: Array
    vectors: Array
    """Of each block: the norm's gain and shift, then both biases."""
    outlet: Array
    outlet_bias: Array
    fade: Array
    """How much of the step from the frame before is taken back, in each sample."""
    views: NDArray[np.int64]
    outputs: NDArray[np.int64]
    """Of each muscle: the side that tells it, and its place among that side's outputs."""


class Memory(NamedTuple):
    """All that the network keeps of the frames before."""

    rings: Array
    """What each block was given, on either side."""
    edge: Array
    """The last sample of the frame before."""


@compiled
def run_frames(
    features: Array, frame: int, ahead: int, weights: Weights, memory: Memory, effort: Array
) -> None:
    """Run the network over frames (n, 2, F); effort gets a row for each.

    `frame` counts the frames before these. The rows of the first `ahead` frames of a stream are
    about samples before it.
    """
    width, stride, muscles = len(weights.inlet_bias), len(weights.fade), len(memory.edge)
    views, count = features.shape[1], len(weights.outlet_bias) // stride
    taps = np.empty(weights.convs.shape[1], np.float32)
    x = np.empty(width, np.float32)
    told = np.empty((views, len(weights.outlet_bias)), np.float32)
    for row in range(len(effort)):
        for view in range(views):
            for j in range(width):
                x[j] = weights.inlet_bias[j]
            add_weighted_rows(features[row, view], weights.inlet, x)
            rectify(x)
            run_blocks(
                x, frame, weights.dilations, weights.convs, weights.linears, weights.vectors,
                memory.rings[view], taps,
            )  # fmt: skip
            told[view] = weights.outlet_bias
            add_weighted_rows(x, weights.outlet, told[view])
        if frame >= ahead - 1:
            for k in range(stride):
                for m in range(muscles):
                    from_view = told[weights.views[m]]
                    effort[row, k * muscles + m] = from_view[k * count + weights.outputs[m]]
            join(effort[row], frame == 0, weights.fade, memory.edge)
        frame += 1
