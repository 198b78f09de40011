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

"""Trains a network step by step: checks it now and then, keeps the best, saves, ends in time.

A plain loop on Lightning's Fabric, which takes care of devices, processes and saving: the loops of
its Trainer neither end by processor time nor go on within an epoch to the same numbers.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader

from kpm_ros.core.signals import StopRequests
from kpm_ros.learn.training.batches import BatchStream, StepBatches
from kpm_ros.learn.training.checkpoints import IDENTITY, PROGRESS
from kpm_ros.learn.training.learner import AveragedLearner
from kpm_ros.learn.training.progress import Progress
from kpm_ros.learn.training.schedule import learning_rate_factor, share_done
from kpm_ros.learn.training.training_settings import Settings
from kpm_ros.learn.training.validation import Checks, rmse_of


class TrainingError(ValueError):
    """Training cannot go on; the message says in one sentence why."""


class TrainingStopped(Exception):  # noqa: N818
    """Someone asked for an end before the training's own; what was learnt is saved."""


class TrainingLength(NamedTuple):
    """How long a training is, and how often it is checked."""

    steps: int
    steps_per_epoch: int
    check_every: int


class TrainingLoop:
    """A training, from where its checkpoint has it on.

    Everything random in a step is drawn anew from the seed and the step's number, so that a
    training that goes on from a checkpoint draws the same.
    """

    def __init__(
        self,
        fabric: Fabric,
        learner: AveragedLearner,
        length: TrainingLength,
        validation: Checks,
        checkpoint: Path,
        identity: Mapping[str, Any],
        *,
        effort_variance: float = 1.0,
    ) -> None:
        """Take up what the checkpoint has; `effort_variance` is the unit of a gradient's limit."""
        self._fabric, self._learner, self._length = fabric, learner, length
        self._validation, self._checkpoint = validation, checkpoint
        self._settings = settings = learner.settings
        self._unit = effort_variance if settings.gradient_limit else 1.0
        self.progress = Progress(steps=length.steps)
        adam = torch.optim.AdamW(
            learner.network.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            eps=settings.adam_epsilon,
        )
        self._scheduler = torch.optim.lr_scheduler.LambdaLR(adam, self._learning_rate_factor)
        self._model, self._optimizer = fabric.setup(learner, adam)
        self._state: dict[str, Any] = {
            IDENTITY: dict(identity),
            PROGRESS: self.progress,
            "learner": self._model,
            "optimizer": self._optimizer,
            "scheduler": self._scheduler,
            "best": _weights(learner.best_network),
        }
        if checkpoint.is_file():
            fabric.load(checkpoint, self._state, weights_only=True)
            self.progress = self._state[PROGRESS]  # Fabric fills a copy

    @property
    def best(self) -> dict[str, Tensor]:
        """The weights to keep: the last ones, or those that did best in a check.

        The first ones if there was none.
        """
        if self._settings.keep == "last":
            return _weights(self._learner.best_network)
        best: dict[str, Tensor] = self._state["best"]
        return best

    def run(self, batches: StepBatches, workers: int = 0) -> None:
        """Train to the end.

        Raises TrainingStopped when it was asked to stop before, by Ctrl-C or another signal: what
        was learnt in the step in progress is saved first. A second signal ends at once.
        """
        fabric, progress = self._fabric, self.progress
        if self._ended():  # in an earlier run, which was killed before it had scored the model
            return
        clock = _Clock(self._settings, progress)
        stop = StopRequests(second_ends=True)
        heard = threading.current_thread() is threading.main_thread()
        with stop if heard else nullcontext():
            for batch in self._loader(batches, workers):
                self._step(batch)
                clock.elapse(progress, fabric)
                ended = self._ended()
                due = ended or progress.step % self._length.check_every == 0
                checked = due and self._learner.ready
                if checked:
                    self._check()
                    ended = self._ended()
                fabric.call("checked" if checked else "stepped", progress)
                stopped = fabric.broadcast(stop.count)
                if due or stopped:
                    fabric.save(self._checkpoint, self._state)
                if ended:
                    return
                if stopped:
                    raise TrainingStopped

    def _loader(self, batches: StepBatches, workers: int) -> Any:
        """Give the batches that are still to come, on this process's device."""
        fabric = self._fabric
        resident = batches.on_device(fabric.device)
        if resident is not None:
            return resident.from_step(self.progress.step, fabric.global_rank, fabric.world_size)
        stream = BatchStream(batches, self.progress.step, fabric.global_rank, fabric.world_size)
        pinned = fabric.device.type == "cuda"
        loader: DataLoader[Any] = DataLoader(
            stream, batch_size=None, num_workers=workers, pin_memory=pinned
        )
        return fabric.setup_dataloaders(loader, use_distributed_sampler=False)

    def _learning_rate_factor(self, step: int) -> float:
        steps, per_epoch, _ = self._length
        return learning_rate_factor(self._settings, step, steps, per_epoch, self.progress.elapsed_s)

    def _step(self, batch: Any) -> None:
        fabric, progress, settings = self._fabric, self.progress, self._settings
        torch.manual_seed(hash((settings.seed, progress.step, fabric.global_rank)))
        done = share_done(settings, progress.step, progress.steps, progress.elapsed_s)
        self._learner.follow(progress.step, done)
        losses = self._model(batch)
        progress.show({name: float(loss.detach()) for name, loss in losses.items()})
        if not math.isfinite(progress.losses["loss"]):
            raise TrainingError(
                f"the loss was no longer a number at step {progress.step}: train with a lower "
                f"learning rate than {settings.learning_rate:g}"
            )
        self._optimizer.zero_grad()
        fabric.backward(losses["loss"] / self._unit)
        if settings.gradient_limit:
            fabric.clip_gradients(
                self._model,
                self._optimizer,
                max_norm=settings.gradient_limit,
                error_if_nonfinite=False,
            )
        self._optimizer.step()
        self._scheduler.step()
        progress.step += 1
        progress.epoch = progress.step / self._length.steps_per_epoch
        progress.learning_rate = float(self._scheduler.get_last_lr()[0])

    def _ended(self) -> bool:
        progress, settings = self.progress, self._settings
        return (
            progress.step >= progress.steps
            or progress.elapsed_s >= settings.time_limit_min * 60
            or 0 < settings.patience <= progress.checks_since_best
        )

    def _check(self) -> None:
        """Check the network on other performances, and remember it if it is the best so far."""
        fabric, progress, network = self._fabric, self.progress, self._learner.best_network
        sums = self._validation.errors(
            network, fabric.device, fabric.global_rank, fabric.world_size
        )
        if fabric.world_size > 1:
            summed: Any = fabric.all_reduce(fabric.to_device(sums), reduce_op="sum")
            sums = summed.cpu()
        progress.checked_rmse = rmse_of(sums)
        progress.checks_since_best += 1
        if progress.checked_rmse < progress.best_rmse:
            progress.best_rmse, progress.best_step = progress.checked_rmse, progress.step
            progress.checks_since_best = 0
            self._state["best"] = _weights(network)


