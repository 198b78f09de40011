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

"""A piano of any kind as a steady stream of key events, through unplugging and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kpm_ros.core.settings import CheckedSettings, setting
from kpm_ros.sense.connection import NS_PER_S, DeviceError, Reconnecting
from kpm_ros.sense.midi.key_events import KeyEventDecoder
from kpm_ros.sense.midi.midi_device import MidiDevice
from kpm_ros.sense.midi.midi_parser import MidiParser
from kpm_ros.sense.samples import KeyEvent

_ACTIVE_SENSING = 0xFE
_SENSING_S = 0.33
"""A piano that sends Active Sensing is never silent for longer than 0.3 s."""


@dataclass(frozen=True)
class MidiKeysConfig(CheckedSettings):
    """Rules for a piano that is played, and for one that is gone."""

    channel: int = setting(-1, "only this MIDI channel; -1 = all", least=-1, most=15)
    heartbeat_s: float = 0.01
    """How often the keys say that they are alive, be they played or not."""
    sensing_timeout_s: float = 1.0
    """A piano that sends Active Sensing and then nothing for so long is gone."""
    retry_first_s: float = 0.5
    retry_longest_s: float = setting(
        8.0, "longest pause between two attempts to connect", least=0.5, most=600.0
    )


class MidiKeys(Reconnecting[MidiDevice]):
    """Reads a piano, connects it again when it is gone, and hands on its events.

    While the piano is connected a heartbeat comes every `heartbeat_s`; while it is not, or its
    Active Sensing is overdue, none comes, so that consumers see the keys late, and then missing.
    When it goes, every sounding note ends, every pedal rises, and an ALL_NOTES_OFF event says so.
    """

    def __init__(self, device: MidiDevice, config: MidiKeysConfig | None = None) -> None:
        """Take charge of the device; the first `poll` connects it."""
        self.config = config or MidiKeysConfig()
        super().__init__(device, self.config.retry_first_s, self.config.retry_longest_s)
        self.decoder = KeyEventDecoder(self.config.channel)
        self.parser = MidiParser()
        self.lost = 0
        self._heartbeat_ns: int | None = None
        self._heard_ns: int | None = None
        self._sends_active_sensing = False

    def poll(self, now_ns: int) -> list[KeyEvent]:
        """Events since the last call; connects the piano where it is time to try."""
        if not self._connect(now_ns):
            return []
        try:
            events = self._read(now_ns)
        except DeviceError as error:
            return self._end(now_ns, str(error))
        if self._heartbeat_due(now_ns):
            self._heartbeat_ns = now_ns
            events.append(self.decoder.heartbeat(now_ns - self.device.lag_ns))
        return events

    def close(self, now_ns: int) -> list[KeyEvent]:
        """Disconnect for good; returns the last events."""
        events = self._end(now_ns, "disconnected") if self.connected else []
        self.device.disconnect()
        return events

    def _begin(self, described: Any) -> None:
        self._heartbeat_ns = self._heard_ns = None
        self._sends_active_sensing = False
        self.parser.reset()

    def _read(self, now_ns: int) -> list[KeyEvent]:
        events = []
        for stamp_ns, data in self.device.read(now_ns):
            self._heard_ns = now_ns
            for message in self.parser.feed(data):
                self._sends_active_sensing |= message[0] == _ACTIVE_SENSING
                events += self.decoder.decode(stamp_ns, message)
        if self._silent_for(self.config.sensing_timeout_s, now_ns):
            raise DeviceError(f"{self.device.name} has fallen silent: it was switched off")
        return events

    def _silent_for(self, limit_s: float, now_ns: int) -> bool:
        """Whether a piano that would tell if it was there has told nothing for longer."""
        if not self._sends_active_sensing or self._heard_ns is None:
            return False
        return (now_ns - self._heard_ns) / NS_PER_S > limit_s

    def _end(self, now_ns: int, problem: str) -> list[KeyEvent]:
        """Do without the piano; returns the last events."""
        self.lost += 1
        self._disconnected(now_ns, problem)
        return self.decoder.release_all(now_ns)

    def _heartbeat_due(self, now_ns: int) -> bool:
        if self._silent_for(_SENSING_S, now_ns):
            return False
        if self._heartbeat_ns is None:
            return True
        return not 0 <= now_ns - self._heartbeat_ns < self.config.heartbeat_s * NS_PER_S
