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

"""The pictures of a report, each as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.reports.shown import Shown
from kpm_ros.learn.reports.theme import DASHES, FAINT, INK, LINES, MARKERS, MUTED, as_svg, styled
from kpm_ros.learn.scores.spectra import CENTRES_HZ
from kpm_ros.learn.scores.summaries import muscles_of, of_take
from kpm_ros.learn.scores.take_figures import MOMENT_S, Moment
from kpm_ros.learn.scores.takes import Take, people_of

WIDTH_IN = 8.0
LEAST_DB = -60
"""Below the strongest band that was measured: what is weaker is of no effect."""
MOST_STRIPS = 24
"""Recordings whose validity is drawn, those that lost most."""


def traces(shown: Shown, key: str) -> str:
    """Draw the effort of each muscle, true and estimated, and the keys below."""
    rows = len(shown.muscles) + bool(shown.keys)
    with styled():
        figure, axes = _figure(rows, 0.75, sharex=True, last=1.4 if shown.keys else 1.0)
        truth = shown.truth.within(shown.start_s, shown.end_s)
        for i, (muscle, ax) in enumerate(zip(shown.muscles, axes, strict=False)):
            ax.fill_between(
                truth.times_s, truth.effort[:, i], color=MUTED, alpha=0.45, lw=0, label="measured"
            )
            for k, (name, trace) in enumerate(shown.estimates.items()):
                part = trace.within(shown.start_s, shown.end_s)
                ax.plot(part.times_s, part.effort[:, i], color=LINES[k], ls=DASHES[k], label=name)
            ax.set_ylabel(muscle, rotation=0, ha="right", va="center")
            ax.set_ylim(bottom=0)
            ax.locator_params(axis="y", nbins=3)
            ax.grid(axis="y")
        if shown.keys:
            _draw_keys(axes[-1], shown)
        axes[-1].set(xlim=(shown.start_s, shown.end_s), xlabel="time in s")
        _legend_above(figure, axes[0])
        return as_svg(figure, key)


def _draw_keys(ax: Any, shown: Shown) -> None:
    from matplotlib.ticker import MaxNLocator

    for down in shown.keys:
        ax.broken_barh(
            [(down.start_s, max(down.end_s - down.start_s, 0.01))],
            (down.note - 0.4, 0.8),
            facecolor=INK,
        )
    ax.set_ylabel("MIDI note", rotation=0, ha="right", va="center")
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def people(takes: Sequence[Take], models: Sequence[str], key: str) -> str:
    """Draw each person's RMSE by each model, and each of their recordings as a faint point."""
    names = people_of(takes)
    with styled():
        figure, (ax,) = _figure(1, 0.6 + 0.24 * len(names))
        for k, model in enumerate(models):
            for row, person in enumerate(names):
                errors = [
                    of_take(take)["rmse"]
                    for take in takes
                    if (take.model, take.person) == (model, person)
                ]
                if not errors:
                    continue
                height = row + (k - (len(models) - 1) / 2) * 0.18
                ax.plot(
                    errors, [height] * len(errors), MARKERS[k], color=LINES[k], ms=3, alpha=0.35
                )
                ax.plot(
                    np.mean(errors),
                    height,
                    MARKERS[k],
                    color=LINES[k],
                    ms=6,
                    label=model if row == 0 else None,
                )
        ax.set(yticks=range(len(names)), yticklabels=names, xlabel="RMSE")
        ax.set_xlim(left=0)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.grid(axis="x")
        _legend_above(figure, ax)
        return as_svg(figure, key)


