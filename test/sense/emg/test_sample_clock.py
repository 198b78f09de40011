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

"""Samples get their number and their time, and what was lost shows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kpm_ros.sense.connection import NS_PER_S
from kpm_ros.sense.emg.emg_device import EmgBlock
from kpm_ros.sense.emg.sample_clock import PacketCounter, SampleClock

START_NS = 1_700_000_000 * NS_PER_S
TRUE_HZ, STATED_HZ = 1992.8, 2000.0


def blocks(
    numbers: NDArray[np.int64], rate_hz: float, *, stalls: bool, wrap: int = 0
) -> Iterator[EmgBlock]:
    """Samples of these true numbers, in blocks that are all stamped when they arrive."""
    rng = np.random.default_rng(3)
    due_s = numbers / rate_hz
    first, now_s = 0, 0.0
    while first < len(numbers):
        now_s += rng.uniform(0.005, 0.030) if stalls and rng.random() < 0.3 else 0.005
        until = int(np.searchsorted(due_s, now_s))
        if until > first:
            arrived_ns = START_NS + round((now_s + rng.exponential(0.0003)) * NS_PER_S)
            some = numbers[first:until]
            yield EmgBlock(
                some[:, None].astype(np.float32),
                np.full(len(some), arrived_ns),
                some % wrap if wrap else None,
            )
            first = until


def run(clock: SampleClock, incoming: Iterator[EmgBlock]) -> NDArray[np.float64]:
    """True number, index given, and seconds since the start, of each run's first sample."""
    return np.array(
        [
            (run.samples[0, 0], run.first_index, (run.stamp_ns - START_NS) / NS_PER_S)
            for block in incoming
            for run in clock.push_block(block)
        ]
    )


@pytest.mark.parametrize("wrap", [0, 256])
def test_the_true_rate_of_a_stalling_amplifier_is_found(wrap: int) -> None:
    clock = SampleClock(STATED_HZ)
    found = run(clock, blocks(np.arange(30_000), TRUE_HZ, stalls=True, wrap=wrap))
    settled = found[found[:, 0] > 3 * TRUE_HZ]
    errors_s = settled[:, 2] - settled[:, 0] / TRUE_HZ
    assert np.abs(errors_s).max() < 0.002
    assert np.ptp(errors_s) < 0.001
    assert clock.rate_hz == pytest.approx(TRUE_HZ, rel=1e-4)
    assert (found[:, 0] == found[:, 1]).all()
    assert (clock.lost, clock.restarts) == (0, 0)
    assert 0.02 < clock.longest_stall_s < 0.05


@pytest.mark.parametrize(("wrap", "lost"), [(256, 1), (256, 7), (256, 3000), (0, 1000)])
def test_lost_samples_show_as_a_jump_of_the_index(wrap: int, lost: int) -> None:
    numbers = np.concatenate([np.arange(6000), np.arange(6000 + lost, 16_000)])
    clock = SampleClock(STATED_HZ)
    found = run(clock, blocks(numbers, TRUE_HZ, stalls=True, wrap=wrap))
    exact = 0 if wrap else 20
    assert abs(clock.lost - lost) <= exact
    assert np.abs(found[:, 0] - found[:, 1]).max() <= exact
    assert (np.diff(found[:, 2]) > 0).all()


def test_a_long_stall_without_loss_makes_no_jump() -> None:
    clock = SampleClock(1000.0)
    found = [
        run
        for block in blocks(np.arange(3000), 1000.0, stalls=False)
        for run in clock.push_block(block)
    ]
    held_up = np.arange(3000, 3500)
    arrived_ns = START_NS + 3_500_000_000
    for part in (held_up[:100], held_up[100:]):
        found += clock.push_block(
            EmgBlock(part[:, None].astype(np.float32), np.full(len(part), arrived_ns))
        )
    assert clock.lost == 0
    assert sum(len(run.samples) for run in found) == 3500
    assert clock.longest_stall_s == pytest.approx(0.5, abs=0.01)


