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

"""Electrodes that are not well are recognised, and those that are well are left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kpm_ros.sense.emg.channel_health import ChannelHealth, ChannelState, HealthConfig
from kpm_ros.sense.emg.emg_csv import EmgCsv, EmgCsvConfig
from kpm_ros.sense.samples import ChannelChunk

RATE_HZ = 2000
TIME_S = np.arange(2 * RATE_HZ) / RATE_HZ
MUSCLE = np.random.default_rng(4).standard_normal(len(TIME_S)) * 80


def state(
    values: NDArray[np.float64], *, unit: str = "uV", rate_hz: float = RATE_HZ, **config: float
) -> ChannelState:
    health = ChannelHealth(HealthConfig(**config))
    for first in range(0, len(values), 50):
        part = values[first : first + 50, None].astype(np.float32)
        health.push_chunk(ChannelChunk("emg", 0, first, rate_hz, ("emg1",), unit, part))
    return health.states["emg1"]


def test_a_muscle_at_work_or_at_rest_is_well() -> None:
    assert state(MUSCLE) is ChannelState.GOOD
    assert state(MUSCLE / 40) is ChannelState.GOOD
    assert state(MUSCLE + 6000 + 50 * TIME_S) is ChannelState.GOOD


def test_a_channel_that_does_not_move_is_dead() -> None:
    assert state(np.zeros_like(TIME_S)) is ChannelState.DEAD
    assert state(np.full_like(TIME_S, -187_500.0)) is ChannelState.DEAD


def test_clipping_is_saturation_whether_the_rail_is_known_or_not() -> None:
    assert state(np.clip(MUSCLE * 5, -300, 300)) is ChannelState.SATURATED
    assert state(np.clip(MUSCLE * 5, -1e9, 200)) is ChannelState.SATURATED
    stuck = np.full_like(TIME_S, 187_500.0)
    assert state(stuck, rail_uv=187_500.0) is ChannelState.SATURATED


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
def test_an_electrode_that_is_off_hums(mains_hz: float) -> None:
    hum = 400 * np.sin(2 * np.pi * mains_hz * TIME_S)
    assert state(MUSCLE + hum, mains_hz=mains_hz) is ChannelState.DISCONNECTED
    assert state(MUSCLE + hum, mains_hz=0.0) is ChannelState.DISCONNECTED
    assert state(MUSCLE + hum / 40, mains_hz=mains_hz) is ChannelState.GOOD


def test_a_muscle_that_is_louder_than_the_hum_is_well() -> None:
    hum = 150 * np.sin(2 * np.pi * 50 * TIME_S)
    assert state(MUSCLE * 5 + hum) is ChannelState.GOOD


def test_noise_that_no_muscle_makes_is_an_electrode_that_is_off() -> None:
    assert state(MUSCLE * 100) is ChannelState.DISCONNECTED


def test_other_units_are_understood() -> None:
    assert state(MUSCLE / 1e3, unit="mV") is ChannelState.GOOD
    assert state(MUSCLE / 1e6, unit="V") is ChannelState.GOOD
    assert state(MUSCLE * 100 / 1e6, unit="V") is ChannelState.DISCONNECTED


def test_a_channel_that_gets_well_is_well() -> None:
    health = ChannelHealth()
    for number, values in enumerate((np.zeros(2000), MUSCLE[:2000])):
        samples = np.stack([values, MUSCLE[2000:]], axis=1).astype(np.float32)
        health.push_chunk(ChannelChunk("emg", 0, number * 2000, 2000.0, ("a", "b"), "uV", samples))
        assert health.ill == ({"a": ChannelState.DEAD} if number == 0 else {})
        assert health.in_words() == ("a is dead" if number == 0 else "")


def test_coarse_numbers_are_not_taken_for_clipping() -> None:
    assert state(np.round(MUSCLE / 80) * 80) is ChannelState.GOOD


def test_the_real_recording_is_well_but_a_quarter_of_it_was_filled_in(shared: Path) -> None:
    device = EmgCsv(EmgCsvConfig(str(shared / "data" / "emg" / "exg_1745109913.csv")))
    described = device.connect()
    device.read(0)
    block = device.read(900_000_000)
    assert block is not None
    health = ChannelHealth(HealthConfig(window_s=0.5, mains_hz=60.0))
    health.push_chunk(ChannelChunk("emg", 0, 0, 250.0, described.channels, "uV", block.samples))
    assert health.ill == {}
    assert health.repeated == pytest.approx(0.25, abs=0.1)
