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

"""A model's tensors arranged for the compiled layers: packed weights, memory, order of layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.compilation import PANEL, READS_HALF, WIDE_PANEL, on_cache_line
from kpm_ros.models.card import ModelCard
from kpm_ros.models.pianokpm.layers import CONV, LANE_CONV, LAYER, LINEAR, MIX, STILL_CONV
from kpm_ros.models.pianokpm.shapes import (
    Structure,
    mostly_still,
    share_lookahead,
    structure_of,
)

BLOCK = 48
"""Most samples taken at once: above every look-ahead, and small enough to stay in the cache."""

Tensors = Mapping[str, NDArray[np.float32]]


@dataclass
class _Layer:
    """One row of the table of layers, field by field as in LAYER."""

    kind: int
    source: int
    width: int
    kernel: int
    ahead: int
    before: int
    target: int
    out: int
    adds: int
    weights: int
    weights2: int
    params: int
    groups: int

    @property
    def entry(self) -> int:
        """Where new input rows go: behind the history."""
        return self.source + (self.kernel - 1) * self.width


@dataclass(frozen=True)
class Plan:
    """What the compiled layers need to run one model."""

    layers: NDArray[np.void]
    weights: NDArray[np.uint16] | NDArray[np.float32]
    params: NDArray[np.float32]
    memory_size: int
    scratch_size: int
    inputs: dict[str, int]
    """Where each sense's new rows go in the memory."""
    drive: int
    """Where the decoder finds what its first layer makes of the features."""
    decoder_weights: int
    decoder_params: NDArray[np.float32]


