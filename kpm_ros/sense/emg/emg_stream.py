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

"""An amplifier of any kind as a steady stream of dated chunks, through its loss and return."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kpm_ros.core.settings import CheckedSettings, setting
from kpm_ros.sense.connection import NS_PER_S, DeviceError, Reconnecting
from kpm_ros.sense.device_clock import DeviceClock
from kpm_ros.sense.emg.emg_device import EmgBlock, EmgDevice, EmgFormat
from kpm_ros.sense.emg.sample_clock import SampleClock
from kpm_ros.sense.samples import ChannelChunk

FOREIGN_S = 60.0
"""Time stamps further from the present are on a clock of their own."""


@dataclass(frozen=True)
class EmgStreamConfig(CheckedSettings):
    """Rules for an amplifier that streams, and for one that is gone."""

    latency_s: float = setting(
        0.0, "how long before its time stamp a sample was taken", least=0.0, most=1.0, live=True
    )
    silence_s: float = setting(
        2.0,
        "an amplifier that is silent for so long is connected anew",
        least=0.1,
        most=60.0,
        live=True,
    )
    retry_first_s: float = 0.5
    retry_longest_s: float = setting(
        8.0, "longest pause between two attempts to connect", least=0.5, most=600.0
    )


class EmgStream(Reconnecting[EmgDevice]):
    """Reads an amplifier, connects it again when it is gone, and hands on its samples.

    The index counts on through every break, by as much as was missed. Samples with a value that is
    no number are left out: the index shows it.
    """

    def __init__(self, device: EmgDevice, config: EmgStreamConfig | None = None) -> None:
        """Take charge of the device; the first `poll` connects it."""
        self.config = config or EmgStreamConfig()
        super().__init__(device, self.config.retry_first_s, self.config.retry_longest_s)
        self.format: EmgFormat | None = None
        self.clock: SampleClock | None = None
        self.breaks = 0
        self.not_numbers = 0
        self.samples = 0
        self._foreign: DeviceClock | None = None
        self._heard_ns: int | None = None

    def poll(self, now_ns: int) -> list[ChannelChunk]:
        """Samples since the last call; connects the amplifier where it is time to try."""
        if not self._connect(now_ns):
            return []
        try:
            block = self.device.read(now_ns)
            self._check_silence(block, now_ns)
        except DeviceError as error:
            self.breaks += 1
            self._disconnected(now_ns, str(error))
            return []
        return [] if block is None else self._chunks(self._dated(block, now_ns))

    def close(self) -> None:
        """Disconnect for good."""
        self.device.disconnect()
        self.problem = "disconnected"

    def _begin(self, described: EmgFormat) -> None:
        self._heard_ns = None
        self._foreign = None
        if self.clock is None or self.format != described:
            first_index = self.clock.next_index + 1 if self.clock else 0
            self.clock = SampleClock(described.rate_hz, first_index)
        else:
            self.clock.reconnected()
        self.format = described

    def _check_silence(self, block: EmgBlock | None, now_ns: int) -> None:
        if block is not None or self._heard_ns is None or now_ns < self._heard_ns:
            self._heard_ns = now_ns
        elif not self.device.falls_silent:
            silence_s = (now_ns - self._heard_ns) / NS_PER_S
            if silence_s > self.config.silence_s:
                raise DeviceError(f"{self.device.name} has sent nothing for {silence_s:.1f} s")

    def _dated(self, block: EmgBlock, now_ns: int) -> EmgBlock:
        """The same with stamps on the host's clock."""
        stamps_ns = block.stamps_ns
        if self._foreign is None and abs(int(stamps_ns[-1]) - now_ns) > FOREIGN_S * NS_PER_S:
            self._foreign = DeviceClock(1.0)
        if self._foreign is not None:
            self._foreign.add(float(stamps_ns[-1]), now_ns)
            stamps_ns = self._foreign.line_ns(float(stamps_ns[-1])) + (stamps_ns - stamps_ns[-1])
        stamps_ns = stamps_ns - round(self.config.latency_s * NS_PER_S)
        return EmgBlock(block.samples, stamps_ns, block.counter)

    def _chunks(self, block: EmgBlock) -> list[ChannelChunk]:
        assert self.clock is not None
        assert self.format is not None
        chunks = []
        for run in self.clock.push_block(block):
            good = np.isfinite(run.samples).all(axis=1)
            self.not_numbers += int(len(good) - good.sum())
            edges = np.flatnonzero(np.diff(good.astype(np.int8), prepend=0, append=0))
            for first, end in zip(edges[::2], edges[1::2], strict=True):
                self.samples += int(end - first)
                chunks.append(
                    ChannelChunk(
                        "emg",
                        run.stamp_ns + round(first * NS_PER_S / self.clock.rate_hz),
                        run.first_index + int(first),
                        self.clock.rate_hz,
                        self.format.channels,
                        self.format.unit,
                        run.samples[first:end],
                    )
                )
        return chunks
