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

"""MIDI messages as key events: each note begins before it ends, and ends at most once."""

from __future__ import annotations

from dataclasses import dataclass

from kpm_ros.sense.connection import NS_PER_S
from kpm_ros.sense.midi.midi_parser import Message
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, Pedal

_NOTE_OFF, _NOTE_ON, _CONTROL = 0x80, 0x90, 0xB0
_SYSTEM_RESET = 0xFF
_ALL_SOUND_OFF, _RESET_CONTROLLERS, _FIRST_NOTES_OFF = 120, 121, 123
_PEDALS = frozenset(int(pedal) for pedal in Pedal)
CLOCK_SET_BACK_NS = NS_PER_S
"""A stamp earlier by less is moved up to the one before; by more, the clock was set back."""


@dataclass
class MidiCounts:
    """What was made of the messages."""

    notes: int = 0
    unmatched_offs: int = 0
    """Note-offs of notes that did not sound."""
    restruck: int = 0
    """Notes that were struck again before they had ended."""
    clock_steps: int = 0
    """Times that the clock was set back."""


class KeyEventDecoder:
    """Turns messages into key events with an index and with stamps that never decrease.

    - A note-on of velocity 0 is a note-off.
    - A note that is struck while it sounds ends first; a note-off without a note is dropped.
    - All-sound-off, all-notes-off and the changes of mode that imply it end a channel's notes; with
      the last of them, or if none sounded, comes an ALL_NOTES_OFF event.
    - Reset-all-controllers raises a channel's pedals; a system reset also ends every note.

    A note whose note-off the piano never sends sounds on here; whoever works out key depth from
    notes gives it up (`KeyDepthFromNotes`), as one whose note-off was lost on the way.
    """

    def __init__(self, channel: int = -1) -> None:
        """Listen to one channel, 0 to 15, or to all of them."""
        self.counts = MidiCounts()
        self._channel = channel
        self._sounding: set[tuple[int, int]] = set()
        self._pedals: dict[tuple[int, int], float] = {}
        self._index = 0
        self._last_ns: int | None = None

    @property
    def sounding(self) -> int:
        """How many notes sound."""
        return len(self._sounding)

    def decode(self, stamp_ns: int, message: Message) -> list[KeyEvent]:
        """Events of one message, of which most messages have one or none."""
        status, *data = message
        if status == _SYSTEM_RESET:
            return self.release_all(stamp_ns)
        channel = status & 0x0F
        if status >= 0xF0 or self._channel not in (-1, channel):
            return []
        kind = status & 0xF0
        if kind == _NOTE_ON and data[1] > 0:
            return self._strike(stamp_ns, channel, data[0], data[1])
        if kind in (_NOTE_ON, _NOTE_OFF):
            if (channel, data[0]) not in self._sounding:
                self.counts.unmatched_offs += 1
                return []
            return [self._end(stamp_ns, channel, data[0], data[1])]
        return self._control(stamp_ns, channel, *data) if kind == _CONTROL else []

    def release_all(self, stamp_ns: int) -> list[KeyEvent]:
        """End every note and raise every pedal: the piano is gone or begins anew."""
        events = [self._end(stamp_ns, *key) for key in sorted(self._sounding)]
        for channel in {channel for channel, _ in self._pedals}:
            events += self._raise_pedals(stamp_ns, channel)
        return [*events, self._event(stamp_ns, KeyEventKind.ALL_NOTES_OFF)]

    def heartbeat(self, stamp_ns: int) -> KeyEvent:
        """Say that everything up to this instant has been sent."""
        return self._event(stamp_ns, KeyEventKind.HEARTBEAT)

    def _strike(self, stamp_ns: int, channel: int, note: int, velocity: int) -> list[KeyEvent]:
        events = []
        if (channel, note) in self._sounding:
            self.counts.restruck += 1
            events.append(self._end(stamp_ns, channel, note))
        self.counts.notes += 1
        event = self._event(
            stamp_ns, KeyEventKind.NOTE_ON, note=note, velocity=velocity, channel=channel
        )
        self._sounding.add((channel, note))
        return [*events, event]

    def _end(self, stamp_ns: int, channel: int, note: int, velocity: int = 0) -> KeyEvent:
        self._sounding.remove((channel, note))
        return self._event(
            stamp_ns, KeyEventKind.NOTE_OFF, note=note, velocity=velocity, channel=channel
        )

    def _control(self, stamp_ns: int, channel: int, control: int, value: int) -> list[KeyEvent]:
        if control in _PEDALS:
            return [self._move_pedal(stamp_ns, channel, control, value / 127)]
        if control == _RESET_CONTROLLERS:
            return self._raise_pedals(stamp_ns, channel)
        if control != _ALL_SOUND_OFF and control < _FIRST_NOTES_OFF:
            return []
        events = [self._end(stamp_ns, *key) for key in sorted(self._sounding) if key[0] == channel]
        if not self._sounding:
            events.append(self._event(stamp_ns, KeyEventKind.ALL_NOTES_OFF, channel=channel))
        return events

    def _raise_pedals(self, stamp_ns: int, channel: int) -> list[KeyEvent]:
        down = [pedal for (of, pedal), value in self._pedals.items() if of == channel and value]
        return [self._move_pedal(stamp_ns, channel, pedal, 0.0) for pedal in down]

    def _move_pedal(self, stamp_ns: int, channel: int, pedal: int, value: float) -> KeyEvent:
        self._pedals[channel, pedal] = value
        return self._event(stamp_ns, KeyEventKind.PEDAL, pedal=pedal, value=value, channel=channel)

    def _event(
        self,
        stamp_ns: int,
        kind: KeyEventKind,
        *,
        note: int = 0,
        velocity: int = 0,
        pedal: int = 0,
        value: float = 0.0,
        channel: int = 0,
    ) -> KeyEvent:
        if self._last_ns is not None and stamp_ns < self._last_ns:
            if self._last_ns - stamp_ns < CLOCK_SET_BACK_NS:
                stamp_ns = self._last_ns
            else:
                self.counts.clock_steps += 1
        self._last_ns = stamp_ns
        index, self._index = self._index, self._index + 1
        return KeyEvent(stamp_ns, index, kind, note, velocity, pedal, value, channel)
