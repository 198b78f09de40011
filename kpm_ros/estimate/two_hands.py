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

"""Effort of the left hand, or of both, by a model of the right one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from itertools import zip_longest
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.chunks import EFFORT_RATE_HZ, AlignedChunk, EffortChunk
from kpm_ros.core.flags import INVALID_SIDE, Flag, FlagBits
from kpm_ros.core.grid import Grid
from kpm_ros.core.hands import Mirror, sides_of, streams_of
from kpm_ros.core.sides import BOTH, LEFT, RIGHT
from kpm_ros.core.streams import Landmarks, Streams
from kpm_ros.estimate.estimator import EffortEstimator, EstimatorCounts
from kpm_ros.models.card import ModelCard
from kpm_ros.models.hands import card_of_hand

_INVALID = FlagBits(Flag.INVALID)


class Estimator(Protocol):
    """Whatever turns consecutive chunks of the grid into effort."""

    @property
    def card(self) -> ModelCard:
        """What it is given, and what it gives."""
        ...

    @property
    def counts(self) -> EstimatorCounts:
        """What happened, for diagnostics."""
        ...

    def push(self, chunk: AlignedChunk) -> EffortChunk | None:
        """Take a chunk in; give the effort it completes, or None when there is none yet."""
        ...


class HandsEstimator:
    """Runs an estimator for each hand on its part of the grid, the left one's mirrored.

    Each hand has its own network, so nothing that one hand does changes the other's effort, and its
    own validity. Of two hands whose effort is side by side, LEFT_INVALID or RIGHT_INVALID says
    which one's is not to be acted on: it decays to zero, as always, while the other's goes on.
    INVALID says so of both. What the grid says of an instant, such as that the room is unfamiliar
    or points are hidden, holds for both hands.
    """

    def __init__(
        self, card: ModelCard, hand: str, make_estimator: Callable[[], EffortEstimator]
    ) -> None:
        """Take the model's own card, and what makes an estimator of a right hand."""
        self.card = card_of_hand(card, hand)
        self._parts = PartsOfHands(card.streams, hand)
        self._estimators = [make_estimator() for _ in sides_of(hand)]
        self._joined = JoinedEffort(hand)

    @property
    def counts(self) -> EstimatorCounts:
        """What happened, for diagnostics: of the grid, and of each hand's outputs together."""
        counts = [estimator.counts for estimator in self._estimators]
        return replace(counts[0], not_finite=sum(one.not_finite for one in counts))

    def push(self, chunk: AlignedChunk) -> EffortChunk | None:
        """Take a chunk in; give the effort it completes, or None when there is none yet."""
        parts = self._parts.of(chunk)
        efforts = (one.push(part) for one, part in zip(self._estimators, parts, strict=True))
        return self._joined.push(list(efforts))


class PartsOfHands:
    """Cuts grid samples into what each hand's network is given."""

    def __init__(self, streams: Streams, hand: str) -> None:
        """Take what the model is given, of a right hand."""
        self._sides = sides_of(hand)
        worn = streams_of(streams, hand)
        self._mirror = Mirror(streams)
        self._columns, self._bits = [], []
        for side in self._sides:
            named = [
                f"{stream.name}_{side}"
                if hand == BOTH and isinstance(stream, Landmarks)
                else stream.name
                for stream in streams
            ]
            places = np.arange(worn.width)
            self._columns.append(np.concatenate([places[worn.columns[name]] for name in named]))
            self._bits.append([np.uint32(1 << worn.names.index(name)) for name in named])

    def of(self, chunk: AlignedChunk) -> list[AlignedChunk]:
        """Give each hand's part of a chunk, with the columns of the model's own streams."""
        return [self.of_side(chunk, number) for number in range(len(self._sides))]

    def of_side(self, chunk: AlignedChunk, number: int) -> AlignedChunk:
        """Give the part of one hand, by its place among the sides."""
        values, missing = self.rows(chunk.values, chunk.missing, number)
        return replace(chunk, values=values, missing=missing)

    def rows(
        self, values: NDArray[np.float32], missing: NDArray[np.uint32], number: int
    ) -> tuple[NDArray[np.float32], NDArray[np.uint32]]:
        """Do the same with a grid's rows, and with what is missing of them."""
        own = values[:, self._columns[number]]
        gone = np.zeros(len(missing), np.uint32)
        for place, bit in enumerate(self._bits[number] if missing.any() else ()):
            gone[(missing & bit) != 0] |= np.uint32(1 << place)
        return self._mirror(own) if self._sides[number] == LEFT else own, gone


