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

"""Stretches of a recording as recordings by themselves: nothing before or after is in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kpm_ros.core.grid import NS_PER_S
from kpm_ros.learn.recordings.recording import Recording, RecordingError, TimeSeries

_SLACK_NS = 1000
"""By how much a frame may be early and still belong to the stretch: stamps are rounded down."""


def cut(recording: Recording, start_s: float, stop_s: float) -> Recording:
    """Take what lies between two instants, counted from the first sample of the effort.

    Frames and samples at the first instant are in it, those at the second are not. Times stay
    those of the whole recording.
    """
    truth = recording.truth
    first, last = (round(at_s * truth.rate_hz) for at_s in (start_s, stop_s))
    if not 0 <= first < last or first >= len(truth.values):
        raise RecordingError(
            f"{recording.name} is {recording.duration_s:.2f} s long: there is nothing from "
            f"{start_s:g} s to {stop_s:g} s"
        )
    begin_s = truth.start_s + first / truth.rate_hz
    end_s = truth.start_s + last / truth.rate_hz
    return replace(
        recording,
        series=tuple(_cut_series(one, begin_s, end_s) for one in recording.series),
        truth=replace(truth, values=truth.values[first:last], start_s=begin_s),
    )


def _cut_series(series: TimeSeries, begin_s: float, end_s: float) -> TimeSeries:
    ends_ns = [round(at_s * NS_PER_S) - _SLACK_NS for at_s in (begin_s, end_s)]
    first, last = (int(place) for place in np.searchsorted(series.stamps_ns, ends_ns))
    kept = series.values[first:last]
    known_s = None if series.known_s is None else series.known_s[first:last]
    if series.stamps_s is not None:
        stamps_s = series.stamps_s[first:last]
        return replace(series, values=kept, stamps_s=stamps_s, known_s=known_s)
    start_s = series.start_s + first / series.stream.rate_hz
    return replace(series, values=kept, start_s=start_s, known_s=known_s)
