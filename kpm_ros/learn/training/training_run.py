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

"""Training from a data set to a model file, with everything about it in one folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from kpm_ros.core.provenance import versions
from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.familiar_hands import familiar_hands
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.split_files import Splits
from kpm_ros.learn.recordings.told_cameras import told_cameras
from kpm_ros.learn.recordings.turned import turned
from kpm_ros.learn.training import outcome
from kpm_ros.learn.training.batches import make_batches
from kpm_ros.learn.training.engine import Engine, best_precision, is_first_process
from kpm_ros.learn.training.learner import Learner
from kpm_ros.learn.training.loop_in_folder import refuse_others, train_in
from kpm_ros.learn.training.new_people import with_intervals
from kpm_ros.learn.training.preparation import (
    effort_variance,
    first_network,
    new_card,
    training_part,
)
from kpm_ros.learn.training.run_folder import PACKAGES, RunFolder, git_revision, machine
from kpm_ros.learn.training.training_loop import TrainingStopped, tensors_of
from kpm_ros.learn.training.training_settings import Settings, for_windowed
from kpm_ros.learn.training.validation import Validation
from kpm_ros.models.card import ModelCard
from kpm_ros.models.levels import levels_of
from kpm_ros.models.registry import architecture_of, find_architecture
from kpm_ros.models.trained import Trained, load
from kpm_ros.models.training_cameras import pictures_of, with_cameras
from kpm_ros.models.weight_files import save_model

__all__ = ["Training", "TrainingStopped"]

_HARMLESS = ("score_minutes",)
"""Settings that another training may have and still be gone on with."""


@dataclass(frozen=True)
class _Plan:
    """A training whose data are open and whose settings are checked against them."""

    settings: Settings
    dataset: DataSet
    recordings: Sequence[GridRecording]
    card: ModelCard

    @property
    def identity(self) -> dict[str, Any]:
        """Whatever a training must have in common with the one it goes on from."""
        plain = json.loads(json.dumps(asdict(self.settings)))
        asked = {name: plain[name] for name in plain if name not in _HARMLESS}
        return {**asked, "data": self.dataset.fingerprint}

    @property
    def samples(self) -> int:
        """How much is trained on."""
        most = self.settings.max_train_minutes * 60 * self.card.rate_hz
        return int(min(sum(len(one) for one in self.recordings), most))


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training: what it reads, what it writes and how."""

    data: Path
    out: Path
    settings: Settings
    recipe: str = "published"
    engine: Engine = field(default_factory=Engine)
    command: str = ""
    """What a user typed to start it, for the records."""
    splits: Splits | None = None
    """Which recordings are for what, where that is not as the data set's own split file has it."""

    def run(self, listeners: Sequence[object] = ()) -> outcome.ScoresBySplit:
        """Train to the end, or go on to it, and write the model; gives its scores.

        Listeners hear of every step by their methods `stepped` and `checked`, see Progress.
        Raises TrainingStopped where it was asked to stop before. Of several processes that train
        together, only the first writes and scores.
        """
        folder = RunFolder(self.out)
        plan = self._plan()
        first = is_first_process()
        if first:
            folder.open()
            refuse_others(folder, plan.identity)
            folder.write(folder.config, self._config(plan))
        if architecture_of(plan.card).fitted:
            card, tensors = self._fit(plan)
        else:
            card, tensors = self._train(plan, folder, listeners if first else None)
        return self._finish(plan, folder, card, tensors) if first else {}

    @property
    def left_out_sentence(self) -> str:
        """Say which recordings of the data could not be used; "" where all could."""
        return self._opened.left_out_sentence

    @cached_property
    def _opened(self) -> DataSet:
        return open_dataset(self.data, self.settings.split_file)

    def _plan(self) -> _Plan:
        settings, dataset = self.settings, self._opened
        if find_architecture(settings.model).turned:
            dataset = turned(dataset)
        if self.splits is not None:
            dataset = dataset.part(self.splits)
        card = new_card(settings, dataset)
        window = architecture_of(card).window(card)
        if window:
            settings = for_windowed(settings, window)
        if settings.precision == "auto":
            settings = replace(settings, precision=best_precision())
        return _Plan(settings, dataset, training_part(dataset, settings, card), card)

    def _config(self, plan: _Plan) -> dict[str, Any]:
        dataset = plan.dataset
        return {
            "command": self.command,
            "recipe": self.recipe,
            "settings": asdict(plan.settings),
            "engine": asdict(self.engine),
            "data": {
                "folder": str(self.data),
                "fingerprint": dataset.fingerprint,
                "layout": dataset.layout,
                "simulated": dataset.simulated,
                "left_out": dict(dataset.left_out),
                "recordings": {split: len(names) for split, names in dataset.splits.items()},
                "trained_on": [one.name for one in plan.recordings],
            },
            "git": git_revision(Path(__file__).resolve()),
            "versions": versions(PACKAGES),
            "machine": machine(self.engine.threads),
        }

    def _fit(self, plan: _Plan) -> tuple[ModelCard, dict[str, Any]]:
        """Fit a model that needs no steps."""
        choosing = plan.dataset.on_grid(plan.dataset.splits.get("val", ()), plan.card)
        card, tensors = architecture_of(plan.card).fit(
            plan.card, plan.recordings, choosing, plan.settings.seed
        )
        return replace(card, notes=outcome.how_fitted(card.notes, self.command)), tensors

    def _train(
        self, plan: _Plan, folder: RunFolder, listeners: Sequence[object] | None
    ) -> tuple[ModelCard, dict[str, Any]]:
        """Train a network, or go on with it; only with listeners is anything written of it."""
        settings, dataset = plan.settings, plan.dataset
        card, network = first_network(plan.card, plan.recordings, settings)
        batches = make_batches(plan.recordings, card, settings)
        choosing = dataset.on_grid(dataset.splits.get("val", ()), card)
        learner = Learner(network, settings)
        loop = train_in(
            folder,
            self.engine,
            learner,
            batches,
            batches.order.steps_per_epoch,
            Validation(choosing, card, settings),
            plan.identity,
            listeners,
            title=f"{card.name}, {self.recipe} recipe",
            losses=learner.losses,
            effort_variance=effort_variance(plan.recordings),
        )
        notes = outcome.how_trained(
            settings, self.recipe, asdict(loop.progress), self.command, learner.losses
        )
        return replace(card, notes=notes), tensors_of(loop.best)

    def _finish(
        self, plan: _Plan, folder: RunFolder, card: ModelCard, tensors: dict[str, Any]
    ) -> outcome.ScoresBySplit:
        """Write the model, score what was written, and write the scores onto it."""
        chosen = plan.settings.keep == "best"
        words = outcome.trained_on(plan.dataset, plan.recordings, plan.samples, chosen)
        names = [one.name for one in plan.recordings]
        levels, hands = levels_of(card, plan.recordings), familiar_hands(card, plan.recordings)
        card = replace(card, trained_on=words, levels=levels, familiar=hands)
        pictures = [view.name for view in pictures_of(card)]
        cameras = told_cameras(pictures, [one.recording for one in plan.recordings])
        if cameras:
            card = with_cameras(card, cameras)
        card = outcome.with_seen(card, plan.dataset, names, chosen)
        card = with_intervals(Trained(card, tensors), plan.dataset, names)
        save_model(folder.model, card, tensors)
        scores = outcome.scores_of(load(str(folder.model)), plan.dataset, plan.settings)
        save_model(folder.model, replace(card, scores=outcome.card_scores(scores)), tensors)
        folder.write(folder.scores, {"simulated": plan.dataset.simulated, "splits": scores})
        return scores