def spectra(takes: Sequence[Take], models: Sequence[str], key: str) -> str:
    """Draw how much of each muscle's effort moves how fast, measured and estimated."""
    muscles = [
        name for name in muscles_of(takes) if any(name in take.figures.spectrum for take in takes)
    ]
    if not muscles:
        return ""
    columns = min(3, len(muscles))
    rows = -(-len(muscles) // columns)
    with styled():
        figure, axes = _figure(rows, 1.7, columns=columns, sharex=True, sharey=True)
        for muscle, ax in zip(muscles, axes, strict=False):
            own = [take for take in takes if muscle in take.figures.spectrum]
            drawn = [("measured", _mean_power(own, muscle, 0), {"color": MUTED, "lw": 3})]
            for k, model in enumerate(models):
                theirs = [take for take in own if take.model == model]
                if theirs:
                    style = {"color": LINES[k], "ls": DASHES[k]}
                    drawn.append((model, _mean_power(theirs, muscle, 1), style))
            top = float(np.nanmax(drawn[0][1]))
            for name, power, style in drawn:
                ax.semilogx(CENTRES_HZ, 10 * np.log10(power / top), label=name, **style)
            ax.set_ylim(LEAST_DB, 6)
            ax.set_title(muscle, fontsize=9)
            ax.grid()
        for ax in axes[len(muscles) :]:
            ax.set_axis_off()
        for ax in axes[: len(muscles)]:
            ax.set_xticks([1, 4, 16, 64], ["1", "4", "16", "64"])
            ax.set_xticks([], minor=True)
        for ax in axes[max(0, len(muscles) - columns) : len(muscles)]:
            ax.set_xlabel("Hz")
            ax.tick_params(labelbottom=True)
        for ax in axes[::columns]:
            ax.set_ylabel("dB")
        _legend_above(figure, axes[0])
        return as_svg(figure, key)


def _mean_power(takes: Sequence[Take], muscle: str, which: int) -> NDArray[np.float64]:
    weights = [take.figures.seconds for take in takes]
    table = [take.figures.spectrum[muscle][which] for take in takes]
    power = np.average(np.array(table, np.float64), axis=0, weights=weights)
    # A band in which nothing moves has no place on a scale of powers.
    return np.where(power > 0, power, np.nan)


def validity(takes: Sequence[Take], key: str) -> str:
    """Draw when the senses saw, or effort was valid; nothing where that was all the time."""
    told = {take.recording: take.valid for take in takes if take.valid}
    lost = {name: 1 - np.mean(valid) for name, valid in told.items()}
    names = sorted(told, key=lambda name: -lost[name])[:MOST_STRIPS]
    names = [name for name in names if lost[name] > 0]
    if not names:
        return ""
    with styled():
        figure, (ax,) = _figure(1, 0.6 + 0.26 * len(names))
        longest = max(len(told[name]) for name in names)
        for row, name in enumerate(names):
            edges = np.arange(len(told[name]) + 1)
            shares = np.append(told[name], told[name][-1])
            base = row + 0.35
            ax.fill_between(edges, base, base - 0.7 * shares, step="post", color=LINES[0], lw=0)
            ax.plot([0, len(told[name])], [base, base], color=MUTED, lw=0.6)
        ax.set(yticks=range(len(names)), yticklabels=names, xlabel="time in s", xlim=(0, longest))
        ax.set_ylim(len(names) - 0.4, -0.6)
        return as_svg(figure, key)


def delays(stages: Mapping[str, NDArray[np.float64]], key: str) -> str:
    """Draw how long each stage of the live path took: median, and up to the 99th percentile."""
    with styled():
        figure, (ax,) = _figure(1, 0.6 + 0.3 * len(stages))
        for row, values in enumerate(stages.values()):
            middle, most = np.percentile(values, [50, 99])
            ax.barh(row, middle, height=0.55, color=LINES[0])
            ax.plot([middle, most], [row, row], color=INK, lw=1)
            ax.plot(most, row, "|", color=INK, ms=9)
        ax.set(yticks=range(len(stages)), yticklabels=list(stages), xlabel="ms")
        ax.set_xlim(left=0)
        ax.set_ylim(len(stages) - 0.4, -0.6)
        ax.grid(axis="x")
        return as_svg(figure, key)


def moments(found: Sequence[tuple[Moment, Shown]], key: str) -> str:
    """Draw each of the worst moments: the muscle that was furthest off, and what it did around."""
    with styled():
        figure, axes = _figure(len(found), 1.1)
        for (moment, shown), ax in zip(found, axes, strict=True):
            i = shown.muscles.index(moment.muscle)
            truth = shown.truth.within(shown.start_s, shown.end_s)
            ax.axvspan(moment.start_s, moment.start_s + MOMENT_S, facecolor=FAINT, alpha=0.8, lw=0)
            ax.fill_between(
                truth.times_s, truth.effort[:, i], color=MUTED, alpha=0.45, lw=0, label="measured"
            )
            for k, (name, trace) in enumerate(shown.estimates.items()):
                part = trace.within(shown.start_s, shown.end_s)
                ax.plot(part.times_s, part.effort[:, i], color=LINES[k], ls=DASHES[k], label=name)
            ax.set(xlim=(shown.start_s, shown.end_s), title="")
            ax.set_ylim(bottom=0)
            ax.set_ylabel(moment.muscle, rotation=0, ha="right", va="center")
            ax.set_title(shown.recording, fontsize=9, loc="left")
            ax.locator_params(axis="y", nbins=3)
        axes[-1].set_xlabel("time in s")
        _legend_above(figure, axes[0])
        return as_svg(figure, key)


def _figure(
    rows: int,
    height_in: float,
    columns: int = 1,
    sharex: bool = False,
    sharey: bool = False,
    last: float = 1.0,
) -> tuple[Any, Sequence[Any]]:
    """Make a figure of so many rows of this height; the last may be higher."""
    from matplotlib.figure import Figure

    heights = [1.0] * (rows - 1) + [last]
    size = (WIDTH_IN, height_in * sum(heights) + 0.7)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(
        rows,
        columns,
        sharex=sharex,
        sharey=sharey,
        squeeze=False,
        gridspec_kw={"height_ratios": heights},
    )
    return figure, list(grid.ravel())


def _legend_above(figure: Any, ax: Any) -> None:
    """Name the lines above everything, each once."""
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), handlelength=3)