def test_a_counted_amplifier_that_stalls_for_longer_than_its_counter_lasts_lost_nothing() -> None:
    clock = SampleClock(250.0)
    run(clock, blocks(np.arange(1000), 250.0, stalls=False, wrap=256))
    held_up = np.arange(1000, 1300)
    arrived = np.full(300, START_NS + 1300 * 4_000_000)
    clock.push_block(EmgBlock(held_up[:, None].astype(np.float32), arrived, held_up % 256))
    assert clock.lost == 0


def test_a_clock_that_is_set_by_years_is_no_loss() -> None:
    clock = SampleClock(1000.0)
    run(clock, blocks(np.arange(3000), 1000.0, stalls=False))
    years_ns = START_NS + 10 * 365 * 24 * 3600 * NS_PER_S
    for part in np.array_split(np.arange(3000, 9000), 600):
        clock.push_block(EmgBlock(part[:, None].astype(np.float32), years_ns + part * 1_000_000))
    assert clock.lost == 0
    assert clock.restarts == 1


def test_samples_of_a_slow_amplifier_are_not_taken_for_losses() -> None:
    clock = SampleClock(20.0)
    stamps = START_NS + np.arange(100) * NS_PER_S // 20
    for number, stamp in enumerate(stamps):
        clock.push_block(EmgBlock(np.full((1, 1), number, np.float32), np.array([stamp])))
    assert clock.lost == 0
    assert clock.next_index == 100


def test_after_a_break_the_index_says_how_long_it_was() -> None:
    clock = SampleClock(1000.0)
    run(clock, blocks(np.arange(3000), 1000.0, stalls=False))
    clock.reconnected()
    numbers = np.arange(8000, 9000)
    stamps = START_NS + numbers * 1_000_000
    (first,) = clock.push_block(
        EmgBlock(numbers[:, None].astype(np.float32), stamps, numbers % 256)
    )
    assert first.first_index == pytest.approx(8000, abs=10)


def test_an_amplifier_that_changes_its_rate_is_followed() -> None:
    clock = SampleClock(1000.0)
    run(clock, blocks(np.arange(10_000), 1000.0, stalls=True))
    numbers = np.arange(5000)
    stamps = START_NS + 10 * NS_PER_S + np.rint(numbers * NS_PER_S / 500).astype(np.int64)
    last = 0
    for k in range(0, 5000, 5):
        part = slice(k, k + 5)
        for found in clock.push_block(EmgBlock(np.zeros((5, 1), np.float32), stamps[part])):
            assert found.stamp_ns > last
            last = found.stamp_ns
    assert clock.rate_hz == pytest.approx(500, rel=0.01)
    assert abs(last - stamps[-5]) < 5_000_000
    assert clock.lost == 0


def test_counters_that_do_not_number_samples_are_not_used() -> None:
    for counter in (np.arange(200) // 2, np.zeros(200, np.int64), np.arange(200) * 7 % 256):
        packets = PacketCounter()
        assert packets.lost_before(counter).sum() == 0
        assert packets.usable is False


@pytest.mark.parametrize("wrap", [100, 256, 65_536])
def test_a_counter_may_begin_again(wrap: int) -> None:
    packets = PacketCounter()
    counter = np.arange(200_000) % wrap
    lost = sum(packets.lost_before(part).sum() for part in np.array_split(counter, 1000))
    assert lost == 0


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(-(10**18), 10**18), st.integers(0, 60), st.integers(-5, 300)),
        max_size=40,
    ),
    st.booleans(),
)
def test_impossible_stamps_and_counters_never_turn_the_index_back(
    parts: list[tuple[int, int, int]], counted: bool
) -> None:
    clock = SampleClock(1000.0)
    before = -1
    for stamp_ns, count, counter in parts:
        numbers = np.full(count, counter, np.int64)
        block = EmgBlock(
            np.zeros((count, 2), np.float32),
            START_NS + stamp_ns + np.arange(count) * 1_000_000,
            numbers if counted else None,
        )
        for found in clock.push_block(block):
            assert found.first_index > before
            before = found.first_index + len(found.samples) - 1
