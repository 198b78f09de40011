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

"""Performances made from others, so that it is known which note is which."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kpm_ros.sense.midi.score import Note, Score

Pairs = set[tuple[int, int]]


def in_order(notes: list[tuple[Note, int | None]], name: str) -> tuple[Score, Pairs]:
    """Sort notes as a score does; each comes with which note of the first it is, if any."""
    notes.sort(key=lambda entry: (entry[0].onset_s, entry[0].pitch))
    truth = {(origin, k) for k, (_, origin) in enumerate(notes) if origin is not None}
    return Score.of([note for note, _ in notes], name=name), truth


def another_tempo(score: Score, times: float = 0.5, sway: float = 0.15) -> tuple[Score, Pairs]:
    """Play all at another tempo, which sways and slows down as players do."""

    def at(time_s: float) -> float:
        return times * (time_s + sway * np.sin(time_s / 2.0))

    return in_order(
        [
            (
                replace(
                    note, onset_s=at(note.onset_s), duration_s=at(note.end_s) - at(note.onset_s)
                ),
                k,
            )
            for k, note in enumerate(score.notes)
        ],
        "another tempo",
    )


def mistakes(score: Score, part: float = 0.05, seed: int = 0) -> tuple[Score, Pairs]:
    """Strike some keys beside the right ones, leave some notes out, and add some."""
    draw = np.random.default_rng(seed)
    notes: list[tuple[Note, int | None]] = []
    for k, note in enumerate(score.notes):
        kind = draw.random()
        if kind < part:
            notes.append((replace(note, pitch=note.pitch + int(draw.choice([-1, 1]))), None))
        elif kind > 2 * part:
            notes.append((note, k))
        if draw.random() < part:
            extra = Note(
                note.onset_s + draw.uniform(0.05, 0.3), 0.1, int(draw.integers(40, 80)), 50
            )
            notes.append((extra, None))
    return in_order(notes, "mistakes")


def left_out(score: Score, since: float, until: float) -> tuple[Score, Pairs]:
    """Leave a passage out, between two parts of the whole, and go on at once."""
    begin_s, end_s = since * score.duration_s, until * score.duration_s
    notes: list[tuple[Note, int | None]] = []
    for k, note in enumerate(score.notes):
        if note.onset_s < begin_s:
            notes.append((note, k))
        elif note.onset_s >= end_s:
            notes.append((replace(note, onset_s=note.onset_s - (end_s - begin_s)), k))
    return in_order(notes, "a passage left out")
