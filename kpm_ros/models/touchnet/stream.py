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

"""TouchNet sample by sample: what one pass over the whole signal gives, as soon as it is due."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Tensors
from kpm_ros.models.framed.stream import FramedStream
from kpm_ros.models.touchnet.kernels import run_frames
from kpm_ros.models.touchnet.plan import arrange, empty_memory, hand_of, sizes_of
from kpm_ros.models.touchnet.shapes import inputs_of

Array = NDArray[np.float32]


class TouchNetStream(FramedStream):
    """TouchNet on a stream."""

    def __init__(self, card: ModelCard, tensors: Tensors) -> None:
        super().__init__(card, tensors)
        self._pose, self._keys = inputs_of(card).pose, inputs_of(card).keys
        self._sizes, self._hand = sizes_of(card), hand_of(card)
        self._weights = arrange(card, tensors)
        self._memory = empty_memory(card)

    def _evaluate(self, rows: Array, frame: int, ahead: int, effort: Array) -> None:
        # Copied, or rows that may not be written to would have everything compiled once more.
        pose, keys = (
            np.array(rows[:, columns], np.float32, order="C")
            for columns in (self._pose, self._keys)
        )
        run_frames(
            pose, keys, frame, ahead, self._sizes, self._hand, self._weights, self._memory, effort
        )

    def _memory_parts(self) -> Mapping[str, Array]:
        return self._memory._asdict()
