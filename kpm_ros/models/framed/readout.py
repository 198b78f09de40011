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

"""The last layer of a network over frames, and what the network gives to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Array, Example, Tensors
from kpm_ros.models.framed.shapes import first_end
from kpm_ros.models.readout import Readout, Weights
from kpm_ros.models.registry import architecture_of

TOGETHER_S = 16.0
"""Seconds that are evaluated at once."""
FRAMES_HZ = 32.0
"""Frames a second that are given: those between them say almost the same."""


class FramedReadout(Readout):
    """The layer `outlet` of one network."""

    def __init__(self, card: ModelCard, tensors: Tensors) -> None:
        architecture = architecture_of(card)
        self._card = card
        self.stride, settling = architecture.span(card)
        self.muscles = len(card.muscles)
        self._every = max(1, round(card.rate_hz / self.stride / FRAMES_HZ))
        self.frame_s = self._every * self.stride / card.rate_hz
        self._behind = (-(-(settling + card.lookahead) // self.stride) + 2) * self.stride
        network = architecture.network(card)
        network.load_state_dict(
            {name: torch.from_numpy(np.asarray(array)) for name, array in tensors.items()}
        )
        self._network: Any = network.eval()
        self._given: list[torch.Tensor] = []
        network.get_submodule("outlet").register_forward_pre_hook(
            lambda _, given: self._given.append(given[0])
        )

    @torch.inference_mode()
    def frames(self, example: Example) -> Iterator[tuple[Array, Array]]:
        """Give what the layer is given in frames that a recording holds whole, and the effort."""
        whole = len(example.effort) // self.stride * self.stride
        length = max(1, round(TOGETHER_S * self._card.rate_hz / self.stride)) * self.stride
        for start in range(0, whole, length):
            stop = min(start + length, whole)
            features = self._features(example, start, stop)
            effort = np.asarray(example.effort[start:stop], np.float32)
            frames = effort.reshape(-1, self.stride, self.muscles)
            yield features[:: self._every], frames[:: self._every]

    def _features(self, example: Example, start: int, stop: int) -> Array:
        first = max(0, start - self._behind)
        last = min(len(example.effort), stop + self._card.lookahead)
        rows = np.ascontiguousarray(example.values(first, last).T)
        self._given.clear()
        self._network(torch.from_numpy(rows)[None], first)
        # Frames come in the order in which they end, the first ones with what was before.
        ahead = (self._card.lookahead - first_end(self._card, first, self.stride)) // self.stride
        begin = ahead + (start - first) // self.stride
        given = self._given.pop()[0, begin : begin + (stop - start) // self.stride]
        return np.asarray(given.numpy())

    def weights(self, tensors: Tensors) -> Weights:
        """Give the last layer's weights."""
        both = (tensors["outlet.weight"].T, tensors["outlet.bias"][None])
        return np.concatenate(both, dtype=np.float64)

    def put(self, tensors: Tensors, weights: Weights) -> dict[str, Array]:
        """Give a model's tensors with other weights in its last layer."""
        single = weights.astype(np.float32)
        outlet = np.ascontiguousarray(single[:-1].T)
        return {**tensors, "outlet.weight": outlet, "outlet.bias": single[-1]}
