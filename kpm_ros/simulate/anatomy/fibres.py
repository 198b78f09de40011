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

"""Muscle fibres: how much force they can give at their length and speed.

The curves are MuJoCo's muscle model, evaluated for many postures at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Fibres:
    """Force of every muscle of a model as a function of its tendon's length and speed."""

    def __init__(self, model: Any) -> None:
        """Read the muscles' parameters."""
        prm = np.array(model.actuator_gainprm)
        low, high, self.strength, _, lmin, lmax, vmax, fpmax, fvmax = prm.T[:9]
        shortest, longest = np.array(model.actuator_lengthrange).T
        self._fibre = (longest - shortest) / np.maximum(high - low, 1e-9)
        self._slack = shortest - low * self._fibre
        self._lmin, self._lmax = lmin, lmax
        self._vmax, self._fpmax, self._fvmax = vmax, fpmax, fvmax

    @property
    def volume(self) -> Array:
        """Volume of each muscle, times the stress that fibres give: (muscles,)."""
        return np.asarray(self.strength * self._fibre)

    def of(self, places: Sequence[int]) -> Fibres:
        """Give some of the muscles, by their places."""
        some = copy(self)
        for name, values in vars(self).items():
            setattr(some, name, values[list(places)])
        return some

    def normal_length(self, length: Array) -> Array:
        """Fibre length over its best one, for tendon lengths (n, muscles)."""
        return np.asarray((length - self._slack) / self._fibre)

    def active(self, length: Array, speed: Array) -> Array:
        """Pull in newtons at full activation; `speed` is positive when the muscle gets longer."""
        normal = self.normal_length(length)
        quick = speed / (self._fibre * self._vmax)
        return np.asarray(self.strength * self._by_length(normal) * self._by_speed(quick))

    def passive(self, length: Array) -> Array:
        """Pull in newtons without any activation."""
        middle = 0.5 * (1.0 + self._lmax)
        over = np.maximum(self.normal_length(length) - 1.0, 0.0) / (middle - 1.0)
        curve = np.where(over <= 1.0, 0.5 * over**2, over - 0.5)
        return np.asarray(self.strength * self._fpmax * curve)

    def _by_length(self, normal: Array) -> Array:
        """Force-length curve: 1 at the best length, 0 beyond the shortest and longest."""
        return np.asarray(
            np.select(
                [
                    (normal <= self._lmin) | (normal >= self._lmax),
                    normal <= 0.5 * (self._lmin + 1.0),
                    normal <= 1.0,
                    normal <= 0.5 * (1.0 + self._lmax),
                ],
                [
                    np.zeros_like(normal),
                    0.5 * ((normal - self._lmin) / (0.5 * (1.0 - self._lmin))) ** 2,
                    1.0 - 0.5 * ((1.0 - normal) / (0.5 * (1.0 - self._lmin))) ** 2,
                    1.0 - 0.5 * ((normal - 1.0) / (0.5 * (self._lmax - 1.0))) ** 2,
                ],
                0.5 * ((self._lmax - normal) / (0.5 * (self._lmax - 1.0))) ** 2,
            )
        )

    def _by_speed(self, quick: Array) -> Array:
        """Force-velocity curve: 1 at rest, 0 at the fastest shortening, more when stretched."""
        more = self._fvmax - 1.0
        shortening = np.square(np.clip(quick + 1.0, 0.0, 1.0))
        stretched = self._fvmax - np.square(np.clip(more - quick, 0.0, None)) / more
        return np.where(quick <= 0.0, shortening, stretched)
