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

"""Several trainings by one `kpm train`: without each exercise or person, or for a new person."""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kpm_ros.learn.training.training_settings import Settings
from kpm_ros.operate.errors import UserError

if TYPE_CHECKING:
    from kpm_ros.learn.recordings.data_set import DataSet
    from kpm_ros.learn.recordings.split_files import Splits
    from kpm_ros.learn.training.series import Series

AUTO = "auto"


class OneTraining(NamedTuple):
    """One training that is to be done."""

    out: Path
    settings: Settings
    splits: Splits | None = None
    title: str = ""
    """What is said before it begins."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer the series of trainings."""
    group = parser.add_argument_group(
        "series of trainings",
        "each into a folder within RUN; what is complete is not trained again, so the same command "
        "goes on. `kpm evaluate --report mia` scores them",
    )
    group.add_argument(
        "--leave-out",
        choices=("exercise", "person"),
        help="train one model without each exercise, or without each person",
    )
    group.add_argument(
        "--which",
        default="",
        metavar="LIST",
        help="with --leave-out: only without these, such as squat,curl (default: all in turn)",
    )
    group.add_argument(
        "--transfer",
        metavar="PERSON",
        help="train on ever more exercises of a new person, from random weights and from "
        f"--init-from; {AUTO} takes the first of test_cross_user",
    )
    group.add_argument(
        "--exercises",
        default="",
        metavar="LIST",
        help="with --transfer: how many, such as 1,2,4 (default: doubled up to two thirds of "
        "those that the person has; the others are the test)",
    )
    group.add_argument(
        "--budget-min",
        type=float,
        metavar="MIN",
        help="minutes that all trainings may take together, shared evenly",
    )


def plan(arguments: argparse.Namespace, settings: Settings) -> list[OneTraining]:
    """List the trainings that the command line asks for and that are not complete."""
    out = arguments.out.expanduser()
    _check(arguments)
    if not arguments.leave_out and not arguments.transfer:
        return [OneTraining(out, settings)]
    from kpm_ros.learn.recordings.dataset_readers import open_dataset

    dataset = open_dataset(arguments.data.expanduser(), settings.split_file)
    series = _series(arguments, settings, dataset)
    count = len(series.members)
    if arguments.budget_min:
        limit_min = min(settings.time_limit_min, arguments.budget_min / count)
        settings = replace(settings, time_limit_min=limit_min)
    shared = {name: value for name, value in asdict(settings).items() if value != math.inf}
    series = replace(series, settings=shared)
    series.write(out)
    finished = {one.name for one in series.finished(out)}
    if finished:
        print(f"{len(finished)} of {count} trainings in {out} are complete")
    trainings = []
    for number, member in enumerate(series.members, 1):
        own = settings
        if series.kind == "transfer" and not member.fine_tuned:
            own = replace(settings, init_from="")
        if member.name not in finished:
            title = f"training {number} of {count}: {member.name}"
            folder = series.run_folder(out, member).path
            trainings.append(OneTraining(folder, own, member.splits, title))
    return trainings


def _check(arguments: argparse.Namespace) -> None:
    if arguments.leave_out and arguments.transfer:
        raise UserError("--leave-out and --transfer are two series: give one of them")
    if arguments.which and not arguments.leave_out:
        raise UserError("--which says what --leave-out is to leave out: give that, too")
    if arguments.exercises and not arguments.transfer:
        raise UserError("--exercises says how many of --transfer PERSON: give that, too")
    budget = arguments.budget_min
    if budget is not None:
        if not (arguments.leave_out or arguments.transfer):
            raise UserError("--budget-min is of a series; one training has --time-limit-min")
        if not 0 < budget < math.inf:
            raise UserError(f"--budget-min must be above 0, not {budget:g}")


def _series(arguments: argparse.Namespace, settings: Settings, dataset: DataSet) -> Series:
    from kpm_ros.learn.training import series

    if arguments.leave_out:
        which = [word.strip() for word in arguments.which.split(",") if word.strip()]
        return series.leave_out(dataset, arguments.leave_out, which)
    person = "" if arguments.transfer == AUTO else arguments.transfer
    person = person or series.new_person(dataset)
    try:
        counts = [int(word) for word in arguments.exercises.split(",") if word.strip()]
    except ValueError:
        raise UserError(
            f"--exercises is {arguments.exercises!r}, but must be numbers such as 1,2,4"
        ) from None
    counts = counts or list(series.usual_counts(dataset, person))
    return series.transfer(dataset, person, counts, settings.init_from, settings.seed)
