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

"""Models of movement in training, with their losses, and how well they do on other clips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from kpm_ros.learn.motion_training.motion_batches import (
    LoadedClip,
    MotionBatch,
    stack,
    window_of,
)
from kpm_ros.learn.training.learner import AveragedLearner
from kpm_ros.learn.training.training_settings import Settings
from kpm_ros.models.pianomotion.diffusion import STEPS, Diffusion
from kpm_ros.models.pianomotion.motion_card import (
    ENCODING,
    GESTURE,
    POSITION,
    RATE_HZ,
    MotionCard,
)
from kpm_ros.models.pianomotion.position import position_losses
from kpm_ros.models.pianomotion.recipes import AS_CODED

_TOGETHER = 16
"""Windows that a check runs at once."""


class PositionLearner(AveragedLearner):
    """The first stage: how far places and their differences are off."""

    losses = ("place", "velocity")

    def __init__(self, network: nn.Module, settings: Settings, follows: str = AS_CODED) -> None:
        """`follows` says whose loss: the published code's, or the paper's."""
        super().__init__(network, settings)
        self._follows = follows

    def forward(self, batch: MotionBatch) -> dict[str, Tensor]:
        """Predict, and compare with what was played."""
        places, _ = self.network(batch.given, batch.places.shape[1])
        parts = position_losses(places, batch.places, batch.visible, self._follows)
        return {"loss": parts.place + parts.velocity, **parts._asdict()}


class GestureLearner(AveragedLearner):
    """The second stage: how far the velocity of diffusion is off, with new noise at every step.

    As published it counts where a hand is not visible, too.
    """

    losses = ()

    def forward(self, batch: MotionBatch) -> dict[str, Tensor]:
        """Add noise, and compare what the network says of it."""
        at = torch.randint(STEPS, (len(batch.angles),)).to(batch.angles.device)
        said, noise, diffusion = _said(self.network, batch, at, torch.randn(batch.angles.shape))
        return {"loss": diffusion.loss(said, batch.angles, at, noise)}


def _said(
    network: Any, batch: MotionBatch, at: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor, Diffusion]:
    """What the network says of gestures with noise added, on their device."""
    device = batch.angles.device
    diffusion, noise = Diffusion(device), noise.to(device)
    conditions = network.conditions(batch.given, batch.angles.shape[-1])
    said = network(diffusion.noisy(batch.angles, at, noise), at, conditions)
    return said, noise, diffusion


class EncodingLearner(AveragedLearner):
    """How far gestures are off that were squeezed through few numbers."""

    losses = ()

    def forward(self, batch: MotionBatch) -> dict[str, Tensor]:
        """Squeeze them, and compare."""
        return {"loss": nn.functional.mse_loss(self.network(batch.angles), batch.angles)}


class MotionChecks:
    """Runs a network over windows of clips that it is not trained on.

    A first stage is off by so much in normalised places of visible hands; a second one in the
    velocity of the same noise at every check; an encoding in what comes back.
    """

    def __init__(self, clips: Sequence[LoadedClip], card: MotionCard, settings: Settings) -> None:
        """Choose windows evenly, as many as the settings allow."""
        self._clips, self._card, self._frames = clips, card, settings.window
        windows = [
            (number, start)
            for number, clip in enumerate(clips)
            for start in range(0, len(clip) - settings.window + 1, settings.window)
        ]
        if not windows:
            raise ValueError(
                f"no movement of valid.txt has the {settings.window} frames of a window, by which "
                "the best step would be chosen"
            )
        most = max(1, int(settings.check_minutes * 60 * RATE_HZ / settings.window))
        self._windows = windows[:: -(-len(windows) // most)]

    def errors(
        self, network: nn.Module, device: torch.device, share: int = 0, shares: int = 1
    ) -> Tensor:
        """Sum squared errors and count values of each clip: (clips, 2)."""
        sums = torch.zeros(len(self._clips), 2, dtype=torch.float64)
        was_training = network.training
        network.eval()
        measure = _ERRORS[self._card.stage]
        mine = self._windows[share::shares]
        with torch.no_grad():
            for first in range(0, len(mine), _TOGETHER):
                chosen = mine[first : first + _TOGETHER]
                batch = stack([self._window(*each) for each in chosen])
                batch = MotionBatch(*(each.to(device) for each in batch))
                for (clip, _), error in zip(chosen, measure(network, batch, first), strict=True):
                    sums[clip, 0] += float(error.nansum())
                    sums[clip, 1] += int((~error.isnan()).sum())
        network.train(was_training)
        return sums

    def _window(self, clip: int, start: int) -> tuple[Tensor, ...]:
        return window_of(self._clips[clip], start, self._frames, self._card)


def _position_error(network: nn.Module, batch: MotionBatch, seed: int) -> Tensor:
    places, _ = network(batch.given, batch.places.shape[1])
    error = (places - batch.places).square()
    seen = batch.visible.bool().repeat_interleave(error.shape[-1] // 2, dim=-1)
    return torch.where(seen, error, torch.nan)


def _gesture_error(network: nn.Module, batch: MotionBatch, seed: int) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    noise = torch.randn(batch.angles.shape, generator=draw)
    at = torch.linspace(0, STEPS - 1, len(batch.angles) + 2)[1:-1].long().to(batch.angles.device)
    said, noise, diffusion = _said(network, batch, at, noise)
    return (said - diffusion.velocity(batch.angles, at, noise)).square()


def _encoding_error(network: nn.Module, batch: MotionBatch, seed: int) -> Tensor:
    error: Tensor = (network(batch.angles) - batch.angles).square()
    return error


_ERRORS = {POSITION: _position_error, GESTURE: _gesture_error, ENCODING: _encoding_error}
