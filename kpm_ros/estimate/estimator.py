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

"""From aligned samples to effort on the 2 kHz grid: what the inference node and replay drive."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from kpm_ros.core.chunks import EFFORT_RATE_HZ, AlignedChunk, EffortChunk, Trace
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.settings import CheckedSettings, setting
from kpm_ros.estimate.clock import EffortClock
from kpm_ros.estimate.validity import ValidityGate, ValidityRules
from kpm_ros.models.card import ModelCard
from kpm_ros.models.missing_senses import blank, blind, judge
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.trained import as_envelope


class Network(Protocol):
    """What turns grid samples into effort, `card.lookahead` samples later."""

    @property
    def settling(self) -> int:  # pragma: no cover
        """So many of a stream's first outputs may depend on where it began."""

    def push(self, values: NDArray[np.float32]) -> NDArray[np.float32]:  # pragma: no cover
        """Take samples in as rows; give the outputs that became available."""

    def reset(self, first_index: int) -> None:  # pragma: no cover
        """Begin a new stream at a sample of the grid."""


@dataclass
class EstimatorCounts:
    """What happened, for diagnostics."""

    samples: int = 0
    bridged: int = 0
    """Grid samples that were lost on the way and filled with the last one."""
    repeated: int = 0
    """Grid samples that came again, or too late, and were left out."""
    resets: int = 0
    """Times the stream broke off and the network began afresh."""
    not_finite: int = 0
    """Outputs that were no numbers."""


@dataclass
class _Samples:
    """Grid samples on their way into the network."""

    values: NDArray[np.float32]
    missing: NDArray[np.uint32]
    flags: NDArray[FlagBits]

    def __len__(self) -> int:
        return len(self.flags)

    def __getitem__(self, part: slice) -> _Samples:
        return _Samples(self.values[part], self.missing[part], self.flags[part])


_Output = tuple[NDArray[np.float32], NDArray[FlagBits]]
"""What a network puts out, and its flags."""


@dataclass(frozen=True)
class GapRules(CheckedSettings):
    """What becomes of effort around what is missing from the grid."""

    bridge_s: float = setting(
        0.03, "a gap up to this long is filled with the last sample", least=0.0, most=1.0
    )
    warm_up_s: float = setting(
        0.1,
        "output flagged as warming up after a start or a long gap, at least",
        least=0.0,
        most=10.0,
    )


