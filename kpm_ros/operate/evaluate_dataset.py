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

"""Data sets as `kpm evaluate` scores them: models side by side on their test sets."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.core.provenance import processor, versions
from kpm_ros.operate.evaluate_output import draw, progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kpm_ros.core.session_file import Session
    from kpm_ros.learn.recordings.data_set import DataSet
    from kpm_ros.learn.reports.shown import Shown
    from kpm_ros.learn.scores.excerpt_plot import Excerpt
    from kpm_ros.learn.scores.measuring import Measuring, MeasuringWork
    from kpm_ros.learn.scores.score_table import ScoreTable
    from kpm_ros.learn.scores.scored_models import ScoredModel
    from kpm_ros.learn.scores.take_cache import TakeCache
    from kpm_ros.learn.scores.takes import Take

DEFAULT_MODELS = ("mean", "ridge")
PACKAGES = ("kpm_ros", "numpy", "torch", "geomloss", "numba")
MINUTES_A_WORKER = 5.0
"""Less signal than this for each process is measured sooner than another one has started."""


class EvaluatedSet:
    """One data set, its models and what they are scored on; scoring it gives a table."""

    def __init__(self, arguments: argparse.Namespace, path: Path, protocol: str) -> None:
        """Open it, and refuse at once what cannot be scored."""
        from kpm_ros.learn.recordings.dataset_readers import open_dataset
        from kpm_ros.learn.scores.excerpt_plot import Excerpt
        from kpm_ros.learn.scores.scoring import check_models, choose_splits

        self._arguments, self._path, self._protocol = arguments, path, protocol
        self.said: list[str] = []
        self.delays: Mapping[str, NDArray[np.float64]] = {}
        self.sessions: Mapping[Path, Session] = {}
        self.dataset = open_dataset(path.expanduser(), arguments.split_file)
        if self.dataset.left_out:
            self.said.append(self.dataset.left_out_sentence)
        self.splits = choose_splits(self.dataset, arguments.split)
        self._excerpt: Excerpt | None = None
        if arguments.figure:
            first = self.dataset.splits[self.splits[0]][0]
            excerpt = Excerpt.parse(arguments.excerpt or first)
            self._excerpt = excerpt.check(self.dataset.recording(excerpt.name))
        self.models = _models(arguments.models, self.dataset)
        check_models(self.dataset, self.models)

    def score(self) -> ScoreTable:
        """Measure whatever was not measured before, by several processes where that pays."""
        from kpm_ros.learn.scores.measuring import Measuring
        from kpm_ros.learn.scores.score_table import ScoreTable
        from kpm_ros.learn.scores.scoring import compare
        from kpm_ros.learn.scores.take_cache import TakeCache

        asked, dataset = self._arguments, self.dataset
        kept = TakeCache()
        measuring = Measuring(dataset, self._protocol, asked.otd_points, kept=kept)
        self._measure_together(measuring, kept)
        steps = len(self.models) * sum(len(dataset.splits[split]) for split in self.splits) + 1
        with progress(steps) as listener:
            rows = compare(
                dataset, self.models, self.splits, self._protocol, asked.otd_points, listener, kept
            )
        return ScoreTable(
            simulated=dataset.simulated,
            data=dataset.description,
            fingerprint=dataset.fingerprint,
            split_file=dataset.split_file,
            protocol=self._protocol,
            otd_points=asked.otd_points,
            models=rows,
            cpu=processor(),
            versions=versions(PACKAGES),
            command=shlex.join(["kpm", *sys.argv[1:]]),
        )

    def draw(self) -> None:
        """Draw the excerpt that was asked for, if one was."""
        if self._excerpt is not None:
            figure = self._arguments.figure
            draw(figure, self.dataset, self.models, self._excerpt, self._protocol)

    def show(self, take: Take, start_s: float, end_s: float, models: Sequence[str]) -> Shown:
        """Give what a report draws of a recording; it is estimated from its beginning."""
        from kpm_ros.learn.recordings.on_grid import GridRecording
        from kpm_ros.learn.reports.shown import Shown, keys_down, trace_of
        from kpm_ros.learn.scores.protocols import PROTOCOLS

        recording = self.dataset.recording(take.recording)
        _, estimate = PROTOCOLS[self._protocol]
        estimates = {}
        for one in self.models:
            if one.name in models:
                on_grid = GridRecording.of(recording, one.model.card)
                estimates[one.name] = trace_of(estimate(one.model, on_grid), on_grid.rate_hz)
        truth = recording.truth
        end_s = min(end_s, truth.duration_s)
        return Shown(
            take.recording,
            start_s,
            end_s,
            truth.muscles,
            truth.unit,
            trace_of(truth.values, truth.rate_hz),
            {name: estimates[name] for name in models if name in estimates},
            keys_down(recording, start_s, end_s),
        )

    def look(self, take: Take, start_s: float, end_s: float) -> str:
        """Give the command that draws a stretch with all that was seen."""
        excerpt = f"{take.recording}:{start_s:g}-{end_s:g}"
        words = ["kpm", "evaluate", str(self._path), *self._models_asked(take.model)]
        return shlex.join([*words, "--figure", "worst.png", "--excerpt", excerpt])

    def _models_asked(self, name: str) -> list[str]:
        """Name a model as it was named here."""
        words = [word for word in self._arguments.models if word.startswith(f"{name}=")]
        named = words or [word for word in self._arguments.models if Path(word).stem == name]
        return ["--models", *(named or [name])]

    def _measure_together(self, measuring: Measuring, kept: TakeCache) -> None:
        """Have several processes measure what is not known yet, where that pays."""
        from kpm_ros.core.worker_pool import produce
        from kpm_ros.learn.scores.measuring import MeasuringWork

        work = MeasuringWork.of(
            measuring, self.models, self._asked_for(), self._arguments.split_file
        )
        workers = _workers(self._arguments.workers, work)
        on = self._arguments.on
        if workers < 2 and not on:
            return
        work.save_models(self.models, kept.folder)
        with progress(len(work.asked), "measuring") as listener:
            produce(kept.folder, work, max(workers, 1), lambda done: listener(done.part.stem), on)

    def _asked_for(self) -> Mapping[str, Sequence[str]]:
        """Say of each recording which models are new to it."""
        from kpm_ros.learn.scores.scoring import met

        found: dict[str, list[str]] = {}
        for split in self.splits:
            for one in self.models:
                known = met(one.model, self.dataset, split)
                for name in self.dataset.splits[split]:
                    if name not in known:
                        found.setdefault(name, []).append(one.name)
        return found


def _workers(asked: int | None, work: MeasuringWork) -> int:
    """How many processes: no more than there are recordings, cores, or minutes to make up for."""
    most = len(work.asked)
    if asked is not None:
        return min(asked, most)
    minutes = sum(part.seconds * len(part.models) for part in work.asked) / 60
    return min(cores(), most, round(minutes / MINUTES_A_WORKER))


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def _models(words: Sequence[str], dataset: DataSet) -> list[ScoredModel]:
    """Load what was asked for, or what everyone would ask for."""
    from kpm_ros.learn.scores.scored_models import find_scored_model

    if words:
        return [find_scored_model(word, dataset) for word in words]
    return fitting_models(DEFAULT_MODELS, dataset)


def fitting_models(baselines: Sequence[str], dataset: DataSet) -> list[ScoredModel]:
    """Fit baselines, and load all shipped models, as far as they fit the data set."""
    from kpm_ros.core.resources import config_dir
    from kpm_ros.learn.scores.protocols import check_fit
    from kpm_ros.learn.scores.scored_models import find_scored_model

    shipped = sorted(path.stem for path in (config_dir() / "models").glob("*.safetensors"))
    found = [find_scored_model(word, dataset) for word in (*baselines, *shipped)]
    fitting = []
    for one in found:
        # Those that are shipped were not asked for: what is of other data says nothing here.
        with suppress(ValueError):
            check_fit(one.model.card, dataset, one.name)
            fitting.append(one)
    return fitting
