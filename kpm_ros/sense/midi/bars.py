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

"""Bars of a MIDI file: when each begins, by the tempo and the time signatures that it states.

A performance that was recorded freely states a tempo, too, that has nothing to do with its music;
its bars are then no more than even stretches of time.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import MIDI_BYTES, read_bytes, reading

_USUAL_TEMPO = 500_000
"""Microseconds a quarter note, where a file states none."""
_MOST_BARS = 100_000


@dataclass(frozen=True)
class Bars:
    """When bars begin, the end of the last one with them, and how many beats each has."""

    starts_s: NDArray[np.float64]
    """(bars + 1,): the last is where the last bar ends."""
    beats: NDArray[np.float64]
    """(bars,)"""

    def __len__(self) -> int:
        """Give the number of bars."""
        return len(self.beats)

    def bar_at(self, time_s: float) -> int:
        """Number of the bar at a time, the first is 1; before and after them the nearest one.

        >>> Bars(np.array([0.0, 2.0, 4.0]), np.array([4.0, 4.0])).bar_at(2.0)
        2
        """
        return min(max(bisect_right(self.starts_s.tolist(), time_s), 1), len(self))

    def position(
        self, times_s: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Bar and beat, both counted from 1, at each time (n,)."""
        bar = np.clip(np.searchsorted(self.starts_s, times_s, side="right"), 1, len(self))
        start, end = self.starts_s[bar - 1], self.starts_s[bar]
        part = np.clip((times_s - start) / np.maximum(end - start, 1e-9), 0.0, 1.0)
        return bar.astype(np.int64), 1.0 + part * self.beats[bar - 1]


def read_bars(path: Path | str) -> Bars:
    """Read the bars of a MIDI file that has notes, up to its end."""
    path = Path(path).expanduser()
    with reading(path, "a MIDI file that is whole"):
        midi = mido.MidiFile(file=io.BytesIO(read_bytes(path, MIDI_BYTES)))
        return _bars_of(midi)


def _bars_of(midi: mido.MidiFile) -> Bars:
    """Count bars off in ticks, each in the time signature at its beginning."""
    tempos, signatures, end = [(0, _USUAL_TEMPO)], [(0, 4, 4)], 0
    now = 0
    for message in mido.merge_tracks(midi.tracks):
        now += message.time
        if message.type == "set_tempo":
            tempos.append((now, message.tempo))
        elif message.type == "time_signature":
            signatures.append((now, message.numerator, message.denominator))
        if message.type in ("note_on", "note_off"):
            end = now
    starts: list[int] = [0]
    beats: list[float] = []
    while (starts[-1] < end or not beats) and len(beats) < _MOST_BARS:
        at = starts[-1]
        last = bisect_right(signatures, at, key=lambda one: one[0]) - 1
        _, numerator, denominator = signatures[last]
        length = max(1, round(midi.ticks_per_beat * numerator * 4 / denominator))
        following = [tick for tick, *_ in signatures[last + 1 :] if tick > at][:1]
        # A signature begins a bar, and what it cuts short was an upbeat.
        starts.append(min([at + length, *following]))
        beats.append(float(numerator))
    return Bars(
        _seconds(np.array(starts, np.float64), tempos, midi.ticks_per_beat), np.array(beats)
    )


def _seconds(
    ticks: NDArray[np.float64], tempos: list[tuple[int, int]], ticks_per_beat: int
) -> NDArray[np.float64]:
    """When ticks are, as the tempo at each goes on until the next one is stated."""
    at = np.array([tick for tick, _ in tempos], np.float64)
    rate = np.array([tempo / 1e6 / ticks_per_beat for _, tempo in tempos])
    begins = np.concatenate([[0.0], np.cumsum(np.diff(at) * rate[:-1])])
    which = np.searchsorted(at, ticks, side="right") - 1
    return np.asarray(begins[which] + (ticks - at[which]) * rate[which])
