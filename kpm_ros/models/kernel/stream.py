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

"""Kernel regression sample by sample, a frame at a time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Tensors
from kpm_ros.models.framed.shapes import fade
from kpm_ros.models.framed.stream import FramedStream
from kpm_ros.models.kernel.features import Describer, limited
from kpm_ros.models.normalisation import normalised

TOGETHER = 1024
"""Frames that are evaluated at once."""

Array = NDArray[np.float32]


class KernelStream(FramedStream):
    """Kernel regression on a stream."""

    def __init__(self, card: ModelCard, tensors: Tensors) -> None:
        super().__init__(card, tensors)
        self._describer = Describer(card, tensors)
        self._weight, self._bias = tensors["readout.weight"], tensors["readout.bias"]
        self._behind = np.zeros((self._describer.timing.seen - 1, card.streams.width), np.float32)
        """Frames before the present one."""
        self._edge = np.zeros(len(card.muscles), np.float32)
        """Where the last frame of effort ended."""
        self._fade = fade(self.stride)[:, None]

    def _evaluate(self, rows: Array, frame: int, ahead: int, effort: Array) -> None:
        for start in range(0, len(rows), TOGETHER):
            part = slice(start, min(start + TOGETHER, len(rows)))
            self._some(limited(normalised(self.card, rows[part])), frame + start, effort[part])

    def _some(self, fresh: Array, frame: int, effort: Array) -> None:
        if frame == 0:
            # What was before a stream stood still.
            self._behind[:] = fresh[0]
        frames = np.concatenate([self._behind, fresh])
        self._behind[:] = frames[len(fresh) :]
        said = self._describer.describe(frames) @ self._weight + self._bias
        samples = said.reshape(len(fresh), self.stride, -1)
        # A frame begins where the one before ended, and comes to its own line within its samples.
        ends = np.concatenate([self._edge[None], samples[:-1, -1]])
        if frame == 0:
            ends[0] = samples[0, 0]
        self._edge[:] = samples[-1, -1]
        samples += self._fade * (ends - samples[:, 0])[:, None]
        effort[:] = samples.reshape(effort.shape)

    def _memory_parts(self) -> Mapping[str, Array]:
        return {"before": self._behind, "edge": self._edge}
