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

"""What every network is that is evaluated sample by sample."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.architecture import Span, Stretch
from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Tensors
from kpm_ros.models.input_checks import check_values
from kpm_ros.models.weight_files import check_tensors

Array = NDArray[np.float32]


class StreamingNetwork(ABC):
    """Grid samples in, effort out `card.lookahead` samples later, in hops of any size.

    `reset` begins a stream and says at which grid index; nothing can be pushed before. All memory
    is taken at the start; a long run neither grows nor drifts.
    """

    def __init__(self, card: ModelCard, tensors: Tensors, span: Span, warm_up_samples: int) -> None:
        """Take a model; after `warm_up_samples`, everything that runs in a hop has run."""
        check_tensors(card, tensors)
        self.card = card
        self.stride, self.settling = span
        self._warm_up_samples = warm_up_samples
        self._first_index: int | None = None
        self._pushed = 0
        self._ended = False

    @property
    def pushed(self) -> int:
        """Samples taken since the stream began."""
        return self._pushed

    @property
    def given(self) -> int:
        """Samples of effort given since the stream began."""
        return self._pushed if self._ended else max(0, self._pushed - self.card.lookahead)

    def push(self, values: Array) -> Array:
        """Take rows of the grid (n, W); give the effort (n', M) now known."""
        self._check_open("the stream was ended by flush(): reset() begins another")
        return self._take(check_values(self.card, values))

    def flush(self) -> Array:
        """End the stream as one pass over the whole signal does; give what is left."""
        self._check_open("the stream has been ended by flush() before")
        effort = self._finish()
        self._ended = True
        return effort

    def reset(self, first_index: int) -> None:
        """Begin a stream at a sample of the grid: forget everything but the model."""
        for part in self._remembered().values():
            part[:] = 0
        self._begin(first_index)
        self._pushed = 0
        self._ended = False

    def state(self) -> dict[str, NDArray[Any]]:
        """Give a copy of everything the stream's future depends on."""
        self._check_begun()
        return {
            **{name: part.copy() for name, part in self._parts().items()},
            "first_index": np.array(self._first_index, np.int64),
            "pushed": np.array(self._pushed, np.int64),
            "ended": np.array(self._ended),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state that `state()` gave, also in another process with the same model."""
        parts = self._parts()
        shapes = {name: part.shape for name, part in parts.items()}
        for name, shape in (shapes | dict.fromkeys(("first_index", "pushed", "ended"), ())).items():
            if name not in state or np.shape(state[name]) != shape:
                raise ValueError(f"the state's {name!r} does not belong to {self.card.name!r}")
        for name, part in parts.items():
            part[:] = state[name]
        self._begin(int(state["first_index"]))
        self._pushed = int(state["pushed"])
        self._ended = bool(state["ended"])

    def warm_up(self) -> None:
        """Compile, or load what was compiled before, so that the first hop is as fast as any."""
        before = None if self._first_index is None else self.state()
        self.reset(0)
        self.push(np.zeros((self._warm_up_samples, self.card.streams.width), np.float32))
        self.flush()
        if before is None:
            self._first_index = None
        else:
            self.restore(before)

    def _begin(self, first_index: int) -> None:
        """Take note of where on the grid the stream begins."""
        self._first_index = first_index

    def _check_open(self, ended: str) -> None:
        self._check_begun()
        if self._ended:
            raise RuntimeError(ended)

    def _check_begun(self) -> None:
        if self._first_index is None:
            raise RuntimeError("no stream was begun: reset(first_index) says where on the grid")

    def _parts(self) -> dict[str, Array]:
        """Name the memory as a state has it: apart from the stream's own entries."""
        return {f"memory.{name}": part for name, part in self._remembered().items()}

    @abstractmethod
    def _take(self, values: Array) -> Array:
        """Take rows that were checked, count them, and give the effort now known."""

    @abstractmethod
    def _finish(self) -> Array:
        """Give the effort of samples that the future was awaited for, without counting any."""

    @abstractmethod
    def _remembered(self) -> Mapping[str, Array]:
        """Name the memory that the stream's future depends on."""


class StreamedBatch:
    """Whole recordings by streaming each, for models that are as fast so as in any other way."""

    def __init__(self, stream: StreamingNetwork, device: str) -> None:
        """Take a network, which runs on the CPU only."""
        if device != "cpu":
            raise ValueError(
                f"{stream.card.name!r} is evaluated on the CPU only: the device must be 'cpu', "
                f"not {device!r}"
            )
        self._stream = stream

    def run(self, stretches: Sequence[Stretch]) -> list[Array]:
        """Turn each stretch into the effort (T, M) that the network says."""
        efforts = []
        for stretch in stretches:
            self._stream.reset(stretch.first_index)
            parts = [self._stream.push(stretch.values), self._stream.flush()]
            efforts.append(np.concatenate(parts))
        return efforts
