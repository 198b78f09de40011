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

"""Turns as axis and angle, and as matrices, for many cases at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def matrices(turns: NDArray[np.floating[Any]]) -> Array:
    """Rotation matrices (..., 3, 3) of turns as axis times angle (..., 3)."""
    from scipy.spatial.transform import Rotation  # loaded late, for it takes long

    flat = np.asarray(turns, np.float64).reshape(-1, 3)
    known = np.isfinite(flat).all(axis=1)
    found = np.full((len(flat), 3, 3), np.nan)
    if known.any():
        found[known] = Rotation.from_rotvec(flat[known]).as_matrix()
    return found.reshape(*turns.shape[:-1], 3, 3)


def turns_of(rotations: Array) -> Array:
    """Axis times angle (..., 3) of rotation matrices (..., 3, 3); NaN where those are."""
    from scipy.spatial.transform import Rotation

    flat = rotations.reshape(-1, 3, 3)
    known = np.isfinite(flat).all(axis=(1, 2))
    found = np.full((len(flat), 3), np.nan)
    if known.any():
        found[known] = Rotation.from_matrix(flat[known]).as_rotvec()
    return found.reshape(rotations.shape[:-1])


def best_turn(seen: Array, model: Array) -> Array:
    """The rotation (n, 3, 3) that brings a model's points (k, 3) nearest to those seen (n, k, 3).

    Both are taken about their means.
    """
    centred = seen - seen.mean(axis=1, keepdims=True)
    left, _, right = np.linalg.svd(centred.transpose(0, 2, 1) @ (model - model.mean(axis=0)))
    # The nearest rotation, and not the nearest mirror image.
    left[:, :, -1] *= np.sign(np.linalg.det(left @ right))[:, None]
    return np.asarray(left @ right)
