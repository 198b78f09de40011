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

"""`kpm evaluate --report mia`: the tables of Muscles in Action, with the published figures."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.core.provenance import processor, versions
from kpm_ros.operate.errors import UserError

if TYPE_CHECKING:
    from kpm_ros.learn.explore.pose_models import PoseError
    from kpm_ros.learn.recordings.data_set import DataSet
    from kpm_ros.learn.scores.exercise_scores import ExerciseScores
    from kpm_ros.learn.scores.mia_report import MiaReport, PoseScores
    from kpm_ros.learn.scores.mia_scoring import FoldedModel, MiaScoring
    from kpm_ros.learn.scores.scored_models import ScoredModel

NAME = "mia"
PROTOCOLS = ("windows", "continuous")
BASELINES = ("random", "mean", "nearest-window", "nearest")
"""Fitted on the spot where no models are named, as far as they are known here."""
LENGTH_WINDOWS = 120
PACKAGES = ("kpm_ros", "numpy", "torch", "numba")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer what this report asks for."""
    group = parser.add_argument_group(
        "--report mia",
        "windows of 3 s scored at 10 Hz. A folder of `kpm train --leave-out` is a model, too: it "
        "is scored on what each of its trainings has not met",
    )
    group.add_argument(
        "--windows",
        type=int,
        default=0,
        metavar="N",
        help="windows of each test set, evenly drawn (default: all)",
    )
    group.add_argument(
        "--lengths",
        action="store_true",
        help="also the RMSE against the length of what is given, 0 to 3 s",
    )
    group.add_argument(
        "--length-windows",
        type=int,
        default=LENGTH_WINDOWS,
        metavar="N",
        help="windows that --lengths is taken over (default: %(default)s; 0 for all)",
    )
    group.add_argument(
        "--transfer",
        type=Path,
        metavar="RUNS",
        help="also the transfer to a new person: the folder of `kpm train --transfer`",
    )
    group.add_argument(
        "--to-pose",
        nargs="+",
        default=[],
        metavar="MODEL",
        help="also how near these models come, which make a pose of muscles",
    )


def check(arguments: argparse.Namespace) -> None:
    """Refuse at once what this report does not have."""
    for name in ("windows", "length_windows"):
        if getattr(arguments, name) < 0:
            raise UserError(f"--{name.replace('_', '-')} must be 0 or more")
    if arguments.figure:
        raise UserError("--report mia draws no excerpt: see `kpm picture`")
    if len(arguments.data) > 1:
        raise UserError(f"--report mia is of one data set, not of {len(arguments.data)}")
    for name in ("csv", "html", "on"):
        if getattr(arguments, name):
            raise UserError(f"--{name} is of --report accuracy: --report mia does not have it")


def refuse_without(arguments: argparse.Namespace) -> None:
    """Refuse this report's options where it is not asked for."""
    asked = [
        flag
        for flag, given in (
            ("--windows", arguments.windows),
            ("--lengths", arguments.lengths),
            ("--transfer", arguments.transfer),
            ("--to-pose", arguments.to_pose),
        )
        if given
    ]
    if asked:
        raise UserError(f"{asked[0]} is of --report mia: give that, too")


def evaluate(arguments: argparse.Namespace, protocol: str) -> MiaReport:
    """Load and score."""
    from kpm_ros.learn.recordings.dataset_readers import open_dataset
    from kpm_ros.learn.scores.input_length import LENGTHS_S
    from kpm_ros.learn.scores.mia_scoring import MiaScoring
    from kpm_ros.learn.scores.scoring import check_models, choose_splits
    from kpm_ros.operate.evaluate_output import progress

    dataset = open_dataset(arguments.data[0].expanduser(), arguments.split_file)
    if dataset.left_out:
        print(dataset.left_out_sentence, file=sys.stderr)
    splits = choose_splits(dataset, arguments.split)
    models, folded = _models(arguments.models, dataset)
    check_models(dataset, models)
    scoring = MiaScoring(dataset, protocol, arguments.windows)
    sets = {split: scoring.windows(dataset.splits[split]) for split in splits}
    steps = len(models) * sum(len(windows) for windows in sets.values())
    most = arguments.length_windows
    if arguments.lengths:
        count = len(sets[splits[0]])
        steps += len(LENGTHS_S) * len(models) * (min(count, most) if most else count)
    steps += len(arguments.to_pose) + sum(scoring.steps(one) for one in folded)
    with progress(steps) as listener:
        scoring.tell = listener
        exercises = scoring.exercises(models, splits)
        for one in folded:
            exercises.setdefault(one.split, {})[one.name] = scoring.folds(one)
        lengths = scoring.lengths(models, splits[0], most=most) if arguments.lengths else None
        transfer = scoring.transfer(arguments.transfer.expanduser()) if arguments.transfer else None
        pose = _pose(arguments.to_pose, scoring, splits[0]) if arguments.to_pose else None
    report = _report(arguments, scoring, [*models, *folded], exercises)
    return replace(report, lengths=lengths, transfer=transfer, pose=pose)


