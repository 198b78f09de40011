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

"""The network sample by sample: what one pass over the whole signal gives, as soon as it can."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import on_cache_line
from kpm_ros.estimate.layers import run_decoder, run_layers
from kpm_ros.estimate.layout import input_channels, structure_of
from kpm_ros.estimate.plan import BLOCK, make_plan
from kpm_ros.estimate.stream import Stream
from kpm_ros.estimate.weights import check_tensors
from kpm_ros.models.card import ModelCard

Array = NDArray[np.float32]


class StreamingEstimator(Stream):
    """PianoKPM Net on a stream; computes every layer once per sample."""

    def __init__(self, card: ModelCard, tensors: Mapping[str, Array]) -> None:
        check_tensors(card, tensors)
        super().__init__(card, warm_up_samples=BLOCK)
        structure = structure_of(card)
        self._plan = make_plan(card, tensors)
        self._hidden = structure.hidden
        self._slope = np.float32(structure.slope)
        self._memory = on_cache_line(np.zeros(self._plan.memory_size, np.float32))
        self._scratch = on_cache_line(np.zeros((2, self._plan.scratch_size), np.float32))
        self._previous = np.zeros(len(card.muscles), np.float32)
        self._senses = [
            (sense, input_channels(card, sense), place)
            for sense, place in self._plan.inputs.items()
        ]
        self._offset = np.asarray(card.pose_offset, np.float32)
        self._gain = np.float32(1) / np.asarray(card.pose_scale, np.float32)

    def _take(self, rows: Mapping[str, Array]) -> Array:
        samples = len(next(iter(rows.values())))
        known = max(0, self._pushed + samples - self.card.lookahead)
        effort = np.empty((known - self.given, len(self._previous)), np.float32)
        done = 0
        for start in range(0, samples, BLOCK):
            fresh = min(BLOCK, samples - start)
            for sense, width, place in self._senses:
                block = self._memory[place : place + fresh * width].reshape(fresh, width)
                block[:] = rows[sense][start : start + fresh]
                if sense == "pose":
                    self._normalise(block)
            done += self._advance(fresh, False, effort[done:])
            self._pushed += fresh
        return effort

    def _finish(self) -> Array:
        effort = np.empty((self._pushed - self.given, len(self._previous)), np.float32)
        self._advance(0, True, effort)
        return effort

    def _remembered(self) -> dict[str, Array]:
        history = {f"history_{place}": part for place, part in enumerate(self._history())}
        return {**history, "effort": self._previous}

    def _normalise(self, block: Array) -> None:
        if self._offset.size:
            block -= self._offset
        if self._gain.size:
            block *= self._gain

    def _advance(self, fresh: int, ends: bool, effort: Array) -> int:
        """Run the network over the rows just laid down; returns how many outputs it gave."""
        plan = self._plan
        first, second = self._scratch
        rows = run_layers(
            plan.layers, plan.weights, plan.params, self._memory, first, second,
            self._pushed, fresh, ends,
        )  # fmt: skip
        drive = self._memory[plan.drive : plan.drive + rows * self._hidden]
        run_decoder(
            rows, drive.reshape(rows, self._hidden), self._previous, plan.weights,
            plan.decoder_weights, plan.decoder_params, self._slope, effort,
        )  # fmt: skip
        return int(rows)

    def _history(self) -> list[Array]:
        """Views of what each layer remembers."""
        return [
            self._memory[layer["source"] : layer["source"] + (layer["kernel"] - 1) * layer["width"]]
            for layer in self._plan.layers
            if layer["kernel"] > 1
        ]
