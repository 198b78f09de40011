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

"""`kpm dataset --out`: sources found by what they are, read by several processes, and shown."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.operate.errors import UserError, user_errors

if TYPE_CHECKING:
    from kpm_ros.core.worker_pool import FinishedPart
    from kpm_ros.learn.importing.dataset_import import DatasetImport
    from kpm_ros.learn.importing.source import Source


def import_dataset(arguments: argparse.Namespace) -> int:
    """Make a data set, and look through it."""
    from kpm_ros.core.worker_pool import produce
    from kpm_ros.learn.importing.dataset_import import said_of
    from kpm_ros.operate import dataset

    root = arguments.out.expanduser()
    workers = len(os.sched_getaffinity(0)) if arguments.workers is None else arguments.workers
    with user_errors():
        job = _job(arguments, root)
        try:
            with _Display(len(job.sources)) as display:
                produce(root, job, workers, display.tell)
        except KeyboardInterrupt:
            print("interrupted: the same command goes on from here", file=sys.stderr)
            raise
        for sentence in said_of(root):
            print(f"said: {sentence}")
    return dataset.show(root)


def _job(arguments: argparse.Namespace, root: Path) -> DatasetImport:
    from kpm_ros.learn.importing.archives import TEST_TAKES, Archive
    from kpm_ros.learn.importing.dataset_import import DatasetImport, named_twice
    from kpm_ros.learn.recordings.container_writer import About

    sources = [_source(path.expanduser(), arguments) for path in arguments.data]
    twice = named_twice(sources)
    if twice:
        raise UserError(f"{twice} is given twice: leave it away once")
    takes = tuple(word for word in arguments.test_takes.split(",") if word)
    if not takes and all(isinstance(source, Archive) for source in sources):
        takes = TEST_TAKES
    about = About(
        name=arguments.name or root.name,
        simulated=False,
        description=f"imported from {_words(arguments.data)}",
        origin=arguments.origin,
        licence=arguments.licence,
    )
    return DatasetImport(sources=tuple(sources), about=about, test_takes=takes)


def _source(path: Path, arguments: argparse.Namespace) -> Source:
    """Find out what a path is."""
    from kpm_ros.learn.importing.archives import Archive, is_archive, person_of

    if is_archive(path):
        return Archive(path, arguments.person or person_of(path))
    raise UserError(f"{path} cannot be imported: give NumPy archives (.npz) of movement and EMG")


def _words(paths: Sequence[Path]) -> str:
    first = paths[0].name
    return first if len(paths) == 1 else f"{len(paths)} sources, {first} and others"


class _Display:
    """A bar while it goes on."""

    def __init__(self, total: int) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        from kpm_ros.operate.console import Console

        self._total = total
        self._done = 0
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed} of {task.total} sources"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[state]}"),
            console=Console(),
        )

    def __enter__(self) -> _Display:
        self._task = self._bars.add_task("importing", total=self._total, state="")
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def tell(self, step: FinishedPart) -> None:
        """Count one source."""
        self._done += 1
        state = step.part.stem if step.was_made else f"{step.part.stem} was there"
        self._bars.update(self._task, advance=1, state=state)
        if not self._bars.console.is_terminal:
            print(f"{self._done} of {self._total} sources: {state}", flush=True)
