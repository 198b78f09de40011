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

"""What adapting to a person gained on takes that were held out, with ever more of that person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kpm_ros.core.atomic_files import save_figure
from kpm_ros.core.text_tables import text_table
from kpm_ros.learn.adaptation.adapting import Adapted, adapt
from kpm_ros.learn.adaptation.steps import AS_IT_IS, STEPS
from kpm_ros.learn.adaptation.takes import Part, Takes, shortened
from kpm_ros.models.intervals import Checked, Intervals, coverage
from kpm_ros.models.trained import Trained

SECONDS = (10.0, 30.0, 100.0, 300.0)
"""Of the person, after which it is looked what was gained."""

Listener = Callable[[str], None]


class Score(NamedTuple):
    """How good a model is on takes that were held out."""

    rmse: float
    correlation: float
    """Mean over muscles; one that is never moved has none."""
    coverage: float
    """Share of the truth within the intervals; NaN without intervals."""


class Point(NamedTuple):
    """One point of a learning curve."""

    seconds: float
    step: str
    score: Score


@dataclass(frozen=True)
class Gained:
    """A learning curve, whose first point is the model as it is."""

    points: tuple[Point, ...]
    adapted: Adapted
    """To everything that there is of the person."""

    @property
    def before(self) -> Score:
        """Of the model as it is."""
        return self.points[0].score

    @property
    def after(self) -> Score:
        """Of the model that was adapted to everything."""
        return self.points[-1].score

    def table(self) -> str:
        """Write the curve as text."""
        head = ("seconds", "step", "RMSE", "gained", "correlation", "within intervals")
        rows = [
            (
                f"{seconds:.0f}",
                step,
                f"{score.rmse:.4f}",
                f"{1 - score.rmse / self.before.rmse:.0%}",
                f"{score.correlation:.2f}",
                "-" if np.isnan(score.coverage) else f"{score.coverage:.0%}",
            )
            for seconds, step, score in self.points
        ]
        words = "\n".join(
            f"  {name}: {STEPS[name]}" for name in dict.fromkeys(row[1] for row in rows)
        )
        return f"{text_table(rows, head, figures=(0, 2, 3, 4, 5))}\n{words}"

    def as_plain(self) -> list[dict[str, Any]]:
        """Write the curve with plain values."""
        return [
            {"seconds": round(seconds, 1), "step": step, **found._asdict()}
            for seconds, step, found in self.points
        ]

    def draw(self, path: Path, title: str) -> None:
        """Draw the curve."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6, 4), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        seconds = [point.seconds for point in self.points[1:]]
        axes.plot(seconds, [point.score.rmse for point in self.points[1:]], "ko-", label="adapted")
        axes.axhline(self.before.rmse, color="k", linestyle=":", label="as it is")
        axes.set_xscale("log")
        axes.set_xticks(seconds, [f"{each:.0f}" for each in seconds])
        axes.minorticks_off()
        axes.set_ylim(0, None)
        axes.set_xlabel("seconds of the person")
        axes.set_ylabel("RMSE on takes held out")
        axes.set_title(title)
        axes.legend()
        save_figure(figure, path)


def gain_curve(
    model: Trained, takes: Takes, most_s: float = np.inf, listener: Listener = lambda what: None
) -> Gained:
    """Adapt to ever more of a person, up to so many seconds, and look what each gained."""
    own = shortened(takes.own, most_s)
    all_s = sum(part.seconds for part in own)
    points = [Point(0.0, AS_IT_IS, score(model, takes.held_out))]
    for seconds in (*(each for each in SECONDS if each < 0.99 * all_s), all_s):
        listener(f"{seconds:.0f} s of {own[0].person}")
        part = shortened(own, seconds)
        adapted = adapt(model, part, [one.recording.recording.task for one in part])
        found = score(adapted.model, takes.held_out)
        points.append(Point(adapted.seconds, adapted.choice.step, found))
    return Gained(tuple(points), adapted)


def score(model: Trained, held_out: Sequence[Part]) -> Score:
    """Score a model on takes, all of them together."""
    return score_of(model, [part.check(model) for part in held_out])


def score_of(model: Trained, checked: Sequence[Checked]) -> Score:
    """Score what a model said of some takes of one person."""
    said = np.concatenate([one.estimate for one in checked]).astype(np.float64)
    true = np.concatenate([one.truth for one in checked]).astype(np.float64)
    known = np.isfinite(true)
    if not known.any():
        raise ValueError("the effort is known nowhere in the takes that were held out")
    likenesses = []
    for muscle in range(true.shape[1]):
        some = known[:, muscle]
        if some.any() and np.ptp(true[some, muscle]) > 0:
            moves = np.ptp(said[some, muscle]) > 0
            pair = said[some, muscle], true[some, muscle]
            likenesses.append(np.corrcoef(*pair)[0, 1] if moves else 0.0)
    intervals = Intervals.of(model.card)
    within = np.nan
    if intervals is not None:
        whole = Checked("", said.astype(np.float32), true.astype(np.float32))
        within = float(np.nanmean(coverage(intervals, whole)))
    return Score(
        float(np.sqrt(np.mean(np.square(said - true)[known]))),
        float(np.mean(likenesses)) if likenesses else float("nan"),
        within,
    )
