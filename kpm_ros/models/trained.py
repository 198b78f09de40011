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

"""Models of any architecture that are ready to estimate recordings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.resources import find_model
from kpm_ros.models.architecture import Architecture, BatchEstimator, Stretch
from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Tensors
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.streaming_network import StreamingNetwork
from kpm_ros.models.weight_files import load_model

Array = NDArray[np.float32]
LIVE_HOP_S = 0.01
"""Seconds that the live pipeline hands on at a time."""


@dataclass
class Trained:
    """A model that is ready to estimate."""

    card: ModelCard
    tensors: Tensors

    @cached_property
    def architecture(self) -> Architecture:
        """What kind of model it is."""
        return architecture_of(self.card)

    @property
    def parameters(self) -> int:
        """How many numbers it has learnt."""
        return sum(tensor.size for tensor in self.tensors.values())

    @cached_property
    def _stream(self) -> StreamingNetwork:
        return self.architecture.stream(self.card, self.tensors)

    @cached_property
    def _batch(self) -> BatchEstimator:
        return self.architecture.batch(self.card, self.tensors)

    @cached_property
    def _windows(self) -> BatchEstimator:
        return self.architecture.separate_windows(self.card, self.tensors)

    def estimate(self, values: Array) -> Array:
        """Turn a recording's rows (T, W) into effort (T, M), as used live.

        A live model is streamed, and sees what is last held beyond the end, where playing has only
        ceased to be recorded; one that takes windows takes overlapping ones. The recording is a
        grid of its own, from 0 on. Like effort in use, it is never below zero.
        """
        if not self.architecture.live:
            return self._as_given(self._whole(values))
        stream = self._stream
        stream.reset(0)
        held = np.repeat(values[-1:], self.card.lookahead, axis=0)
        effort = np.concatenate([stream.push(values), stream.push(held)])
        return self._as_given(effort[: len(values)])

    def estimate_alone(self, values: Array) -> Array:
        """Turn a window into effort as if there were nothing before and after it.

        What the network says is left as it is, as in the published evaluation.
        """
        if self.architecture.own_windows:
            return self._windows.run([Stretch(0, values)])[0]
        if not self.architecture.live:
            return self._whole(values)
        self._stream.reset(0)
        return np.concatenate([self._stream.push(values), self._stream.flush()])

    def estimate_in_hops(self, values: Array) -> Array:
        """Do what `estimate` does, a live model in the hops of the live pipeline."""
        if not self.architecture.live:
            return self.estimate(values)
        hop = max(1, round(LIVE_HOP_S * self.card.rate_hz))
        self._stream.reset(0)
        hops = [values[start : start + hop] for start in range(0, len(values), hop)]
        parts = [self._stream.push(rows) for rows in hops]
        return self._as_given(np.concatenate([*parts, self._stream.flush()]))

    def _as_given(self, effort: Array) -> Array:
        """Hold effort to what it can be; a pose may be anything."""
        return effort if self.architecture.turned else as_envelope(effort)

    def _whole(self, values: Array) -> Array:
        return self._batch.run([Stretch(0, values)])[0]


def load(path_or_name: Path | str) -> Trained:
    """Read a model of any kind: a shipped one's name, or the path of a .safetensors file."""
    return Trained(*load_model(find_model(str(path_or_name))))


def as_envelope(effort: Array) -> Array:
    """Give what a network said of effort as the envelope that it stands for: never below zero."""
    return np.maximum(effort, np.float32(0))
