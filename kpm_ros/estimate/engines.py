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

"""Which code evaluates a model: sample by sample, or whole recordings at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.estimate.stream import Stream
from kpm_ros.estimate.streaming import StreamingEstimator
from kpm_ros.estimate.touch.layout import ARCHITECTURES as TOUCH
from kpm_ros.estimate.touch.streaming import TouchStreaming
from kpm_ros.models.card import ModelCard

if TYPE_CHECKING:
    from kpm_ros.estimate.batch import Stretch

Array = NDArray[np.float32]


def streaming_estimator(card: ModelCard, tensors: Mapping[str, Array]) -> Stream:
    """Make what evaluates the card's model sample by sample."""
    if card.architecture in TOUCH:
        return TouchStreaming(card, tensors)
    return StreamingEstimator(card, tensors)


class Batch(Protocol):
    """What `BatchEstimator` does, for a model of any architecture."""

    def run(self, stretches: Sequence[Stretch]) -> list[Array]:
        """Turn pose and keys of each stretch into the effort (T, M) that the network says."""
        ...


def batch_estimator(card: ModelCard, tensors: Mapping[str, Array], device: str = "cpu") -> Batch:
    """Make what evaluates the card's model on whole recordings; it needs torch."""
    if card.architecture in TOUCH:
        from kpm_ros.estimate.touch.batch import TouchBatch

        return TouchBatch(card, tensors, device)
    from kpm_ros.estimate.batch import BatchEstimator

    return BatchEstimator(card, tensors, device)
