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
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpm_ros.operate.errors import UserError, user_errors

if TYPE_CHECKING:
    from kpm_ros.core.worker_pool import FinishedPart
    from kpm_ros.learn.importing.dataset_import import DatasetImport
    from kpm_ros.learn.importing.emg_truth import EmgRules
    from kpm_ros.learn.importing.measured import TakeRules
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
                produce(root, job, workers, display.tell, arguments.on)
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

    paths = [path.expanduser() for path in arguments.data]
    sources = _sources(paths, arguments)
    twice = named_twice(sources)
    if twice:
        raise UserError(f"{twice} is given twice: leave it away once")
    takes = tuple(word for word in arguments.test_takes.split(",") if word)
    if not takes and all(isinstance(source, Archive) for source in sources):
        takes = TEST_TAKES
    about = About(
        name=arguments.name or root.name,
        simulated=False,
        description=f"imported from {_words(paths)}",
        origin=arguments.origin,
        licence=arguments.licence,
    )
    return DatasetImport(
        sources=tuple(sources), about=about, test_takes=takes, cut_s=arguments.cut_s
    )


def _sources(paths: Sequence[Path], arguments: argparse.Namespace) -> list[Source]:
    """Find out what each path is; CSV files of one take are one source."""
    from kpm_ros.core.session_file import is_session
    from kpm_ros.learn.importing.archives import Archive, is_archive, person_of
    from kpm_ros.learn.importing.lab_files import LabFiles, take_of
    from kpm_ros.replay.bag_file import is_bag
    from kpm_ros.replay.bag_sources import BagSource, SessionSource
    from kpm_ros.replay.topic_map import TopicMap

    emg = _emg_rules(arguments)
    topics = TopicMap.read(arguments.topics) if arguments.topics else None
    found: list[Source] = []
    tables: dict[str, list[Path]] = {}
    for path in paths:
        code = arguments.person or person_of(path)
        if is_archive(path):
            found.append(Archive(path, code))
        elif is_session(path):
            found.append(SessionSource(path, emg, arguments.remove_delays))
        elif is_bag(path):
            rules = _take_rules(arguments, emg, person_of(path))
            found.append(BagSource(path, rules, topics, arguments.namespace))
        elif path.suffix == ".xdf":
            rules = _take_rules(arguments, emg, person_of(path))
            found.append(LabFiles((path,), rules, arguments.emg))
        elif path.suffix == ".csv":
            tables.setdefault(take_of(path), []).append(path)
        else:
            raise UserError(
                f"{path} cannot be imported: give sessions, bags, XDF (.xdf) or CSV (.csv) files, "
                "or NumPy archives (.npz)"
            )
    for take, files in tables.items():
        rules = _take_rules(arguments, emg, person_of(Path(take)))
        unit, time_unit = arguments.emg_unit, arguments.time_unit
        found.append(LabFiles(tuple(sorted(files)), rules, arguments.emg, unit, time_unit))
    return found


def _take_rules(arguments: argparse.Namespace, emg: EmgRules, take: str) -> TakeRules:
    """Say of a take what the command says: nothing else tells who did what in it."""
    from kpm_ros.learn.importing.measured import TakeRules

    person, task = arguments.person or "person", arguments.task or "task"
    return TakeRules(
        name=f"{person}_{task}_{take}"[:100],
        person=person,
        task=task,
        take=take,
        session=arguments.session,
        emg=emg,
        remove_delays=arguments.remove_delays,
    )


def _emg_rules(arguments: argparse.Namespace) -> EmgRules:
    from kpm_ros.learn.importing.emg_truth import RATE_HZ, EmgRules
    from kpm_ros.sense.emg.envelope_config import EnvelopeConfig
    from kpm_ros.sense.emg.mvc import MvcFolder

    given: dict[str, Any] = {}
    for word in arguments.envelope.split(","):
        name, equals, value = word.partition("=")
        names = {spec.name: spec.type for spec in fields(EnvelopeConfig)}
        if word and (not equals or name not in names):
            raise UserError(
                f"--envelope says {word!r}, but must be settings such as smooth_hz=4,notch_hz=60; "
                f"there are {', '.join(names)}"
            )
        if word:
            given[name] = int(value) if names[name] == "int" else float(value)
    mvc = None
    if arguments.mvc:
        path = arguments.mvc.expanduser()
        mvc = MvcFolder(path.parent).load(path.stem)
        if mvc is None:
            raise UserError(f"{path} is not there: give the file of a maximum contraction")
    return EmgRules(envelope=EnvelopeConfig(**given), rate_hz=arguments.rate_hz or RATE_HZ, mvc=mvc)


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
