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

"""Overload: coarser hops first, then one clean gap; never a lag that lasts."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.core.chunks import AlignedChunk, Trace
from kpm_ros.core.flags import FlagBits
from kpm_ros.core.grid import Grid
from kpm_ros.estimate.backlog import Backlog, BacklogRules

MS = 1_000_000
T0 = 1_700_000_000_000 * MS
GRID = Grid(1000)
HOP = 10
FIRST = GRID.first_at(T0)


def chunk(number: int, samples: int = HOP) -> AlignedChunk:
    """10 ms of samples; each holds its own number."""
    index = number * HOP
    rows = np.arange(index, index + samples, dtype=np.float32)[:, None]
    return AlignedChunk(
        stamp_ns=GRID.stamp_ns(FIRST + index),
        first_index=index,
        grid_index=FIRST + index,
        rate_hz=1000.0,
        values=rows,
        missing=rows[:, 0].astype(np.uint32),
        flags=np.full(samples, number % 2, FlagBits),
        trace=Trace(input_ns=T0 + number),
    )


def sent(number: int) -> int:
    return T0 + number * 10 * MS


def fill(backlog: Backlog, numbers: range) -> None:
    for number in numbers:
        backlog.add(chunk(number), sent(number))


def test_a_network_that_keeps_up_is_given_every_chunk_as_it_came():
    backlog = Backlog()
    for number in range(5):
        given = chunk(number)
        backlog.add(given, sent(number))
        assert backlog.take(sent(number) + MS) == (given, sent(number))
        assert backlog.take(sent(number) + MS) is None
    assert (backlog.counts.joined, backlog.counts.dropped) == (0, 0)


def test_chunks_that_wait_together_become_one_hop_that_holds_the_same_samples():
    backlog = Backlog()
    fill(backlog, range(4))
    hop, sent_ns = backlog.take(sent(4))
    assert sent_ns == sent(0)
    assert (hop.grid_index, hop.first_index, hop.stamp_ns) == (FIRST, 0, GRID.stamp_ns(FIRST))
    assert hop.values[:, 0].tolist() == hop.missing.tolist() == list(range(40))
    assert hop.flags.tolist() == [0] * 10 + [1] * 10 + [0] * 10 + [1] * 10
    assert hop.trace.input_ns == T0 + 3
    assert backlog.take(sent(4)) is None
    assert backlog.counts.joined == 4


def test_a_hop_is_never_longer_than_the_rules_allow():
    backlog = Backlog(BacklogRules(largest_hop_s=0.03))
    fill(backlog, range(7))
    lengths = []
    while (taken := backlog.take(sent(7))) is not None:
        lengths.append(len(taken[0]))
    assert lengths == [30, 30, 10]


@pytest.mark.parametrize("lost", [1, 5])
def test_chunks_with_a_gap_between_them_are_not_joined(lost):
    backlog = Backlog()
    fill(backlog, range(2))
    fill(backlog, range(2 + lost, 4 + lost))
    assert len(backlog.take(sent(4 + lost))[0]) == 20
    assert backlog.take(sent(4 + lost))[0].first_index == (2 + lost) * HOP


def test_a_backlog_within_the_limit_is_caught_up_without_losing_a_sample():
    backlog = Backlog(BacklogRules(limit_s=0.3))
    fill(backlog, range(30))
    taken = 0
    while (found := backlog.take(sent(30))) is not None:
        hop, _ = found
        assert hop.first_index == taken
        taken += len(hop)
    assert taken == 300
    assert (backlog.counts.dropped, backlog.counts.overloads) == (0, 0)


def test_a_backlog_beyond_the_limit_is_given_up_at_once_but_for_the_newest():
    backlog = Backlog(BacklogRules(limit_s=0.3, keep_s=0.05))
    fill(backlog, range(40))
    hop, _ = backlog.take(sent(40))
    assert hop.first_index == 35 * HOP
    assert len(hop) == 50
    assert (backlog.counts.dropped, backlog.counts.overloads) == (350, 1)


def test_what_was_sent_long_before_it_could_be_taken_is_given_up_though_it_is_alone():
    backlog = Backlog()
    backlog.add(chunk(0), sent(0))
    assert backlog.take(sent(0) + 3000 * MS) is None
    assert len(backlog) == 0
    assert backlog.counts.dropped == HOP


@pytest.mark.parametrize("slowness", [1.1, 2.0, 10.0])
def test_under_lasting_overload_no_hop_is_ever_older_than_the_limit(slowness):
    """A network for which a second of samples is `slowness` seconds of work."""
    backlog = Backlog(BacklogRules(limit_s=0.3))
    now_ns, sent_so_far, ages, waiting = T0, 0, [], []
    while now_ns < T0 + 20_000 * MS:
        while sent(sent_so_far) <= now_ns:
            backlog.add(chunk(sent_so_far), sent(sent_so_far))
            sent_so_far += 1
        waiting.append(len(backlog))
        found = backlog.take(now_ns)
        if found is None:
            now_ns = sent(sent_so_far)
            continue
        hop, sent_ns = found
        ages.append(now_ns - sent_ns)
        now_ns += round(len(hop) * slowness * MS)
    assert max(ages) <= 300 * MS
    assert max(waiting) <= 30 + 10 * slowness
    assert backlog.counts.overloads > 0
