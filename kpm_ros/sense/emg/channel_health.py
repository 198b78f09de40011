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

"""Whether each electrode is well: dead, clipped, or picking up the mains instead of a muscle."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.settings import CheckedSettings, setting
from kpm_ros.sense.samples import ChannelChunk

_MICROVOLTS = {"uV": 1.0, "mV": 1e3, "V": 1e6}


class ChannelState(Enum):
    """How a channel is, in a word for the user."""

    GOOD = "good"
    DEAD = "dead"
    SATURATED = "saturated"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True)
class HealthConfig(CheckedSettings):
    """Where the borders lie, in microvolts; samples of unknown unit are taken for microvolts."""

    window_s: float = 1.0
    flat_uv: float = setting(
        0.05, "a channel that moves by less is dead", least=0.0, most=1000.0, live=True
    )
    """Even a short-circuited input makes more noise."""
    rail_uv: float = setting(
        0.0, "largest value the amplifier can send; 0 = not known", least=0.0, most=1e9, live=True
    )
    """Where it is not known, only clipping shows it."""
    clipped: float = 0.05
    """This part of the samples at the highest or lowest value is clipping."""
    hum_uv: float = setting(
        100.0,
        "mains hum of this amplitude is an electrode that is off",
        least=0.1,
        most=1e6,
        live=True,
    )
    """If it is most of the signal."""
    noise_uv: float = setting(
        3000.0,
        "an effective value above this is an electrode that is off",
        least=1.0,
        most=1e9,
        live=True,
    )
    """No muscle is so loud."""
    mains_hz: float = 50.0
    """50 or 60 Hz; 0 = look at both."""


class ChannelHealth:
    """Judges every channel anew after each window of samples."""

    def __init__(self, config: HealthConfig | None = None) -> None:
        """Call every channel good until a window is full."""
        self.config = config or HealthConfig()
        self.states: dict[str, ChannelState] = {}
        self.repeated = 0.0
        """Part of the last window's samples that repeat the one before in every channel."""
        self._parts: list[NDArray[np.float32]] = []
        self._count = 0
        self._channels: tuple[str, ...] = ()

    @property
    def ill(self) -> dict[str, ChannelState]:
        """The channels that are not good."""
        return {n: state for n, state in self.states.items() if state is not ChannelState.GOOD}

    def in_words(self) -> str:
        """Name the channels that are not good, '' if all are."""
        return ", ".join(f"{name} is {state.value}" for name, state in self.ill.items())

    def push_chunk(self, chunk: ChannelChunk) -> None:
        """Take in raw samples."""
        if chunk.channels != self._channels:
            self._channels = chunk.channels
            self.states = dict.fromkeys(chunk.channels, ChannelState.GOOD)
            self._parts, self._count = [], 0
        self._parts.append(chunk.samples)
        self._count += len(chunk.samples)
        if self._count >= self.config.window_s * chunk.rate_hz:
            window = np.concatenate(self._parts).astype(np.float64)
            self._parts, self._count = [], 0
            self._judge(window * _MICROVOLTS.get(chunk.unit, 1.0), chunk.rate_hz)

    def _judge(self, window: NDArray[np.float64], rate_hz: float) -> None:
        self.repeated = float(np.mean((np.diff(window, axis=0) == 0).all(axis=1)))
        for number, name in enumerate(self._channels):
            self.states[name] = self._state(window[:, number], rate_hz)

    def _state(self, values: NDArray[np.float64], rate_hz: float) -> ChannelState:
        config = self.config
        low, high = float(values.min()), float(values.max())
        if (
            config.rail_uv > 0
            and np.mean(np.abs(values) >= 0.999 * config.rail_uv) > config.clipped
        ):
            return ChannelState.SATURATED
        if high - low <= config.flat_uv:
            return ChannelState.DEAD
        at_edge = max(float(np.mean(values == low)), float(np.mean(values == high)))
        if at_edge > config.clipped and len(np.unique(values)) > _FEWEST_LEVELS:
            return ChannelState.SATURATED
        moving = values - np.linspace(values[0], values[-1], len(values))
        moving = moving - moving.mean()
        power = float(np.mean(moving**2))
        hum_uv = max(_amplitude(moving, hz, rate_hz) for hz in self._mains())
        hums = hum_uv > config.hum_uv and hum_uv**2 / 2 > power / 2
        if hums or power**0.5 > config.noise_uv:
            return ChannelState.DISCONNECTED
        return ChannelState.GOOD

    def _mains(self) -> tuple[float, ...]:
        return (self.config.mains_hz,) if self.config.mains_hz > 0 else (50.0, 60.0)


_FEWEST_LEVELS = 20
"""A signal of fewer different values is coarse, and not clipped."""


def _amplitude(values: NDArray[np.float64], hz: float, rate_hz: float) -> float:
    """Amplitude of one frequency."""
    if hz >= rate_hz / 2:
        return 0.0
    taper = np.hanning(len(values))
    turn = np.exp(-2j * np.pi * hz / rate_hz * np.arange(len(values)))
    return float(2 * abs(np.sum(values * taper * turn)) / taper.sum())
