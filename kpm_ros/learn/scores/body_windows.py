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

"""The windows that Muscles in Action scores: 3 s of a recording, 30 instants at 10 Hz.

Every model is scored at the same instants of the same windows, whatever its own rate, and in the
data set's own unit. What it is given of them is the protocol's matter: `PROTOCOLS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.recordings.cutting import cut
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.recording import Recording
from kpm_ros.learn.scores.protocols import estimate_continuous
from kpm_ros.models.missing_senses import blank

if TYPE_CHECKING:
    from kpm_ros.models.trained import Trained

WINDOW_S, SCORED_HZ = 3.0, 10
INSTANTS = round(WINDOW_S * SCORED_HZ)
_SLACK_S = 1e-6
FIRST_FRAME_S = 0.2
"""So long after a window's beginning its first frame may come and stand for what was before it."""

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Window:
    """One window of a recording."""

    recording: Recording
    """The whole one."""
    start_s: float

    @cached_property
    def alone(self) -> Recording:
        """The window as if nothing had been recorded before and after it."""
        return cut(self.recording, self.start_s, self.start_s + WINDOW_S)

    @cached_property
    def truth(self) -> Array:
        """True effort at the scored instants: (30, muscles)."""
        truth = self.recording.truth
        return at_instants(np.asarray(truth.values), truth.rate_hz, self.start_s)


def windows_of(recording: Recording) -> list[Window]:
    """Cut a recording into windows that follow each other; what is left over is not scored."""
    count = int((recording.duration_s + _SLACK_S) // WINDOW_S)
    return [Window(recording, k * WINDOW_S) for k in range(count)]


def at_instants(
    values: Array, rate_hz: float, start_s: float = 0.0, count: int = INSTANTS
) -> Array:
    """Read samples at 10 Hz instants: those of the grid where it has them, else on lines."""
    at = (start_s + np.arange(count) / SCORED_HZ) * rate_hz
    whole = np.rint(at)
    if np.allclose(at, whole, atol=1e-6) and whole[-1] < len(values):
        return np.asarray(values[whole.astype(np.int64)], np.float32)
    own = np.arange(len(values))
    return np.stack([np.interp(at, own, column) for column in values.T], axis=1).astype(np.float32)


Estimates = Iterator[Array]
Protocol = Callable[["Trained", Sequence[Window]], Estimates]


def estimate_alone(model: Trained, recording: Recording) -> Array:
    """Estimate a short recording from nothing, at the model's rate, as the network says it.

    A window seldom begins with a frame: until the first one, that one is given, to every model.
    """
    card = model.card
    values, missing, _ = GridRecording.of(recording, card).window()
    longest = round(FIRST_FRAME_S * card.rate_hz)
    for k, stream in enumerate(card.streams):
        bit = np.uint32(1 << k)
        known = np.flatnonzero((missing & bit) == 0)
        if len(known) and 0 < known[0] <= longest:
            before, columns = slice(0, int(known[0])), card.streams.columns[stream.name]
            values[before, columns] = values[known[0], columns]
            missing[before] &= ~bit
    return model.estimate_alone(blank(values, missing, card))


def estimate_windows(model: Trained, windows: Sequence[Window]) -> Estimates:
    """Estimate each window by itself."""
    for window in windows:
        yield at_instants(estimate_alone(model, window.alone), model.card.rate_hz)


def estimate_streams(model: Trained, windows: Sequence[Window]) -> Estimates:
    """Estimate whole recordings in one stream each, and read the windows' instants off them."""
    effort, of = np.zeros((0, 0), np.float32), None
    for window in windows:
        if window.recording is not of:
            of = window.recording
            effort = estimate_continuous(model, GridRecording.of(of, model.card))
        yield at_instants(effort, model.card.rate_hz, window.start_s)


PROTOCOLS: dict[str, tuple[str, Protocol]] = {
    "windows": (
        "each 3 s window by itself, from nothing: no frame from before or after it is given, and "
        "until its first frame that one is held, for every model; a causal model is scored from "
        "the window's beginning, and one that waits for the future is ended with the window, as "
        "its architecture ends a signal; all 30 instants count",
        estimate_windows,
    ),
    "continuous": (
        "whole recordings in one stream, as the live pipeline runs them, and scored at the same "
        "instants of the same windows: only a recording's first window begins from nothing",
        estimate_streams,
    ),
}
"""Each in words, and how it is done."""


def evenly(windows: Sequence[Window], most: int) -> list[Window]:
    """Draw at most so many windows, evenly; 0 for all."""
    if not most or len(windows) <= most:
        return list(windows)
    places = np.linspace(0, len(windows) - 1, most).round().astype(int)
    return [windows[i] for i in places]
