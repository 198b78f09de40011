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

"""Architectures that work on whole recordings by streaming them: no other way is faster."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kpm_ros.models.architecture import Architecture, BatchEstimator

if TYPE_CHECKING:
    from kpm_ros.models.card import ModelCard
    from kpm_ros.models.examples import Tensors
    from kpm_ros.models.streaming_network import StreamingNetwork


@dataclass(frozen=True, kw_only=True)
class StreamedArchitecture(Architecture):
    """One way to evaluate for both; live or not."""

    live: bool = True

    @abstractmethod
    def streaming(self, card: ModelCard, tensors: Tensors) -> StreamingNetwork:
        """Make what evaluates a model sample by sample."""

    def stream(self, card: ModelCard, tensors: Tensors) -> StreamingNetwork:
        """Make it for the pipeline, where it can be run live."""
        if not self.live:
            raise self._not_live()
        return self.streaming(card, tensors)

    def batch(self, card: ModelCard, tensors: Tensors, device: str = "cpu") -> BatchEstimator:
        """Make what evaluates a model on whole recordings, as live, on the CPU."""
        from kpm_ros.models.streaming_network import StreamedBatch

        return StreamedBatch(self.streaming(card, tensors), device)
