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

"""Electrodes: from muscle activation to raw EMG in microvolts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.noise import BlockNoise, band_pass, generator
from kpm_ros.simulate.products import mixed

RATE_HZ = 2000
BAND_HZ = (20.0, 450.0)
_TAPS = 201
_NOISE_UV = 4.0
"""Amplifier and skin, root mean square."""
_HUM_UV = 2.5
"""Amplitude of the mains' hum."""
_HUM_HZ = 50.0
_CARRIER, _SKIN, _SETTING = 0x100, 0x200, 0x300


class Wired(Protocol):
    """Whoever wears electrodes."""

    @property
    def crosstalk(self) -> float:
        """Fraction of each neighbouring muscle's signal that an electrode picks up."""

    @property
    def emg_gain_uv(self) -> tuple[float, ...]:
        """Root mean square of each electrode's signal at full activation."""


class Active(Protocol):
    """Whatever has muscles that electrodes are on."""

    @property
    def muscles(self) -> tuple[str, ...]:
        """Their names."""

    @property
    def person(self) -> Wired:
        """Whose they are."""

    def activation(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Activation of every muscle at increasing times: (n, muscles), in 0..1."""


class Electrodes:
    """One electrode pair on each muscle.

    Surface EMG is noise in 20-450 Hz whose amplitude follows the muscle's activation; each
    electrode also picks up its neighbours, noise and hum.
    """

    def __init__(
        self,
        performer: Active,
        seed: int,
        samples_per_block: int = 500,
        *,
        gain_uv: Sequence[float] | None = None,
        crosstalk: float | None = None,
        dead: Sequence[str] = (),
    ) -> None:
        """Blocks of this many samples at 2 kHz.

        Gains and crosstalk, between neighbours in the list of muscles, are the person's unless they
        are given. Of the electrodes that are dead nothing comes.
        """
        self.channels = performer.muscles
        self.samples_per_block = samples_per_block
        self._performer = performer
        person = performer.person
        count = len(self.channels)
        kernel = band_pass(*BAND_HZ, RATE_HZ, _TAPS)
        self._carrier = BlockNoise(seed, _CARRIER, count, samples_per_block, kernel)
        self._skin = BlockNoise(seed, _SKIN, count, samples_per_block, [1.0])
        if crosstalk is None:
            crosstalk = person.crosstalk
        gain = np.asarray(person.emg_gain_uv if gain_uv is None else gain_uv)
        # A person's electrodes are alike on both hands, which do not hear each other.
        mix = np.eye(len(gain)) + crosstalk * (np.eye(len(gain), k=1) + np.eye(len(gain), k=-1))
        self._mix = np.kron(np.eye(count // len(gain)), mix * gain[None, :])
        self._alive = np.array([name not in dead for name in self.channels], np.float32)
        self._hum_phase = generator(seed, _SETTING).uniform(0, 2 * np.pi, count)

    def block_start_s(self, block: int) -> float:
        """When this block begins."""
        return block * self.samples_per_block / RATE_HZ

    def block(self, block: int) -> NDArray[np.float32]:
        """Raw EMG of one block, counted from 0: (samples, channels) in microvolts."""
        first = block * self.samples_per_block
        times = np.arange(first, first + self.samples_per_block) / RATE_HZ
        source = self._carrier.block(block) * self._performer.activation(times)
        hum = np.sin(2 * np.pi * _HUM_HZ * times[:, None] + self._hum_phase)
        raw = mixed(source, self._mix) + _NOISE_UV * self._skin.block(block) + _HUM_UV * hum
        return np.asarray(raw, dtype=np.float32) * self._alive
