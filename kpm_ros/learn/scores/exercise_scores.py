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

"""RMSE per exercise, and the two means that tables of them may have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.scores.body_windows import PROTOCOLS, Window

if TYPE_CHECKING:
    from kpm_ros.models.trained import Trained

Array = NDArray[np.float32]


@dataclass
class SquaredErrors:
    """Sums of squared errors of each muscle where it is known, and how many there are."""

    squares: NDArray[np.float64]
    counts: NDArray[np.int64]

    @classmethod
    def none(cls, muscles: int) -> SquaredErrors:
        """Begin without any."""
        return cls(np.zeros(muscles), np.zeros(muscles, np.int64))

    def add(self, truth: Array, estimate: Array) -> None:
        """Take in one window (frames, muscles)."""
        errors = (truth.astype(np.float64) - estimate) ** 2
        self.squares = self.squares + np.nansum(errors, axis=0)
        self.counts = self.counts + np.isfinite(errors).sum(axis=0)

    @property
    def rmse(self) -> float:
        """Over all windows, muscles and frames."""
        count = int(self.counts.sum())
        return float(np.sqrt(self.squares.sum() / count)) if count else float("nan")

    @property
    def by_muscle(self) -> list[float]:
        """Of each muscle by itself."""
        known = self.counts > 0
        means = self.squares / np.maximum(self.counts, 1)
        return np.where(known, np.sqrt(means), np.nan).tolist()


@dataclass(frozen=True)
class ExerciseScores:
    """How near one model came on each exercise of a test set."""

    rmse: Mapping[str, float]
    """By exercise, over all its windows, muscles and frames."""
    pooled: float
    """The same over all exercises together: what the paper calls the mean."""
    muscles: Mapping[str, float]
    """Of each muscle, over all exercises."""
    windows: Mapping[str, int]
    """How many, by exercise."""
    met: tuple[str, ...] = ()
    """Recordings left out since the model has met them in training."""

    @property
    def mean(self) -> float:
        """Mean of the exercises' figures, each counted alike."""
        return float(np.mean(list(self.rmse.values()))) if self.rmse else float("nan")


@dataclass
class ExerciseErrors:
    """Errors of one model on one test set while it is being scored."""

    muscles: Sequence[str]
    _by_exercise: dict[str, SquaredErrors] = field(default_factory=dict)
    _windows: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, exercise: str, truth: Array, estimate: Array) -> None:
        """Take in one window of an exercise."""
        none = SquaredErrors.none(len(self.muscles))
        self._by_exercise.setdefault(exercise, none).add(truth, estimate)
        self._windows[exercise] += 1

    def result(self, met: Sequence[str] = ()) -> ExerciseScores:
        """Sum up."""
        every = SquaredErrors.none(len(self.muscles))
        for one in self._by_exercise.values():
            every.squares = every.squares + one.squares
            every.counts = every.counts + one.counts
        return ExerciseScores(
            rmse={name: _short(one.rmse) for name, one in sorted(self._by_exercise.items())},
            pooled=_short(every.rmse),
            muscles=dict(zip(self.muscles, map(_short, every.by_muscle), strict=True)),
            windows=dict(sorted(self._windows.items())),
            met=tuple(met),
        )


def _short(value: float) -> float:
    """Keep the digits that are the same on every machine."""
    return float(f"{value:.6g}")


def score_windows(
    model: Trained,
    windows: Sequence[Window],
    muscles: Sequence[str],
    protocol: str,
    tell: Callable[[], None] = lambda: None,
    met: Sequence[str] = (),
) -> ExerciseScores:
    """Score a model on windows; `tell` is called after each."""
    errors = ExerciseErrors(muscles)
    for window, estimate in estimated(model, windows, protocol):
        errors.add(window.recording.task, window.truth, estimate)
        tell()
    return errors.result(met)


def estimated(
    model: Trained, windows: Sequence[Window], protocol: str
) -> Iterator[tuple[Window, Array]]:
    """Estimate windows; a model that puts out what is no number is refused."""
    _, estimates = PROTOCOLS[protocol]
    for window, estimate in zip(windows, estimates(model, windows), strict=True):
        if not np.isfinite(estimate).all():
            raise ValueError(
                f"{model.card.name} put out something that is no number on {window.recording.name}"
            )
        yield window, estimate
