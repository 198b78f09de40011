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

"""EMG from a Lab Streaming Layer stream, which nearly every amplifier's software can send."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kpm_ros.core.settings import CheckedSettings, setting
from kpm_ros.sense.connection import NS_PER_S, DeviceError
from kpm_ros.sense.emg.emg_device import EmgBlock, EmgDevice, EmgFormat, name_channels

_INSTALL = "the library pylsl is missing: install it with: pip install 'kpm_ros[devices]'"
_TYPES = {1: np.float32, 2: np.float64, 4: np.int32, 5: np.int16, 6: np.int8, 7: np.int64}
"""NumPy's types of LSL's numeric channel formats; 3 is text."""
_MOST_SAMPLES = 4096
CLOCKS_EVERY_S = 1.0
"""How often the relation of the clocks is looked at again."""


@dataclass(frozen=True)
class LslConfig(CheckedSettings):
    """Which stream is listened to."""

    name: str = setting("", "LSL: name of the stream; empty = the first one of the type")
    type: str = setting("EMG", "LSL: type of the stream, where no name is given")
    counter_channel: str = setting(
        "", "LSL: channel that numbers the samples; empty = the one labelled counter, if any"
    )
    channels: tuple[str, ...] = ()
    """Names of the channels; empty = the stream's own."""
    unit: str = ""
    """Unit of the samples; empty = the stream's own."""
    rate_hz: float = setting(
        0.0, "LSL: samples per second of a stream that states none", least=0.0, most=100000.0
    )
    resolve_s: float = 1.0
    open_s: float = 2.0


@dataclass(frozen=True)
class FoundStream:
    """A stream on the network."""

    name: str
    type: str
    channels: int
    rate_hz: float
    """As it states; 0 = it states none."""
    host: str
    is_numeric: bool

    def __str__(self) -> str:
        rate = f"at {self.rate_hz:g} Hz" if self.rate_hz else "of no stated rate"
        return f"type {self.type}, {self.channels} channels {rate}, from {self.host}"


def find_streams(wait_s: float = 1.0) -> list[FoundStream]:
    """List the streams on the network."""
    return [
        FoundStream(
            info.name(),
            info.type(),
            info.channel_count(),
            info.nominal_srate(),
            info.hostname(),
            info.channel_format() in _TYPES,
        )
        for info in _library().resolve_streams(wait_s)
    ]


