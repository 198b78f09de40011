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

"""Recordings estimated by models and measured, here or by several processes at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.scores.metrics import OTD_POINTS
from kpm_ros.learn.scores.onsets import USUAL_RULE, OnsetRule
from kpm_ros.learn.scores.protocols import PROTOCOLS
from kpm_ros.learn.scores.scored_models import ScoredModel
from kpm_ros.learn.scores.take_cache import TakeCache, model_digest, take_key
from kpm_ros.learn.scores.take_figures import TakeFigures, measure
from kpm_ros.learn.scores.threads import one_thread
from kpm_ros.models.trained import Trained, load
from kpm_ros.models.weight_files import save_model

if TYPE_CHECKING:
    from kpm_ros.learn.recordings.data_set import DataSet
    from kpm_ros.learn.recordings.recording import Recording


@dataclass(frozen=True)
class Measuring:
    """How a data set's recordings are estimated and measured."""

    dataset: DataSet
    protocol: str = "continuous"
    otd_points: int = OTD_POINTS
    rule: OnsetRule = USUAL_RULE
    kept: TakeCache | None = None
    _digests: dict[int, str] = field(default_factory=dict, repr=False, compare=False)

    def figures(self, recording: Recording, one: ScoredModel) -> TakeFigures:
        """Measure what a model makes of a recording, unless it is known already."""
        if self.kept is None:
            return self._measured(recording, one)
        key = self.key(recording.name, one)
        return self.kept.get(key, lambda: self._measured(recording, one), TakeFigures.from_plain)

    def known(self, name: str, one: ScoredModel) -> bool:
        """Whether there is nothing left to do."""
        return self.kept is not None and self.kept.holds(self.key(name, one))

    def key(self, name: str, one: ScoredModel) -> str:
        """Name the figures after everything that they depend on."""
        if id(one) not in self._digests:
            self._digests[id(one)] = model_digest(one.model)
        return take_key(self._about, self.dataset.store.digest(name), self._digests[id(one)])

    @cached_property
    def _about(self) -> list[object]:
        data = self.dataset
        how = [self.protocol, self.otd_points, asdict(self.rule)]
        return [data.layout, data.streams.as_plain(), data.muscles, data.rate_hz, *how]

    def _measured(self, recording: Recording, one: ScoredModel) -> TakeFigures:
        _, estimate = PROTOCOLS[self.protocol]
        on_grid = GridRecording.of(recording, one.model.card)
        effort = estimate(one.model, on_grid)
        if not np.isfinite(effort).all():
            raise ValueError(f"{one.name} put out something that is no number on {recording.name}")
        truth = np.asarray(on_grid.effort[: len(effort)])
        muscles, rate_hz = recording.truth.muscles, on_grid.rate_hz
        return measure(truth, effort, muscles, rate_hz, self.otd_points, self.rule)


@dataclass(frozen=True)
class MeasuredPart:
    """One recording, and the models that are to be measured on it."""

    stem: str
    seconds: float
    models: tuple[str, ...]


@dataclass(frozen=True)
class MeasuringWork:
    """Fills a cache of figures with several processes: what `produce` makes in parts."""

    data: Path
    split_file: str
    models: Mapping[str, str]
    """Digests, by name; the files lie in the cache's folder."""
    asked: Sequence[MeasuredPart]
    protocol: str
    otd_points: int

    @classmethod
    def of(
        cls,
        measuring: Measuring,
        models: Sequence[ScoredModel],
        asked_for: Mapping[str, Sequence[str]],
        split_file: str = "",
    ) -> MeasuringWork:
        """Plan what is not known yet, given which models are asked for on each recording."""
        dataset, by_name = measuring.dataset, {one.name: one for one in models}
        asked = []
        for name, wanted in asked_for.items():
            left = [model for model in wanted if not measuring.known(name, by_name[model])]
            if left:
                asked.append(MeasuredPart(name, dataset.recording(name).duration_s, tuple(left)))
        return cls(
            dataset.root,
            split_file,
            {one.name: model_digest(one.model) for one in models},
            asked,
            measuring.protocol,
            measuring.otd_points,
        )

    def save_models(self, models: Sequence[ScoredModel], root: Path) -> None:
        """Write models where the processes read them: what is fitted here has no other file."""
        for one in models:
            path = _model_file(root, self.models[one.name])
            if not path.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                save_model(path, one.model.card, one.model.tensors, exact=True)

    def open(self, root: Path) -> None:
        """Nothing is to be made ready."""

    def parts(self) -> Sequence[MeasuredPart]:
        """List the recordings."""
        return self.asked

    def make(self, part: MeasuredPart, root: Path) -> bool:
        """Measure one recording."""
        dataset = _dataset(self.data, self.split_file)
        measuring = Measuring(dataset, self.protocol, self.otd_points, kept=TakeCache(root))
        recording = dataset.recording(part.stem)
        with one_thread():
            for name in part.models:
                measuring.figures(recording, ScoredModel(name, _model(root, self.models[name])))
        return True

    def finish(self, root: Path) -> None:
        """Nothing is left to be done."""


def _model_file(root: Path, digest: str) -> Path:
    return root / "models" / f"{digest}.safetensors"


@cache
def _model(root: Path, digest: str) -> Trained:
    return load(_model_file(root, digest))


@lru_cache(maxsize=1)
def _dataset(data: Path, split_file: str) -> DataSet:
    return open_dataset(data, split_file)
