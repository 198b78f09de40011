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

"""Sums, norms and rectifying of rows, compiled: what several architectures need."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import compiled
from kpm_ros.models.shared_shapes import NORM_EPSILON

Array = NDArray[np.float32]


@compiled
def fill_rows(rows: int, values: Array, c: Array) -> None:
    """Set each row to the same values."""
    width = len(values)
    for start in range(0, rows * width, width):
        row = c[start : start + width]
        for j in range(width):
            row[j] = values[j]


@compiled
def rectify(x: Array) -> None:
    """ReLU, in place."""
    for j in range(len(x)):
        x[j] = max(x[j], np.float32(0.0))


@compiled
def add(x: Array, y: Array) -> None:
    """Add y to x."""
    for j in range(len(x)):
        x[j] += y[j]


@compiled
def normalise(x: Array, gain: Array, shift: Array, target: Array, adds: int) -> None:
    """LayerNorm of one row; the target, which may be the row itself, is set or added to."""
    width = np.float32(len(x))
    total = np.float32(0.0)
    for j in range(len(x)):
        total += x[j]
    mean = total / width
    square = np.float32(0.0)
    for j in range(len(x)):
        square += (x[j] - mean) ** 2
    scale = np.float32(1.0) / np.sqrt(square / width + np.float32(NORM_EPSILON))
    if adds:
        for j in range(len(x)):
            target[j] += (x[j] - mean) * scale * gain[j] + shift[j]
    else:
        for j in range(len(x)):
            target[j] = (x[j] - mean) * scale * gain[j] + shift[j]


@compiled
def normalise_rows(rows: int, x: Array, norm: Array, target: Array, adds: int) -> None:
    """LayerNorm of each row; norm holds the gains, then the shifts."""
    width = len(norm) // 2
    for start in range(0, rows * width, width):
        end = start + width
        normalise(x[start:end], norm[:width], norm[width:], target[start:end], adds)
