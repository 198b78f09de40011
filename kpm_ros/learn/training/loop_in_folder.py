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

"""A training's steps, with all that its folder keeps of them: checkpoint, log and curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kpm_ros.learn.training.batches import StepBatches
from kpm_ros.learn.training.checkpoints import PROGRESS, read_checkpoint
from kpm_ros.learn.training.curves import CurvesFile
from kpm_ros.learn.training.engine import Engine
from kpm_ros.learn.training.learner import AveragedLearner
from kpm_ros.learn.training.run_folder import EFFORT_LOSSES, MetricsLog, RunFolder
from kpm_ros.learn.training.training_loop import TrainingLength, TrainingLoop
from kpm_ros.learn.training.training_settings import LARGEST_INTERVAL
from kpm_ros.learn.training.validation import Checks

_LINES_A_CHECK = 10


def train_in(
    folder: RunFolder,
    engine: Engine,
    learner: AveragedLearner,
    batches: StepBatches,
    steps_per_epoch: int,
    checks: Checks,
    identity: dict[str, Any],
    listeners: Sequence[object] | None,
    *,
    title: str,
    losses: Sequence[str] = EFFORT_LOSSES,
    effort_variance: float = 1.0,
) -> TrainingLoop:
    """Train to the end, or go on to it; only with listeners is anything written of it."""
    settings = learner.settings
    every = settings.check_every or min(steps_per_epoch, LARGEST_INTERVAL)
    steps = settings.steps or max(1, round(settings.epochs * steps_per_epoch))
    if listeners is not None:
        done = read_checkpoint(folder.checkpoint, identity)
        begin = done[PROGRESS]["step"] if done else 0
        log = MetricsLog(folder.metrics, max(1, every // _LINES_A_CHECK), begin, losses)
        curves = CurvesFile(folder.metrics, folder.curves, title)
        listeners = (log, curves, *listeners)
    loop = TrainingLoop(
        engine.start(listeners or ()),
        learner,
        TrainingLength(steps, steps_per_epoch, every),
        checks,
        folder.checkpoint,
        identity,
        effort_variance=effort_variance,
    )
    loop.run(batches, engine.workers)
    if listeners:
        curves.draw()
    return loop


def refuse_others(folder: RunFolder, identity: dict[str, Any]) -> None:
    """Refuse a folder of a training that is over, or that is another one."""
    if folder.scores.is_file():
        raise ValueError(
            f"the training in {folder.path} is complete, its model is {folder.model}: train into "
            "another folder"
        )
    read_checkpoint(folder.checkpoint, identity)
