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

"""`kpm dataset`: other people's files and bags made into a data set, and what a data set holds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.operate.errors import UserError, user_errors

if TYPE_CHECKING:
    from rich.table import Table

    from kpm_ros.learn.recordings.data_set import DataSet
    from kpm_ros.learn.recordings.inspection import Inspection

NAME = "dataset"
PURPOSE = "make a data set of bags and files, or look through one: streams, gaps, splits, problems"
EXAMPLES = """\
examples:
  kpm dataset sets/one_hour                            look through it
  kpm dataset sets/fingertips --split-file splits_by_task.json
  kpm dataset sessions/* --out sets/ours               what `kpm session` recorded
  kpm dataset take1.mcap take2.mcap --person P07 --task scales --mvc P07.yaml --out sets/bags
  kpm dataset theirs/* --topics theirs.yaml --out sets/theirs
  kpm dataset run*.xdf --person P07 --out sets/lab     XDF, as LabRecorder writes it
  kpm dataset emg_*.csv angle_*.csv --out sets/csv     files of one take share what follows the _
  kpm dataset glove/person_*.npz --out sets/glove      NumPy archives, as of NinaPro's database 1

With --out, the same command goes on where it was interrupted. Without it, ends with status 1 where
there is a problem. docs/datasets.md says what can be read, and how data sets are laid out.
"""
MOST_SHOWN = 20
PROBLEMS = 1
ALL = 0.99999


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for a data set, or for what one is to be made of."""
    parser.add_argument(
        "data", type=Path, nargs="+", metavar="PATH", help="a data set; with --out, its sources"
    )
    parser.add_argument(
        "--split-file", default="", metavar="FILE", help="which of its lists (default: the usual)"
    )
    group = parser.add_argument_group("making a data set")
    group.add_argument("--out", type=Path, metavar="DIR", help="the new data set")
    group.add_argument("--name", default="", help="what it is called (default: its folder's name)")
    group.add_argument("--origin", default="", help="where it comes from: a citation, an address")
    group.add_argument("--licence", default="", help="under which terms")
    group.add_argument(
        "--person", default="", metavar="CODE", help="whose all of it is (default: as it says)"
    )
    group.add_argument(
        "--test-takes",
        default="",
        metavar="LIST",
        help="takes that are tested, such as 2,5,7 (default: the last fifth)",
    )
    group.add_argument("--task", default="", help="what is done in bags and files that do not say")
    group.add_argument("--session", default="", metavar="NAME", help="in which session they are of")
    group.add_argument(
        "--topics", type=Path, metavar="FILE", help="which topics of others' bags carry what (YAML)"
    )
    group.add_argument("--namespace", default="", metavar="NS", help="of a bag with several")
    group.add_argument(
        "--emg", default="", metavar="STREAM", help="which stream of XDF or CSV files is the EMG"
    )
    group.add_argument("--emg-unit", default="uV", help="of CSV files (default: %(default)s)")
    group.add_argument(
        "--time-unit",
        choices=("s", "ms", "us", "ns"),
        default="ms",
        help="of CSV files' times (default: %(default)s)",
    )
    group.add_argument(
        "--envelope",
        default="",
        metavar="SETTINGS",
        help="how EMG is smoothed, such as smooth_hz=4,notch_hz=60 (default: as live)",
    )
    group.add_argument(
        "--rate-hz", type=float, metavar="HZ", help="of effort made of EMG (default: 100)"
    )
    group.add_argument(
        "--mvc",
        type=Path,
        metavar="FILE",
        help="maximum contraction that effort is divided by (default: the session's own)",
    )
    group.add_argument(
        "--remove-delays",
        action="store_true",
        help="move each view by what it is measured to be later than the keys (default: only say)",
    )
    group.add_argument(
        "--cut-s",
        type=float,
        default=0.0,
        metavar="S",
        help="cut takes into parts of so many seconds, so that one may be trained on and tested",
    )
    group.add_argument(
        "--workers", type=int, metavar="N", help="processes (default: one for each core)"
    )
    group.add_argument(
        "--on",
        default="",
        metavar="ADDRESS",
        help="a Dask scheduler whose workers do it, such as tcp://host:8786; all see the files",
    )


def run(arguments: argparse.Namespace) -> int:
    """Look through a data set, having made it if there is --out."""
    if arguments.out is not None:
        from kpm_ros.operate.import_dataset import import_dataset

        return import_dataset(arguments)
    if len(arguments.data) > 1:
        raise UserError(
            f"{len(arguments.data)} folders are given, and one is looked through at a time: with "
            "--out DIR, a data set is made of them"
        )
    return show(arguments.data[0], arguments.split_file)


def show(folder: Path, split_file: str = "") -> int:
    """Look through a data set, and show what was found."""
    from kpm_ros.learn.recordings.dataset_readers import open_dataset
    from kpm_ros.learn.recordings.inspection import inspect
    from kpm_ros.operate.console import Console

    console = Console(highlight=False, soft_wrap=True)
    with user_errors():
        dataset = open_dataset(folder, split_file)
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
        *_partly_known(dataset, found),
        f"{dataset.split_file}: {', '.join(splits)}",
        f"fingerprint: {dataset.fingerprint}",
    ]


def _partly_known(dataset: DataSet, found: Inspection) -> list[str]:
    """Say how much of the effort is known, unless it is all."""
    whole = sum(dataset.recording(name).duration_s for name in dataset.names) / 60
    shares = {muscle: known / whole for muscle, known in found.known_minutes.items() if whole}
    if all(share > ALL for share in shares.values()):
        return []
    return [f"effort known: {', '.join(f'{name} {share:.1%}' for name, share in shares.items())}"]


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
