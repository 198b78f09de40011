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

"""A MIDI file as a piano: it plays itself in real time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kpm_ros.core.foreign_files import printable
from kpm_ros.core.settings import CheckedSettings, setting
from kpm_ros.sense.connection import NS_PER_S, DeviceError
from kpm_ros.sense.midi.midi_device import MidiDevice, StampedBytes
from kpm_ros.sense.midi.score import midi_messages, read_midi

LONGEST_LAG_S = 1.0
"""A clock that moves by more between two reads was set, or the host slept: the music waited."""


_SYSTEM_RESET = b"\xff"
"""Sent at the end of a file: what it left sounding ends there."""


@dataclass(frozen=True)
class MidiFileConfig(CheckedSettings):
    """Which file is played, and how."""

    path: str = setting("", "the .mid file that is played")
    speed: float = setting(1.0, "how fast the file is played", least=0.01, most=100.0)
    repeat: bool = setting(False, "whether the file begins again at its end")
    pause_s: float = 1.0
    """Silence between two repetitions."""


class MidiFilePlayer(MidiDevice):
    """Plays a Standard MIDI File with its tempo map, pedals and all, from the first read on.

    Every message is stamped with the instant at which it is due, however late it is read.
    """

    def __init__(self, config: MidiFileConfig) -> None:
        """Read the file; one that cannot be played is a ValueError."""
        self.name = f"the MIDI file {printable(Path(config.path).name)}"
        self._config = config
        self.duration_s = read_midi(config.path).duration_s
        self._messages: list[StampedBytes] = []
        now_s = 0.0
        for message in midi_messages(Path(config.path).expanduser()):
            now_s += message.time
            if not message.is_meta:
                due_ns = round(now_s / config.speed * NS_PER_S)
                self._messages.append(StampedBytes(due_ns, bytes(message.bin())))
        end_ns = round(now_s / config.speed * NS_PER_S)
        self._messages.append(StampedBytes(end_ns, _SYSTEM_RESET))
        self._round_ns = end_ns + round(config.pause_s * NS_PER_S)
        self._connected = False

    def connect(self) -> None:
        """Begin at the beginning."""
        self._connected = True
        self._next = 0
        self._start_ns: int | None = None
        self._read_ns = 0

    def disconnect(self) -> None:
        """Stop playing."""
        self._connected = False

    @property
    def state(self) -> str:
        """Whether it still plays."""
        return "ended" if self._connected and self._ended else "playing"

    def read(self, now_ns: int) -> list[StampedBytes]:
        """Messages that have become due."""
        if not self._connected:
            raise DeviceError(f"{self.name} is not being played")
        if self._start_ns is None:
            self._start_ns = now_ns
        elif not 0 <= now_ns - self._read_ns <= LONGEST_LAG_S * NS_PER_S:
            self._start_ns += now_ns - self._read_ns
        self._read_ns = now_ns
        due = []
        while not self._ended:
            message = self._messages[self._next]
            if self._start_ns + message.stamp_ns > now_ns:
                break
            due.append(StampedBytes(self._start_ns + message.stamp_ns, message.data))
            self._next += 1
            if self._ended and self._config.repeat:
                self._next = 0
                self._start_ns += self._round_ns
        return due

    @property
    def _ended(self) -> bool:
        return self._next >= len(self._messages)