class LslEmg(EmgDevice):
    """Listens to one stream.

    Time stamps are LSL's own: the sender's, brought onto this machine's LSL clock by the measured
    correction, and from there onto the host's clock.
    """

    def __init__(self, config: LslConfig) -> None:
        """Note which stream; `connect` looks for it."""
        self.name = (
            f"the LSL stream {config.name!r}"
            if config.name
            else f"an LSL stream of type {config.type!r}"
        )
        self._config = config
        self._inlet: Any = None

    def connect(self) -> EmgFormat:
        """Find the stream, open it, and learn its channels."""
        self.disconnect()
        self._lsl = _library()
        found = self._resolve()
        try:
            inlet = self._lsl.StreamInlet(found, max_buflen=10, recover=False)
            inlet.open_stream(timeout=self._config.open_s)
            info = inlet.info(timeout=self._config.open_s)
            self._correction_s = inlet.time_correction(timeout=self._config.open_s)
        except RuntimeError as error:
            raise DeviceError(f"{self.name} was found but does not open: {error}") from None
        described = self._describe(info)
        self._buffer = np.empty(
            (_MOST_SAMPLES, info.channel_count()), _TYPES[info.channel_format()]
        )
        self._lsl_offset_ns = _clock_offset_ns(self._lsl.local_clock)
        self._clocks_s = time.monotonic()
        self._inlet = inlet
        return described

    def disconnect(self) -> None:
        """Close the stream."""
        inlet, self._inlet = self._inlet, None
        if inlet is not None:
            inlet.close_stream()

    @property
    def state(self) -> str:
        """From where it comes."""
        return f"connected to {self._source}" if self._inlet is not None else "not connected"

    def read(self, now_ns: int) -> EmgBlock | None:
        """Samples that have come."""
        if self._inlet is None:
            raise DeviceError(f"{self.name} is not connected")
        try:
            _, times = self._inlet.pull_chunk(
                timeout=0.0, max_samples=_MOST_SAMPLES, dest_obj=self._buffer
            )
            self._update_clock_offset()
        except self._lsl.util.LostError:
            raise DeviceError(f"{self.name} has gone: its sender has ended") from None
        except RuntimeError as error:
            raise DeviceError(f"{self.name} cannot be read: {error}") from None
        if not len(times):
            return None
        values = self._buffer[: len(times)]
        local_s = np.asarray(times, np.float64) + self._correction_s
        stamps_ns = np.rint(local_s * NS_PER_S).astype(np.int64) + self._lsl_offset_ns
        counter = None
        if self._counter is not None:
            counter = np.nan_to_num(values[:, self._counter]).astype(np.int64)
        return EmgBlock(values[:, self._columns].astype(np.float32), stamps_ns, counter)

    def _resolve(self) -> Any:
        config = self._config
        key, value = ("name", config.name) if config.name else ("type", config.type)
        found = self._lsl.resolve_byprop(key, value, minimum=1, timeout=config.resolve_s)
        if not found:
            raise DeviceError(
                f"{self.name} is not on the network: start its sender, or see which there are "
                "with 'kpm doctor'"
            )
        newest = max(found, key=lambda info: info.created_at())
        self._source = f"{newest.name()} of {newest.hostname()}"
        return newest

    def _describe(self, info: Any) -> EmgFormat:
        config = self._config
        if info.channel_format() not in _TYPES:
            raise DeviceError(f"{self.name} sends text, but EMG is numbers")
        rate_hz = config.rate_hz or info.nominal_srate()
        if not rate_hz > 0:
            raise DeviceError(f"{self.name} does not state its rate: give it as rate_hz")
        count = info.channel_count()
        labels = _described(info, "label", count)
        types = _described(info, "type", count)
        self._counter = _find_counter(config.counter_channel, labels, types)
        columns = [number for number in range(count) if number != self._counter]
        of_type = [number for number in columns if types[number].upper() == "EMG"]
        self._columns = of_type or columns
        if config.counter_channel and self._counter is None:
            raise DeviceError(f"{self.name} has no channel {config.counter_channel!r}")
        own = tuple(labels[number] for number in self._columns)
        names = config.channels or (own if all(own) and len(set(own)) == len(own) else ())
        try:
            names = name_channels(names, len(self._columns), self.name)
        except ValueError as error:
            raise DeviceError(str(error)) from None
        units = _described(info, "unit", count)
        return EmgFormat(names, config.unit or plain_unit(units[self._columns[0]]), rate_hz)

    def _update_clock_offset(self) -> None:
        """Follow the sender's clock, and a host clock that is being adjusted."""
        if time.monotonic() - self._clocks_s < CLOCKS_EVERY_S:
            return
        self._clocks_s = time.monotonic()
        self._lsl_offset_ns = _clock_offset_ns(self._lsl.local_clock)
        try:
            self._correction_s = self._inlet.time_correction(timeout=0.0)
        except self._lsl.util.TimeoutError:
            return


def plain_unit(unit: str) -> str:
    """Write an LSL unit as ChannelSamples does; one that is not stated counts as microvolts."""
    known = {"": "uV", "microvolts": "uV", "microvolt": "uV", "µv": "uV", "μv": "uV", "uv": "uV"}
    known |= {"millivolts": "mV", "millivolt": "mV", "mv": "mV", "volts": "V", "volt": "V"}
    return known.get(unit.strip().lower(), unit.strip())


def _described(info: Any, what: str, count: int) -> list[str]:
    """What the stream says of each channel, '' where it says nothing."""
    found: list[str] = []
    channel = info.desc().child("channels").child("channel")
    while not channel.empty() and len(found) < count:
        found.append(channel.child_value(what).strip())
        channel = channel.next_sibling("channel")
    return found + [""] * (count - len(found))


def _find_counter(wanted: str, labels: list[str], types: list[str]) -> int | None:
    for number, (label, kind) in enumerate(zip(labels, types, strict=True)):
        if (label == wanted) if wanted else "counter" in (label.lower(), kind.lower()):
            return number
    return None


def _clock_offset_ns(local_clock: Callable[[], float]) -> int:
    """Host clock minus another clock of this machine, read where they lie closest together."""
    readings = []
    for _ in range(5):
        before = time.time_ns()
        local_ns = round(local_clock() * NS_PER_S)
        after = time.time_ns()
        readings.append((after - before, (before + after) // 2 - local_ns))
    return min(readings)[1]


def _library() -> Any:
    try:
        import pylsl
        import pylsl.util
    except (ImportError, RuntimeError) as error:
        reason = "" if isinstance(error, ImportError) else f" ({error})"
        raise DeviceError(_INSTALL + reason) from None
    return pylsl
