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

"""All muscles of a hand over time as a map of colours, with where the model does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kpm_ros.core.atomic_files import save_figure
from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.learn.pictures.effort_colours import BODY_COLOUR, effort_map
from kpm_ros.motion.muscle_tables import MOST_RESIDUAL
from kpm_ros.motion.muscle_use import MuscleUse
from kpm_ros.simulate.anatomy.muscle_meanings import short_name

MOST_COLUMNS = 1500
"""More than a page has points across."""
SUFFIXES = (".svg", ".png", ".pdf")


def draw_muscles(path: Path, motion: HandMotion, uses: Mapping[str, MuscleUse]) -> None:
    """Draw each hand's muscles, and below them what they leave over."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    heights = [7.0, 1.0] * len(uses)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "kpm"}):
        figure = Figure(figsize=(11, sum(heights) + 0.8), layout="constrained")
        axes = figure.subplots(len(heights), 1, gridspec_kw={"height_ratios": heights})
        for (side, use), above, below in zip(uses.items(), axes[::2], axes[1::2], strict=True):
            drawn = _draw_map(above, motion, use)
            above.set_title(f"{side} hand", loc="left", fontsize=10)
            _draw_residual(below, motion, use)
        axes[-1].set_xlabel("time in s")
        figure.colorbar(drawn, ax=axes.tolist(), shrink=0.3, label="SIMULATED activation")
        title = motion.title or "a movement"
        figure.suptitle(f"{title}: SIMULATED activation of the anatomical hand's muscles")
        save_figure(figure, path)


def _draw_map(ax: Any, motion: HandMotion, use: MuscleUse) -> Any:
    step = -(-len(motion) // MOST_COLUMNS)
    count = -(-len(motion) // step)
    padded = np.full((count * step, use.activation.shape[1]), np.nan)
    padded[: len(motion)] = use.activation
    # What is brief must not vanish: of the frames behind a column, the most.
    columns = np.fmax.reduce(padded.reshape(count, step, -1), axis=1)
    start_s = motion.start_s
    ax.set_facecolor(BODY_COLOUR)
    names = [short_name(name) for name in use.muscles]
    ax.set_yticks(range(len(names)), names, fontsize=7)
    ax.tick_params(labelbottom=False)
    return ax.imshow(
        columns.T,
        aspect="auto",
        cmap=effort_map(),
        vmin=0.0,
        vmax=1.0,
        interpolation="nearest",
        extent=(start_s, start_s + motion.duration_s, len(names) - 0.5, -0.5),
    )


def _draw_residual(ax: Any, motion: HandMotion, use: MuscleUse) -> None:
    ax.plot(motion.times_s, 100.0 * use.residual_share, color=BODY_COLOUR, lw=0.7)
    ax.axhline(100.0 * MOST_RESIDUAL, color="0.6", lw=0.7, ls=":")
    ax.set(
        xlim=(motion.start_s, motion.start_s + motion.duration_s),
        ylim=(0, 100),
        ylabel="torque\nleft over, %",
    )
