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

"""Rows of a recorded stream at other instants than its own: on the line between two, or held."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.flags import FlagBits
from kpm_ros.learn.recordings.recording import TimeSeries

Array = NDArray[np.float32]
Instants = NDArray[np.int64]


class OnGrid(NamedTuple):
    """A stream at some instants."""

    values: Array
    """(n, columns)"""
    flags: NDArray[FlagBits]
    missing: NDArray[np.bool_]
    """Where nothing is known of the stream any more, or yet."""


def unknown(series: TimeSeries, count: int) -> Array:
    """Give rows of which nothing is known."""
    return np.full((count, series.stream.width), series.stream.missing, np.float32)


def placed(found: Array, known: NDArray[np.intp], series: TimeSeries, count: int) -> Array:
    """Put rows that are known in their places among others."""
    if len(known) == count:
        return found
    values = unknown(series, count)
    values[known] = found
    return values


def on_lines(
    values: NDArray[np.floating],
    before: NDArray[np.intp],
    after: NDArray[np.intp],
    age_ns: Instants,
    gap_ns: Instants,
    joined: NDArray[np.bool_],
) -> Array:
    """Read lines between two rows where they are joined, and the row before everywhere else."""
    exact = ~joined | (age_ns == 0)
    low, high = int(before[0]), int(before[-1])
    if exact.all():
        near = np.asarray(values[low : high + 1], np.float32)
        every = len(near) == len(before) and bool((np.diff(before) == 1).all())
        return near if every else near[before - low]
    high = max(high, int(after[-1]))
    near = np.asarray(values[low : high + 1], np.float32)
    start = near[before - low]
    # A row that is not joined may be of a frame that saw nothing.
    end = near[np.where(joined, after, before) - low]
    share = np.where(joined, age_ns / np.maximum(gap_ns, 1), 0).astype(np.float32)[:, None]
    return np.asarray(start * (1 - share) + end * share, np.float32)
