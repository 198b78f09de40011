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

"""Notes as rows at a steady rate: what sounds, what is struck how hard, how deep the pedals are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.piano import FIRST_NOTE, PIANO_KEYS
from kpm_ros.models.pianomotion.motion_card import RATE_HZ
from kpm_ros.sense.midi.score import Score
from kpm_ros.sense.samples import Pedal

PEDALS = tuple(int(pedal) for pedal in Pedal)
COLUMNS = 2 * PIANO_KEYS + len(PEDALS)
"""Each key held, each key struck (its velocity, from 0 to 1), each pedal's depth."""
LOUDEST = 127


def piano_roll(score: Score, start_s: float, frames: int) -> NDArray[np.float32]:
    """Lay out so many frames from a time on, each of what happens until the next one.

    Notes beyond a piano's keys are left out. A key is held in every frame that its note touches.
    """
    roll = np.zeros((frames, COLUMNS), np.float32)
    for note in score.notes:
        key = note.pitch - FIRST_NOTE
        first = int(np.floor((note.onset_s - start_s) * RATE_HZ + 1e-6))
        end = max(first + 1, int(np.ceil((note.end_s - start_s) * RATE_HZ - 1e-6)))
        if not 0 <= key < PIANO_KEYS or end <= 0 or first >= frames:
            continue
        roll[max(first, 0) : end, key] = 1
        if first >= 0:
            struck = roll[first : first + 1, PIANO_KEYS + key]
            np.maximum(struck, note.velocity / LOUDEST, out=struck)
    for move in score.pedals:
        at = int(np.floor((move.time_s - start_s) * RATE_HZ + 1e-6))
        if at < frames:
            roll[max(at, 0) :, 2 * PIANO_KEYS + PEDALS.index(move.pedal)] = move.value
    return roll