class _Clock:
    """The time of a training, that before a resumption included, and the time it has left."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._settings = settings
        self._clock_s, self._spent_s = time.monotonic(), spent_s(settings)
        self._step, self._before_s = progress.step, progress.elapsed_s

    def elapse(self, progress: Progress, fabric: Fabric) -> None:
        """Expect the remaining steps at the pace of this run, or the limit if that is earlier."""
        counted_s = spent_s(self._settings) - self._spent_s
        run_s = time.monotonic() - self._clock_s
        # The first device's word, so that all end at the same step.
        progress.elapsed_s = fabric.broadcast(self._before_s + counted_s)
        until_limit_s = self._settings.time_limit_min * 60 - progress.elapsed_s
        left_steps = progress.steps - progress.step
        progress.left_s = min(
            run_s / (progress.step - self._step) * left_steps,
            until_limit_s * (run_s / counted_s if counted_s else 1.0),
        )


def spent_s(settings: Settings) -> float:
    """Tell the time that a training's limit is counted in, from some moment on."""
    return time.process_time() if settings.time_limit_of == "processor" else time.monotonic()


def _weights(network: nn.Module) -> dict[str, Tensor]:
    state = network.state_dict()
    return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}


def tensors_of(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Take weights out of torch, as model files want them."""
    return {name: tensor.to(torch.float32).numpy() for name, tensor in state.items()}
