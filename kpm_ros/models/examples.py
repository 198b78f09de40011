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

"""What models are fitted to and begin from: recordings on a card's grid, and averages over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.streams import PianoKeys
from kpm_ros.models.card import ModelCard

NO_EXAMPLES = "there is no recording to learn from"
PIECE = 8192
"""Rows that are held in memory at once."""
AVERAGED_HZ = 64.0
"""Rows a second that averages are taken over: those between them say almost the same."""
_STILL = 1e-6
"""A column that varies less never moves, and is left at its size rather than blown up."""

Array = NDArray[np.float32]
Tensors = Mapping[str, Array]


class Example(Protocol):
    """One recording on the grid of a model's card."""

    @property
    def person(self) -> str:
        """Whose it is."""
        ...

    @property
    def effort(self) -> Array:
        """True effort (T, M), at the grid's samples; NaN where it is not known."""
        ...

    def values(self, start: int = 0, stop: int | None = None) -> Array:
        """Rows of the grid (stop - start, W), resampled as the live pipeline resamples them."""
        ...


class Piece(NamedTuple):
    """Some of an example's rows."""

    start: int
    stop: int


def pieces(example: Example, size: int = PIECE) -> Iterator[Piece]:
    """Cut an example into pieces of so many rows."""
    length = len(example.effort)
    for start in range(0, length, size):
        yield Piece(start, min(start + size, length))


def stride_between(rate_hz: float, wanted_hz: float = AVERAGED_HZ) -> int:
    """Of how many neighbouring rows one is taken, so that about so many a second remain."""
    return max(1, round(rate_hz / wanted_hz))


def mean_effort(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Mean effort of each muscle over all samples in which it is known; 0 where it never is."""
    if not any(len(one.effort) for one in examples):
        raise ValueError(NO_EXAMPLES)
    count = sum(np.isfinite(one.effort).sum(axis=0) for one in examples)
    total = sum(np.nansum(one.effort, axis=0, dtype=np.float64) for one in examples)
    return np.asarray(total / np.maximum(count, 1))


def effort_variances(examples: Sequence[Example]) -> NDArray[np.float64]:
    """Variance of each muscle's effort where it is known; NaN where it never is."""
    count, total, square = np.zeros((3, examples[0].effort.shape[1]))
    for one in examples:
        effort = one.effort.astype(np.float64)
        count += np.isfinite(effort).sum(axis=0)
        total += np.nansum(effort, axis=0)
        square += np.nansum(effort**2, axis=0)
    known = np.where(count > 0, count, np.nan)
    return np.asarray(square / known - (total / known) ** 2)


def filled(effort: Array, mean: NDArray[np.float64]) -> Array:
    """Put each muscle's mean where its effort is not known."""
    return np.where(np.isfinite(effort), effort, mean).astype(np.float32)


def normalised_card(card: ModelCard, examples: Sequence[Example]) -> ModelCard:
    """Put the mean and size of each column on a card that has none; a piano's keys stay as is."""
    if card.scale or not moving_columns(card).any():
        return card
    every = stride_between(card.rate_hz)
    count, total, square = 0, np.zeros(card.streams.width), np.zeros(card.streams.width)
    for example in examples:
        for piece in pieces(example, PIECE // every * every):
            rows = example.values(*piece)[::every].astype(np.float64)
            count += len(rows)
            total += rows.sum(axis=0)
            square += (rows**2).sum(axis=0)
    if not count:
        raise ValueError(NO_EXAMPLES)
    mean = total / count
    return scaled_card(card, mean, np.sqrt(np.maximum(square / count - mean**2, 0)))


def moving_columns(card: ModelCard) -> NDArray[np.bool_]:
    """Tell the columns that are brought to one size: all but a piano's keys."""
    moving = np.zeros(card.streams.width, bool)
    for stream in card.streams:
        moving[card.streams.columns[stream.name]] = not isinstance(stream, PianoKeys)
    return moving


def scaled_card(card: ModelCard, mean: NDArray[np.float64], size: NDArray[np.float64]) -> ModelCard:
    """Put the mean and size of each column on a card; a piano's keys stay as they are."""
    moving = moving_columns(card)
    offset = np.where(moving, mean, 0.0)
    scale = np.where(moving & (size > _STILL), size, 1.0)
    return replace(card, offset=tuple(offset.tolist()), scale=tuple(scale.tolist()))
