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

"""`kpm simulate`: a data set of simulated people on disk, in the layouts of the published ones."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.core.sides import HANDS
from kpm_ros.operate.errors import needed_libraries, user_errors
from kpm_ros.operate.simulation_jobs import SimulationJob, job_of

if TYPE_CHECKING:
    from kpm_ros.core.worker_pool import FinishedPart

NAME = "simulate"
PURPOSE = "make a data set of simulated people: pianists, their two hands, or exercisers"
EXAMPLES = """\
examples:
  kpm simulate --hours 1 --out sets/one_hour
  kpm simulate --pianists 20 --tasks 7 --hours 12.6 --workers 8 --out sets/large
  kpm simulate --pianists 4 --tasks 2 --hours 0.05 --body plain --out sets/small
  kpm simulate --hours 1 --rooms random --rooms-a-take 3 --out sets/rooms
  kpm simulate --hours 1 --midi sonata.mid waltz.mid --out sets/with_pieces
  kpm simulate --subject hands --pianists 5 --hours 0.1 --layout both --out sets/two_hands
  kpm simulate --subject body --persons 10 --hours 1 --out sets/exercisers
  kpm simulate --subject body --persons 4 --exercises Squat KneeKick --hours 0.1 \
      --layout published --out sets/windows

The same command goes on where it was interrupted. On one machine the same arguments give the same
files, bit by bit, whatever the number of workers. Everything in the data set is simulated, and
says so.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for the size of the data set and where it goes."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where it goes")
    parser.add_argument(
        "--hours", type=float, required=True, metavar="H", help="length of all performances"
    )
    parser.add_argument(
        "--subject",
        choices=("hand", "hands", "body"),
        default="hand",
        help="pianists' hands and muscles, the movement of both hands, or exercisers' whole bodies "
        "(default: hand)",
    )
    parser.add_argument(
        "--takes",
        type=int,
        metavar="N",
        help="how often each person does each task (default: so that one lasts about a minute, or "
        "24 s of an exercise)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="everything follows from it, people too; the shipped models were trained on people of "
        "seed 1 (default: 2)",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes (default: one for each core)"
    )
    parser.add_argument(
        "--on",
        default="",
        metavar="ADDRESS",
        help="a Dask scheduler whose workers do it, such as tcp://host:8786; all see the folder",
    )
    _add_hand(parser.add_argument_group("of pianists, --subject hand"))
    _add_body(parser.add_argument_group("of exercisers, --subject body"))
    both = parser.add_argument_group("of both hands, --subject hands")
    both.description = "--pianists, and --midi for pieces in place of studies that are made up"


def _add_hand(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--pianists", type=int, metavar="N", help="default: 20")
    group.add_argument(
        "--tasks", type=int, metavar="N", help="how many built-in tasks (default: 7)"
    )
    group.add_argument(
        "--midi", type=Path, nargs="+", metavar="FILE", help="further tasks: 8, 9, ..."
    )
    group.add_argument(
        "--held-out-pianists",
        type=int,
        metavar="N",
        help="how many are met only in the test of unseen pianists (default: a fifth)",
    )
    group.add_argument(
        "--held-out-tasks",
        metavar="LIST",
        help="tasks met only in the test of unseen tasks, such as 5,7, or none "
        "(default: the last one, and from six tasks on also 5, octaves and spreads)",
    )
    group.add_argument(
        "--rooms",
        choices=("random", "published"),
        help="see every take by cameras anywhere, or by the usual two, registered to the keyboard: "
        "the hand in the keyboard's frame, as the live pipeline aligns it, in this project's "
        "container (default: the usual two views, as PianoKPM published them)",
    )
    group.add_argument(
        "--rooms-a-take",
        type=int,
        metavar="N",
        help="in how many rooms each take is seen, with --rooms (default: 1)",
    )
    group.add_argument(
        "--hand",
        choices=HANDS,
        help="with --rooms: whose recordings; a left hand's hold its mirror image, as a model of a "
        "right hand is told of it, and both hands play in canon (default: right)",
    )
    group.add_argument(
        "--body",
        choices=("anatomical", "plain"),
        help="a musculoskeletal hand, or a simple rule (default: anatomical)",
    )


def _add_body(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--persons", type=int, metavar="N", help="default: 10")
    group.add_argument(
        "--exercises",
        nargs="+",
        metavar="NAME",
        help="such as Squat KneeKick; released = the 15 of the released data (default), all = "
        "those and the earlier ones",
    )
    group.add_argument(
        "--layout",
        choices=("container", "published", "both"),
        help="this project's container, windows as Muscles in Action published them, or a folder "
        "of each (default: container); of hands, both adds clips as PianoMotion10M's",
    )
    group.add_argument(
        "--held-out-persons",
        type=int,
        metavar="N",
        help="how many are met only in the test of unseen persons (default: a fifth)",
    )
    group.add_argument(
        "--held-out-exercises",
        metavar="LIST",
        help="exercises met only in the test of unseen ones, such as Squat,LegBack, or none "
        "(default: HookPunch,LegBack,SideLunges)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Simulate; say which library is missing if one is."""
    with needed_libraries("simulating", "simulate"):
        return _simulate(arguments)


def _simulate(arguments: argparse.Namespace) -> int:
    """Simulate, showing how far it has come."""
    from kpm_ros.core.worker_pool import produce

    root = arguments.out.expanduser()
    workers = _cores() if arguments.workers is None else arguments.workers
    with user_errors():
        job = job_of(arguments)
        try:
            with _Display(job, root, workers) as display:
                produce(root, job.production, workers, display.tell, arguments.on)
        except KeyboardInterrupt:
            print("interrupted: the same command goes on from here", file=sys.stderr)
            raise
    display.finish()
    return 0


class _Display:
    """A bar while it goes on, and what came of it."""

    def __init__(self, job: SimulationJob, root: Path, workers: int) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        from kpm_ros.operate.console import Console

        self._job, self._root, self._workers = job, root, workers
        self._total = job.parts
        self._made = self._found = self._percent = 0
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed} of {task.total} performances"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[state]}"),
            console=Console(),
        )

    def __enter__(self) -> _Display:
        self._bars.console.print(f"{self._job.what}; {self._workers} process(es)", soft_wrap=True)
        self._task = self._bars.add_task("simulating", total=self._total, state="")
        self._began_s = time.monotonic()
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def tell(self, step: FinishedPart) -> None:
        """Count one performance."""
        self._made += step.was_made
        self._found += not step.was_made
        state = f"{step.part.stem}, {self._speed():.1f} times real time"
        self._bars.update(self._task, advance=1, state=state)
        done = self._made + self._found
        # A log file shows no bar: there a line for each percent tells how far it is.
        if not self._bars.console.is_terminal and done * 100 // self._total > self._percent:
            self._percent = done * 100 // self._total
            print(f"{done} of {self._total} performances: {state}", flush=True)

    def finish(self) -> None:
        """Say what there is now."""
        found = f" ({self._found} of them were there already)" if self._found else ""
        self._bars.console.print(
            f"{self._made + self._found} simulated performances in {self._root}{found}; "
            f"{self._speed():.1f} times real time with {self._workers} process(es)",
            soft_wrap=True,
        )

    def _speed(self) -> float:
        elapsed_s = max(time.monotonic() - self._began_s, 1e-9)
        return self._made * self._job.seconds / elapsed_s


def _cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))
