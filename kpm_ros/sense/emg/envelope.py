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

"""The envelope of EMG: how hard a muscle works, from how wild its electric noise is.

Band-pass, notch, rectify, low-pass: the usual way (Merletti & Parker 2004; the SENIAM and ISEK
recommendations). Every step is a causal filter with a memory, so that the numbers do not depend on
how the samples are split into chunks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from kpm_ros.sense.connection import NS_PER_S
from kpm_ros.sense.emg.envelope_config import EnvelopeConfig
from kpm_ros.sense.samples import ChannelChunk

HIGHEST_OF_NYQUIST = 0.9
"""Nothing can be passed above this part of half the sampling rate."""
BRIDGED_S = 0.1
"""A hole up to this wide is bridged by a straight line; after a wider one filters begin anew."""
ANOTHER_RATE = 0.01
"""Filters are made anew for a rate that differs by more than this."""


def design(
    config: EnvelopeConfig, rate_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Filters before and after rectifying, as second-order sections; a ValueError says what is off.

    Steps that this rate has no room for are narrowed or left out.
    """
    highest = HIGHEST_OF_NYQUIST * rate_hz / 2
    high = min(config.high_hz, highest) if config.high_hz > 0 else 0.0
    if not 0 < config.smooth_hz < highest:
        raise ValueError(
            f"smooth_hz is {config.smooth_hz:g}, but must be above 0 and below {highest:g} "
            f"at {rate_hz:g} samples per second"
        )
    if config.low_hz > 0 and not config.low_hz < (high or highest):
        raise ValueError(
            f"low_hz is {config.low_hz:g}, but must be below {high or highest:g} "
            f"at {rate_hz:g} samples per second"
        )
    before = []
    if config.low_hz > 0:
        before.append(_butterworth(config.band_order, config.low_hz, "highpass", rate_hz))
    if 0 < high < highest:
        before.append(_butterworth(config.band_order, high, "lowpass", rate_hz))
    for harmonic in range(1, config.notch_harmonics + 1):
        if 0 < config.notch_hz * harmonic < highest:
            b, a = signal.iirnotch(config.notch_hz * harmonic, config.notch_q, rate_hz)
            before.append(signal.tf2sos(b, a))
    sections = np.concatenate(before) if before else np.array([[1.0, 0, 0, 1, 0, 0]])
    return sections, _butterworth(config.smooth_order, config.smooth_hz, "lowpass", rate_hz)


def delay_s(config: EnvelopeConfig, rate_hz: float) -> float:
    """How long the envelope lags behind the muscle.

    The band filters delay each frequency by their group delay, of which the mean over what they
    pass is taken; smoothing delays a slow envelope by its group delay near 0 Hz.
    """
    band, smooth = design(config, rate_hz)
    frequencies = np.linspace(0.002, 0.498, 2000) * rate_hz
    passed = np.abs(signal.sosfreqz(band, frequencies, fs=rate_hz)[1]) ** 2
    # Beside a notch the delay is long, but nothing is passed that carries an envelope.
    plain = design(_without_notch(config), rate_hz)[0]
    in_band = float(np.sum(passed * _group_delay(plain, frequencies, rate_hz)) / np.sum(passed))
    slow = float(_group_delay(smooth, np.array([config.smooth_hz / 100]), rate_hz)[0])
    return (in_band + slow) / rate_hz


class Envelope:
    """Turns chunks of raw EMG into chunks of envelope, stamped with the instant they describe.

    The numbers follow from the samples alone: however they are split into chunks, they are the same
    to the last bit. It has the unit of the samples.
    """

    def __init__(self, config: EnvelopeConfig) -> None:
        """Wait for the first chunk, whose rate the filters are made for."""
        self.config = config
        self.delay_s = 0.0
        self.restarts = 0
        self._rate_hz = 0.0
        self._channels: tuple[str, ...] = ()
        self._next_index: int | None = None

    def push_chunk(self, chunk: ChannelChunk) -> ChannelChunk:
        """Envelope of the next chunk, sample by sample."""
        raw = chunk.samples.astype(np.float64)
        if self._must_begin(chunk):
            self._begin(chunk, raw[0])
        else:
            self._bridge(chunk.first_index, raw[0])
        smooth = self._filter(raw)
        self._next_index = chunk.first_index + len(raw)
        self._last = raw[-1]
        return replace(
            chunk,
            stamp_ns=chunk.stamp_ns - round(self.delay_s * NS_PER_S),
            # Smoothing may swing a little below what it smooths.
            samples=np.maximum(smooth, 0.0).astype(np.float32),
        )

    def _must_begin(self, chunk: ChannelChunk) -> bool:
        if self._next_index is None or chunk.channels != self._channels:
            return True
        if abs(chunk.rate_hz / self._rate_hz - 1) > ANOTHER_RATE:
            return True
        missing = chunk.first_index - self._next_index
        return not 0 <= missing <= BRIDGED_S * self._rate_hz

    def _begin(self, chunk: ChannelChunk, first: NDArray[np.float64]) -> None:
        """Make the filters, at rest on the first sample: its offset is no contraction."""
        self.restarts += self._next_index is not None
        if abs(chunk.rate_hz - self._rate_hz) > ANOTHER_RATE * chunk.rate_hz:
            self._rate_hz = chunk.rate_hz
            self._band, self._smooth = design(self.config, self._rate_hz)
            self.delay_s = delay_s(self.config, self._rate_hz)
        self._channels = chunk.channels
        rest = signal.sosfilt_zi(self._band)
        self._band_memory = rest[:, :, None] * first
        self._smooth_memory = np.zeros((len(self._smooth), 2, len(first)))

    def _bridge(self, index: int, first: NDArray[np.float64]) -> None:
        assert self._next_index is not None
        missing = index - self._next_index
        if missing:
            steps = np.arange(1, missing + 1)[:, None] / (missing + 1)
            self._filter(self._last + steps * (first - self._last))

    def _filter(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        band, self._band_memory = signal.sosfilt(self._band, raw, axis=0, zi=self._band_memory)
        smooth, self._smooth_memory = signal.sosfilt(
            self._smooth, np.abs(band), axis=0, zi=self._smooth_memory
        )
        return np.asarray(smooth)


def _without_notch(config: EnvelopeConfig) -> EnvelopeConfig:
    return replace(config, notch_hz=0.0)


def _butterworth(order: int, hz: float, kind: str, rate_hz: float) -> NDArray[np.float64]:
    return np.asarray(signal.butter(order, hz, kind, fs=rate_hz, output="sos"))


def _group_delay(
    sections: NDArray[np.float64], frequencies: NDArray[np.float64], rate_hz: float
) -> NDArray[np.float64]:
    """Delay in samples: the sections' delays add up."""
    return np.asarray(
        sum(
            signal.group_delay((section[:3], section[3:]), frequencies, fs=rate_hz)[1]
            for section in sections
        )
    )
