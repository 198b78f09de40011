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

"""PianoKPM Net sample by sample: what one pass over the whole signal gives, as soon as it can."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import on_cache_line
from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Tensors
from kpm_ros.models.pianokpm.layers import run_decoder, run_layers
from kpm_ros.models.pianokpm.plan import BLOCK, make_plan
from kpm_ros.models.pianokpm.shapes import structure_of
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.streaming_network import StreamingNetwork

Array = NDArray[np.float32]


class _Input(NamedTuple):
    """One sense on its way into the network's memory."""

    columns: slice
    width: int
    place: int
    """Where its new rows go in the memory."""
    offset: Array | None
    """Subtracted from each row; None where that would change nothing."""
    gain: Array | None
    """By which each row is then multiplied."""


class PianoKPMStream(StreamingNetwork):
    """PianoKPM Net on a stream; computes every layer once per sample."""

    def __init__(self, card: ModelCard, tensors: Tensors) -> None:
        span = architecture_of(card).span(card)
        super().__init__(card, tensors, span, warm_up_samples=BLOCK)
        structure = structure_of(card)
        self._plan = make_plan(card, tensors)
        self._hidden = structure.hidden
        self._slope = np.float32(structure.slope)
        self._memory = on_cache_line(np.zeros(self._plan.memory_size, np.float32))
        self._scratch = on_cache_line(np.zeros((2, self._plan.scratch_size), np.float32))
        self._previous = np.zeros(len(card.muscles), np.float32)
        offset = np.asarray(card.offset, np.float32)
        gain = np.float32(1) / np.asarray(card.scale, np.float32)
        self._inputs = [
            _Input(
                columns,
                columns.stop - columns.start,
                self._plan.inputs[sense],
                _unless_all(0, offset[columns]),
                _unless_all(1, gain[columns]),
            )
            for sense, columns in card.streams.senses.items()
        ]

    def _take(self, values: Array) -> Array:
        samples = len(values)
        known = max(0, self._pushed + samples - self.card.lookahead)
        effort = np.empty((known - self.given, len(self._previous)), np.float32)
        done = 0
        for start in range(0, samples, BLOCK):
            fresh = min(BLOCK, samples - start)
            for columns, width, place, offset, gain in self._inputs:
                block = self._memory[place : place + fresh * width].reshape(fresh, width)
                block[:] = values[start : start + fresh, columns]
                if offset is not None:
                    block -= offset
                if gain is not None:
                    block *= gain
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


def _unless_all(nothing: float, values: Array) -> Array | None:
    """Give values unless all are such that applying them would change nothing."""
    return None if (values == nothing).all() else values
