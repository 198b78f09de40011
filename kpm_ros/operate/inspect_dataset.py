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

"""`kpm dataset`: what a data set holds, and what about it will hinder training."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.operate.errors import user_errors

if TYPE_CHECKING:
    from rich.table import Table

    from kpm_ros.learn.recordings.data_set import DataSet
    from kpm_ros.learn.recordings.inspection import Inspection

NAME = "dataset"
PURPOSE = "look through a data set: streams, rates, gaps, splits, problems"
EXAMPLES = """\
examples:
  kpm dataset sets/one_hour
  kpm dataset sets/fingertips --split-file splits_by_task.json

Ends with status 1 where there is a problem. docs/datasets.md says how data sets are laid out.
"""
MOST_SHOWN = 20
PROBLEMS = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for the data set."""
    parser.add_argument("data", type=Path, metavar="DIR", help="a data set's folder")
    parser.add_argument(
        "--split-file", default="", metavar="FILE", help="which of its lists (default: the usual)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Look, and show what was found."""
    from kpm_ros.learn.recordings.dataset_readers import open_dataset
    from kpm_ros.learn.recordings.inspection import inspect
    from kpm_ros.operate.console import Console

    console = Console(highlight=False, soft_wrap=True)
    with user_errors():
        dataset = open_dataset(arguments.data, arguments.split_file)
        found = inspect(dataset)
        for line in _facts(dataset, found):
            console.print(line, markup=False)
        console.print(_streams(found))
        for problem in found.problems[:MOST_SHOWN]:
            console.print(f"problem: {problem}", markup=False)
        rest = len(found.problems) - MOST_SHOWN
        if rest > 0:
            console.print(f"and {rest} more")
    return PROBLEMS if found.problems else 0


def _facts(dataset: DataSet, found: Inspection) -> list[str]:
    splits = [
        f"{split} {len(names)} ({found.minutes[split]:.1f} min)"
        for split, names in dataset.splits.items()
        if names
    ]
    return [
        f"{dataset.root}: {dataset.layout}",
        dataset.description,
        f"effort: {', '.join(dataset.muscles)}; {dataset.unit}; {dataset.rate_hz:g} Hz",
        f"{len(dataset.names)} recordings of {found.people} people doing {found.tasks} tasks",
        f"{dataset.split_file}: {', '.join(splits)}",
        f"fingerprint: {dataset.fingerprint}",
    ]


def _streams(found: Inspection) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False)
    for head in ("stream", "what", "recordings", "minutes", "frames/s", "unseen", "missing"):
        table.add_column(head, justify="left" if head in ("stream", "what") else "right")
    for one in found.streams:
        table.add_row(
            one.stream.name,
            one.stream.description,
            str(one.recordings),
            f"{one.minutes:.1f}",
            f"{one.rate_hz:g}" if one.rate_hz == one.stream.rate_hz else f"{one.rate_hz:.1f}",
            f"{one.unseen:.1%}",
            f"{one.missing:.1%}",
        )
    return table
