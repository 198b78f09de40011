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

"""Samples whose stamps are of one clock: a device's may be set while it is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.grid import NS_PER_S

CLOCK_JUMP_S = 1.0
"""A device's clock that moves by so much against the recorder's has been set."""

Received = Sequence[tuple[Any, int]]
"""Samples, each with its time of receipt."""


def of_one_clock(what: str, received: Received, said: list[str]) -> list[tuple[Any, int]]:
    """Keep the longest stretch of samples whose clock goes with the recorder's."""
    if not received:
        return []
    ahead_s = np.array([(sample.stamp_ns - at_ns) / NS_PER_S for sample, at_ns in received])
    cuts = np.flatnonzero(np.abs(np.diff(ahead_s)) > CLOCK_JUMP_S) + 1
    if not len(cuts):
        return list(received)
    # Stretches that agree with each other are of one clock, even with another between them.
    near = np.abs(ahead_s[:, None] - np.array([np.median(p) for p in np.split(ahead_s, cuts)]))
    kept = near[:, int((near <= CLOCK_JUMP_S).sum(axis=0).argmax())] <= CLOCK_JUMP_S
    jump_s = float(ahead_s[cuts[0]] - ahead_s[cuts[0] - 1])
    at_s = (received[cuts[0]][1] - received[0][1]) / NS_PER_S
    said.append(
        f"the clock of {what} jumped by {jump_s:.1f} s after {at_s:.1f} s: {int((~kept).sum())} of "
        f"{len(kept)} of what came from it is left out"
    )
    return [pair for pair, keep in zip(received, kept, strict=True) if keep]


def increasing(stamps_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which stamps are later than all before them."""
    newest = np.maximum.accumulate(stamps_ns)
    return np.append(True, stamps_ns[1:] > newest[:-1])
