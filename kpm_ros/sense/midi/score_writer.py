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

"""Writes scores as Standard MIDI Files, a track each, as `read_voices` reads them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import mido

from kpm_ros.sense.midi.score import Score

_TICKS_A_BEAT = 5000
_TICKS_PER_S = 2 * _TICKS_A_BEAT
"""At a MIDI file's own tempo, of two beats a second."""


def midi_of(voices: Sequence[Score]) -> bytes:
    """Write voices to a tenth of a millisecond; the pedals are the first one's."""
    file = mido.MidiFile(ticks_per_beat=_TICKS_A_BEAT)
    for channel, voice in enumerate(voices):
        events: list[tuple[float, int, mido.Message]] = []
        for note in voice.notes:
            about = {"channel": channel, "note": note.pitch}
            on = mido.Message("note_on", velocity=note.velocity, **about)
            # A key is let go before it is struck again at the same instant.
            events.append((note.onset_s, 1, on))
            events.append((note.end_s, 0, mido.Message("note_off", **about)))
        for move in voice.pedals if channel == 0 else ():
            value = round(move.value * 127)
            moved = mido.Message("control_change", channel=channel, control=move.pedal, value=value)
            events.append((move.time_s, 2, moved))
        track = mido.MidiTrack()
        now = 0
        for time_s, _, message in sorted(events, key=lambda event: event[:2]):
            at = round(time_s * _TICKS_PER_S)
            track.append(message.copy(time=at - now))
            now = at
        file.tracks.append(track)
    written = io.BytesIO()
    file.save(file=written)
    return written.getvalue()
