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

"""The acceptance figure: what the six channels answer to, and a passage of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kpm_ros.core.atomic_files import save_figure
from kpm_ros.models.pianokpm.published import MUSCLES
from kpm_ros.simulate.anatomy.probes import OWN_FINGER, Array, Probe
from kpm_ros.simulate.anatomy.statics import Activations
from kpm_ros.simulate.hand import FINGER_NAMES

_MEASURED_DEG, _MEASURED_SHARE = 30.0, 0.37
"""Zijdewind & Kernell (1994): strength left to the index finger spread as far as it goes."""
_HELD_N = 8.0
_SHOWN_S = (2.0, 12.0)


def draw(path: Path, probe: Probe, found: Activations, force: Array, rate_hz: float) -> None:
    """Draw it into a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 9), layout="constrained")
    halves: Any = figure.subfigures(2, 1, height_ratios=(1, 1.1))
    top, bottom = halves
    figure.suptitle("Anatomy of the SIMULATED hand: what its six channels answer to")
    grid = top.subplots(2, 2)
    _draw_responses(grid[0, 0], probe)
    _draw_force(grid[0, 1], probe)
    _draw_spread(grid[1, 0], probe)
    _draw_strength(grid[1, 1], probe)
    _draw_passage(bottom, probe, found, force, rate_hz)
    save_figure(figure, path)


def _draw_responses(ax: Any, probe: Probe) -> None:
    """Show which finger's key each channel answers to."""
    matrix = probe.responses(_HELD_N)
    ax.imshow(matrix, cmap="Blues", vmin=0.0, aspect="auto")
    for row, column in np.ndindex(*matrix.shape):
        ax.text(column, row, f"{matrix[row, column]:.2f}", ha="center", va="center", size=7)
    ax.set_xticks(range(len(FINGER_NAMES)), FINGER_NAMES)
    ax.set_yticks(range(len(MUSCLES)), MUSCLES)
    ax.set_title(f"rise when a finger holds {_HELD_N:g} N", size=9)


def _draw_force(ax: Any, probe: Probe) -> None:
    """Show that activation grows with force."""
    newtons = np.arange(0.0, 20.5, 1.0)
    for k, name in enumerate(MUSCLES):
        ax.plot(newtons, probe.channels(probe.press(OWN_FINGER[name], newtons))[:, k], label=name)
    ax.set(xlabel="N on its finger's key", ylabel="activation", ylim=(0, 1))
    ax.legend(fontsize=7, ncols=2)


def _draw_spread(ax: Any, probe: Probe) -> None:
    """Show that activation grows with spread."""
    degrees = np.arange(0.0, 20.5, 1.0)
    for k, name in enumerate(MUSCLES):
        found = probe.channels(probe.spread(name, np.deg2rad(degrees)))[:, k]
        ax.plot(degrees, found, label=name)
    ax.set(xlabel="spread of its finger in degrees", ylabel="activation", ylim=(0, 1))


def _draw_strength(ax: Any, probe: Probe) -> None:
    """Compare the strength left to a spread index finger with people's."""
    degrees = np.linspace(0.0, 30.0, 31)
    strength = probe.outward_strength(np.deg2rad(degrees))
    ax.plot(degrees, strength / strength[0], label="simulated")
    ax.plot(_MEASURED_DEG, _MEASURED_SHARE, "o", color="black", label="people, as far as it goes")
    ax.set(xlabel="spread of the index finger in degrees", ylabel="outward strength", ylim=(0, 1.1))
    ax.legend(fontsize=7)


def _draw_passage(
    part: Any, probe: Probe, found: Activations, force: Array, rate_hz: float
) -> None:
    """Show forces and channels of a passage."""
    axes = part.subplots(1 + len(MUSCLES), 1, sharex=True)
    shown = slice(*(round(second * rate_hz) for second in _SHOWN_S))
    times = np.arange(shown.start, shown.stop) / rate_hz
    axes[0].plot(times, force[shown], lw=1, label=FINGER_NAMES)
    axes[0].set_ylabel("N")
    axes[0].legend(fontsize=6, ncols=5, loc="upper right")
    for k, (name, ax) in enumerate(zip(MUSCLES, axes[1:], strict=True)):
        ax.fill_between(times, probe.channels(found)[shown, k], lw=0, alpha=0.7)
        ax.set(ylabel=name, ylim=(0, 1))
    axes[-1].set_xlabel("time in s")
