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

"""A recording's effort with every stretch of it as one batch, on a CPU or a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.chunks import AlignedChunk, EffortChunk
from kpm_ros.estimate.estimator import EffortEstimator, Network
from kpm_ros.models.architecture import Stretch
from kpm_ros.models.card import ModelCard
from kpm_ros.models.registry import architecture_of

Array = NDArray[np.float32]


def estimate_whole(
    chunks: Sequence[AlignedChunk],
    card: ModelCard,
    tensors: Mapping[str, Array],
    make_estimator: Callable[[Network], EffortEstimator],
    device: str,
) -> Iterator[EffortChunk]:
    """Give the effort of a whole recording, as streaming would, up to rounding.

    The estimator is run twice: first to learn what its network is given, stretch by stretch from
    one reset to the next; then, with all stretches evaluated together, to make effort of it.
    """
    seen = _InputsOfNetwork(card)
    learning = make_estimator(seen)
    for chunk in chunks:
        learning.push(chunk)
    efforts = architecture_of(card).batch(card, tensors, device).run(seen.stretches())
    answering = make_estimator(_KnownOutputs(card, efforts))
    for chunk in chunks:
        effort = answering.push(chunk)
        if effort is not None:
            yield effort


class _StandIn:
    """Stands in for the network: as much effort is due, when it is due."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card
        self.settling = architecture_of(card).span(card).settling
        self._pushed = 0

    def reset(self, first_index: int) -> None:
        self._pushed = 0

    def _due(self, samples: int) -> slice:
        """Take so many samples more; say which of the stretch's effort they complete."""
        before = max(0, self._pushed - self.card.lookahead)
        self._pushed += samples
        return slice(before, max(0, self._pushed - self.card.lookahead))


class _InputsOfNetwork(_StandIn):
    """Keeps what the network is given."""

    def __init__(self, card: ModelCard) -> None:
        super().__init__(card)
        self._stretches: list[tuple[int, list[Array]]] = []

    def push(self, values: Array) -> Array:
        self._stretches[-1][1].append(values)
        due = self._due(len(values))
        return np.zeros((due.stop - due.start, len(self.card.muscles)), np.float32)

    def reset(self, first_index: int) -> None:
        super().reset(first_index)
        self._stretches.append((first_index, []))

    def stretches(self) -> list[Stretch]:
        """Give each stretch in one piece."""
        nothing = np.zeros((0, self.card.streams.width), np.float32)
        return [
            Stretch(first_index, np.concatenate([nothing, *parts]))
            for first_index, parts in self._stretches
        ]


class _KnownOutputs(_StandIn):
    """Gives what was computed beforehand."""

    def __init__(self, card: ModelCard, efforts: Sequence[Array]) -> None:
        super().__init__(card)
        self._efforts = iter(efforts)
        self._effort = np.zeros((0, 0), np.float32)

    def push(self, values: Array) -> Array:
        return self._effort[self._due(len(values))]

    def reset(self, first_index: int) -> None:
        super().reset(first_index)
        try:
            self._effort = next(self._efforts)
        except StopIteration:
            raise ValueError(
                "the network put out something that is no number: stream this recording instead"
            ) from None
