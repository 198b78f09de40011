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

"""The offset and size of a person's own movement, by which people become comparable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import (
    NO_EXAMPLES,
    PIECE,
    Example,
    moving_columns,
    pieces,
    scaled_card,
    stride_between,
)

LEAST_SHARE = 0.25
"""Of the usual size of a column's movement: who moves less in a column is not blown up beyond."""
ENOUGH_S = 60.0
"""Seconds of a person's movement that stand for themselves; what fewer lack of it is taken to be as
usual: somebody who did one thing only has not shown yet how far everything moves."""

Array64 = NDArray[np.float64]


@dataclass
class Movement:
    """How much there is of some movement, and the sums of its columns and of their squares."""

    count: int
    seconds: float
    total: Array64
    square: Array64

    @property
    def mean(self) -> Array64:
        """Of each column."""
        return self.total / self.count

    @property
    def variance(self) -> Array64:
        """Of each column."""
        return np.maximum(self.square / self.count - self.mean**2, 0)


def by_person(examples: Sequence[Example]) -> dict[str, list[Example]]:
    """Sort recordings by whose they are."""
    found: dict[str, list[Example]] = defaultdict(list)
    for one in examples:
        found[one.person].append(one)
    return dict(found)


def movement_of(card: ModelCard, examples: Sequence[Example]) -> Movement:
    """Sum up how a person moves; the effort is not looked at."""
    every = stride_between(card.rate_hz)
    moved = Movement(0, 0.0, np.zeros(card.streams.width), np.zeros(card.streams.width))
    for example in examples:
        for piece in pieces(example, PIECE // every * every):
            rows = example.values(*piece)[::every].astype(np.float64)
            moved.count += len(rows)
            moved.total += rows.sum(axis=0)
            moved.square += (rows**2).sum(axis=0)
    if not moved.count:
        raise ValueError(NO_EXAMPLES)
    moved.seconds = moved.count * every / card.rate_hz
    return moved


def usual_card(card: ModelCard, people: Mapping[str, Movement]) -> ModelCard:
    """Put the offset and size of the average person on a card; a piano's keys stay as they are."""
    mean = np.mean([one.mean for one in people.values()], axis=0)
    return scaled_card(
        card, mean, np.sqrt(np.mean([one.variance for one in people.values()], axis=0))
    )


def own_card(card: ModelCard, moved: Movement) -> ModelCard:
    """Put a person's own offset and size on a card that has those of the average one.

    Of a person who has hardly moved they stay nearly the average one's.
    """
    usual, middle = np.asarray(card.scale), np.asarray(card.offset)
    share = min(1.0, moved.seconds / ENOUGH_S)
    mean = share * moved.mean + (1 - share) * middle
    variance = share * moved.variance + (1 - share) * usual**2
    moving = moving_columns(card)
    size = np.maximum(np.sqrt(variance), LEAST_SHARE * usual)
    offset = np.where(moving, mean, middle)
    scale = np.where(moving, size, usual)
    return replace(card, offset=tuple(offset.tolist()), scale=tuple(scale.tolist()))
