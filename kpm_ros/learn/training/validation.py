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

"""How well a network does in the midst of training, on recordings it is not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import nn

from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.training.batches import cut, stack
from kpm_ros.learn.training.training_settings import Settings
from kpm_ros.models.card import ModelCard
from kpm_ros.models.registry import architecture_of

SEGMENT = 4096
"""Samples of a recording that are run in one go where the network has no window of its own."""
WARM_UP = 512
"""Samples run before those, so that they are seen as in the midst of a recording."""
_TOGETHER = 8 * (SEGMENT + WARM_UP)
"""Samples run at once."""


class Part(NamedTuple):
    """One stretch of a recording, of which the samples after the first `skipped` count."""

    recording: int
    start: int
    length: int
    skipped: int


class Checks(Protocol):
    """What tells, in the midst of training, how well a network does."""

    def errors(
        self, network: nn.Module, device: torch.device, share: int = 0, shares: int = 1
    ) -> torch.Tensor:
        """Sum squared errors and count values of each recording: (recordings, 2)."""


class Validation:
    """Runs a network sample by sample, as it is run in use, over parts of many recordings.

    A network that was trained on windows with stretched frames, or that sees whole windows, is run
    on separate windows of that length.
    """

    def __init__(
        self, recordings: Sequence[GridRecording], card: ModelCard, settings: Settings
    ) -> None:
        """Choose parts evenly, as many as the settings allow."""
        self._recordings, self._card = recordings, card
        self._stretched = settings.pose_timing == "window"
        window = architecture_of(card).window(card)
        window = window or (settings.window if self._stretched else None)
        skipped, counted = (0, window) if window else (WARM_UP, SEGMENT)
        parts = []
        for i, one in enumerate(recordings):
            length = min(skipped + counted, len(one))
            inside = min(skipped, length // 2)
            for start in range(0, len(one) - length + 1, max(length - inside, 1)):
                if np.isfinite(one.effort[start + inside : start + length]).any():
                    parts.append(Part(i, start, length, inside))
        if not parts:
            raise ValueError("there is no validation recording to choose the best step by")
        most = max(1, int(settings.check_minutes * 60 * card.rate_hz / (skipped + counted)))
        chosen = np.linspace(0, len(parts) - 1, min(most, len(parts))).round().astype(int)
        self.parts = sorted((parts[i] for i in chosen), key=lambda part: part.length)
        self._ahead = 0 if window else card.lookahead

    def errors(
        self, network: nn.Module, device: torch.device, share: int = 0, shares: int = 1
    ) -> torch.Tensor:
        """Sum squared errors and count values of each recording: (recordings, 2).

        Of several devices, each sums over its share of the parts.
        """
        sums = torch.zeros(len(self._recordings), 2, dtype=torch.float64)
        was_training = network.training
        network.eval()
        with torch.no_grad():
            for parts in self._batches(share, shares):
                batch = stack(
                    [
                        cut(
                            self._recordings[p.recording],
                            p.start,
                            p.length,
                            self._stretched,
                            self._card,
                        )
                        for p in parts
                    ]
                )
                estimate = network(batch.values.to(device)).float()
                error = (estimate - batch.effort.to(device)).square().double().cpu()
                for part, one in zip(parts, error, strict=True):
                    counted = one[:, part.skipped : part.length - self._ahead]
                    sums[part.recording, 0] += counted.nansum()
                    sums[part.recording, 1] += (~counted.isnan()).sum()
        network.train(was_training)
        return sums

    def _batches(self, share: int, shares: int) -> list[list[Part]]:
        batches: list[list[Part]] = []
        for part in self.parts[share::shares]:
            last = batches[-1] if batches else []
            full = (len(last) + 1) * part.length > _TOGETHER
            if not last or full or last[0].length != part.length:
                batches.append([part])
            else:
                last.append(part)
        return batches


def rmse_of(sums: torch.Tensor) -> float:
    """Mean over recordings of each one's root mean square error."""
    seen = sums[sums[:, 1] > 0]
    return float((seen[:, 0] / seen[:, 1]).sqrt().mean())