class _FlatArray:
    """Arrays packed end to end into one, each found again by its offset."""

    def __init__(self) -> None:
        self._arrays: list[NDArray[np.float32]] = []
        self._end = 0

    def append(self, *arrays: NDArray[np.floating[Any]]) -> int:
        """Append arrays one after another, from the next cache line on; returns the offset."""
        start = -(-self._end // 32) * 32
        self._arrays.append(np.zeros(start - self._end, np.float32))
        self._arrays += [np.asarray(array, np.float32).ravel() for array in arrays]
        self._end = start + sum(array.size for array in arrays)
        return start

    def flat(self) -> NDArray[np.float32]:
        """Everything, in one array."""
        return np.asarray(on_cache_line(np.concatenate(self._arrays)))


def _pack(weight: NDArray[np.float32], panel: int = PANEL) -> NDArray[np.float32]:
    """Arrange weights (out, ..., in) as (panels, ..., in, columns of a panel)."""
    panels = weight.reshape(-1, panel, *weight.shape[1:])
    return np.moveaxis(panels, 1, -1)


def store_weights(flat: NDArray[np.float32]) -> NDArray[np.uint16] | NDArray[np.float32]:
    """Keep weights as float16 where that loses nothing, as it does for every model file."""
    if READS_HALF:
        with np.errstate(over="ignore"):
            half = flat.astype(np.float16)
        if np.array_equal(half.astype(np.float32), flat):
            return on_cache_line(half.view(np.uint16))
    return flat


class _Planner:
    """Lays out layers in the order in which they are asked for."""

    def __init__(self, tensors: Tensors) -> None:
        self.tensors = tensors
        self.weights, self.params = _FlatArray(), _FlatArray()
        self.layers: list[_Layer] = []
        self.memory_size = 0

    def room(self, width: int, history: int = 0) -> int:
        """Reserve input rows, with one to spare for products that take rows two at a time."""
        start = self.memory_size
        self.memory_size += -(-(history + BLOCK + 1) * width // 16) * 16
        return start

    def _add(
        self,
        kind: int,
        width: int,
        out: int,
        params: int,
        weights: Sequence[int] = (0, 0),
        kernel: int = 1,
        wait: tuple[int, int] = (0, 0),
        groups: int = 1,
    ) -> _Layer:
        layer = _Layer(
            kind=kind,
            source=self.room(width, kernel - 1),
            width=width,
            kernel=kernel,
            ahead=wait[0],
            before=wait[1],
            target=0,
            out=out,
            adds=0,
            weights=weights[0],
            weights2=weights[-1],
            params=params,
            groups=groups,
        )
        self.layers.append(layer)
        return layer

    def _norm(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]

    def conv(self, name: str, wait: tuple[int, int], still: bool = False) -> _Layer:
        """Plan a conv block; `still` for an input whose channels mostly stand still."""
        weight = self.tensors[f"{name}.conv.weight"]
        out, width, kernel = weight.shape
        values = [self.tensors[f"{name}.conv.bias"], *self._norm(f"{name}.norm")]
        if still:
            values.append(weight.sum(axis=2, dtype=np.float64).T)
            packed = self.weights.append(_pack(weight))
        else:
            packed = self.weights.append(_pack(weight.transpose(0, 2, 1)))
        kind = STILL_CONV if still else CONV
        return self._add(kind, width, out, self.params.append(*values), [packed], kernel, wait)

    def lane_conv(self, name: str, width: int, wait: tuple[int, int]) -> _Layer:
        """Plan a convolution within lanes."""
        weight = self.tensors[f"{name}.conv.weight"]
        groups, _, _, kernel = weight.shape
        bias = np.repeat(self.tensors[f"{name}.conv.bias"], width // groups)
        rows = weight[:, :, 0].transpose(0, 2, 1)
        params = self.params.append(bias, *self._norm(f"{name}.conv_norm"), rows)
        return self._add(LANE_CONV, width, width, params, [0], kernel, wait, groups)

    def mix(self, name: str) -> _Layer:
        """Plan the two linear layers at each instant."""
        first, second = (self.tensors[f"{name}.linear{i}.weight"] for i in (1, 2))
        biases = (self.tensors[f"{name}.linear{i}.bias"] for i in (1, 2))
        params = self.params.append(*biases, *self._norm(f"{name}.linear_norm"))
        packed = [self.weights.append(_pack(weight)) for weight in (first, second)]
        return self._add(MIX, first.shape[1], first.shape[0], params, packed)

    def linear(self, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> _Layer:
        """Plan one linear layer."""
        out, width = weight.shape
        packed = self.weights.append(_pack(weight))
        return self._add(LINEAR, width, out, self.params.append(bias), [packed])

    def table(self) -> NDArray[np.void]:
        """All layers, as the compiled code wants them."""
        return np.array([astuple(layer) for layer in self.layers], LAYER)


def _link(layers: Sequence[_Layer]) -> None:
    """Have each layer write where the next one reads."""
    for layer, following in pairwise(layers):
        layer.target = following.entry


def _trunk(planner: _Planner, structure: Structure, waits: list[tuple[int, int]]) -> list[_Layer]:
    """Plan everything from the encoders' sum to the decoder's first layer."""
    remaining = iter(waits)
    trunk = []
    for s, stage in enumerate(structure.stages):
        trunk.append(planner.conv(f"stage.{s}", next(remaining)))
        for i in range(len(stage.temporal_kernels)):
            name = f"stage.{s}.block.{i}"
            trunk.append(planner.lane_conv(name, structure.width, next(remaining)))
            trunk.append(planner.mix(name))
    tensors = planner.tensors
    trunk.append(planner.linear(tensors["features.weight"], tensors["features.bias"]))
    from_features = tensors["decoder.linear1.weight"][:, : structure.features]
    trunk.append(planner.linear(from_features, tensors["decoder.linear1.bias"]))
    _link(trunk)
    trunk[-1].target = planner.room(structure.hidden)
    return trunk


def _decoder_params(tensors: Tensors, structure: Structure) -> NDArray[np.float32]:
    """Lay out what the decoder needs beside its large weights, in the order it reads them."""
    arrays = [
        tensors["decoder.linear1.weight"][:, structure.features :].T,
        tensors["decoder.norm1.weight"],
        tensors["decoder.norm1.bias"],
        tensors["decoder.linear2.bias"],
        tensors["decoder.norm2.weight"],
        tensors["decoder.norm2.bias"],
        tensors["decoder.linear3.weight"] * np.float32(structure.effort_scale),
        tensors["decoder.linear3.bias"] * np.float32(structure.effort_scale),
    ]
    return on_cache_line(np.concatenate([array.ravel() for array in arrays]))


def make_plan(card: ModelCard, tensors: Tensors) -> Plan:
    """Arrange a model's checked tensors; layers come in the order in which they are run."""
    structure = structure_of(card)
    shares = share_lookahead(structure, card.lookahead)
    waits = list(zip(shares, accumulate(shares, initial=0), strict=False))
    encoder = len(structure.encoder_kernels)
    planner = _Planner(tensors)
    inputs, ends = {}, []
    for sense in card.streams.senses:
        still = mostly_still(card, sense)
        chain = [
            planner.conv(f"{sense}.{i}", waits[i], still=still and i == 0) for i in range(encoder)
        ]
        _link(chain)
        inputs[sense] = chain[0].entry
        ends.append(chain[-1])
    trunk = _trunk(planner, structure, waits[encoder:])
    for i, layer in enumerate(ends):
        layer.target, layer.adds = trunk[0].entry, int(i > 0)
    packed = _pack(tensors["decoder.linear2.weight"], WIDE_PANEL)
    decoder_weights = planner.weights.append(packed)
    return Plan(
        layers=planner.table(),
        weights=store_weights(planner.weights.flat()),
        params=planner.params.flat(),
        memory_size=planner.memory_size,
        scratch_size=(BLOCK + 2) * structure.width,
        inputs=inputs,
        drive=trunk[-1].target,
        decoder_weights=decoder_weights,
        decoder_params=_decoder_params(tensors, structure),
    )
