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

"""What devices said, as the streams of a recording: views and channels."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import METRIC, Channels, Landmarks
from kpm_ros.learn.importing.one_clock import Received, increasing
from kpm_ros.learn.importing.sampled import Sampled
from kpm_ros.learn.recordings.recording import TimeSeries
from kpm_ros.sense.samples import BODY, LandmarkFrame


def _usual_rate(stamps_ns: NDArray[np.int64]) -> float:
    """Frames a second as they usually come, in a round number."""
    rate_hz = NS_PER_S / float(np.median(np.diff(stamps_ns))) if len(stamps_ns) > 1 else 30.0
    return float(max(1, round(rate_hz)))


def view_series(
    view: str, frames: Sequence[LandmarkFrame], start_ns: int, camera: Camera | None = None
) -> TimeSeries | None:
    """Make a stream of one view: a picture's points, or a body's in metres where those are told.

    `camera` is the one that took the pictures, where it is known.
    """
    seen = [frame for frame in frames if frame.points is not None]
    if not seen:
        return None
    skeleton = find_skeleton(seen[0].skeleton)
    metric = skeleton.name == BODY and all(frame.metres is not None for frame in seen)
    stamps_ns = np.array([frame.stamp_ns for frame in frames], np.int64)
    kept = increasing(stamps_ns)
    dimensions = 3 if metric else 2
    rows = np.full((len(frames), len(skeleton) * dimensions), np.nan, np.float32)
    for row, frame in zip(rows, frames, strict=True):
        points = frame.metres if metric else frame.points
        if points is not None and points.shape[0] == len(skeleton):
            row[:] = points[:, :dimensions].reshape(-1)
    rows[~np.isfinite(rows).all(axis=1)] = np.nan
    stream = Landmarks(
        view,
        skeleton,
        dimensions,
        METRIC if metric else "image",
        _usual_rate(stamps_ns[kept]),
        camera=None if metric else camera,
    )
    known_ns = np.array([frame.processed_ns for frame in frames], np.int64)[kept]
    return TimeSeries(
        stream,
        rows[kept],
        stamps_s=(stamps_ns[kept] - start_ns) / NS_PER_S,
        known_s=(known_ns - start_ns) / NS_PER_S if known_ns.all() else None,
        measured="as the tracker gave them",
    )


def channel_series(name: str, received: Received, start_ns: int) -> list[TimeSeries]:
    """Make a stream of other channels."""
    chunks = [chunk for chunk, _ in received]
    alike = [one for one in chunks if one.channels == chunks[0].channels and len(one.samples)]
    if not alike:
        return []
    first = alike[0]
    stamps_ns = np.concatenate(
        [
            one.stamp_ns
            + np.rint(np.arange(len(one.samples)) * (NS_PER_S / one.rate_hz)).astype(np.int64)
            for one in alike
        ]
    )
    values = np.concatenate([one.samples for one in alike]).astype(np.float32)
    unit = first.unit or "as sent"
    told = Sampled(name, first.channels, unit, first.rate_hz, stamps_ns, values)
    return [sampled_series(told, start_ns)]


def sampled_series(told: Sampled, start_ns: int) -> TimeSeries:
    """Make a stream of samples that each have a time; a row is known whole or not at all."""
    kept = increasing(told.stamps_ns)
    values = told.samples[kept]
    values[~np.isfinite(values).all(axis=1)] = np.nan
    name = re.sub(r"\W", "_", told.name, flags=re.ASCII)
    name = name if name[:1].isalpha() else f"s_{name}"
    rate_hz = _usual_rate(told.stamps_ns[kept])
    return TimeSeries(
        Channels(name[:64], told.channels, told.unit, rate_hz),
        values,
        stamps_s=(told.stamps_ns[kept] - start_ns) / NS_PER_S,
        may_repeat=True,
    )
