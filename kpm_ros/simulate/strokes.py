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

"""Strokes: every note's key on its way down and up again, as keys and hands have time for it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.keyboard import KEY_X_M
from kpm_ros.core.piano import FIRST_NOTE, PIANO_KEYS
from kpm_ros.sense.midi.key_depth import RELEASE_S, press_time_s
from kpm_ros.sense.midi.score import Score
from kpm_ros.simulate.fingering import Fingering

LEAD_S = 0.5
"""Rest before the first note of every pass."""
_REPEAT_RELEASE_S = 0.03
"""How fast a key comes up when it is to be struck again at once."""
_TWICE_S = 0.03
_HOP_M_PER_S = 1.0
"""How fast one finger goes from key to key when it must play both."""


@dataclass
class Strokes:
    """Every note's key on its way down and up again; one row a note, times within one pass."""

    key: NDArray[np.int64]
    velocity: NDArray[np.int64]
    finger: NDArray[np.int64]
    touch: NDArray[np.float64]
    """(notes, 3): where the finger touches the key at rest."""
    press_s: NDArray[np.float64]
    """Key begins to go down."""
    onset_s: NDArray[np.float64]
    """Key is down, note sounds."""
    release_s: NDArray[np.float64]
    """Key begins to come up."""
    end_s: NDArray[np.float64]
    """Key is up, or is pressed again."""
    from_depth: NDArray[np.float64]
    to_depth: NDArray[np.float64]

    @property
    def off_s(self) -> NDArray[np.float64]:
        """When the note stops sounding: half-way up."""
        return (self.release_s + self.end_s) / 2


def playable(score: Score) -> Score:
    """Leave out what no piano can do: keys it lacks, a key struck twice within 30 ms."""
    newest: dict[int, float] = {}
    notes = []
    for note in score.notes:
        on_piano = FIRST_NOTE <= note.pitch < FIRST_NOTE + PIANO_KEYS
        if on_piano and note.onset_s - newest.get(note.pitch, -np.inf) >= _TWICE_S:
            newest[note.pitch] = note.onset_s
            notes.append(note)
    return Score(tuple(notes), score.pedals, score.duration_s, score.name)


def score_strokes(score: Score, fingering: Fingering) -> Strokes:
    """Strokes as the score has them, before hands and keys get in each other's way."""
    onset = LEAD_S + np.array([note.onset_s for note in score.notes])
    off = LEAD_S + np.array([note.end_s for note in score.notes])
    velocity = np.array([note.velocity for note in score.notes], dtype=np.int64)
    press = np.array([press_time_s(int(v)) for v in velocity])
    last = -np.inf
    for grip in fingering.grips:
        press[grip.struck] = np.minimum(press[grip.struck], 0.5 * (grip.time_s - last))
        last = grip.last_onset_s
    release = np.maximum(off - RELEASE_S / 2, onset + np.minimum(0.02, (off - onset) / 2))
    return Strokes(
        key=np.array([note.pitch - FIRST_NOTE for note in score.notes], dtype=np.int64),
        velocity=velocity,
        finger=fingering.finger,
        touch=fingering.touch,
        press_s=onset - press,
        onset_s=onset,
        release_s=release,
        end_s=release + RELEASE_S,
        from_depth=np.zeros(len(onset)),
        to_depth=np.zeros(len(onset)),
    )


def leave_in_time(fingering: Fingering, strokes: Strokes, depart: NDArray[np.float64]) -> None:
    """Let go of notes when their finger is wanted elsewhere or the hand leaves."""
    next_use: dict[int, int] = {}
    for note in np.argsort(-strokes.onset_s, kind="stable"):
        finger = strokes.finger[note]
        if finger < 0:
            continue
        latest = _free_by(strokes, note, next_use.get(finger))
        next_use[finger] = note
        grip = fingering.last_grip[note]
        if grip < len(fingering.grips) - 1:
            following = LEAD_S + fingering.grips[grip + 1].time_s
            latest = min(latest, following if fingering.within_reach[note] else depart[grip])
        _end_by(strokes, note, latest, RELEASE_S)


def _free_by(strokes: Strokes, note: int, following: int | None) -> float:
    """When a finger must have left its key to be in time for its next one."""
    if following is None:
        return np.inf
    press_s = float(strokes.press_s[following])
    distance = abs(KEY_X_M[strokes.key[note]] - KEY_X_M[strokes.key[following]])
    if distance == 0:
        return np.inf  # `share_keys` sees to that
    hop_s = 0.02 + distance / _HOP_M_PER_S
    return press_s - min(hop_s, 0.6 * (press_s - float(strokes.onset_s[note])))


def _end_by(strokes: Strokes, note: int, latest_s: float, release_s: float) -> None:
    """Have a key's way up over by some instant; what is short of time becomes faster."""
    if strokes.end_s[note] <= latest_s:
        return
    onset = strokes.onset_s[note]
    strokes.end_s[note] = latest_s
    earliest = onset + 0.2 * (latest_s - onset)
    strokes.release_s[note] = min(strokes.release_s[note], max(earliest, latest_s - release_s))


def share_keys(strokes: Strokes) -> None:
    """Let a key that is struck again come up as far as there is time for."""
    for key in np.unique(strokes.key):
        same = np.flatnonzero(strokes.key == key)
        for before, after in pairwise(same):
            half = (strokes.onset_s[before] + strokes.onset_s[after]) / 2
            strokes.press_s[after] = max(strokes.press_s[after], half)
            if strokes.end_s[before] > strokes.press_s[after]:
                _end_by(strokes, before, strokes.press_s[after], _REPEAT_RELEASE_S)
                up = strokes.end_s[before] - strokes.release_s[before]
                depth = float(np.clip(1 - up / _REPEAT_RELEASE_S, 0.0, 0.5))
                strokes.to_depth[before] = strokes.from_depth[after] = depth
