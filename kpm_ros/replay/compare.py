"""Two runs of the same recording beside each other: where they had the same inputs, and agree.

Effort is only to be the same where what it was made from was. Two runs differ in that where a
stream begins, because the network's memory fills, and where a message came just in time for the
one and just too late for the other. Both are found and set apart, and counted.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.chunk import AlignedChunk
from kpm_ros.align.flags import Flag
from kpm_ros.align.grid import NS_PER_S, Grid
from kpm_ros.estimate.card import ModelCard
from kpm_ros.replay.effort import GRID, Effort

MEMORY_S = 0.1
"""How long after other inputs effort may differ: the network's own memory."""

BEGIN_S = 0.35
"""How long after a stream's beginning effort may differ, and after other inputs that made it valid
in one run only: warming up, and the ways to zero and back."""

LEAST_SHARE = 0.5
"""With less than this share of the samples made from the same inputs, nothing is proven."""

Instants = NDArray[np.int64]


class Fingerprints:
    """Remembers of every grid sample that passes a number that stands for its contents."""

    def __init__(self, rate_hz: int) -> None:
        """Remember nothing yet."""
        self._grid = Grid(rate_hz)
        self._index: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        self._sums: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]

    def watch(self, chunks: Iterable[AlignedChunk]) -> Iterator[AlignedChunk]:
        """Pass chunks on and remember them."""
        for chunk in chunks:
            self.add(chunk)
            yield chunk

    def add(self, chunk: AlignedChunk) -> None:
        """Remember a chunk."""
        rows = zip(chunk.pose, chunk.keys, chunk.flags.tolist(), strict=True)
        sums = [zlib.crc32(keys, zlib.crc32(pose, flags)) for pose, keys, flags in rows]
        self._index.append(np.arange(chunk.grid_index, chunk.grid_index + len(chunk)))
        self._sums.append(np.array(sums, np.int64))

    def differences(self, other: Fingerprints) -> Instants:
        """Instants at which the two do not have the same sample, in order."""
        mine, sums = self._last_of_each()
        others, other_sums = other._last_of_each()
        both, at, other_at = np.intersect1d(mine, others, assume_unique=True, return_indices=True)
        unlike = both[sums[at] != other_sums[other_at]]
        only_one = np.setxor1d(mine, others, assume_unique=True)
        index = np.union1d(unlike, only_one)
        return np.array([self._grid.stamp_ns(int(i)) for i in index], np.int64)

    def __len__(self) -> int:
        """Number of grid samples remembered."""
        return sum(map(len, self._index))

    def _last_of_each(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Index and number of each sample; what came again after a jump back counts last."""
        index, sums = np.concatenate(self._index), np.concatenate(self._sums)
        found, at = np.unique(index[::-1], return_index=True)
        return found, sums[::-1][at]


@dataclass(frozen=True)
class Comparison:
    """How two runs' effort compares."""

    both: int
    """Samples that both have."""
    only_first: int
    only_second: int
    same_inputs: int
    """Of those that both have: made from the same inputs, as far as is known."""
    max_difference: float
    """Greatest difference of any muscle where the inputs were the same; NaN for none."""
    flags_differ: int
    """Samples whose flags differ where the inputs were the same."""
    max_difference_anywhere: float
    flags_differ_anywhere: int
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether enough had the same inputs, and all of it is the same within the tolerance."""
        enough = self.same_inputs > 0 and self.same_inputs >= LEAST_SHARE * self.both
        return enough and self.max_difference <= self.tolerance and not self.flags_differ


def compare(
    first: Effort,
    second: Effort,
    card: ModelCard,
    tolerance: float,
    other_inputs: Instants | None = None,
) -> Comparison:
    """Compare the effort of two runs, given the instants at which their grid samples differ."""
    stamps, at, other_at = np.intersect1d(first.stamps_ns, second.stamps_ns, return_indices=True)
    difference = np.abs(first.effort[at] - second.effort[other_at]).max(axis=1, initial=0)
    flags_differ = first.flags[at] != second.flags[other_at]
    valid_in_one = ((first.flags[at] ^ second.flags[other_at]) & Flag.INVALID) != 0
    same = _made_from_the_same(stamps, first, second, card, other_inputs, valid_in_one)
    return Comparison(
        both=len(stamps),
        only_first=len(np.setdiff1d(first.stamps_ns, second.stamps_ns)),
        only_second=len(np.setdiff1d(second.stamps_ns, first.stamps_ns)),
        same_inputs=int(same.sum()),
        max_difference=_greatest(difference[same]),
        flags_differ=int(flags_differ[same].sum()),
        max_difference_anywhere=_greatest(difference),
        flags_differ_anywhere=int(flags_differ.sum()),
        tolerance=tolerance,
    )


def _made_from_the_same(
    stamps: Instants,
    first: Effort,
    second: Effort,
    card: ModelCard,
    other_inputs: Instants | None,
    valid_in_one: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Which instants have neither a stream's beginning nor other inputs in their past."""
    begin_ns = round(BEGIN_S * NS_PER_S)
    begins = np.union1d(_begins(first), _begins(second))
    same = ~_any_within(begins, stamps - begin_ns, stamps)
    if other_inputs is not None and len(other_inputs):
        # Effort also looks ahead, and lies on the line to the model's next sample.
        ahead_ns = (card.lookahead + 1) * NS_PER_S // card.rate_hz
        memory_ns = round(MEMORY_S * NS_PER_S)
        unlike = _any_within(other_inputs, stamps - memory_ns, stamps + ahead_ns)
        turned = stamps[unlike & valid_in_one]
        same &= ~unlike & ~_any_within(turned, stamps - begin_ns, stamps)
    return same


def _begins(effort: Effort) -> Instants:
    """Instants of the first sample and of those that do not follow the one before."""
    step_ns = NS_PER_S // GRID.rate_hz
    follows = np.diff(effort.stamps_ns) == step_ns
    return effort.stamps_ns[np.concatenate([[True], ~follows])] if len(effort) else effort.stamps_ns


def _any_within(events: Instants, start: Instants, end: Instants) -> NDArray[np.bool_]:
    """For each span, whether an event, of those in order, lies in it."""
    before = np.searchsorted(events, start, side="left")
    until = np.searchsorted(events, end, side="right")
    return np.asarray(until > before)


def _greatest(values: NDArray[np.float32]) -> float:
    return float(values.max()) if len(values) else float("nan")
