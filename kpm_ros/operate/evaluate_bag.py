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

"""Bags as `kpm evaluate` scores them: recorded effort, or effort made again, against their EMG."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.provenance import processor, versions
from kpm_ros.core.session_file import Session, is_session
from kpm_ros.operate.errors import UserError
from kpm_ros.operate.evaluate_dataset import PACKAGES, cores
from kpm_ros.operate.evaluate_output import progress

if TYPE_CHECKING:
    from kpm_ros.learn.reports.shown import Shown
    from kpm_ros.learn.scores.score_table import ModelRow, ScoreTable
    from kpm_ros.learn.scores.takes import Take
    from kpm_ros.operate.bag_efforts import ModelFacts
    from kpm_ros.operate.measured_bag import BagFigures, NamedBag


class EvaluatedBags:
    """Bags, each with effort and the EMG measured beside it; scoring them gives a table."""

    def __init__(self, arguments: argparse.Namespace, paths: Sequence[Path]) -> None:
        """Note what is asked for, and refuse what bags do not have."""
        from kpm_ros.operate.measured_bag import BagWork

        for name in ("figure", "split", "split_file"):
            if getattr(arguments, name):
                raise UserError(f"--{name.replace('_', '-')} is of data sets, and these are bags")
        self.sessions = {path: Session.read(path) for path in paths if is_session(path)}
        bags = _bags(paths, self.sessions, arguments.namespace)
        self._by_name = {bag.stem: bag for bag in bags}
        self._workers, self._on = arguments.workers, arguments.on
        self._work = BagWork(tuple(bags), tuple(arguments.models), arguments.otd_points)
        self.said: list[str] = []
        self.delays: dict[str, NDArray[np.float64]] = {}

    def score(self) -> ScoreTable:
        """Measure each bag; what cannot be used of one is said, and the others are used."""
        from kpm_ros.learn.scores.score_table import ScoreTable
        from kpm_ros.operate.measured_bag import TEST_SET

        found = self._measured()
        if not found and not self.sessions:
            raise UserError("; ".join(self.said))
        facts = {name: one for figures in found for name, one in figures.models.items()}
        takes = [take for figures in found for take in figures.takes]
        for stage in dict.fromkeys(stage for figures in found for stage in figures.delays_ms):
            values = [one.delays_ms[stage] for one in found if stage in one.delays_ms]
            self.delays[stage] = np.concatenate(values)
        return ScoreTable(
            simulated=any(figures.simulated for figures in found)
            or any(session.simulated for session in self.sessions.values()),
            data=f"bags {', '.join(dict.fromkeys(take.recording for take in takes)) or 'none'}",
            fingerprint="",
            split_file="",
            protocol="replayed" if self._work.models else "recorded",
            otd_points=self._work.otd_points,
            models=tuple(
                _row(name, facts[name], [take for take in takes if take.model == name], TEST_SET)
                for name in dict.fromkeys(take.model for take in takes)
            ),
            cpu=processor(),
            versions=versions(PACKAGES),
            command=shlex.join(["kpm", *sys.argv[1:]]),
        )

    def show(self, take: Take, start_s: float, end_s: float, models: Sequence[str]) -> Shown:
        """Give what a report draws of a bag."""
        from kpm_ros.learn.reports.shown import Shown, Trace, trace_of
        from kpm_ros.operate.bag_efforts import BagEfforts
        from kpm_ros.operate.measured_bag import at_instants

        part = self._by_name[take.recording]
        with BagEfforts(part.path, part.namespace) as bag:
            efforts = self._work.estimates(bag)
            emg = bag.measured(part.rules)
            names = tuple(take.figures.muscles)
            truth = np.asarray(emg.truth.values)
            columns = [emg.truth.muscles.index(name) for name in names]
            own = [bag.muscles.index(name) for name in names]
            times_s = np.arange(len(truth)) / emg.truth.rate_hz
            estimates = {
                name: Trace(times_s, at_instants(efforts[name], emg.stamps_ns)[:, own])
                for name in models
                if name in efforts
            }
            measured = trace_of(truth[:, columns], emg.truth.rate_hz)
            keys = bag.keys_down(emg.start_ns, start_s, end_s)
            return Shown(take.recording, start_s, end_s, names, bag.unit, measured, estimates, keys)

    def look(self, take: Take, start_s: float, end_s: float) -> str:
        """Give the command that draws a stretch with all that was seen."""
        path = self._by_name[take.recording].path
        words = ["kpm", "play", str(path), "--start", f"{start_s:g}"]
        return shlex.join(words)

    def draw(self) -> None:
        """Nothing was asked for."""

    def _measured(self) -> list[BagFigures]:
        from kpm_ros.core.worker_pool import FinishedPart, produce
        from kpm_ros.learn.scores.take_cache import TakeCache
        from kpm_ros.replay.bag import BagError

        kept = TakeCache()
        workers = min(self._workers or cores(), len(self._work.bags))
        if workers > 1 or self._on:
            with progress(len(self._work.bags), "measuring") as listener:

                def report(done: FinishedPart) -> None:
                    listener(done.part.stem)

                produce(kept.folder, self._work, workers, report, self._on)
        found = []
        for bag in self._work.bags:
            try:
                figures = self._work.figures(bag, kept)
            except (BagError, UserError, ValueError) as error:
                self.said.append(f"{bag.path}: {error}")
                continue
            self.said += [f"{bag.path}: {sentence}" for sentence in figures.said]
            found.append(figures)
        return found


def _bags(
    paths: Sequence[Path], sessions: Mapping[Path, Session], namespace: str
) -> list[NamedBag]:
    """Name the bags: those that were given, and of sessions the tasks that were done."""
    from kpm_ros.operate.measured_bag import NamedBag
    from kpm_ros.replay.bag_sources import rules_of_take

    places = list(dict.fromkeys(path.resolve() for path in paths if path not in sessions))
    bags = [
        NamedBag(name, path, namespace=namespace)
        for name, path in zip(distinct_names(places), places, strict=True)
    ]
    for folder, session in sessions.items():
        for take in session.done:
            step = session.step_of(take)
            if step.kind == "task":
                bags.append(
                    NamedBag(
                        f"{folder.name}/{Path(take.folder).name}",
                        folder / take.folder,
                        session.person,
                        step.task,
                        rules_of_take(session, take),
                        session.simulated,
                        namespace or session.namespace,
                    )
                )
    return bags


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """Call each path by as few of its last parts as tell it from the others.

    >>> distinct_names([Path("/a/one/bag"), Path("/a/two/bag")])
    ['one/bag', 'two/bag']
    """
    depth = 1
    while paths and len({path.parts[-depth:] for path in paths}) < len(paths):
        depth += 1
    return ["/".join(path.parts[-depth:]) for path in paths]


def _row(name: str, facts: ModelFacts, takes: Sequence[Take], test_set: str) -> ModelRow:
    from kpm_ros.learn.scores.metrics import Interval
    from kpm_ros.learn.scores.score_table import ModelRow
    from kpm_ros.learn.scores.scoring import SplitScores
    from kpm_ros.learn.scores.summaries import muscles_of
    from kpm_ros.learn.scores.take_figures import NAN

    scores = SplitScores(list(takes))
    return ModelRow(
        name=name,
        description=facts.description,
        inputs=facts.inputs,
        parameters=0,
        lookahead_ms=facts.lookahead_s * 1000,
        trained_on=facts.trained_on,
        cost=Interval(NAN, NAN, NAN),
        scores={test_set: tuple(scores.recordings)},
        muscles={test_set: scores.by_muscle(muscles_of(takes))},
        takes=tuple(takes),
    )
