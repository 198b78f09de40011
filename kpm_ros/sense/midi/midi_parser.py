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

"""MIDI messages out of a stream of bytes that may hold anything."""

from __future__ import annotations

from collections.abc import Iterable

Message = tuple[int, ...]
"""A status byte and its data bytes."""

_SYSEX, _SYSEX_END = 0xF0, 0xF7
_FIRST_REAL_TIME = 0xF8
_UNDEFINED = frozenset({0xF4, 0xF5, 0xF9, 0xFD})
_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0} | {
    kind | channel: 1 if kind in (0xC0, 0xD0) else 2
    for kind in range(0x80, 0xF0, 0x10)
    for channel in range(16)
}


class MidiParser:
    """Cuts bytes into messages, however they are split into calls.

    A status byte that is left out repeats the one before (running status); real-time messages may
    stand between any two bytes; system exclusive messages are passed over. Every other byte that
    belongs to no message is counted as garbage and skipped.
    """

    def __init__(self) -> None:
        """Expect a status byte."""
        self.garbage = 0
        self.reset()

    def reset(self) -> None:
        """Forget the message under way: the next byte comes from elsewhere."""
        self._status = 0
        self._data: list[int] = []

    def feed(self, data: Iterable[int]) -> list[Message]:
        """Take in bytes, and return the messages that they complete."""
        messages: list[Message] = []
        for byte in data:
            if byte < 0x80:
                self._take_data(byte, messages)
            elif byte >= _FIRST_REAL_TIME:
                self._take_real_time(byte, messages)
            else:
                self._take_status(byte, messages)
        return messages

    def _take_real_time(self, byte: int, messages: list[Message]) -> None:
        if byte in _UNDEFINED:
            self.garbage += 1
        else:
            messages.append((byte,))

    def _take_status(self, byte: int, messages: list[Message]) -> None:
        self.garbage += len(self._data)
        in_sysex = self._status == _SYSEX
        self.reset()
        if byte == _SYSEX_END:
            self.garbage += not in_sysex
        elif byte in _UNDEFINED:
            self.garbage += 1
        elif _DATA_BYTES.get(byte) == 0:
            messages.append((byte,))
        else:
            self._status = byte

    def _take_data(self, byte: int, messages: list[Message]) -> None:
        if self._status == _SYSEX:
            return
        if not self._status:
            self.garbage += 1
            return
        self._data.append(byte)
        if len(self._data) == _DATA_BYTES[self._status]:
            messages.append((self._status, *self._data))
            self._data = []
            if self._status > _SYSEX:
                self._status = 0
