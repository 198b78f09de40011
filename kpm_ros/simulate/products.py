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

"""Products of small matrices, for many cases at once, whose bits depend on nothing but the numbers.

BLAS adds in another order, or rounds otherwise, from one CPU to another and from one length of a
batch to another. Here every sum goes term by term, and every case is worked out as if it were
alone, so that any split of the cases gives the same bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def product(left: Array, right: Array) -> Array:
    """Multiply matrices (a, b, cases) and (b, c, cases): (a, c, cases)."""
    total: Array = left[:, 0, None] * right[0][None]
    for k in range(1, len(right)):
        total += left[:, k, None] * right[k][None]
    return total


def applied(matrix: Array, vector: Array) -> Array:
    """Apply matrices (a, b, cases) to vectors (b, cases): (a, cases)."""
    return product(matrix, vector[:, None])[:, 0]


def cross_matrix(axis: Array) -> Array:
    """Make the matrix (3, 3) that takes the cross product of an axis with a vector."""
    x, y, z = axis
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def mixed(rows: Array, matrix: Array) -> Array:
    """Multiply rows (..., b) by one matrix (b, c): (..., c)."""
    total: Array = rows[..., 0, None] * matrix[0]
    for k in range(1, len(matrix)):
        total += rows[..., k, None] * matrix[k]
    return total
