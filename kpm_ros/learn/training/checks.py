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

"""Looks at a network now and then while it is trained: keeps the best, saves, ends in time."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from kpm_ros.learn.training.checkpoints import IDENTITY, replace_file
from kpm_ros.learn.training.learner import Learner
from kpm_ros.learn.training.progress import Listener, Progress
from kpm_ros.learn.training.training_settings import Settings
from kpm_ros.learn.training.validation import Validation, rmse_of


class TrainingStopped(Exception):  # noqa: N818
    """Someone asked for an end before the training's own; what was learnt is saved."""


@dataclass(eq=False)
class Checks(lightning.Callback):
    """A check every so many steps, followed by a checkpoint."""

    validation: Validation
    checkpoint: Path
    identity: Mapping[str, Any]
    every: int
    listeners: Sequence[Listener] = ()
    stop_asked: bool = False
    """Set from outside to end after the step in progress."""
    progress: Progress = field(default_factory=Progress)
    best: dict[str, Tensor] = field(default_factory=dict)
    _vain: int = 0
    """Checks since the best one."""
    _begun_s: float = 0.0
    """When this run would have begun had it done all of the training."""
    _run: tuple[float, float, int] = (0.0, 0.0, 0)
    """When this run began, by the clock and by the time that counts, and at which step."""

    def on_train_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Start the clock."""
        now_s = spent_s(pl_module.settings)
        self._begun_s = now_s - pl_module.elapsed_s
        self._run = time.monotonic(), now_s, trainer.global_step
        if not self.best:
            self.best = _copy(pl_module.best_network)

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Say how far it has come; check, save and end when it is time."""
        learner: Learner = pl_module
        learner.elapsed_s = self._agreed(trainer, spent_s(learner.settings) - self._begun_s)
        self._advance(trainer, learner)
        step, limit_s = trainer.global_step, learner.settings.time_limit_min * 60
        ended = step >= learner.span.steps or learner.elapsed_s >= limit_s
        due = step % self.every == 0
        if due or ended:
            self._look(trainer, learner)
            patience = learner.settings.patience
            ended = ended or bool(patience and self._vain >= patience)
        else:
            for listener in self.listeners:
                listener.stepped(self.progress)
        stopped = bool(self._agreed(trainer, float(self.stop_asked)))
        if due or ended or stopped:
            self._save(trainer)
        if ended:
            trainer.should_stop = True
        elif stopped:
            raise TrainingStopped

    def _advance(self, trainer: lightning.Trainer, learner: Learner) -> None:
        progress, span = self.progress, learner.span
        progress.step, progress.steps = trainer.global_step, span.steps
        progress.epoch = progress.step / span.steps_per_epoch
        progress.elapsed_s = learner.elapsed_s
        progress.learning_rate = trainer.optimizers[0].param_groups[0]["lr"]
        progress.losses = dict(learner.shown)
        progress.left_s = self._left_s(progress, learner.settings)

    def _left_s(self, progress: Progress, settings: Settings) -> float:
        """Expect the remaining steps at the pace of this run, or the limit if that is earlier."""
        clock_s, counted_s, step = self._run
        run_s, done = time.monotonic() - clock_s, progress.step - step
        counted_s = spent_s(settings) - counted_s
        until_limit_s = settings.time_limit_min * 60 - progress.elapsed_s
        by_steps_s = run_s / done * (progress.steps - progress.step) if done else math.nan
        return min(by_steps_s, until_limit_s * (run_s / counted_s if counted_s else 1.0))

    def _look(self, trainer: lightning.Trainer, learner: Learner) -> None:
        """Check the network on other performances, and remember it if it is the best so far."""
        network = learner.best_network
        sums = self.validation.errors(
            network, learner.device, trainer.global_rank, trainer.world_size
        )
        if trainer.world_size > 1:
            sums = trainer.strategy.reduce(sums.to(learner.device), reduce_op="sum").cpu()
        progress = self.progress
        progress.checked_rmse = rmse_of(sums)
        self._vain += 1
        if progress.checked_rmse < progress.best_rmse:
            progress.best_rmse, progress.best_step = progress.checked_rmse, progress.step
            self.best, self._vain = _copy(network), 0
        for listener in self.listeners:
            listener.checked(progress)

    def _save(self, trainer: lightning.Trainer) -> None:
        """Replace the checkpoint, whole or not at all."""
        unfinished = self.checkpoint.with_name(f".{self.checkpoint.name}.unfinished")
        trainer.save_checkpoint(unfinished)
        if trainer.is_global_zero:
            replace_file(unfinished, self.checkpoint)
        trainer.strategy.barrier("saved")

    def _agreed(self, trainer: lightning.Trainer, value: float) -> float:
        """Take the first device's word, so that all end at the same step."""
        return float(trainer.strategy.broadcast(value)) if trainer.world_size > 1 else value

    def on_save_checkpoint(
        self, trainer: lightning.Trainer, pl_module: Any, checkpoint: dict[str, Any]
    ) -> None:
        """Add what the rest of the training depends on."""
        progress = self.progress
        checkpoint[IDENTITY] = dict(self.identity)
        checkpoint["checks"] = {
            "best": self.best,
            "best_rmse": progress.best_rmse,
            "best_step": progress.best_step,
            "checked_rmse": progress.checked_rmse,
            "vain": self._vain,
            "elapsed_s": pl_module.elapsed_s,
            "shown": dict(pl_module.shown),
        }

    def on_load_checkpoint(
        self, trainer: lightning.Trainer, pl_module: Any, checkpoint: dict[str, Any]
    ) -> None:
        """Take it up again."""
        state = checkpoint["checks"]
        self.best, self._vain = state["best"], state["vain"]
        for name in ("best_rmse", "best_step", "checked_rmse"):
            setattr(self.progress, name, state[name])
        pl_module.elapsed_s, pl_module.shown = state["elapsed_s"], dict(state["shown"])


def spent_s(settings: Settings) -> float:
    """Tell the time that a training's limit is counted in, from some moment on."""
    return time.process_time() if settings.time_limit_of == "processor" else time.monotonic()


def _copy(network: nn.Module) -> dict[str, Tensor]:
    state = network.state_dict()
    return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}


def tensors_of(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Take weights out of torch, as model files want them."""
    return {name: tensor.to(torch.float32).numpy() for name, tensor in state.items()}
