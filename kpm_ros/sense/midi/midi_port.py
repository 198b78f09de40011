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

"""A piano at a MIDI port of this machine, through python-rtmidi."""

from __future__ import annotations

import fnmatch
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpm_ros.core.settings import CheckedSettings, setting
from kpm_ros.sense.connection import NS_PER_S, DeviceError
from kpm_ros.sense.device_clock import DeviceClock
from kpm_ros.sense.midi.midi_device import MidiDevice, StampedBytes

SEQUENCER = Path("/dev/snd/seq")
CLIENT_NAME = "kpm_ros"
CHECK_EVERY_NS = NS_PER_S
_NOT_A_PIANO = ("Midi Through", CLIENT_NAME)
_INSTALL = "install it with: pip install 'kpm_ros[devices]'"


@dataclass(frozen=True)
class PortConfig(CheckedSettings):
    """Which port is listened to."""

    pattern: str = setting(
        "",
        "part of the port's name, or a pattern with * and ?; empty = the first piano. The name "
        "of a virtual port",
    )
    virtual: bool = False
    """Whether to make a port of that name, to which other programs connect."""
    lag_s: float = setting(
        0.005, "how much later than its event a port's message may be read", least=0.0, most=0.1
    )


def port_names(rtmidi: Any = None) -> list[str]:
    """Name the MIDI inputs of this machine; a DeviceError says why they cannot be known."""
    midi_in = _open_sequencer(rtmidi)
    try:
        return list(midi_in.get_ports())
    finally:
        midi_in.delete()


def choose_port(names: Sequence[str], pattern: str) -> int | None:
    """Find the first port that a pattern means."""
    for number, name in enumerate(names):
        if pattern:
            anywhere = pattern if any(c in pattern for c in "*?[") else f"*{pattern}*"
            if fnmatch.fnmatchcase(name.lower(), anywhere.lower()):
                return number
        elif not name.startswith(_NOT_A_PIANO):
            return number
    return None


class MidiPort(MidiDevice):
    """Listens to a live or a virtual port.

    The driver says how much time passed between messages. That time is brought onto the host's
    clock, so that a message read late is still stamped with the time at which it came.
    """

    def __init__(
        self,
        config: PortConfig,
        rtmidi: Any = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Note which port; `rtmidi` is the library, the installed one if None."""
        self.lag_ns = round(config.lag_s * NS_PER_S)
        kind = "the virtual MIDI port" if config.virtual else "the MIDI port"
        self.name = (
            f"{kind} {config.pattern or CLIENT_NAME!r}"
            if config.virtual
            else (f"{kind} {config.pattern!r}" if config.pattern else "a MIDI port")
        )
        self._config = config
        self._library = rtmidi
        self._clock_ns = clock_ns
        self._midi_in: Any = None
        self._port = ""
        self._received: deque[tuple[int, bytes, float]] = deque()

    @property
    def state(self) -> str:
        """Which port it is."""
        return f"connected to {self._port}"

    def connect(self) -> None:
        """Open the port."""
        self.disconnect()
        midi_in = _open_sequencer(self._library)
        try:
            self._port = self._open(midi_in)
        except DeviceError:
            midi_in.delete()
            raise
        except Exception as error:
            midi_in.delete()
            raise DeviceError(f"{self.name} cannot be opened: {_line(error)}") from None
        self._received.clear()
        self._driver_ns = 0
        self._clock = DeviceClock(1.0, tolerance=0.001)
        self._checked_ns: int | None = None
        midi_in.ignore_types(sysex=True, timing=True, active_sense=False)
        midi_in.set_callback(self._take)
        self._midi_in = midi_in

    def disconnect(self) -> None:
        """Close the port."""
        midi_in, self._midi_in = self._midi_in, None
        if midi_in is not None:
            midi_in.cancel_callback()
            midi_in.close_port()
            midi_in.delete()

    def read(self, now_ns: int) -> list[StampedBytes]:
        """Messages that have come, stamped by the driver's time."""
        if self._midi_in is None:
            raise DeviceError(f"{self.name} is not connected")
        read = []
        while self._received:
            arrival_ns, data, since_s = self._received.popleft()
            self._driver_ns += round(max(since_s, 0.0) * NS_PER_S)
            self._clock.add(self._driver_ns, arrival_ns)
            stamp_ns = min(self._clock.host_ns(self._driver_ns), arrival_ns)
            read.append(StampedBytes(stamp_ns, data))
        if not read:
            self._check_still_plugged_in(now_ns)
        return read

    def _take(self, event: tuple[Sequence[int], float], _: Any = None) -> None:
        """Called by the driver's thread with each message and the seconds since the one before."""
        data, since_s = event
        self._received.append((self._clock_ns(), bytes(data), since_s))

    def _open(self, midi_in: Any) -> str:
        if self._config.virtual:
            name = self._config.pattern or CLIENT_NAME
            midi_in.open_virtual_port(name)
            return str(name)
        names = midi_in.get_ports()
        number = choose_port(names, self._config.pattern)
        if number is None:
            there = ", ".join(names) or "none"
            raise DeviceError(f"{self.name} is not there; the ports are: {there}")
        midi_in.open_port(number, CLIENT_NAME)
        return str(names[number])

    def _check_still_plugged_in(self, now_ns: int) -> None:
        """Drivers do not tell that a piano was unplugged: its name is gone from the list."""
        if self._config.virtual:
            return
        if self._checked_ns is not None and 0 <= now_ns - self._checked_ns < CHECK_EVERY_NS:
            return
        self._checked_ns = now_ns
        try:
            there = self._port in self._midi_in.get_ports()
        except Exception as error:
            raise DeviceError(f"{self._port} cannot be asked any more: {_line(error)}") from None
        if not there:
            raise DeviceError(f"{self._port} was unplugged")


def _open_sequencer(rtmidi: Any) -> Any:
    if rtmidi is None:
        rtmidi = _library()
        _check_sequencer()
    try:
        return rtmidi.MidiIn(name=CLIENT_NAME)
    except Exception as error:
        raise DeviceError(f"python-rtmidi cannot reach the MIDI driver: {_line(error)}") from None


def _library() -> Any:
    try:
        import rtmidi
    except ImportError:
        raise DeviceError(f"the library python-rtmidi is missing: {_INSTALL}") from None
    return rtmidi


def _check_sequencer(device: Path = SEQUENCER) -> None:
    """Say what is wrong before the library prints its own account of it."""
    if sys.platform != "linux":
        return
    if not device.exists():
        raise DeviceError(
            f"this machine has no ALSA sequencer ({device} is missing): load it with "
            "'sudo modprobe snd-seq'; a container also needs the device passed in"
        )
    if not os.access(device, os.R_OK | os.W_OK):
        raise DeviceError(
            f"no permission to use {device}: join the group 'audio' with "
            "'sudo usermod -aG audio $USER' and log in again"
        )


def _line(error: Exception) -> str:
    """An error's own words, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
