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

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.align.arrivals import Outcome
from kpm_ros.align.sampled import SampledStream
from kpm_ros.core.flags import Flag
from kpm_ros.sense.samples import KeyMotionChunk
from support.senses import KEYS, MS, T0, motion_chunk


def push(samples: SampledStream, chunk: KeyMotionChunk, received_ns: int) -> Outcome:
    return samples.push(chunk.depth, chunk.stamp_ns, chunk.first_index, chunk.rate_hz, received_ns)


def stream(*chunks: tuple[int, int], delay_ms: int = 11) -> SampledStream:
    """Chunks that begin at these instants (ms) with these samples."""
    samples = SampledStream(20 * MS, 100 * MS)
    for at_ms, first_index in chunks:
        stamp_ns = T0 + at_ms * MS
        push(samples, motion_chunk(stamp_ns, first_index), stamp_ns + delay_ms * MS)
    return samples


def read(samples: SampledStream, *at_ms: float) -> tuple[list[float], list[int], list[float]]:
    rows = np.full((len(at_ms), KEYS), -1, np.float32)
    stamps_ns = T0 + np.round(np.array(at_ms) * MS).astype(np.int64)
    flags, age_ns = samples.read(stamps_ns, rows)
    assert (rows == rows[:, :1]).all()
    return rows[:, 0].tolist(), flags.tolist(), (age_ns / MS).tolist()


def rising(*at_ms: float) -> list[float]:
    return [pytest.approx(ms / 1000, abs=1e-6) for ms in at_ms]


def test_depth_lies_on_straight_lines_between_samples_and_chunks() -> None:
    values, flags, age_ms = read(stream((0, 0), (10, 10)), 0, 0.25, 9.5, 15.75)
    assert values == rising(0, 0.25, 9.5, 15.75)
    assert flags == [0] * 4
    assert age_ms == [0] * 4


def test_depth_is_held_when_nothing_follows() -> None:
    values, flags, age_ms = read(stream((0, 0)), 9, 29)
    assert values == rising(9, 9)
    assert flags == [0, Flag.HELD]
    assert age_ms == [0, 20]


def test_a_lost_chunk_is_bridged_and_flagged() -> None:
    values, flags, _ = read(stream((0, 0), (20, 20)), 8.5, 14, 20)
    assert values == rising(8.5, 14, 20)
    assert flags == [0, Flag.HELD, 0]


def test_before_the_first_sample_values_are_left_as_they_were() -> None:
    values, _, age_ms = read(stream((10, 0)), 5)
    assert values == [-1.0]
    assert age_ms[0] > 10**6


def test_where_chunks_overlap_the_later_one_counts() -> None:
    motion = stream((0, 0))
    later = replace(motion_chunk(T0 + 5 * MS, 5), depth=np.full((10, KEYS), 0.9, np.float32))
    push(motion, later, T0 + 12 * MS)
    values, _, _ = read(motion, 4, 5, 12)
    assert values == pytest.approx([0.004, 0.9, 0.9])


GOOD = motion_chunk(T0, 0)


@pytest.mark.parametrize(
    "impossible",
    [
        replace(GOOD, depth=np.zeros((0, KEYS), np.float32)),
        replace(GOOD, depth=np.zeros(KEYS, np.float32)),
        replace(GOOD, depth=np.zeros((5000, KEYS), np.float32)),
        replace(GOOD, rate_hz=0.0),
        replace(GOOD, rate_hz=-1.0),
        replace(GOOD, rate_hz=float("nan")),
        replace(GOOD, rate_hz=float("inf")),
        replace(GOOD, rate_hz=2.0),
    ],
)
def test_impossible_chunks_are_refused(impossible: KeyMotionChunk) -> None:
    assert push(stream(), impossible, T0 + 11 * MS) is Outcome.REFUSED


def test_a_chunk_that_comes_twice_is_refused() -> None:
    assert push(stream((0, 0)), GOOD, T0 + 15 * MS) is Outcome.REFUSED


def test_a_day_of_motion_takes_no_more_memory_than_a_minute() -> None:
    motion = stream()
    for i in range(3000):
        stamp_ns = T0 + i * 10 * MS
        push(motion, motion_chunk(stamp_ns, i * 10, depth=0.5), stamp_ns + 11 * MS)
    assert len(motion._chunks) <= 2000
    read(motion, 29_995)
    assert len(motion._chunks) <= 2
