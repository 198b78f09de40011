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

"""How well the keys that hands press are those of the music: onsets, and frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.core.piano import FIRST_NOTE, PIANO_KEYS
from kpm_ros.motion.scores.keys_pressed import ACTION, KeyAction, keys_pressed
from kpm_ros.sense.midi.score import Score

TOLERANCE_S = 0.050
"""How far from a note's beginning a key may be pressed to count as that note."""


class Agreement(NamedTuple):
    """How much of what was played is in the music, and the other way round.

    >>> Agreement(right=3, played=4, wanted=6)._replace(played=3).precision
    1.0
    """

    right: int
    played: int
    wanted: int

    @property
    def precision(self) -> float:
        """Share of what was played that is right; nothing played is nothing right."""
        return self.right / self.played if self.played else 0.0

    @property
    def recall(self) -> float:
        """Share of the music that was played."""
        return self.right / self.wanted if self.wanted else 0.0

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        both = self.played + self.wanted
        return 2 * self.right / both if both else 0.0

    def __add__(self, other: object) -> Agreement:
        """Count two performances as one."""
        if not isinstance(other, Agreement):
            return NotImplemented
        return Agreement(*(a + b for a, b in zip(self, other, strict=True)))


NOTHING = Agreement(0, 0, 0)


class KeyScores(NamedTuple):
    """One performance's keys against its music."""

    onsets: Agreement
    frames: Agreement
    """Keys of all frames together: a silent frame in which nothing is played adds nothing."""
    frame_f1_zero_division_one: float
    """Mean over frames of precision and recall's harmonic mean, as RoboPianist takes it: a frame
    with nothing to play and nothing played counts as 1."""


def score_keys(
    motion: HandMotion,
    score: Score,
    action: KeyAction = ACTION,
    tolerance_s: float = TOLERANCE_S,
) -> KeyScores:
    """Run the fingertips against a keyboard and compare with the music that there is in that time.

    Time is the music's: the motion's `start_s` says where in it the first frame is.
    """
    down = keys_pressed(motion, action)
    wanted = keys_wanted(score, motion.times_s)
    first_s, end_s = motion.start_s, motion.start_s + motion.duration_s
    begins = onsets_of(score, first_s, end_s)
    played = _onsets(down, motion)
    return KeyScores(
        match_onsets(played, begins, tolerance_s),
        Agreement(int((down & wanted).sum()), int(down.sum()), int(wanted.sum())),
        _mean_frame_f1(down, wanted),
    )


def keys_wanted(score: Score, times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Keys that the music has down at each of some regular times: (n, keys)."""
    wanted = np.zeros((len(times_s), PIANO_KEYS), bool)
    for note in score.notes:
        key = note.pitch - FIRST_NOTE
        if 0 <= key < PIANO_KEYS:
            first, end = np.searchsorted(times_s, (note.onset_s, note.end_s))
            wanted[first:end, key] = True
    return wanted


def onsets_of(score: Score, first_s: float, end_s: float) -> dict[int, NDArray[np.float64]]:
    """When each key is struck within a time, of the keys that a piano has."""
    begins: dict[int, list[float]] = {}
    for note in score.notes:
        key = note.pitch - FIRST_NOTE
        if 0 <= key < PIANO_KEYS and first_s <= note.onset_s < end_s:
            begins.setdefault(key, []).append(note.onset_s)
    return {key: np.unique(times) for key, times in begins.items()}


def match_onsets(
    played: Mapping[int, NDArray[np.float64]],
    wanted: Mapping[int, NDArray[np.float64]],
    tolerance_s: float = TOLERANCE_S,
) -> Agreement:
    """Pair as many onsets of the same key within the tolerance as can be, each once."""
    nothing = np.zeros(0)
    right = 0
    for key, notes in wanted.items():
        right += _pairs(played.get(key, nothing), notes, tolerance_s)
    return Agreement(
        right, sum(map(len, played.values())), sum(len(notes) for notes in wanted.values())
    )


def _pairs(played: NDArray[np.float64], wanted: NDArray[np.float64], tolerance_s: float) -> int:
    """Pair in order of time, which finds the most pairs as the tolerance is the same for all."""
    pairs = here = there = 0
    while here < len(played) and there < len(wanted):
        late = played[here] - wanted[there]
        if abs(late) <= tolerance_s:
            pairs, here, there = pairs + 1, here + 1, there + 1
        elif late < 0:
            here += 1
        else:
            there += 1
    return pairs


def _onsets(down: NDArray[np.bool_], motion: HandMotion) -> dict[int, NDArray[np.float64]]:
    """When each key goes down; one that is down in the first frame does so then."""
    before = np.concatenate([np.zeros((1, PIANO_KEYS), bool), down[:-1]])
    frame, key = np.nonzero(down & ~before)
    times = motion.times_s[frame]
    return {int(each): times[key == each] for each in np.unique(key)}


def _mean_frame_f1(down: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    both = (down & wanted).sum(axis=1)
    total = down.sum(axis=1) + wanted.sum(axis=1)
    return float(np.where(total > 0, 2 * both / np.maximum(total, 1), 1.0).mean())
