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

"""A picture of one excerpt: what was seen, and each muscle's true and estimated effort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.atomic_files import save_figure
from kpm_ros.core.streams import Landmarks, PianoKeys, Stream

if TYPE_CHECKING:
    from kpm_ros.learn.recordings.on_grid import GridRecording
    from kpm_ros.learn.recordings.recording import Recording

Array = NDArray[np.float32]
LENGTH_S = 6.0
"""Of an excerpt whose ends are not given."""
SNAPSHOTS = 7
"""Hands or bodies drawn over the excerpt."""
TRUTH_COLOUR = "0.6"


@dataclass(frozen=True)
class Excerpt:
    """A stretch of one recording."""

    name: str
    start_s: float
    end_s: float

    @classmethod
    def parse(cls, text: str) -> Excerpt:
        """Read `NAME` or `NAME:START-END` (seconds)."""
        name, colon, span = text.partition(":")
        if not colon:
            return cls(name, 0.0, LENGTH_S)
        start, dash, end = span.partition("-")
        try:
            excerpt = cls(name, float(start), float(end))
        except ValueError:
            dash = ""
        if not dash or not 0 <= excerpt.start_s < excerpt.end_s < float("inf"):
            raise ValueError(
                f"{text!r} names no excerpt: write NAME or NAME:START-END in seconds, such as "
                "t1_p2_a:3-9"
            )
        return excerpt

    def check(self, recording: Recording) -> Excerpt:
        """Refuse a recording that is over before; an end beyond its own is brought forward."""
        length_s = recording.duration_s
        if self.start_s >= length_s:
            raise ValueError(
                f"{recording.name} is {length_s:.1f} s long: nothing can be shown from "
                f"{self.start_s:g} s on"
            )
        return replace(self, end_s=min(self.end_s, length_s))

    def samples(self, rate_hz: float) -> slice:
        """Which samples of a grid these are."""
        return slice(round(self.start_s * rate_hz), round(self.end_s * rate_hz))


class Estimated(NamedTuple):
    """What a model made of a recording."""

    rate_hz: float
    effort: Array
    """(T, muscles), from the recording's beginning; shorter where the rest was not estimated."""


def draw_excerpt(
    path: Path,
    recording: GridRecording,
    excerpt: Excerpt,
    estimates: Mapping[str, Estimated],
    simulated: bool,
) -> None:
    """Draw what was seen of an excerpt, and what was made of it, into a PNG, PDF or SVG file."""
    from matplotlib.figure import Figure

    part, muscles = excerpt.samples(recording.rate_hz), recording.recording.truth.muscles
    times = np.arange(part.start, part.stop) / recording.rate_hz
    streams = recording.streams
    values = recording.values(part.start, part.stop)
    seen: list[tuple[Stream, float]] = [(view, 1.6) for view in streams.landmarks[:1]]
    seen += [(stream, 1.3) for stream in streams if not isinstance(stream, Landmarks)]
    heights = [height for _, height in seen] + [1.0] * len(muscles)
    figure = Figure(figsize=(11, 0.5 + sum(heights)), layout="constrained")
    axes = np.atleast_1d(figure.subplots(len(heights), 1, gridspec_kw={"height_ratios": heights}))
    for (stream, _), ax in zip(seen, axes, strict=False):
        _draw_stream(ax, stream, values[:, streams.columns[stream.name]], times)
    for i, (muscle, ax) in enumerate(zip(muscles, axes[len(seen) :], strict=True)):
        ax.fill_between(
            times, recording.effort[part, i], color=TRUTH_COLOUR, lw=0, alpha=0.6, label="truth"
        )
        for name, found in estimates.items():
            own = excerpt.samples(found.rate_hz)
            effort = found.effort[own, i]
            ax.plot((own.start + np.arange(len(effort))) / found.rate_hz, effort, lw=1, label=name)
        ax.set(ylabel=muscle, xlim=(times[0], times[-1]))
        ax.tick_params(labelbottom=i == len(muscles) - 1)
    axes[len(seen)].legend(
        loc="upper right", ncols=1 + len(estimates), fontsize="small", frameon=False
    )
    axes[-1].set_xlabel("time in s")
    source = "SIMULATED" if simulated else "recorded"
    figure.suptitle(f"{recording.name}, {source}: what was seen, and effort of each muscle")
    save_figure(figure, path)


def _draw_stream(ax: Any, stream: Stream, values: Array, times: NDArray[np.float64]) -> None:
    if isinstance(stream, Landmarks):
        _draw_landmarks(ax, stream, values, times)
    elif isinstance(stream, PianoKeys):
        _draw_keys(ax, stream, values, times)
    else:
        ax.plot(times, values, lw=1)
        ax.set(ylabel=f"{stream.name} in {stream.unit}", xlim=(times[0], times[-1]))
    ax.tick_params(labelbottom=False)


def _draw_landmarks(ax: Any, view: Landmarks, values: Array, times: NDArray[np.float64]) -> None:
    """Draw a view's landmarks at several instants, side by side along time."""
    at = np.linspace(0, len(values) - 1, SNAPSHOTS + 2).round().astype(int)[1:-1]
    shapes = values[at].reshape(len(at), len(view.skeleton), view.dimensions)[..., :2]
    size = max(float(np.ptp(shapes, axis=1).max()), 1e-6)
    room = 0.8 * (times[-1] - times[0]) / SNAPSHOTS
    for index, points in zip(at, shapes, strict=True):
        # Enlarged alike in both directions; the image's y points down.
        across = (points[:, 0] - points[:, 0].mean()) / size * room + times[index]
        down = (points[:, 1] - points[:, 1].mean()) / size
        for bone in view.skeleton.bones:
            ax.plot(across[list(bone)], down[list(bone)], color="tab:blue", lw=1)
        ax.plot(across, down, ".", color="black", ms=2)
    ax.set(ylabel=view.name, xlim=(times[0], times[-1]), ylim=(0.75, -0.75), yticks=[])


def _draw_keys(ax: Any, piano: PianoKeys, keys: Array, times: NDArray[np.float64]) -> None:
    """Draw the depth of the keys that move, and of their neighbours."""
    moved = np.flatnonzero(keys.max(axis=0) > 0.1)
    middle = piano.count // 2
    low, high = (int(moved[0]), int(moved[-1])) if len(moved) else (middle - 6, middle + 6)
    low, high = max(0, low - 1), min(piano.count - 1, high + 1)
    lowest = piano.first_note + low - 0.5
    ax.imshow(
        np.clip(keys[::4, low : high + 1].T, 0, 1),
        aspect="auto",
        origin="lower",
        cmap="Greys",
        vmin=0,
        vmax=1,
        extent=(times[0], times[-1], lowest, lowest + high - low + 1),
        interpolation="nearest",
    )
    ax.set(ylabel="MIDI note")
