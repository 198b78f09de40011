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

"""Networks in training, with their loss."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from kpm_ros.learn.training.augment import Augmentation, augment
from kpm_ros.learn.training.batches import Batch
from kpm_ros.learn.training.losses import EffortLoss
from kpm_ros.learn.training.margins import inner_samples
from kpm_ros.learn.training.run_folder import EFFORT_LOSSES
from kpm_ros.learn.training.training_settings import Settings
from kpm_ros.models.card import ModelCard
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.staged import StagedNetwork


class AveragedLearner(nn.Module):
    """A network in training, and a running mean of its weights if asked for.

    Its `forward` gives of a batch the losses by name, "loss" among them, which is made small.
    """

    def __init__(self, network: nn.Module, settings: Settings) -> None:
        """Take a network to train."""
        super().__init__()
        self.network = network
        self.average = copy.deepcopy(network).requires_grad_(False) if settings.average else None
        self.settings = settings

    @property
    def ready(self) -> bool:
        """Whether the network is so far that a check can tell how good it is."""
        return True

    @property
    def best_network(self) -> nn.Module:
        """The network that checks look at."""
        return self.network if self.average is None else self.average

    def follow(self, step: int, done: float) -> None:
        """Hear what share of the training is done, before each step.

        The running mean of the weights follows what the steps until now made of them.
        """
        if self.average is None:
            return
        # The mean of few steps forgets fast, or it would remember the random start for long.
        kept = min(self.settings.average, step / (step + 10))
        with torch.no_grad():
            pairs = zip(self.average.parameters(), self.network.parameters(), strict=True)
            for mean, weight in pairs:
                mean.lerp_(weight, 1 - kept)


class Learner(AveragedLearner):
    """A network with its loss of effort."""

    def __init__(self, network: nn.Module, settings: Settings) -> None:
        """Take a network to train."""
        super().__init__(network, settings)
        self._card: ModelCard = network.card  # type: ignore[assignment]
        self._augmentation = Augmentation().times(settings.augment)
        self._looks_at = architecture_of(self._card).looks_at(self._card, settings.window)
        self._inner = inner_samples(self._card, settings.window, settings.whole_windows)
        self._loss = EffortLoss(settings.sinkhorn > 0, settings.sinkhorn_points)
        self._done = 0.0

    @property
    def _staged(self) -> StagedNetwork | None:
        return self.network if isinstance(self.network, StagedNetwork) else None

    @property
    def losses(self) -> tuple[str, ...]:
        """Names of what the loss is made of."""
        return EFFORT_LOSSES if self._staged is None else self._staged.losses

    @property
    def ready(self) -> bool:
        """Whether the first stage is over, of a network that is taught in two."""
        return self._staged is None or self._done >= self._staged.first_share

    def follow(self, step: int, done: float) -> None:
        """Hear what share of the training is done, before each step."""
        super().follow(step, done)
        self._done = done

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Estimate, and compare with the truth: the loss and what it is made of."""
        mixed = self.settings.precision == "bf16-mixed"
        # Fabric's own mixed precision would round the truth to bfloat16 as well. Without the cache,
        # the gradients of a weight that is used several times are summed in full precision.
        device = batch.effort.device.type
        with torch.autocast(device, torch.bfloat16, enabled=mixed, cache_enabled=False):
            return self._losses(batch)

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        values, missing, effort = batch
        if self.settings.augment:
            values = self._augmented(values, missing)
        staged = self._staged
        if staged is not None:
            losses_of = staged.second_losses if self.ready else staged.first_losses
            return losses_of(values, effort)
        estimate = self._estimate(values, effort).float()
        losses = self._loss(estimate[..., self._inner], effort[..., self._inner])
        loss = losses.squared + self.settings.sinkhorn * losses.transport
        return {"loss": loss, **losses._asdict()}

    def _augmented(self, values: Tensor, missing: Tensor) -> Tensor:
        """Change what the network looks at; the batch's other samples stay."""
        streams, at = self._card.streams, self._looks_at
        if at is None:
            return augment(values, streams, missing, amount=self._augmentation)
        changed = augment(values[..., at], streams, missing[..., at], amount=self._augmentation)
        return values.index_copy(-1, torch.from_numpy(at).to(values.device), changed)

    def _estimate(self, values: Tensor, effort: Tensor) -> Tensor:
        if not self.settings.teacher_forcing:
            estimate: Tensor = self.network(values)
            return estimate
        # The true effort of the sample before, with zeros ahead of the first and where it is not
        # known.
        previous = nn.functional.pad(effort, (1, 0))[..., :-1].nan_to_num(0.0)
        network: Any = self.network
        taught: Tensor = network.decode(network.encode(values), previous)
        return taught