def _pose(words: Sequence[str], scoring: MiaScoring, split: str) -> PoseScores:
    """Score models that make a pose of muscles."""
    from kpm_ros.learn.explore.pose_models import PoseModel
    from kpm_ros.learn.scores.mia_report import PoseScores
    from kpm_ros.learn.scores.scored_models import find_scored_model

    dataset = scoring.dataset
    windows = scoring.windows(dataset.splits[split])
    found: dict[str, PoseError] = {}
    units = set()
    for word in words:
        one = find_scored_model(word, dataset)
        pose = PoseModel.of(one.name, one.model, dataset)
        if one.name in found:
            raise ValueError(f"two models are called {one.name!r}: give LABEL=MODEL")
        found[one.name] = pose.error(windows)
        units.add("m" if pose.view.coordinates == "metric" else "fractions of the picture")
        scoring.tell(f"{one.name} from muscles to pose")
    if len(units) > 1:
        raise ValueError(f"poses in {' and in '.join(sorted(units))} cannot be compared")
    seen = {name: error.seen for name, error in found.items()}
    turned = {name: error.turned for name, error in found.items() if error.turned is not None}
    return PoseScores(split, len(windows), seen, units.pop(), turned)


def _report(
    arguments: argparse.Namespace,
    scoring: MiaScoring,
    models: Sequence[ScoredModel | FoldedModel],
    exercises: dict[str, dict[str, ExerciseScores]],
) -> MiaReport:
    from kpm_ros.learn.scores.mia_report import MiaReport

    dataset = scoring.dataset
    recordings = [dataset.recording(name) for name in scoring.scored]
    return MiaReport(
        simulated=dataset.simulated,
        data=dataset.description,
        people=len({one.person for one in recordings}),
        minutes=round(sum(one.duration_s for one in recordings) / 60, 1),
        fingerprint=dataset.fingerprint,
        split_file=dataset.split_file,
        muscles=dataset.muscles,
        unit=dataset.unit,
        protocol=scoring.protocol,
        models={one.name: _about(one) for one in models},
        exercises=exercises,
        short=len(scoring.short),
        cpu=processor(),
        versions=versions(PACKAGES),
        command=shlex.join(["kpm", *sys.argv[1:]]),
    )


def _about(one: ScoredModel | FoldedModel) -> str:
    from kpm_ros.learn.scores.mia_scoring import FoldedModel

    if isinstance(one, FoldedModel):
        done, count = len(one.series.finished(one.root)), len(one.series.members)
        return f"{done} of {count} trainings, each without one {one.series.what}"
    card = one.model.card
    return (
        f"{one.model.architecture.description}; {one.model.parameters} parameters, at "
        f"{card.rate_hz} Hz, sees {1000 * card.lookahead_s:.0f} ms of the future"
    )


def _models(words: Sequence[str], dataset: DataSet) -> tuple[list[ScoredModel], list[FoldedModel]]:
    """Load what was asked for, or the baselines and the shipped models that fit the data."""
    from kpm_ros.learn.scores.mia_scoring import is_series, open_folds
    from kpm_ros.learn.scores.scored_models import find_scored_model
    from kpm_ros.models.registry import architectures
    from kpm_ros.operate.evaluate_dataset import fitting_models

    if not words:
        known = [name for name in BASELINES if name in architectures()]
        return fitting_models(known, dataset), []
    models: list[ScoredModel] = []
    folded: list[FoldedModel] = []
    for word in words:
        label, _, source = word.rpartition("=")
        path = Path(source).expanduser()
        if is_series(path):
            folded.append(open_folds(label or path.name, path, dataset))
        else:
            models.append(find_scored_model(word, dataset))
    names = [one.name for one in models] + [one.name for one in folded]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"two models are called {twice[0]!r}: give one another name, LABEL=MODEL")
    return models, folded
