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

"""A network in training, as Lightning drives it."""

from __future__ import annotations

import copy
import math
from typing import Any, NamedTuple

import lightning
import torch
from torch import Tensor, nn

from kpm_ros.learn.training.augment import Augmentation, augment
from kpm_ros.learn.training.batches import Batch
from kpm_ros.learn.training.losses import EffortLoss
from kpm_ros.learn.training.margins import inner_samples
from kpm_ros.learn.training.schedule import learning_rate_factor
from kpm_ros.learn.training.training_settings import Settings
from kpm_ros.models.card import ModelCard

_SMOOTHING = 0.95
"""Share of the shown losses that stays at each step."""


class TrainingError(ValueError):
    """Training cannot go on; the message says in one sentence why."""


class TrainingLength(NamedTuple):
    """How long a training is."""

    steps: int
    steps_per_epoch: int


class Learner(lightning.LightningModule):
    """A network with its loss and its optimiser, and a running mean of its weights if asked for.

    Everything random in a step is drawn anew from the seed and the step's number, so that a
    training that goes on from a checkpoint draws the same.
    """

    def __init__(
        self, network: nn.Module, settings: Settings, span: TrainingLength, variance: float
    ) -> None:
        """Take a network to train; `variance` is that of the effort, the unit of its gradients."""
        super().__init__()
        self.network = network
        self.average = copy.deepcopy(network).requires_grad_(False) if settings.average else None
        self.settings, self.span = settings, span
        self.elapsed_s = 0.0
        """Time spent in training, that before a resumption included."""
        self.shown: dict[str, float] = {}
        """Losses of late, as running means."""
        self._card: ModelCard = network.card  # type: ignore[assignment]
        self._augmentation = Augmentation().times(settings.augment)
        self._inner = inner_samples(self._card, settings.window, settings.whole_windows)
        self._loss = EffortLoss(settings.sinkhorn > 0, settings.sinkhorn_points)
        self._unit = variance if settings.gradient_limit else 1.0

    @property
    def best_network(self) -> nn.Module:
        """The network that checks look at."""
        return self.network if self.average is None else self.average

    def configure_optimizers(self) -> Any:
        """AdamW with the schedule of the settings."""
        settings = self.settings
        optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            eps=settings.adam_epsilon,
        )

        def factor(step: int) -> float:
            return learning_rate_factor(settings, step, *self.span, self.elapsed_s)

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Draw what this step draws, whatever was drawn before it."""
        torch.manual_seed(hash((self.settings.seed, self.global_step, self.global_rank)))
        self._follow()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Estimate, and compare with the truth."""
        values, missing, effort = batch
        if self.settings.augment:
            values = augment(values, self._card.streams, missing, amount=self._augmentation)
        estimate = self._estimate(values, effort).float()
        losses = self._loss(estimate[..., self._inner], effort[..., self._inner])
        loss = losses.squared + self.settings.sinkhorn * losses.transport
        self._show(loss=loss, **losses._asdict())
        return loss / self._unit

    def _estimate(self, values: Tensor, effort: Tensor) -> Tensor:
        if not self.settings.teacher_forcing:
            estimate: Tensor = self.network(values)
            return estimate
        # The true effort of the sample before, with zeros ahead of the first.
        previous = nn.functional.pad(effort, (1, 0))[..., :-1]
        network: Any = self.network
        taught: Tensor = network.decode(network.encode(values), previous)
        return taught

    def _follow(self) -> None:
        """Let the running mean of the weights follow what the last step made of them."""
        if self.average is None:
            return
        # The mean of few steps forgets fast, or it would remember the random start for long.
        kept = min(self.settings.average, self.global_step / (self.global_step + 10))
        with torch.no_grad():
            pairs = zip(self.average.parameters(), self.network.parameters(), strict=True)
            for mean, weight in pairs:
                mean.lerp_(weight, 1 - kept)

    def _show(self, **losses: Tensor) -> None:
        for name, tensor in losses.items():
            value = float(tensor.detach())
            if not math.isfinite(value):
                raise TrainingError(
                    f"the loss was no longer a number at step {self.global_step}: train with a "
                    f"lower learning rate than {self.settings.learning_rate:g}"
                )
            before = self.shown.get(name, value)
            self.shown[name] = _SMOOTHING * before + (1 - _SMOOTHING) * value
