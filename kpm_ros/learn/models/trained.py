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

"""Trained models of any kind: their files, and what they estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save as to_bytes

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.resources import find_model
from kpm_ros.estimate.engines import streaming_estimator
from kpm_ros.estimate.estimator import as_envelope
from kpm_ros.estimate.weights import (
    ModelFileError,
    load_model,
    load_tensors,
    read_card,
    save_model,
)
from kpm_ros.learn.models.families import Family, bare_network, check_card, family_of, window_of
from kpm_ros.learn.models.rules import RULES, Rule, samples_of
from kpm_ros.models.card import ModelCard

if TYPE_CHECKING:
    from torch import nn

Array = NDArray[np.float32]
Tensors = Mapping[str, Array]
BATCH = 16
"""Windows evaluated at once."""
LIVE_HOP = 10
"""Samples that the live pipeline hands on at a time, about 10 ms."""


@dataclass
class Trained:
    """A model that is ready to estimate."""

    card: ModelCard
    tensors: Tensors
    _engine: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._engine = _engine(self.card, self.tensors)

    @property
    def family(self) -> Family:
        """What kind of model it is."""
        return family_of(self.card)

    @property
    def parameters(self) -> int:
        """How many numbers it has learnt."""
        return sum(tensor.size for tensor in self.tensors.values())

    def estimate(self, pose: Array | None, keys: Array | None) -> Array:
        """Turn a performance's pose (T, P) and keys (T, K) into effort (T, M), as used live.

        A live model is streamed, and sees what is last held beyond the end, where playing has only
        ceased to be recorded; one that takes windows takes overlapping ones. The performance is a
        grid of its own, from 0 on. Like effort in use, it is never below zero.
        """
        return as_envelope(self._engine.estimate(pose, keys))

    def estimate_alone(self, pose: Array | None, keys: Array | None) -> Array:
        """Turn a window into effort as if there were nothing before and after it.

        What the network says is left as it is, as in the published evaluation.
        """
        if isinstance(self._engine, _Streamed):
            return self._engine.alone(pose, keys)
        return self._engine.estimate(pose, keys)

    def estimate_live(self, pose: Array | None, keys: Array | None) -> Array:
        """Do the same in the hops of the live pipeline, where the model is a live one."""
        if isinstance(self._engine, _Streamed):
            return as_envelope(self._engine.in_hops(pose, keys, LIVE_HOP))
        return self.estimate(pose, keys)


def _engine(card: ModelCard, tensors: Tensors) -> Rule:
    family = family_of(card)
    if family.kind == "closed-form":
        return RULES[family.name](card, tensors)
    return _Streamed(card, tensors) if family.live else _Windowed(card, tensors)


class _Streamed:
    """A live model, as it is when it is used."""

    def __init__(self, card: ModelCard, tensors: Tensors) -> None:
        self._stream = streaming_estimator(card, tensors)
        self._lookahead = card.lookahead

    def estimate(self, pose: Array | None, keys: Array | None) -> Array:
        self._stream.reset(0)
        first = self._stream.push(pose, keys)
        held = (None if x is None else np.repeat(x[-1:], self._lookahead, 0) for x in (pose, keys))
        last = self._stream.push(*held)
        return np.concatenate([first, last])[: samples_of(pose, keys)]

    def alone(self, pose: Array | None, keys: Array | None) -> Array:
        self._stream.reset(0)
        first = self._stream.push(pose, keys)
        return np.concatenate([first, self._stream.flush()])

    def in_hops(self, pose: Array | None, keys: Array | None, hop: int) -> Array:
        self._stream.reset(0)
        parts = []
        for start in range(0, samples_of(pose, keys), hop):
            now = slice(start, start + hop)
            fresh = (None if x is None else x[now] for x in (pose, keys))
            parts.append(self._stream.push(*fresh))
        return np.concatenate([*parts, self._stream.flush()])


class _Windowed:
    """A network that sees whole windows: the middle half of each is used, every half window."""

    def __init__(self, card: ModelCard, tensors: Tensors) -> None:
        import torch

        self._card = card
        self._window = window_of(card) or 0
        self._network: nn.Module = bare_network(card)
        state = {name: torch.from_numpy(np.asarray(array)) for name, array in tensors.items()}
        self._network.load_state_dict(state)
        self._network.eval()

    def estimate(self, pose: Array | None, keys: Array | None) -> Array:
        samples, window = samples_of(pose, keys), self._window
        if samples <= window:
            return self._run(pose, keys, [0], samples)[0]
        last = samples - window
        starts = [*range(0, last, window // 2), last]
        effort = np.empty((samples, len(self._card.muscles)), np.float32)
        for first in range(0, len(starts), BATCH):
            some = starts[first : first + BATCH]
            for start, found in zip(some, self._run(pose, keys, some, window), strict=True):
                # The first window's beginning and the last one's end are in no other window.
                inner = 0 if start == 0 else window // 4
                effort[start + inner : start + window] = found[inner:]
        return effort

    def _run(
        self, pose: Array | None, keys: Array | None, starts: list[int], length: int
    ) -> list[Array]:
        """Evaluate windows of one length together."""
        import torch

        def windows(values: Array | None) -> Any:
            if values is None:
                return None
            rows = np.stack([values[start : start + length].T for start in starts])
            return torch.from_numpy(np.ascontiguousarray(rows, np.float32))

        with torch.inference_mode():
            effort = self._network(windows(pose), windows(keys)).numpy()
        return [np.ascontiguousarray(one.T) for one in effort]


def save(path: Path | str, card: ModelCard, tensors: Tensors) -> None:
    """Write a model of any kind, whole or not at all: networks in float16, rules in float32."""
    family = family_of(card)
    if family.live:
        save_model(path, card, tensors)
        return
    _check(card, tensors)
    kept = np.float16 if family.kind == "network" else np.float32
    with np.errstate(over="ignore"):
        stored = {name: np.ascontiguousarray(array, kept) for name, array in tensors.items()}
    for name, array in stored.items():
        if not np.isfinite(array).all():
            raise ModelFileError(f"the tensor {name!r} holds values beyond float16's range")
    write_atomically(Path(path), to_bytes(stored, metadata=card.to_metadata()))


def load(path_or_name: Path | str) -> Trained:
    """Read a model of any kind: a shipped one's name, or the path of a .safetensors file."""
    path = find_model(str(path_or_name))
    card = read_card(path)
    try:
        family = family_of(card)
        if family.live:
            return Trained(*load_model(path))
        stored = load_tensors(path)
        _check(card, stored)
    except ModelFileError as error:
        raise ModelFileError(str(error)) from None
    except (ValueError, TypeError, KeyError) as error:
        raise ModelFileError(f"{path} cannot be used as a model: {error}") from None
    return Trained(card, {name: array.astype(np.float32) for name, array in stored.items()})


def _check(card: ModelCard, tensors: Mapping[str, NDArray[np.generic]]) -> None:
    """See that the tensors are those of the card's model, all finite."""
    check_card(card)
    shapes = tensor_shapes(card)
    if set(shapes) != set(tensors):
        odd = sorted(set(shapes) ^ set(tensors))[0]
        fault = "is missing" if odd in shapes else f"belongs to no layer of {card.architecture}"
        raise ValueError(f"the tensor {odd!r} {fault}")
    for name, shape in shapes.items():
        array = tensors[name]
        fits = len(array.shape) == len(shape) and all(
            due in (-1, size) for due, size in zip(shape, array.shape, strict=True)
        )
        if not fits:
            raise ValueError(f"the tensor {name!r} has shape {array.shape}, not {shape}")
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise ValueError(f"the tensor {name!r} holds something other than finite numbers")


def tensor_shapes(card: ModelCard) -> dict[str, tuple[int, ...]]:
    """List the shapes of a model's tensors; -1 stands for any size."""
    family = family_of(card)
    if family.kind == "closed-form":
        return RULES[family.name].shapes(card)
    state = bare_network(card).state_dict()
    return {name: tuple(tensor.shape) for name, tensor in state.items()}
