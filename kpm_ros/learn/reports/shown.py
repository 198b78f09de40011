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

"""A stretch of a recording as a report shows it: truth, estimates, keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.streams import PianoKeys
from kpm_ros.learn.recordings.recording import Recording

Array = NDArray[np.floating]
MOST_POINTS = 600
"""Of a line: more than a page's width has."""
DOWN = 0.1
"""Depth from which a key is drawn as down."""


class Trace(NamedTuple):
    """Effort of all muscles over time."""

    times_s: NDArray[np.float64]
    effort: Array
    """(T, M); not numbers where nothing is known."""

    def within(self, start_s: float, end_s: float) -> Trace:
        """Take a part, in no more points than can be seen."""
        first, last = np.searchsorted(self.times_s, (start_s, end_s))
        step = max(1, (last - first) // MOST_POINTS)
        return Trace(self.times_s[first:last:step], self.effort[first:last:step])


class KeyDown(NamedTuple):
    """One key, held for a time."""

    note: int
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Shown:
    """What is drawn of a recording."""

    recording: str
    start_s: float
    end_s: float
    muscles: tuple[str, ...]
    unit: str
    truth: Trace
    estimates: Mapping[str, Trace]
    keys: tuple[KeyDown, ...] = ()


def trace_of(effort: Array, rate_hz: float) -> Trace:
    """Put times to samples from the beginning of a recording's truth on."""
    return Trace(np.arange(len(effort)) / rate_hz, effort)


def keys_down(recording: Recording, start_s: float, end_s: float) -> tuple[KeyDown, ...]:
    """List the keys that were held within a stretch, its times counted from the truth's start."""
    found: list[KeyDown] = []
    for series in recording.series:
        if not isinstance(series.stream, PianoKeys):
            continue
        times_s = series.stamps_ns / 1e9 - recording.truth.start_s
        first, last = np.searchsorted(times_s, (start_s, end_s))
        if last - first < 2:
            continue
        at, down = times_s[first:last], np.asarray(series.values[first:last]) > DOWN
        for key in np.flatnonzero(down.any(axis=0)).tolist():
            edges = np.flatnonzero(np.diff(down[:, key].astype(np.int8), prepend=0, append=0))
            ends = np.minimum(edges, len(at) - 1)
            note = series.stream.first_note + key
            found += [
                KeyDown(note, float(at[a]), float(at[b]))
                for a, b in zip(ends[::2].tolist(), ends[1::2].tolist(), strict=True)
            ]
    return tuple(found)
