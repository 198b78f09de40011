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

"""TouchNet's arithmetic for one frame at a time, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import compiled
from kpm_ros.models.framed.kernels import add_weighted_rows, join, run_blocks
from kpm_ros.models.row_kernels import rectify
from kpm_ros.models.touchnet.feature_kernels import HandLayout, Memory, Sizes, Weights, describe

Array = NDArray[np.float32]


@compiled
def run_frames(
    pose: Array, keys: Array, frame: int, ahead: int, sizes: Sizes, views: HandLayout,
    weights: Weights, memory: Memory, effort: Array,
) -> None:  # fmt: skip
    """Run the network over the frames whose last samples are given; effort gets a row for each.

    `frame` counts the frames before these. The rows of the first `ahead` frames of a stream are
    about samples before it.
    """
    width = len(weights.inlet_bias)
    features = np.empty(len(weights.inlet), np.float32)
    taps = np.empty(weights.convs.shape[1], np.float32)
    x = np.empty(width, np.float32)
    for row in range(len(effort)):
        describe(pose[row], keys[row], frame == 0, sizes, views, weights, memory, features)
        for j in range(width):
            x[j] = weights.inlet_bias[j]
        add_weighted_rows(features, weights.inlet, x)
        rectify(x)
        run_blocks(
            x, frame, weights.dilations, weights.convs, weights.linears, weights.vectors,
            memory.rings, taps,
        )  # fmt: skip
        if frame >= ahead - 1:
            effort[row] = weights.outlet_bias
            add_weighted_rows(x, weights.outlet, effort[row])
            join(effort[row], frame == 0, weights.fade, memory.edge)
        frame += 1
