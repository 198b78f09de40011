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

"""Draws how a training went."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpm_ros.core.atomic_files import save_figure
from kpm_ros.learn.training.progress import Progress
from kpm_ros.learn.training.run_folder import read_metrics

_PAUSE_S = 30.0


@dataclass
class CurvesFile:
    """A picture that is drawn anew at checks, but not all the time."""

    metrics: Path
    picture: Path
    title: str
    _drawn_s: float = -math.inf

    def checked(self, progress: Progress) -> None:
        """Draw it if that was not done just now."""
        if time.monotonic() - self._drawn_s >= _PAUSE_S:
            self.draw()

    def draw(self) -> None:
        """Draw what has been written until now."""
        self._drawn_s = time.monotonic()
        draw_curves(read_metrics(self.metrics), self.picture, self.title)


def draw_curves(rows: Sequence[Mapping[str, Any]], path: Path, title: str) -> None:
    """Draw losses and validation error over the steps into a picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6), layout="constrained")
    FigureCanvasAgg(figure)
    loss, error = figure.subplots(2, 1, sharex=True)
    figure.suptitle(title)
    for name, label in (
        ("loss", "loss"),
        ("squared", "mean squared error"),
        ("transport", "optimal transport"),
    ):
        points = [(row["step"], row[name]) for row in rows if row.get(name, 0) > 0]
        if points:
            loss.plot(*zip(*points, strict=True), label=label)
    loss.set_yscale("log")
    loss.set_ylabel("training loss")
    loss.legend(loc="upper right")
    points = [(row["step"], row["validation_rmse"]) for row in rows if "validation_rmse" in row]
    if points:
        error.plot(*zip(*points, strict=True), marker=".")
        best = min(points, key=lambda point: point[1])
        error.axvline(best[0], color="grey", linestyle=":")
        error.annotate(f"best {best[1]:.4f}", best, textcoords="offset points", xytext=(6, 6))
    error.set_ylabel("validation RMSE")
    error.set_xlabel("step")
    save_figure(figure, path)
