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

"""A device's clock is found through the delays of its messages."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from kpm_ros.sense.connection import NS_PER_S
from kpm_ros.sense.device_clock import DeviceClock

START_NS = 1_700_000_000 * NS_PER_S
RATE_HZ = 1992.8
STATED_NS = NS_PER_S / 2000


def arrivals(seconds: float, rng: np.random.Generator) -> list[tuple[float, int, int]]:
    """Sample number, true time and arrival: every few ms, with stalls of 5 to 30 ms."""
    made = []
    now_s = 0.0
    while now_s < seconds:
        now_s += rng.uniform(0.005, 0.030) if rng.random() < 0.3 else 0.004
        number = float(int(now_s * RATE_HZ))
        arrived_s = now_s + rng.exponential(0.0005)
        true_ns = START_NS + round(number / RATE_HZ * NS_PER_S)
        made.append((number, true_ns, START_NS + round(arrived_s * NS_PER_S)))
    return made


def test_rate_and_offset_are_found_through_stalls() -> None:
    clock = DeviceClock(STATED_NS)
    errors = []
    for number, true_ns, arrival_ns in arrivals(30, np.random.default_rng(1)):
        clock.add(number, arrival_ns)
        errors.append(clock.host_ns(number) - true_ns)
    late = np.array(errors[len(errors) // 6 :]) / 1e6
    assert np.abs(late).max() < 1.0
    assert NS_PER_S / clock.tick_ns == pytest.approx(RATE_HZ, rel=1e-4)


def test_stamps_never_run_backwards_while_the_fit_improves() -> None:
    clock = DeviceClock(STATED_NS)
    stamps = []
    for number, _, arrival_ns in arrivals(20, np.random.default_rng(2)):
        clock.add(number, arrival_ns)
        stamps.append((number, clock.host_ns(number)))
    for (before, earlier), (after, later) in pairwise(stamps):
        if after > before:
            assert later > earlier


def test_a_message_that_is_held_up_is_stamped_as_if_it_had_not_been() -> None:
    clock = DeviceClock(1.0, tolerance=0.001)
    for second in range(20):
        clock.add(second * NS_PER_S, START_NS + second * NS_PER_S)
        clock.host_ns(second * NS_PER_S)
    clock.add(20 * NS_PER_S, START_NS + 20 * NS_PER_S + 80_000_000)
    assert abs(clock.host_ns(20 * NS_PER_S) - START_NS - 20 * NS_PER_S) < 1_000_000


def test_hours_of_drift_leave_no_error() -> None:
    clock = DeviceClock(1.0, tolerance=0.001)
    drift = 1 + 80e-6
    for second in range(0, 4 * 3600, 2):
        device = second * NS_PER_S
        host_ns = START_NS + round(device * drift)
        clock.add(device, host_ns)
        stamp_ns = clock.host_ns(device)
    assert abs(stamp_ns - host_ns) < 500_000


def test_a_pause_of_an_hour_is_bridged() -> None:
    clock = DeviceClock(1.0, tolerance=0.001)
    for second in [*range(10), *range(3600, 3610)]:
        device = second * NS_PER_S
        host_ns = START_NS + round(device * (1 + 50e-6))
        clock.add(device, host_ns)
        stamp_ns = min(clock.host_ns(device), host_ns)
    assert abs(stamp_ns - host_ns) < 1_000_000


@pytest.mark.parametrize("step_s", [-3600, 3600])
def test_a_host_clock_that_is_set_is_followed(step_s: int) -> None:
    clock = DeviceClock(STATED_NS)
    for number in range(0, 60_000, 20):
        offset_ns = step_s * NS_PER_S if number >= 20_000 else 0
        host_ns = START_NS + round(number * STATED_NS) + offset_ns
        clock.add(number, host_ns)
        stamp_ns = clock.host_ns(number)
    assert clock.restarts == 1
    assert abs(stamp_ns - host_ns) < 1_000_000


@pytest.mark.parametrize("rate_hz", [500.0, 4000.0])
def test_a_device_of_another_rate_than_stated_is_followed(rate_hz: float) -> None:
    clock = DeviceClock(STATED_NS, follow_rate=True)
    for number in range(0, round(20 * rate_hz), 20):
        host_ns = START_NS + round(number / rate_hz * NS_PER_S)
        clock.add(number, host_ns)
        stamp_ns = clock.host_ns(number)
    assert NS_PER_S / clock.tick_ns == pytest.approx(rate_hz, rel=1e-3)
    assert clock.rate_changes == 1
    assert abs(stamp_ns - host_ns) < 1_000_000


def test_of_samples_that_come_together_the_least_late_counts() -> None:
    clock = DeviceClock(STATED_NS)
    rng = np.random.default_rng(3)
    for first in range(0, 20_000, 20):
        numbers = np.arange(first, first + 20, dtype=np.float64)
        late_ns = rng.uniform(1e6, 20e6, 20)
        late_ns[rng.integers(19)] = 0.0
        clock.add_all(numbers, START_NS + (numbers * STATED_NS + late_ns).astype(np.int64))
        stamp_ns = clock.host_ns(first)
    assert abs(stamp_ns - START_NS - first * STATED_NS) < 100_000


def test_before_the_first_point_there_is_no_time() -> None:
    with pytest.raises(ValueError, match="first point"):
        DeviceClock(1.0).host_ns(0.0)
