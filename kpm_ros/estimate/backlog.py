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

"""Chunks that wait for the network: what is done when they come faster than it works."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kpm_ros.core.chunks import AlignedChunk
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.settings import CheckedSettings, setting


@dataclass(frozen=True)
class BacklogRules(CheckedSettings):
    """When the network works in coarser hops, and when it gives up what it cannot catch up with."""

    limit_s: float = setting(
        0.3,
        "samples that have waited for longer, as on an overloaded machine, are dropped",
        least=0.1,
        most=10.0,
    )
    """Once a chunk has waited for longer than this, the backlog is given up."""
    keep_s: float = 0.05
    """What has waited for no longer than this is kept when the rest is given up."""
    largest_hop_s: float = 0.1
    """Chunks that wait together are joined up to this length: a sample costs less in a long hop."""


@dataclass
class BacklogCounts:
    """What overload came to, for diagnostics."""

    joined: int = 0
    """Chunks that became part of a coarser hop."""
    dropped: int = 0
    """Grid samples that were given up."""
    overloads: int = 0
    """Times that a backlog was given up."""


class Backlog:
    """Hands chunks on one by one while the network keeps up, and in coarser hops when it does not.

    When even that is not enough, everything but the newest chunks is given up at once: one gap,
    after which effort is fresh, rather than effort that lags for ever.
    """

    def __init__(self, rules: BacklogRules | None = None) -> None:
        """Start with nothing waiting."""
        self.rules = rules or BacklogRules()
        self.counts = BacklogCounts()
        self._limit_ns = round(self.rules.limit_s * NS_PER_S)
        self._keep_ns = round(self.rules.keep_s * NS_PER_S)
        self._waiting: deque[tuple[AlignedChunk, int]] = deque()

    def __len__(self) -> int:
        """Chunks that wait."""
        return len(self._waiting)

    def add(self, chunk: AlignedChunk, sent_ns: int) -> None:
        """Let a chunk wait that was sent at this time."""
        self._waiting.append((chunk, sent_ns))

    def take(self, now_ns: int) -> tuple[AlignedChunk, int] | None:
        """Give the next hop and when the oldest of it was sent, None when nothing waits."""
        if self._waiting and now_ns - self._waiting[0][1] > self._limit_ns:
            self._give_up(now_ns)
        if not self._waiting:
            return None
        oldest, sent_ns = self._waiting.popleft()
        hop = [oldest]
        room = round(self.rules.largest_hop_s * hop[0].rate_hz) - len(hop[0])
        while self._waiting and self._joins(hop[-1], self._waiting[0][0], room):
            hop.append(self._waiting.popleft()[0])
            room -= len(hop[-1])
        if len(hop) > 1:
            self.counts.joined += len(hop)
        return _joined(hop), sent_ns

    def _give_up(self, now_ns: int) -> None:
        self.counts.overloads += 1
        while self._waiting and now_ns - self._waiting[0][1] > self._keep_ns:
            self.counts.dropped += len(self._waiting.popleft()[0])

    @staticmethod
    def _joins(before: AlignedChunk, after: AlignedChunk, room: int) -> bool:
        follows = after.grid_index == before.grid_index + len(before)
        counted = after.first_index == before.first_index + len(before)
        return follows and counted and len(after) <= room


def _joined(chunks: Sequence[AlignedChunk]) -> AlignedChunk:
    """One chunk of consecutive ones, with the trace of the newest."""
    if len(chunks) == 1:
        return chunks[0]
    return replace(
        chunks[0],
        values=np.concatenate([chunk.values for chunk in chunks]),
        missing=np.concatenate([chunk.missing for chunk in chunks]),
        flags=np.concatenate([chunk.flags for chunk in chunks]),
        trace=chunks[-1].trace,
    )
