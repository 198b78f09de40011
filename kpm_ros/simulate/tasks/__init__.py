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

"""Seven tasks for a pianist, written here in the spirit of those of the published data set.

A take of a task differs from others in its keys, tempo, touch and loudness, all drawn from a seed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kpm_ros.sense.midi.score import Score
from kpm_ros.simulate.tasks.music import dynamics, free_piece
from kpm_ros.simulate.tasks.sheet import Sheet
from kpm_ros.simulate.tasks.technique import (
    arpeggios,
    chords,
    octaves_and_spreads,
    repeated_notes,
    scales,
)


class Task(NamedTuple):
    """What one task is, and how fast it may be played."""

    name: str
    phrase: Callable[[Sheet], None]
    step_s: tuple[float, float]
    """Shortest and longest regular note: the tempo is drawn between them."""


TASKS = (
    Task("scales", scales, (0.11, 0.26)),
    Task("arpeggios", arpeggios, (0.13, 0.30)),
    Task("chords", chords, (0.16, 0.30)),
    Task("repeated notes", repeated_notes, (0.12, 0.24)),
    Task("octaves and spreads", octaves_and_spreads, (0.15, 0.30)),
    Task("dynamics", dynamics, (0.13, 0.30)),
    Task("free piece", free_piece, (0.17, 0.28)),
)
"""Counted from 1, as in the names of performances."""

_SLACK_S = 1.0
"""Written beyond the end, so that a take does not end in a pause."""


def task(number: int, seed: int, duration_s: float) -> Score:
    """Write one take of a task; the same seed is the same take."""
    if not 1 <= number <= len(TASKS):
        raise ValueError(f"there are tasks 1 to {len(TASKS)}, not {number}")
    if not duration_s > 0:
        raise ValueError(f"a take must last longer than 0 s, not {duration_s:g} s")
    chosen = TASKS[number - 1]
    draw = np.random.default_rng([seed, 0x7A5, number])
    tempo_s = _tempo(draw, chosen)
    sheet = Sheet(draw, tempo_s)
    while sheet.now_s < duration_s + _SLACK_S:
        chosen.phrase(sheet)
        # People drift: each phrase goes a little faster or slower than the last.
        drifted = sheet.step_s * float(np.exp(draw.normal(0.0, 0.08)))
        sheet.step_s = float(np.clip(drifted, *chosen.step_s))
    return sheet.score(duration_s, f"{chosen.name} {seed}")


def _tempo(draw: np.random.Generator, chosen: Task) -> float:
    """Draw a tempo; slow and fast are equally likely."""
    return float(np.exp(draw.uniform(*np.log(chosen.step_s))))
