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

"""A hand's points at some instants, and keys that say where fingertips were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Strike(NamedTuple):
    """A key that is at its bottom."""

    instant: int
    """Which of the instants that are solved."""
    note: int


class HandInstants(NamedTuple):
    """A hand's points at some instants, in metres in the keyboard's frame."""

    points: NDArray[np.float64]
    """(instants, points, 3); what stands where nothing was found says nothing."""
    covariance: NDArray[np.float64]
    """(instants, points, 6): xx, xy, xz, yy, yz, zz."""
    used: NDArray[np.uint8]
    """(instants, views, points): 1 where a view was believed."""
    found: NDArray[np.bool_]
    """Of each instant, whether there are points."""

    @property
    def spread(self) -> NDArray[np.float64]:
        """Root mean square of the standard errors of an instant's coordinates, in metres."""
        variances = self.covariance[..., (0, 3, 5)]
        return np.sqrt(variances.sum(axis=(-2, -1)) / (3 * variances.shape[-2]))

    @property
    def last(self) -> HandInstants:
        """The last of them alone."""
        return HandInstants(self.points[-1:], self.covariance[-1:], self.used[-1:], self.found[-1:])

    @classmethod
    def joined(cls, parts: Sequence[HandInstants]) -> HandInstants:
        """Some of them one after the other."""
        return cls(
            np.concatenate([part.points for part in parts]),
            np.concatenate([part.covariance for part in parts]),
            np.concatenate([part.used for part in parts]),
            np.concatenate([part.found for part in parts]),
        )
