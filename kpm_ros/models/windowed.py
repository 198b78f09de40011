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

"""Networks whose every output depends on a whole window: what they have in common.

Of each window the middle half is used, and windows follow each other by half a window.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from kpm_ros.models.architecture import Architecture, BatchEstimator, Shapes, Stretch
from kpm_ros.models.card import CardError, ModelCard
from kpm_ros.models.examples import Array, Tensors
from kpm_ros.models.input_checks import check_values

if TYPE_CHECKING:
    from torch import nn


WINDOW_S = 1.0
"""Length of a window unless a card's look-ahead says otherwise."""
TOGETHER = 16
"""Windows evaluated at once."""


def network_shapes(architecture: Architecture, card: ModelCard) -> Shapes:
    """Ask a network for the shape of every tensor, without making any weights."""
    import torch

    with torch.device("meta"):
        state = architecture.network(card).state_dict()
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


@dataclass(frozen=True, kw_only=True)
class WindowedArchitecture(Architecture):
    """A network that sees whole windows, and so does not run live."""

    network_class: str
    """Module and class of the network, which is made of a card and names its layer `last`."""

    def usual_lookahead(self, rate_hz: float) -> int:
        """Three quarters of a window: so much of it comes after the first sample that is used."""
        return 3 * max(1, round(WINDOW_S * rate_hz / 4)) - 1

    def window(self, card: ModelCard) -> int | None:
        """Four thirds of what comes after the first sample that is used."""
        return (card.lookahead + 1) // 3 * 4

    def check(self, card: ModelCard) -> None:
        """Refuse a card without inputs, or whose look-ahead is not three quarters of a window."""
        if not card.streams:
            raise CardError(f"{self.name} needs a stream or more, and the card lists none")
        if (card.lookahead + 1) % 3 or card.lookahead < 0:
            raise CardError(
                f"{self.name} sees whole windows and uses their middle half: its look-ahead is "
                f"three quarters of a window less one sample, such as "
                f"{self.usual_lookahead(card.rate_hz)}, not {card.lookahead}"
            )

    def shapes(self, card: ModelCard) -> Shapes:
        """Ask the network itself, without making any weights."""
        return network_shapes(self, card)

    def network(self, card: ModelCard) -> nn.Module:
        """Make the card's network with whatever weights its layers begin with."""
        self.check(card)
        place, _, name = self.network_class.partition(":")
        return cast("nn.Module", getattr(importlib.import_module(place), name)(card))

    def batch(self, card: ModelCard, tensors: Tensors, device: str = "cpu") -> BatchEstimator:
        """Make what evaluates recordings in overlapping windows, on a device of torch."""
        window = self.window(card)
        return _WindowedBatch(card, tensors, self.network(card), window or 0, device)


class _WindowedBatch:
    """Runs overlapping windows, many at once."""

    def __init__(
        self, card: ModelCard, tensors: Tensors, network: nn.Module, window: int, device: str
    ) -> None:
        import torch

        from kpm_ros.models.whole_recordings import usable_device

        self._card, self._window = card, window
        self._device = usable_device(device)
        state = {name: torch.from_numpy(np.asarray(array)) for name, array in tensors.items()}
        network.load_state_dict(state)
        self._network = network.eval().to(self._device)

    def run(self, stretches: Sequence[Stretch]) -> list[Array]:
        """Turn each stretch into the effort (T, M) that the network says."""
        return [self._one(check_values(self._card, one.values)) for one in stretches]

    def _one(self, values: Array) -> Array:
        samples, window = len(values), self._window
        if not samples:
            return np.zeros((0, len(self._card.muscles)), np.float32)
        if samples <= window:
            return self._run(values, [0], samples)[0]
        last = samples - window
        starts = [*range(0, last, window // 2), last]
        effort = np.empty((samples, len(self._card.muscles)), np.float32)
        for first in range(0, len(starts), TOGETHER):
            some = starts[first : first + TOGETHER]
            for start, found in zip(some, self._run(values, some, window), strict=True):
                # The first window's beginning and the last one's end are in no other window.
                inner = 0 if start == 0 else window // 4
                effort[start + inner : start + window] = found[inner:]
        return effort

    def _run(self, values: Array, starts: list[int], length: int) -> list[Array]:
        """Evaluate windows of one length together."""
        import torch

        rows = np.stack([values[start : start + length].T for start in starts])
        windows = torch.from_numpy(np.ascontiguousarray(rows, np.float32)).to(self._device)
        with torch.inference_mode():
            effort: Any = self._network(windows).cpu().numpy()
        return [np.ascontiguousarray(one.T) for one in effort]
