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

"""A picture of one excerpt: hand, keys, and each muscle's true and estimated effort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.atomic_files import save_figure

if TYPE_CHECKING:
    from kpm_ros.learn.recordings.release import Recording

Array = NDArray[np.float32]
RATE_HZ = 1024
LENGTH_S = 6.0
"""Of an excerpt whose ends are not given."""
SNAPSHOTS = 7
"""Hands drawn over the excerpt."""
BONES = (
    (0, 1, 2, 3, 4),
    (0, 5, 6, 7, 8),
    (5, 9, 10, 11, 12),
    (9, 13, 14, 15, 16),
    (13, 17, 18, 19, 20),
    (0, 17),
)
"""Landmarks that lines join, in MediaPipe's numbering."""
TRUTH_COLOUR = "0.6"


@dataclass(frozen=True)
class Excerpt:
    """A stretch of one performance."""

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

    def samples(self, recording: Recording) -> slice:
        """Which samples of the recording these are."""
        length_s = len(recording.effort) / RATE_HZ
        if self.start_s >= length_s:
            raise ValueError(
                f"{recording.name} is {length_s:.1f} s long: nothing can be shown from "
                f"{self.start_s:g} s on"
            )
        return slice(round(self.start_s * RATE_HZ), round(min(self.end_s, length_s) * RATE_HZ))


def draw_excerpt(
    path: Path,
    recording: Recording,
    part: slice,
    estimates: Mapping[str, Array],
    muscles: Sequence[str],
    simulated: bool,
) -> None:
    """Draw what was seen of an excerpt, and what was made of it, into a PNG, PDF or SVG file."""
    from matplotlib.figure import Figure

    times = np.arange(part.start, part.stop) / RATE_HZ
    figure = Figure(figsize=(11, 3.4 + 1.0 * len(muscles)), layout="constrained")
    heights = [1.6, 1.3, *[1.0] * len(muscles)]
    axes = figure.subplots(len(heights), 1, gridspec_kw={"height_ratios": heights})
    _draw_hands(axes[0], recording.pose()[part], times)
    _draw_keys(axes[1], np.asarray(recording.keys[part]), times)
    for i, (muscle, ax) in enumerate(zip(muscles, axes[2:], strict=True)):
        ax.fill_between(
            times, recording.effort[part, i], color=TRUTH_COLOUR, lw=0, alpha=0.6, label="truth"
        )
        for name, effort in estimates.items():
            ax.plot(times, effort[part, i], lw=1, label=name)
        ax.set(ylabel=muscle, xlim=(times[0], times[-1]))
        ax.tick_params(labelbottom=i == len(muscles) - 1)
    axes[2].legend(loc="upper right", ncols=1 + len(estimates), fontsize="small", frameon=False)
    axes[-1].set_xlabel("time in s")
    source = "SIMULATED pianist" if simulated else "recorded pianist"
    figure.suptitle(f"{recording.name}: {source}; keys, hand, and effort of each muscle")
    save_figure(figure, path)


def _draw_hands(ax: Any, pose: Array, times: NDArray[np.float64]) -> None:
    """Draw the first view's landmarks at several instants, side by side along time."""
    at = np.linspace(0, len(pose) - 1, SNAPSHOTS + 2).round().astype(int)[1:-1]
    hands = pose[at, :42].reshape(len(at), 21, 2)
    size = max(float(np.ptp(hands, axis=1).max()), 1e-6)
    room = 0.8 * (times[-1] - times[0]) / SNAPSHOTS
    for index, hand in zip(at, hands, strict=True):
        # Enlarged alike in both directions; the image's y points down.
        across = (hand[:, 0] - hand[:, 0].mean()) / size * room + times[index]
        down = (hand[:, 1] - hand[:, 1].mean()) / size
        for bone in BONES:
            ax.plot(across[list(bone)], down[list(bone)], color="tab:blue", lw=1)
        ax.plot(across, down, ".", color="black", ms=2)
    ax.set(ylabel="first view", xlim=(times[0], times[-1]), ylim=(0.75, -0.75), yticks=[])
    ax.tick_params(labelbottom=False)


def _draw_keys(ax: Any, keys: Array, times: NDArray[np.float64]) -> None:
    """Draw the depth of the keys that move, and of their neighbours."""
    moved = np.flatnonzero(keys.max(axis=0) > 0.1)
    low, high = (int(moved[0]), int(moved[-1])) if len(moved) else (39, 51)
    low, high = max(0, low - 1), min(keys.shape[1] - 1, high + 1)
    ax.imshow(
        np.clip(keys[::4, low : high + 1].T, 0, 1),
        aspect="auto",
        origin="lower",
        cmap="Greys",
        vmin=0,
        vmax=1,
        extent=(times[0], times[-1], low + 20.5, high + 21.5),
        interpolation="nearest",
    )
    ax.set(ylabel="MIDI note")
    ax.tick_params(labelbottom=False)
