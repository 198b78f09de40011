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

"""Scores models as Muscles in Action's tables have them: what makes a `MiaReport`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.learn.recordings.identity import what_was_met
from kpm_ros.learn.scores.body_windows import Window, evenly, windows_of
from kpm_ros.learn.scores.exercise_scores import (
    ExerciseErrors,
    ExerciseScores,
    estimated,
    score_windows,
)
from kpm_ros.learn.scores.input_length import LENGTHS_S, rmse_at_length
from kpm_ros.learn.scores.mia_report import LengthScores, TransferScores
from kpm_ros.learn.scores.protocols import check_fit
from kpm_ros.learn.scores.scored_models import ScoredModel
from kpm_ros.learn.scores.scoring import met
from kpm_ros.learn.training.series import (
    INDEX,
    LEAVE_OUT,
    LEFT_OUT,
    TRANSFER,
    Member,
    Series,
    read_series,
)
from kpm_ros.models.seen import Seen
from kpm_ros.models.trained import Trained, load

if TYPE_CHECKING:
    from kpm_ros.learn.recordings.data_set import DataSet

Tell = Callable[[str], None]


@dataclass(frozen=True)
class FoldedModel:
    """One kind of model, trained without each exercise or person in turn."""

    name: str
    root: Path
    series: Series

    @property
    def split(self) -> str:
        """Under which test set its scores stand."""
        return f"left_out_{self.series.what}"

    def tested(self, member: Member) -> tuple[str, ...]:
        """List the recordings that a fold was trained without."""
        return member.splits[LEFT_OUT[self.series.what]]

    def folds(self) -> Iterable[tuple[Member, Trained]]:
        """Load each fold that is complete."""
        for member in self.series.finished(self.root):
            yield member, load(str(self.series.run_folder(self.root, member).model))


def is_series(path: Path) -> bool:
    """Whether a folder holds a series of trainings rather than one."""
    return (path / INDEX).is_file()


def open_folds(name: str, root: Path, dataset: DataSet) -> FoldedModel:
    """Open the trainings without each exercise or person, of which one must be complete."""
    series = read_series(root)
    _check_series(series, LEAVE_OUT, root, dataset)
    if not series.finished(root):
        raise ValueError(f"{root} has no complete training yet: give its `kpm train` again")
    return FoldedModel(name, root, series)


def _check_series(series: Series, kind: str, root: Path, dataset: DataSet) -> None:
    if series.kind != kind:
        raise ValueError(f"{root} holds a series of the kind {series.kind!r}, not {kind!r}")
    if series.fingerprint != dataset.fingerprint:
        raise ValueError(
            f"{root} was trained on data set {series.fingerprint[:12]}, and this is "
            f"{dataset.fingerprint[:12]}: what it has met of this one is not known"
        )


@dataclass
class MiaScoring:
    """Scores on one data set, by one protocol."""

    dataset: DataSet
    protocol: str = "windows"
    most_windows: int = 0
    """Of each test set, drawn evenly; 0 for all."""
    tell: Tell = lambda what: None
    """Hears of every recording or window that is scored."""
    short: set[str] = field(default_factory=set)
    """Recordings that are shorter than a window, as far as they were met."""
    scored: set[str] = field(default_factory=set)
    _windows: dict[str, list[Window]] = field(default_factory=dict)

    def windows(self, names: Sequence[str]) -> list[Window]:
        """Cut recordings into windows, of which at most so many are drawn."""
        cut: list[Window] = []
        for name in names:
            if name not in self._windows:
                self._windows[name] = windows_of(self.dataset.recording(name))
            if not self._windows[name]:
                self.short.add(name)
            cut += self._windows[name]
        if names and not cut:
            raise ValueError(
                f"none of {len(names)} recordings is as long as a window of 3 s: there is nothing "
                "to score"
            )
        return evenly(cut, self.most_windows)

    def steps(self, folded: FoldedModel) -> int:
        """Count the windows that folds are scored on."""
        finished = folded.series.finished(folded.root)
        return sum(len(self.windows(folded.tested(member))) for member in finished)

    def exercises(
        self, models: Sequence[ScoredModel], splits: Sequence[str]
    ) -> dict[str, dict[str, ExerciseScores]]:
        """Score models on each test set; what a model has met in training is left out."""
        found: dict[str, dict[str, ExerciseScores]] = {}
        for split in splits:
            windows = self.windows(self.dataset.splits[split])
            found[split] = {}
            for one in models:
                check_fit(one.model.card, self.dataset, one.name)
                known = met(one.model, self.dataset, split)
                fresh = [w for w in windows if w.recording.name not in known]
                self.scored |= {w.recording.name for w in fresh}
                label = f"{one.name} on {split}"
                found[split][one.name] = score_windows(
                    one.model,
                    fresh,
                    self.dataset.muscles,
                    self.protocol,
                    lambda label=label: self.tell(label),  # type: ignore[misc]
                    sorted(known),
                )
        return found

    def folds(self, folded: FoldedModel) -> ExerciseScores:
        """Score each fold on what it was trained without, all together."""
        errors = ExerciseErrors(self.dataset.muscles)
        of, known = "task" if folded.series.what == "exercise" else "person", []
        for member, model in folded.folds():
            check_fit(model.card, self.dataset, folded.name)
            seen = Seen.from_card(model.card.seen)
            tested = folded.tested(member)
            for name in tested:
                if seen and what_was_met(self.dataset.identities[name], seen, of):
                    known.append(name)
            windows = [
                w
                for w in self.windows([name for name in tested if name not in known])
                if w.recording.name not in known
            ]
            self.scored |= {w.recording.name for w in windows}
            for window, estimate in estimated(model, windows, self.protocol):
                row = window.recording.task if of == "task" else window.recording.person
                errors.add(row, window.truth, estimate)
                self.tell(f"{folded.name} {member.name}")
        return errors.result(sorted(set(known)))

    def lengths(
        self,
        models: Sequence[ScoredModel],
        split: str,
        lengths_s: Sequence[float] = LENGTHS_S,
        most: int = 0,
    ) -> LengthScores:
        """Score models on ever longer pieces of the same windows."""
        known = {name for one in models for name in met(one.model, self.dataset, split)}
        windows = [
            w for w in self.windows(self.dataset.splits[split]) if w.recording.name not in known
        ]
        if not windows:
            raise ValueError(f"every recording of {split} was met in training by one of the models")
        windows = evenly(windows, most)
        rmse = {
            one.name: tuple(
                rmse_at_length(one.model, windows, length_s, lambda: self.tell("lengths of input"))
                for length_s in lengths_s
            )
            for one in models
        }
        return LengthScores(split, len(windows), tuple(lengths_s), rmse)

    def transfer(self, root: Path) -> TransferScores:
        """Score the trainings on ever more exercises of a new person."""
        series = read_series(root)
        _check_series(series, TRANSFER, root, self.dataset)
        finished = {one.name for one in series.finished(root)}
        tested = series.members[0].splits["test_cross_task"]
        windows = self.windows(tested)
        self.scored |= {w.recording.name for w in windows}

        def score(source: str) -> float:
            model = load(source)
            check_fit(model.card, self.dataset, source)
            told = lambda: self.tell(f"transfer {Path(source).parent.name}")  # noqa: E731
            return score_windows(model, windows, self.dataset.muscles, self.protocol, told).pooled

        by: dict[tuple[int, bool], float | None] = {}
        for one in series.members:
            path = series.run_folder(root, one).model
            done = one.name in finished
            by[one.exercises, one.fine_tuned] = score(str(path)) if done else None
        counts = tuple(sorted({count for count, _ in by}))
        base = str(series.settings.get("init_from") or "")
        return TransferScores(
            person=series.what,
            windows=len(windows),
            tested=tuple(sorted({w.recording.task for w in windows})),
            exercises=counts,
            from_scratch=tuple(by.get((count, False)) for count in counts),
            fine_tuned=tuple(by.get((count, True)) for count in counts),
            before=score(base) if base else None,
            base=Path(base).stem if base else "",
        )
