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

"""A replay beside the run that was recorded: grid sample by grid sample, and effort by effort.

A run is two steps, and each is compared by itself. Alignment: a grid sample is the same when it is
made from the same messages, and then it is so bit by bit; a message that came in time for one run
only makes another sample, which is counted. Estimation: the same grid samples give the same effort,
but for where a stream began, and for samples that were lost on the way to one of the networks. Both
say so themselves, in the flags of the effort; where a run's effort begins or has a gap, what was
said before is not known.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.chunks import AlignedChunk
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import NS_PER_S, Grid
from kpm_ros.estimate.validity import ValidityRules
from kpm_ros.models.card import ModelCard
from kpm_ros.models.registry import architecture_of
from kpm_ros.replay.effort import GRID, Effort

FORGET_S = 0.1
"""How long a decoder that is fed its own output may remember what it once was given."""

RULES = ValidityRules()
"""Effort that was valid in one run only is the same again once it has been invalid, or valid, in
both without a break for as long as its way to zero, or back, takes."""

LEAST_SHARE = 0.5
"""With less than this share of the samples made from the same inputs, nothing is proven."""

NEVER_NS = -(2**62)

Instants = NDArray[np.int64]

_ALIKE, _UNLIKE, _LOST, _UNSEEN, _WARMING = range(5)


@dataclass(frozen=True)
class GridComparison:
    """How two runs' grid samples compare, from the first that both have to the last."""

    same: int
    """Made from the same messages: alike to the last bit."""
    unlike: int
    """Of the same instant, but not made from the same messages."""
    only_first: int
    only_second: int
    other_inputs: Instants
    """Instants of all that are not the same, those before and after what both have included."""

    @property
    def share(self) -> float:
        """Of all samples of that time, how many are the same."""
        return self.same / max(1, self.same + self.unlike + self.only_first + self.only_second)


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
        marks = zip(chunk.missing.tolist(), chunk.flags.tolist(), strict=True)
        sums = [
            zlib.crc32(row, zlib.crc32(missing.to_bytes(4, "little"), flags))
            for row, (missing, flags) in zip(chunk.values, marks, strict=True)
        ]
        self._index.append(np.arange(chunk.grid_index, chunk.grid_index + len(chunk)))
        self._sums.append(np.array(sums, np.int64))

    def compare(self, other: Fingerprints) -> GridComparison:
        """Say which samples the two do not have alike."""
        mine, sums = self._last_of_each()
        others, other_sums = other._last_of_each()
        both, at, other_at = np.intersect1d(mine, others, assume_unique=True, return_indices=True)
        alike = sums[at] == other_sums[other_at]
        first, last = (both[0], both[-1]) if len(both) else (0, -1)
        only_mine = np.setdiff1d(mine, others, assume_unique=True)
        only_others = np.setdiff1d(others, mine, assume_unique=True)
        index = np.union1d(both[~alike], np.union1d(only_mine, only_others))
        return GridComparison(
            same=int(alike.sum()),
            unlike=int((~alike).sum()),
            only_first=int(((only_mine > first) & (only_mine < last)).sum()),
            only_second=int(((only_others > first) & (only_others < last)).sum()),
            other_inputs=np.array([self._grid.stamp_ns(int(i)) for i in index], np.int64),
        )

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
    warming: int
    """Of those that both have: left out where a stream began."""
    unseen: int
    """Left out after a run's first sample and after a gap: what was before it is not known."""
    lost: int
    """Left out where a sample was lost on the way to one network, and stood in for."""
    unlike: int
    """Left out because a grid sample was made from other messages."""
    compared: int
    max_difference: float
    """Greatest difference of any muscle among those compared; NaN for none."""
    flags_differ: int
    """Samples among those compared whose flags differ."""
    max_difference_anywhere: float
    flags_differ_anywhere: int
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether all that is compared is the same within the tolerance."""
        return not (self.max_difference > self.tolerance or self.flags_differ)

    @property
    def enough(self) -> bool:
        """Whether so much is compared that something is proven."""
        return self.compared > 0 and self.compared >= LEAST_SHARE * self.both


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
    flags = first.flags[at], second.flags[other_at]
    flags_differ = flags[0] != flags[1]
    begins = np.union1d(_begins(first.stamps_ns), _begins(second.stamps_ns))
    why = _other_pasts(stamps, *flags, card, begins, other_inputs)
    compared = why == _ALIKE
    return Comparison(
        both=len(stamps),
        only_first=len(first) - len(stamps),
        only_second=len(second) - len(stamps),
        warming=int((why == _WARMING).sum()),
        unseen=int((why == _UNSEEN).sum()),
        lost=int((why == _LOST).sum()),
        unlike=int((why == _UNLIKE).sum()),
        compared=int(compared.sum()),
        max_difference=_greatest(difference[compared]),
        flags_differ=int(flags_differ[compared].sum()),
        max_difference_anywhere=_greatest(difference),
        flags_differ_anywhere=int(flags_differ.sum()),
        tolerance=tolerance,
    )


def _other_pasts(
    stamps: Instants,
    flags: NDArray[FlagBits],
    other_flags: NDArray[FlagBits],
    card: ModelCard,
    begins: Instants,
    other_inputs: Instants | None,
) -> NDArray[np.uint8]:
    """Say of each instant whether the runs have the same past there, and if not, why."""
    since_ns = _believed_alike_since(stamps, flags, other_flags)
    settling_ns = max(
        architecture_of(card).span(card).settling * NS_PER_S // card.rate_hz,
        round(FORGET_S * NS_PER_S),
    )
    warming = stamps[((flags | other_flags) & Flag.WARMING_UP) != 0]
    lost = stamps[((flags ^ other_flags) & Flag.BRIDGED) != 0]
    unlike = np.zeros(len(stamps), np.bool_)
    if other_inputs is not None:
        # Effort also looks ahead, and lies on the line to the model's next sample.
        ahead_ns = (card.lookahead + 1) * NS_PER_S // card.rate_hz
        unlike = _any_within(other_inputs, stamps - settling_ns, stamps + ahead_ns)
        turned = stamps[unlike & (((flags ^ other_flags) & Flag.INVALID) != 0)]
        unlike |= _any_within(turned, since_ns, stamps)
    why = np.full(len(stamps), _ALIKE, np.uint8)
    why[unlike] = _UNLIKE
    for what, events in ((_LOST, lost), (_UNSEEN, begins)):
        why[_any_within(events, since_ns - settling_ns, stamps)] = what
    why[_any_within(warming, since_ns, stamps)] = _WARMING
    return why


def _believed_alike_since(
    stamps: Instants, flags: NDArray[FlagBits], other_flags: NDArray[FlagBits]
) -> Instants:
    """Of each instant, since when whatever went before does not show in how effort is believed."""
    since_ns = np.full(len(stamps), NEVER_NS)
    invalid, other_invalid = ((of & Flag.INVALID) != 0 for of in (flags, other_flags))
    follows = np.diff(stamps, prepend=NEVER_NS) == NS_PER_S // GRID.rate_hz
    for alike, way_s in (
        (invalid & other_invalid, RULES.zero_after_s),
        (~invalid & ~other_invalid, RULES.return_s),
    ):
        breaks = np.where(alike & follows, NEVER_NS, stamps)
        unbroken_ns = stamps - np.maximum.accumulate(breaks)
        way_ns = round(way_s * NS_PER_S)
        whole = unbroken_ns > way_ns
        since_ns[whole] = stamps[whole] - way_ns
    return np.maximum.accumulate(since_ns) if len(since_ns) else since_ns


def _begins(stamps_ns: Instants) -> Instants:
    """Instants of the first sample and of those that do not follow the one before."""
    follows = np.diff(stamps_ns) == NS_PER_S // GRID.rate_hz
    return stamps_ns[np.concatenate([[True], ~follows])] if len(stamps_ns) else stamps_ns


def _any_within(events: Instants, start: Instants, end: Instants) -> NDArray[np.bool_]:
    """For each span, whether an event, of those in order, lies in it."""
    before = np.searchsorted(events, start, side="left")
    until = np.searchsorted(events, end, side="right")
    return np.asarray(until > before)


def _greatest(values: NDArray[np.float32]) -> float:
    return float(values.max()) if len(values) else float("nan")
