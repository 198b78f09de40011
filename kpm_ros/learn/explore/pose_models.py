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

"""Models from muscles to pose: given effort as one of their streams, they say where points are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.streams import METRIC, Channels, Landmarks, Streams
from kpm_ros.learn.pictures.stick_figure import Movement
from kpm_ros.learn.recordings.cutting import cut
from kpm_ros.learn.recordings.on_grid import GridRecording, misfit
from kpm_ros.learn.recordings.recording import Recording, TimeSeries
from kpm_ros.learn.scores.body_windows import (
    INSTANTS,
    SCORED_HZ,
    WINDOW_S,
    Window,
    at_instants,
    estimate_alone,
)
from kpm_ros.learn.scores.metrics import facing_alike, joint_error

if TYPE_CHECKING:
    from kpm_ros.learn.recordings.data_set import DataSet
    from kpm_ros.models.trained import Trained

Array = NDArray[np.float32]


class PoseError(NamedTuple):
    """Mean distances of joints from where they were."""

    seen: float
    """As the camera sees them."""
    turned: float | None
    """In metres: apart from which way somebody faces, of which muscles say nothing."""


@dataclass(frozen=True, eq=False)
class PoseModel:
    """A model that makes the points of one of a data set's views out of its muscles."""

    name: str
    model: Trained
    muscles: Channels
    """The stream by which it is given effort."""
    view: Landmarks
    """Whose columns it gives."""

    @classmethod
    def of(cls, name: str, model: Trained, dataset: DataSet) -> PoseModel:
        """Take a model; one that makes no pose of the data set's muscles is refused."""
        card = model.card
        given = [
            stream
            for stream in card.streams
            if isinstance(stream, Channels) and stream.columns == tuple(dataset.muscles)
        ]
        views = [one for one in dataset.streams.landmarks if one.columns == tuple(card.muscles)]
        if not given or not views:
            takes = ", ".join(card.streams.names) or "nothing"
            raise ValueError(
                f"{name} makes no pose of the muscles {', '.join(dataset.muscles)}: it takes "
                f"{takes} and gives {', '.join(card.muscles[:3])}, ..."
            )
        if given[0].unit != dataset.unit:
            raise ValueError(
                f"{name} takes effort in {given[0].unit}, and the data set has it in {dataset.unit}"
            )
        for stream in card.streams:
            if stream.name != given[0].name and stream.sense not in card.optional:
                had = dataset.streams.names
                fault = (
                    misfit(dataset.streams[stream.name], stream)
                    if stream.name in had
                    else "is not recorded"
                )
                if fault:
                    raise ValueError(f"{name} cannot be used: its stream {stream.name!r} {fault}")
        # Where the data set has the view more than once, metres come before fractions.
        views.sort(key=lambda view: view.coordinates != "metric")
        return cls(name, model, given[0], views[0])

    def told(self, recording: Recording, effort: Array) -> Recording:
        """Let a recording tell this effort by the stream that the model is given it by."""
        stream = replace(self.muscles, rate_hz=recording.truth.rate_hz)
        others = [one for one in recording.series if one.stream.name != stream.name]
        series = TimeSeries(
            stream, np.asarray(effort, np.float32), recording.truth.start_s, may_repeat=True
        )
        return replace(recording, series=(*others, series))

    def movement(self, recording: Recording, effort: Array) -> Movement:
        """Make the movement that goes with an effort, in separate windows of 3 s, as published.

        The last window ends with the recording; of what two windows hold, the first one counts.
        """
        whole = self.told(recording, effort)
        rate_hz = self.model.card.rate_hz
        rows: list[Array] = []
        for start_s, stop_s in _windows(recording.duration_s):
            made = estimate_alone(self.model, cut(whole, start_s, stop_s))
            rows.append(made[sum(map(len, rows)) - round(start_s * rate_hz) :])
        points = np.concatenate(rows)
        shape = (len(points), len(self.view.skeleton), self.view.dimensions)
        times = np.arange(len(points)) / rate_hz
        return Movement(
            self.view.skeleton, times, np.asarray(points, np.float64).reshape(shape)[..., :2]
        )

    def error(self, windows: Sequence[Window]) -> PoseError:
        """Give the mean distance of a joint from where it was, at 10 Hz, given the true effort."""
        made: list[NDArray[np.floating]] = []
        turned: list[NDArray[np.floating]] = []
        there: list[Array] = []
        metric = self.view.coordinates == METRIC
        for window in windows:
            part = window.alone
            found = estimate_alone(self.model, self.told(part, np.asarray(part.truth.values)))
            start = round(window.start_s * SCORED_HZ)
            grid = GridRecording(window.recording, Streams((self.view,)), SCORED_HZ)
            seen = grid.window(start, start + INSTANTS)
            known = seen.missing == 0
            made.append(at_instants(found, self.model.card.rate_hz)[known])
            there.append(seen.values[known])
            if metric and known.any():
                turned.append(facing_alike(there[-1], made[-1]))
        if not sum(map(len, there)):
            raise ValueError(f"nobody is seen in the view {self.view.name!r}: nothing is scored")

        def distance(poses: Sequence[NDArray[np.floating]]) -> float:
            truth, estimate = np.concatenate(there), np.concatenate(poses)
            return float(f"{joint_error(truth, estimate, self.view.dimensions):.6g}")

        return PoseError(distance(made), distance(turned) if metric else None)


def _windows(length_s: float) -> Iterator[tuple[float, float]]:
    """Cut so many seconds into windows, the last one ending with them."""
    start_s = 0.0
    while start_s + WINDOW_S < length_s - 1e-6:
        yield start_s, start_s + WINDOW_S
        start_s += WINDOW_S
    yield max(0.0, length_s - WINDOW_S), length_s
