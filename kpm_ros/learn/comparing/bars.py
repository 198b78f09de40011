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

"""Where a piece's bars are in a performance: by its score, by the MIDI file, or by the clock."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import ForeignFileError, opened, printable, reading
from kpm_ros.learn.comparing.matching import match_notes
from kpm_ros.learn.comparing.performance import Performance
from kpm_ros.sense.midi.bars import read_bars

SCORE_BYTES = 16 << 20
PASSAGE_S = 4.0
_BEAT_S = 0.5
"""At which a score is played for matching; any would do."""
_LEAST_IN_SCORE = 0.5
_ON_THE_BEAT = 1 / 24
"""Bars of a MIDI file are believed if its notes lie on parts of its beats this fine."""
_ROUNDING_S = 1e-4
"""A note that begins with a bar is in it."""
_OFF_BEAT = 0.1
"""... within this part of such a part, which notes that lie anywhere do in a fifth of cases."""
_LEAST_ON_BEAT = 0.8


@dataclass(frozen=True)
class BarsOfNotes:
    """To which bar each note of a performance belongs."""

    of_note: NDArray[np.int64]
    """Counted from 0, in the order in which they are played; a repeat has bars of its own."""
    names: tuple[str, ...]
    whence: str
    """Where bars come from, in words."""


def find_bars(
    played: Performance, score: Path | None = None, midi: Path | None = None
) -> BarsOfNotes:
    """Find bars in the score, else in the MIDI file if it knows them, else by the clock."""
    if score is not None:
        return bars_of_score(played, score)
    if midi is not None and (found := bars_of_midi(played, midi)) is not None:
        return found
    return passages(played)


def passages(played: Performance) -> BarsOfNotes:
    """Cut a performance every few seconds, named by when they begin."""
    onset = played.onset_s
    number = (onset // PASSAGE_S).astype(np.int64)
    begun = np.unique(number)
    names = tuple(_clock(k * PASSAGE_S) for k in begun)
    return BarsOfNotes(
        np.searchsorted(begun, number), names, f"passages of {PASSAGE_S:g} s by the first's clock"
    )


def bars_of_midi(played: Performance, path: Path) -> BarsOfNotes | None:
    """Take the bars that a MIDI file states; None if its notes do not keep to its beats."""
    number, beat = read_bars(path).position(played.onset_s + _ROUNDING_S)
    part = beat / _ON_THE_BEAT
    if (np.abs(part - np.round(part)) < _OFF_BEAT).mean() < _LEAST_ON_BEAT:
        return None
    begun = np.unique(number)
    names = tuple(f"bar {k}" for k in begun)
    whence = f"bars as {printable(path.name)} counts"
    return BarsOfNotes(np.searchsorted(begun, number), names, whence)


def bars_of_score(played: Performance, path: Path) -> BarsOfNotes:
    """Match a performance to a score (MusicXML, MEI, Humdrum, MIDI) for the score's own bars.

    Repeats are taken as written or left out, whichever fits the performance better.
    """
    best: tuple[int, NDArray[np.int64], NDArray[np.int64]] | None = None
    for onset, pitch, bar in _written(path):
        matched = match_notes(onset, pitch, played.onset_s, played.pitch)
        if best is None or len(matched.pairs) > best[0]:
            # A note that is not in the score is in the bar of the one before it.
            place = np.full(len(played.score.notes), -1, dtype=np.int64)
            place[matched.pairs[:, 1]] = matched.pairs[:, 0]
            place = np.maximum(np.maximum.accumulate(place), 0)
            best = len(matched.pairs), place, bar
    if best is None or best[0] < _LEAST_IN_SCORE * len(played.score.notes):
        raise ForeignFileError(
            f"{path} is not the score of {played.title}: only {best[0] if best else 0} of its "
            f"{len(played.score.notes)} notes are in it"
        )
    _, place, bar = best
    turn = np.concatenate([[0], np.cumsum(np.diff(bar) != 0)])
    number = turn[place]
    begun, first = np.unique(number, return_index=True)
    names = tuple(f"bar {bar[place[k]]}" for k in first)
    names = tuple(f"{name}, again" if name in names[:k] else name for k, name in enumerate(names))
    return BarsOfNotes(np.searchsorted(begun, number), names, f"bars of {printable(path.name)}")


def _written(
    path: Path,
) -> list[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]]:
    """Read a score's notes with repeats and without: onset, pitch, and the number of the bar."""
    import partitura

    with opened(path, SCORE_BYTES):
        pass  # refused here if it is too large, or no file
    with reading(path, "a score that partitura reads"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = partitura.load_score(str(path)).parts
        whole = partitura.score.merge_parts(parts) if len(parts) > 1 else parts[0]
        versions = [whole]
        if any(True for _ in whole.iter_all(partitura.score.Repeat)):
            versions.append(partitura.score.unfold_part_maximal(whole))
        return [_notes_of(part) for part in versions]


def _notes_of(part: Any) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    notes = part.note_array()
    order = np.lexsort((notes["pitch"], notes["onset_beat"]))
    notes = notes[order]
    bar = np.asarray(part.measure_number_map(notes["onset_div"].astype(int)), dtype=np.int64)
    onset = notes["onset_beat"].astype(np.float64) * _BEAT_S
    return onset, notes["pitch"].astype(np.int64), bar


def _clock(time_s: float) -> str:
    minutes, seconds = divmod(round(time_s), 60)
    return f"{minutes}:{seconds:02d}"
