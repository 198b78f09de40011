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

"""Pictures of what a piece will ask: the load of every bar, and the muscles that work hardest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kpm_ros.learn.reports.theme import DASHES, FAINT, LINES, as_svg, styled
from kpm_ros.motion.foresight import BarEffort, HandEffort, Passage, loads
from kpm_ros.sense.midi.bars import Bars
from kpm_ros.simulate.anatomy.muscle_meanings import short_name

WIDTH_IN = 8.0
DRAWN = 12
"""Muscles of a hand in a picture, those with the highest peaks."""


def load_by_bar(
    efforts: Sequence[HandEffort], bars: Bars, passages: Sequence[Passage], key: str
) -> str:
    """Draw each hand's load bar by bar, the hardest passages shaded."""
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(WIDTH_IN, 0.6 + 1.2 * len(efforts)), layout="constrained")
        axes = figure.subplots(len(efforts), 1, sharex=True, squeeze=False)[:, 0]
        for k, (effort, ax) in enumerate(zip(efforts, axes, strict=True)):
            numbers = np.arange(1, len(bars) + 2) - 0.5
            values = loads(effort, bars)
            ax.stairs(np.nan_to_num(values), numbers, color=LINES[k], fill=True, alpha=0.8)
            for one in passages:
                if one.side == effort.side:
                    ax.axvspan(one.first_bar - 0.5, one.last_bar + 0.5, facecolor=FAINT, zorder=0)
            ax.set_ylabel(f"{effort.side}\nhand", rotation=0, ha="right", va="center")
            ax.set_ylim(bottom=0)
            ax.grid(axis="y")
        axes[-1].set(xlabel="bar", xlim=(0.5, len(bars) + 0.5))
        return as_svg(figure, key)


def muscles_by_bar(table: Sequence[BarEffort], side: str, by: str, bars: Bars, key: str) -> str:
    """Draw the peak of each of a hand's hardest muscles in every bar, as a map of greys."""
    from matplotlib.figure import Figure

    own = [one for one in table if (one.side, one.by) == (side, by)]
    muscles = list(dict.fromkeys(one.muscle for one in own))
    peaks = np.full((len(muscles), len(bars)), np.nan)
    for one in own:
        peaks[muscles.index(one.muscle), one.bar - 1] = one.peak
    order = np.argsort(-np.nan_to_num(peaks).max(axis=1), kind="stable")[:DRAWN]
    with styled():
        figure = Figure(figsize=(WIDTH_IN, 0.8 + 0.2 * len(order)), layout="constrained")
        ax = figure.subplots()
        for row, k in enumerate(order.tolist()):
            heights = np.clip(np.nan_to_num(peaks[k]), 0, 1)
            edges = np.arange(1, len(bars) + 2) - 0.5
            ax.stairs(
                row + 0.4 - 0.8 * heights, edges, baseline=row + 0.4, color=LINES[0], fill=True
            )
        names = [short_name(muscles[k]) for k in order.tolist()]
        ax.set(yticks=range(len(names)), yticklabels=names, xlabel="bar")
        ax.set(xlim=(0.5, len(bars) + 0.5), ylim=(len(names) - 0.4, -0.6))
        ax.grid(axis="y", ls=DASHES[-1])
        return as_svg(figure, key)
