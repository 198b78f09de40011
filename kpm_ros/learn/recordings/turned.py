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

"""A data set turned round: its muscles are given, and a pose is what is to be estimated."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.stream_kinds import METRIC
from kpm_ros.core.streams import Channels, Landmarks, Streams
from kpm_ros.learn.recordings.data_set import DataSet, Store
from kpm_ros.learn.recordings.identity import Identity
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.recording import Recording, RecordingError, TimeSeries, Truth

MUSCLES = "muscles"
"""What the stream of the muscles is called."""
MOST_UNSEEN = 0.2
"""Share of a recording, such as what is before its first frame, in which nobody need be seen."""


def turned(dataset: DataSet, view: str = "") -> DataSet:
    """Turn a data set round; the pose is that of the view, or of the first one in metres."""
    had = dataset.streams.landmarks
    metric = [one for one in had if one.coordinates == METRIC]
    chosen = next((one for one in had if one.name == view), None) if view else None
    if view and chosen is None:
        raise ValueError(
            f"the data set has no view {view!r} to turn round: "
            f"{', '.join(dataset.streams.views) or 'it has none'}"
        )
    pose = chosen or next(iter([*metric, *had]), None)
    if pose is None:
        raise ValueError(f"{dataset.root} cannot be turned round: it has no landmarks")
    muscles = Channels(MUSCLES, dataset.muscles, dataset.unit, dataset.rate_hz)
    others = [one for one in dataset.streams if not isinstance(one, Landmarks)]
    whole = dataset.whole
    return replace(
        dataset,
        streams=Streams((muscles, *others)),
        muscles=pose.columns,
        unit="m" if pose.coordinates == METRIC else "fraction of the picture",
        rate_hz=pose.rate_hz,
        store=_TurnedStore(dataset.store, pose, muscles),
        whole=None if whole is None else turned(whole, pose.name),
    )


@dataclass(frozen=True)
class _TurnedStore:
    """The recordings of another store, turned round as they are asked for."""

    store: Store
    pose: Landmarks
    muscles: Channels

    def recording(self, name: str) -> Recording:
        """Turn one recording round."""
        before = self.store.recording(name)
        truth = before.truth
        values, partly = truth.values, np.isnan(truth.values).any(axis=1)
        if partly.any():  # a frame of a stream is known whole or not at all
            values = np.where(partly[:, None], np.float32(np.nan), values)
        given = TimeSeries(
            self.muscles, values, truth.start_s, may_repeat=True, measured=truth.measured
        )
        others = [one for one in before.series if not isinstance(one.stream, Landmarks)]
        return replace(before, series=(given, *others), truth=self._pose(before))

    def digest(self, name: str) -> str:
        """Tell the content of a recording's files."""
        return f"turned round to {self.pose.name}: {self.store.digest(name)}"

    def also_known_as(self, name: str) -> Identity:
        """Digests by which person, task and take are known."""
        return self.store.also_known_as(name)

    def _pose(self, recording: Recording) -> Truth:
        """Give the pose as what is to be estimated, at an even rate."""
        series = recording.series_of(self.pose.name)
        if series is None:
            raise RecordingError(f"{recording.name} has no {self.pose.name} to be estimated")
        rate_hz = round(self.pose.rate_hz)
        even = series.stamps_s is None and rate_hz == self.pose.rate_hz and series.seen.all()
        start_s, values = series.start_s, series.values
        if not even:
            on_grid = GridRecording(recording, Streams((self.pose,)), rate_hz)
            length = int(recording.truth.duration_s * rate_hz)
            values, missing, _ = on_grid.window(0, length)
            start_s = recording.truth.start_s
            if missing.mean() > MOST_UNSEEN:
                raise RecordingError(
                    f"{recording.name} saw nobody for {missing.mean():.0%} of its time, so its "
                    "pose cannot be what is to be estimated"
                )
            values = _bridged(values, missing == 0)
        return Truth(
            self.pose.columns,
            "m" if self.pose.coordinates == METRIC else "fraction of the picture",
            rate_hz,
            np.asarray(values, np.float32),
            start_s,
            series.measured,
        )


def _bridged(values: NDArray[np.float32], seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Put straight lines where nobody was seen, and hold what was seen first and last."""
    at, known = np.arange(len(values)), np.flatnonzero(seen)
    columns = [np.interp(at, known, column[known]) for column in values.T]
    return np.stack(columns, axis=1).astype(np.float32)
