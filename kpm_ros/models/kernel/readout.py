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

"""The features of recordings that kernel regression is fitted to, as a stream gives them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Array, Example, Tensors
from kpm_ros.models.framed.shapes import first_end
from kpm_ros.models.kernel.features import Describer, limited
from kpm_ros.models.kernel.shapes import stride_of
from kpm_ros.models.kernel.stream import TOGETHER
from kpm_ros.models.normalisation import normalised
from kpm_ros.models.readout import Readout, Weights

EVERY = 2
"""Of how many frames one is given: neighbours say almost the same."""


class KernelReadout(Readout):
    """The features of a card's model."""

    def __init__(self, card: ModelCard, tensors: Tensors) -> None:
        self._card, self._describer = card, Describer(card, tensors)
        self.stride, self.muscles = stride_of(card), len(card.muscles)
        self.frame_s = EVERY * self.stride / card.rate_hz

    def frames(self, example: Example) -> Iterator[tuple[Array, Array]]:
        """Give features and effort of frames that a recording holds whole."""
        frames = self._frames_of(example)
        seen = self._describer.timing.seen - 1
        count = len(example.effort) // self.stride
        for start in range(0, count, TOGETHER):
            stop = min(start + TOGETHER, count)
            features = self._describer.describe(frames[start : stop + seen])
            effort = np.asarray(example.effort[start * self.stride : stop * self.stride])
            yield features[::EVERY], effort.reshape(stop - start, self.stride, -1)[::EVERY]

    def _frames_of(self, example: Example) -> Array:
        """Give the rows with which frames end, as many before the first as are seen with it."""
        samples, card, timing = len(example.effort), self._card, self._describer.timing
        end = first_end(card, 0, self.stride)
        rows = np.asarray(example.values()[min(end, samples - 1) :: self.stride], np.float32)
        known = limited(normalised(card, rows))
        # The first sample's frame ends so many frames after the first that ends at all.
        ahead = (card.lookahead - end) // self.stride
        before = np.repeat(known[:1], timing.seen - 1 - ahead, axis=0)
        lacking = max(0, samples // self.stride + ahead - len(known))
        # Beyond the end the last row of all is held.
        last = limited(normalised(card, example.values(samples - 1, samples)))
        return np.concatenate([before, known, np.repeat(last, lacking, axis=0)])

    def weights(self, tensors: Tensors) -> Weights:
        """Give the last layer's weights."""
        both = (tensors["readout.weight"], tensors["readout.bias"][None])
        return np.concatenate(both, dtype=np.float64)

    def put(self, tensors: Tensors, weights: Weights) -> dict[str, Array]:
        """Give a model's tensors with other weights in its last layer."""
        single = weights.astype(np.float32)
        return {**tensors, "readout.weight": single[:-1], "readout.bias": single[-1]}