class JoinedEffort:
    """Puts the effort of each hand side by side, instant by instant."""

    def __init__(self, hand: str) -> None:
        """Take the hand, or both."""
        self._sides = sides_of(hand)
        self._grid = Grid(EFFORT_RATE_HZ)
        self._waiting: list[EffortChunk | None] = [None] * len(self._sides)
        self._offset = 0
        self._last: int | None = None

    def push(self, chunks: Sequence[EffortChunk | None]) -> EffortChunk | None:
        """Take what each hand's estimator gave; give the instants that all of them have given."""
        if len(self._sides) == 1:
            return chunks[0]
        self._waiting = [_after(old, new) for old, new in zip(self._waiting, chunks, strict=True)]
        waiting = [chunk for chunk in self._waiting if chunk is not None]
        if len(waiting) < len(self._sides):
            return None
        begins = [self._grid.last_at(chunk.stamp_ns) for chunk in waiting]
        begin = max(begins)
        count = min(b + len(chunk) for b, chunk in zip(begins, waiting, strict=True)) - begin
        if count <= 0:
            return None
        cuts = [begin - b for b in begins]
        parts = [_cut(chunk, cut, cut + count) for chunk, cut in zip(waiting, cuts, strict=True)]
        self._waiting = [
            _cut(chunk, cut + count, len(chunk)) if cut + count < len(chunk) else None
            for chunk, cut in zip(waiting, cuts, strict=True)
        ]
        return self._side_by_side(begin, parts)

    def _side_by_side(self, instant: int, parts: Sequence[EffortChunk]) -> EffortChunk:
        if self._last is None:
            self._offset = -instant
        elif instant <= self._last:
            self._offset += self._last + 1 - instant
        self._last = instant + len(parts[0]) - 1
        return EffortChunk(
            stamp_ns=parts[0].stamp_ns,
            first_index=instant + self._offset,
            effort=np.concatenate([part.effort for part in parts], axis=1),
            flags=self._flags([part.flags for part in parts]),
            trace=parts[-1].trace,
        )

    def _flags(self, of_hands: Sequence[NDArray[FlagBits]]) -> NDArray[FlagBits]:
        """Tell of each hand whether it is invalid, and INVALID where both are."""
        invalid = [(flags & _INVALID) != 0 for flags in of_hands]
        flags = reduce(np.bitwise_or, of_hands) & ~_INVALID
        for side, bad in zip(self._sides, invalid, strict=True):
            flags[bad] |= FlagBits(INVALID_SIDE[side])
        flags[np.logical_and.reduce(invalid)] |= _INVALID
        return np.asarray(flags, FlagBits)


def estimate_by_hand(
    card: ModelCard,
    hand: str,
    estimate: Callable[[Iterable[AlignedChunk]], Iterator[EffortChunk]],
    chunks: Iterable[AlignedChunk],
) -> Iterator[EffortChunk]:
    """Do with a whole recording what `HandsEstimator` does, by what estimates one of a right hand.

    Take the model's own card.
    """
    if hand == RIGHT:
        yield from estimate(chunks)
        return
    whole, parts, joined = list(chunks), PartsOfHands(card.streams, hand), JoinedEffort(hand)
    of_sides = [
        estimate([parts.of_side(chunk, number) for chunk in whole])
        for number in range(len(sides_of(hand)))
    ]
    for efforts in zip_longest(*of_sides):
        effort = joined.push(efforts)
        if effort is not None:
            yield effort


def _cut(chunk: EffortChunk, start: int, stop: int) -> EffortChunk:
    """Give some of a chunk's samples."""
    if start == 0 and stop == len(chunk):
        return chunk
    grid = Grid(EFFORT_RATE_HZ)
    return replace(
        chunk,
        stamp_ns=grid.stamp_ns(grid.last_at(chunk.stamp_ns) + start),
        first_index=chunk.first_index + start,
        effort=chunk.effort[start:stop],
        flags=chunk.flags[start:stop],
    )


def _after(old: EffortChunk | None, new: EffortChunk | None) -> EffortChunk | None:
    """Put a chunk behind what waits, or in its place where it does not follow on that."""
    if old is None or new is None:
        return old if new is None else new
    grid = Grid(EFFORT_RATE_HZ)
    if grid.last_at(old.stamp_ns) + len(old) != grid.last_at(new.stamp_ns):
        return new
    return replace(
        old,
        effort=np.concatenate([old.effort, new.effort]),
        flags=np.concatenate([old.flags, new.flags]),
        trace=new.trace,
    )