class EffortEstimator:
    """Runs the network on consecutive chunks and puts its effort on the 2 kHz grid.

    - While its output still depends on where the stream began, and for `warm_up_s` at least, the
      network is warming up, and effort invalid.
    - A gap of up to `bridge_s` is filled with the last sample, flagged as held and bridged.
    - A longer gap, or a step back by more than `repeat_s`, resets the network, which warms up
      again. After a gap the index counts the instants that were skipped; after a step back it goes
      on from where it was.
    - Samples of instants that the network has passed are left out.
    - Without a sense that the model needs, or without any, effort is invalid. A missing sense that
      it can do without is blanked, and flagged.
    - Output that is no number becomes zero and invalid, as does all that the network still owes for
      the samples it has taken. Then the network begins afresh, without an instant being skipped.
    - With `begins_anew`, the network begins afresh with the first sample that has the senses it
      needs again, without an instant being skipped: nothing that was seen before is mixed in.
    - Effort is an envelope: what the network puts below zero is zero.
    """

    def __init__(
        self,
        card: ModelCard,
        network: Network,
        *,
        bridge_s: float = GapRules.bridge_s,
        warm_up_s: float = GapRules.warm_up_s,
        repeat_s: float = 0.5,
        begins_anew: bool = False,
        validity: ValidityRules | None = None,
    ) -> None:
        """Start before the first sample."""
        self.card = card
        self._begins_anew = begins_anew
        self._was_blind = False
        self.counts = EstimatorCounts()
        self._network = network
        self._bridge = round(bridge_s * card.rate_hz)
        self._warm_up = max(round(warm_up_s * card.rate_hz), network.settling)
        self._frame = architecture_of(card).span(card).stride
        self._repeat = round(repeat_s * card.rate_hz)
        self._clock = EffortClock(card.rate_hz)
        self._gate = ValidityGate(len(card.muscles), EFFORT_RATE_HZ, validity)
        self._next_input: int | None = None
        self._next_output = 0
        self._flags = np.zeros(0, FlagBits)
        """Of the samples that the network has taken and not yet answered."""
        self._cold = self._warm_up
        self._last_instant: int | None = None
        self._index_offset = 0

    def push(self, chunk: AlignedChunk) -> EffortChunk | None:
        """Take a chunk in; give the effort it completes, or None when there is none yet."""
        new = self._follow_on(chunk)
        if not len(new):
            return None
        if self._next_input is None:
            self._next_input = self._next_output = chunk.grid_index
            self._clock.reset()
            self._restart_network(chunk.grid_index)
        self._next_input += len(new)
        self._last = new[-1:]
        self.counts.samples += len(new)
        first = self._next_output
        outputs = []
        for part, anew in self._parts(new):
            if anew:
                outputs.append(self._give_up_owed())
            outputs.append(self._estimate(part))
        raw, flags = (np.concatenate(column) for column in zip(*outputs, strict=True))
        if not len(raw):
            return None
        return self._on_effort_grid(first, as_envelope(raw), flags, chunk.trace)

    def _parts(self, new: _Samples) -> Iterator[tuple[_Samples, bool]]:
        """Split samples where the network begins anew; say of each part whether it does."""
        starts: list[int] = []
        if self._begins_anew:
            gone = blind(new.missing, self.card)
            before = np.concatenate([[self._was_blind], gone[:-1]])
            starts = np.flatnonzero(before & ~gone).tolist()
            self._was_blind = bool(gone[-1])
        edges = [0, *(start for start in starts if start), len(new)]
        for start, end in itertools.pairwise(edges):
            yield new[start:end], start in starts

    def _estimate(self, new: _Samples) -> _Output:
        """Run the network on samples; give what it answers, with flags."""
        self._flags = np.concatenate([self._flags, judge(new.flags, new.missing, self.card)])
        raw = self._network.push(blank(new.values, new.missing, self.card))
        if not len(raw):
            return self._nothing(np.zeros(0, FlagBits))
        flags = self._output_flags(len(raw))
        finite = np.isfinite(raw).all(axis=1)
        if not finite.all():
            raw, flags = self._without_numbers(raw, flags, finite)
        self._next_output += len(raw)
        return raw, flags

    def _follow_on(self, chunk: AlignedChunk) -> _Samples:
        """Give what is new in a chunk, after a short gap was bridged or a long one reset all."""
        new = _Samples(chunk.values, chunk.missing, chunk.flags)
        missing = 0 if self._next_input is None else chunk.grid_index - self._next_input
        if missing > self._bridge or missing < -self._repeat:
            self.counts.resets += 1
            self._next_input = None
        elif missing > 0:
            self.counts.bridged += missing
            last = self._last
            held = np.repeat(last.flags | FlagBits(Flag.HELD | Flag.BRIDGED), missing)
            new.values = np.concatenate([np.repeat(last.values, missing, axis=0), new.values])
            new.missing = np.concatenate([np.repeat(last.missing, missing), new.missing])
            new.flags = np.concatenate([held, new.flags])
        elif missing < 0:
            self.counts.repeated += min(-missing, len(new))
            new = _Samples(new.values[-missing:], new.missing[-missing:], new.flags[-missing:])
        return new

    def _output_flags(self, count: int) -> NDArray[FlagBits]:
        """Flags of the next outputs: all those from their own instant to the newest they use."""
        if self._frame == 1:
            ahead = self.card.lookahead
            windows = sliding_window_view(self._flags[: count + ahead], ahead + 1)
            flags = np.bitwise_or.reduce(windows, axis=1)
        else:
            flags = self._flags_of_frames(count)
        self._flags = self._flags[count:]
        cold = min(count, self._cold)
        flags[:cold] |= FlagBits(Flag.WARMING_UP)
        self._cold -= cold
        flags[(flags & Flag.WARMING_UP) != 0] |= FlagBits(Flag.INVALID)
        return flags

    def _flags_of_frames(self, count: int) -> NDArray[FlagBits]:
        """The same where the outputs of a frame become known together, with what its first uses.

        Those that have not come by then use nothing but what the first does, and have flags of
        their own.
        """
        flags = np.empty(count, FlagBits)
        start = 0
        while start < count:
            within = (self._next_output + start) % self._frame
            stop = min(count, start + self._frame - within)
            flags[start:stop] = self._flags[start:stop]
            known = max(start, start - within + self.card.lookahead + 1)
            used = np.bitwise_or.accumulate(self._flags[start:known][::-1])[::-1]
            flags[start:stop][: len(used)] |= used[: stop - start]
            start = stop
        return flags

    def _without_numbers(
        self, raw: NDArray[np.float32], flags: NDArray[FlagBits], finite: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[FlagBits]]:
        """Put invalid zeros for what is no number and for what is owed; begin afresh after it."""
        self.counts.not_finite += int((~finite).sum())
        raw = np.where(finite[:, None], raw, np.float32(0))
        flags[~finite] |= FlagBits(Flag.INVALID)
        nothing, owed = self._nothing(self._flags | FlagBits(Flag.INVALID))
        self._restart_network(self._next_output + len(raw) + len(owed))
        return np.concatenate([raw, nothing]), np.concatenate([flags, owed])

    def _give_up_owed(self) -> _Output:
        """Put invalid zeros for what the network owes, and begin afresh after it."""
        nothing, owed = self._nothing(self._flags | FlagBits(Flag.INVALID))
        self._next_output += len(owed)
        self._restart_network(self._next_output)
        return nothing, owed

    def _nothing(self, flags: NDArray[FlagBits]) -> _Output:
        return np.zeros((len(flags), len(self.card.muscles)), np.float32), flags

    def _on_effort_grid(
        self, first: int, raw: NDArray[np.float32], flags: NDArray[FlagBits], trace: Trace
    ) -> EffortChunk | None:
        instant, effort, effort_flags = self._clock.push(first, raw, flags)
        if not len(effort):
            return None
        if self._last_instant is None:
            self._index_offset = -instant
        elif instant <= self._last_instant:
            self._index_offset += self._last_instant + 1 - instant
        else:
            self._gate.skip(instant - self._last_instant - 1)
        self._last_instant = instant + len(effort) - 1
        return EffortChunk(
            stamp_ns=self._clock.output.stamp_ns(instant),
            first_index=instant + self._index_offset,
            effort=self._gate.apply(effort, effort_flags),
            flags=effort_flags,
            trace=trace,
        )

    def _restart_network(self, grid_index: int) -> None:
        self._network.reset(grid_index)
        self._cold = self._warm_up
        self._flags = np.zeros(0, FlagBits)
