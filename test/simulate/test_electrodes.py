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

"""Electrodes: amplitude follows activation, in the band of surface EMG."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.simulate.electrodes import RATE_HZ, Electrodes
from kpm_ros.simulate.example_scores import five_finger_study
from kpm_ros.simulate.noise import BlockNoise, decaying
from kpm_ros.simulate.person import MUSCLES, Person
from kpm_ros.simulate.pianist import Pianist


@pytest.fixture(scope="module")
def recording() -> tuple[np.ndarray, np.ndarray]:
    pianist = Pianist(five_finger_study(), person=Person(emg_gain_uv=(500.0,) * 6))
    electrodes = Electrodes(pianist, seed=3)
    raw = np.concatenate([electrodes.block(block) for block in range(120)])
    return raw, pianist.activation(np.arange(len(raw)) / RATE_HZ)


def test_each_channel_follows_its_own_muscle_most(recording: tuple) -> None:
    raw, activation = recording
    window = 200
    cut = len(raw) // window * window
    rms = np.sqrt((raw[:cut] ** 2).reshape(-1, window, 6).mean(axis=1))
    mean = activation[:cut].reshape(-1, window, 6).mean(axis=1)
    for channel in range(6):
        match = [np.corrcoef(rms[:, channel], mean[:, muscle])[0, 1] for muscle in range(6)]
        assert int(np.argmax(match)) == channel
        assert match[channel] > 0.9


def test_amplitude_is_the_electrodes_gain_times_activation(recording: tuple) -> None:
    raw, activation = recording
    scale = np.sqrt((raw**2).mean(axis=0) / (activation**2).mean(axis=0))
    assert scale == pytest.approx(np.full(6, 500.0), rel=0.1)


def test_power_lies_in_the_band_of_surface_emg(recording: tuple) -> None:
    raw, _ = recording
    power = (np.abs(np.fft.rfft(raw, axis=0)) ** 2).sum(axis=1)
    frequency = np.fft.rfftfreq(len(raw), 1 / RATE_HZ)
    inside = (frequency > 15) & (frequency < 460)
    assert power[inside].sum() > 0.98 * power.sum()
    hum = power[np.abs(frequency - 50) < 0.05].max()
    assert hum > 3 * power[np.abs(frequency - 53) < 2].max()


def test_a_block_is_the_same_asked_alone_or_in_turn() -> None:
    pianist = Pianist(five_finger_study())
    in_turn, alone = Electrodes(pianist, seed=9), Electrodes(pianist, seed=9)
    blocks = [in_turn.block(block) for block in range(5)]
    assert np.array_equal(alone.block(4), blocks[4])
    assert not np.array_equal(Electrodes(pianist, seed=10).block(4), blocks[4])


def test_noise_has_no_seams_between_blocks() -> None:
    noise = BlockNoise(1, 2, 400, 50, decaying(0.9, 40))
    both = np.concatenate([noise.block(0), noise.block(1)])
    inside = np.corrcoef(both[20], both[21])[0, 1]
    across = np.corrcoef(both[49], both[50])[0, 1]
    assert across == pytest.approx(inside, abs=0.05)
    assert both.std() == pytest.approx(1.0, abs=0.05)


def test_a_kernel_longer_than_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="20 taps and a block only 10"):
        BlockNoise(1, 2, 1, 10, np.ones(20))


def test_channels_are_named_for_their_muscles() -> None:
    assert Electrodes(Pianist(five_finger_study()), 0).channels == MUSCLES
