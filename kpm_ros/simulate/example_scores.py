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

"""Studies for the right hand, made here: one fixed, and any number of random ones for training."""

from __future__ import annotations

import numpy as np

from kpm_ros.core.piano import MIDDLE_C, OCTAVE
from kpm_ros.sense.midi.score import Note, Score

BEAT_S = 0.48
_POSITION = (60, 62, 64, 65, 67)
"""The five white keys from middle C, one for each finger."""


class _Writer:
    """Puts notes one after another."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.now_s = 0.0

    def play(
        self, pitches: tuple[int, ...], step_s: float, velocity: float, held: float = 1.0
    ) -> None:
        """Strike these keys together and go on by one step; `held` is in steps."""
        loud = int(np.clip(round(velocity), 8, 122))
        for pitch in pitches:
            self.notes.append(Note(self.now_s, max(step_s * held, 0.04), pitch, loud))
        self.now_s += step_s

    def rest(self, step_s: float) -> None:
        """Play nothing for a while."""
        self.now_s += step_s


def five_finger_study() -> Score:
    """Write the built-in study: runs, broken and solid chords, repetitions, spreads, all dynamics.

    Written for this project; it stays within a tenth around middle C and needs no thumb crossing.
    """
    write = _Writer()
    beat = BEAT_S
    c, d, e, f, g = _POSITION
    for soft, loud, held in ((36, 78, 1.0), (50, 104, 0.45)):
        run = (c, d, e, f, g, f, e, d)
        for turn in range(3):
            for k, pitch in enumerate(run):
                write.play((pitch,), beat / 2, soft + (loud - soft) * (turn * 8 + k) / 23, held)
        write.play((c,), beat, loud, 0.9)
        write.rest(beat)
    for low, high in ((c, e), (d, f), (e, g), (d, f)) * 2:
        write.play((low,), beat / 2, 56, 1.05)
        write.play((high,), beat / 2, 70, 1.0)
    for velocity in (44, 62, 84, 108):
        write.play((c, e, g), beat, velocity, 0.9)
        write.play((d, f), beat, velocity - 6, 0.5)
    write.rest(beat)
    for pitch, velocity in ((g, 60), (f, 72), (e, 84), (d, 66), (c, 92)):
        for k in range(4):
            write.play((pitch,), beat / 3, velocity - 5 * (k % 2), 0.5)
    write.rest(beat)
    for wide in (67, 69, 71, 72, 72, 71, 69, 67):
        write.play((c,), beat / 2, 58, 1.0)
        write.play((e,), beat / 2, 52, 1.0)
        write.play((c, wide), beat, 74, 0.85)
    for pitch in (c, 63, d, 66, f, 66, e, 63) * 2:
        write.play((pitch,), beat / 2, 64 + (pitch - c) * 3, 0.95)
    write.play((c, e, g), 2 * beat, 40, 0.95)
    return Score.of(write.notes, name="five-finger study")


_HIGHEST_ROOT = MIDDLE_C + 2 * OCTAVE
_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 11), (0, 2, 4, 7, 9))
_CHORDS = ((0, 4), (0, 7), (0, 4, 7), (0, 3, 7), (0, 5, 9), (0, 4, 7, 12), (0, 12), (0, 9))


def random_study(seed: int, duration_s: float = 60.0) -> Score:
    """Draw runs, chords, repetitions, spreads and rests; the same seed is the same study.

    At least `duration_s` long, between middle C and three octaves above it.
    """
    draw = np.random.default_rng([seed, 0x57D])
    write = _Writer()
    figures = (_run, _run, _five_fingers, _chords, _repeats, _spreads, _trill)
    root = int(draw.integers(MIDDLE_C, _HIGHEST_ROOT))
    loud = float(draw.uniform(35, 90))
    while write.now_s < duration_s:
        if draw.random() < 0.3:
            root = int(np.clip(root + draw.integers(-9, 10), MIDDLE_C, _HIGHEST_ROOT))
        loud = float(np.clip(loud + draw.normal(0, 18), 22, 112))
        step_s = float(np.exp(draw.uniform(np.log(0.09), np.log(0.5))))
        figures[int(draw.integers(len(figures)))](draw, write, root, step_s, loud)
        if draw.random() < 0.35:
            write.rest(float(draw.uniform(0.1, 1.5)))
    return Score.of(write.notes, name=f"random study {seed}")


def _held(draw: np.random.Generator) -> float:
    """Staccato, normal or legato."""
    return float(draw.choice([0.35, 0.6, 0.9, 1.0, 1.08]))


def _shade(draw: np.random.Generator, loud: float) -> float:
    """One note's loudness within its phrase."""
    return loud + float(draw.normal(0, 6))


def _scale(draw: np.random.Generator, root: int) -> list[int]:
    """Two octaves of some scale."""
    steps = _SCALES[int(draw.integers(len(_SCALES)))]
    return [root + 12 * octave + step for octave in (0, 1) for step in steps]


def _run(draw: np.random.Generator, write: _Writer, root: int, step_s: float, loud: float) -> None:
    """Play part of a scale up, down or both, getting louder or softer."""
    keys = _scale(draw, root)[: int(draw.integers(4, 13))]
    if draw.random() < 0.5:
        keys = keys[::-1]
    if draw.random() < 0.5:
        keys = keys + keys[-2::-1]
    held, swell = _held(draw), float(draw.normal(0, 2))
    for k, key in enumerate(keys):
        write.play((key,), step_s, _shade(draw, loud + swell * k), held)


def _five_fingers(
    draw: np.random.Generator, write: _Writer, root: int, step_s: float, loud: float
) -> None:
    """Play five neighbouring notes of a scale in any order."""
    keys = _scale(draw, root)[:5]
    held = _held(draw)
    for key in draw.choice(keys, int(draw.integers(6, 17))):
        write.play((int(key),), step_s, _shade(draw, loud), held)


def _chords(
    draw: np.random.Generator, write: _Writer, root: int, step_s: float, loud: float
) -> None:
    """Play a few chords."""
    step_s = max(step_s, 0.18)
    held = _held(draw)
    for _ in range(int(draw.integers(2, 7))):
        base = root + int(draw.integers(0, 6))
        chord = _CHORDS[int(draw.integers(len(_CHORDS)))]
        write.play(tuple(base + step for step in chord), step_s, _shade(draw, loud), held)


def _repeats(
    draw: np.random.Generator, write: _Writer, root: int, step_s: float, loud: float
) -> None:
    """Play the same key again and again."""
    key = root + int(draw.integers(0, 12))
    for _ in range(int(draw.integers(3, 9))):
        write.play((key,), max(step_s, 0.12), _shade(draw, loud), 0.5)


def _spreads(
    draw: np.random.Generator, write: _Writer, root: int, step_s: float, loud: float
) -> None:
    """Hold a note under wide steps, or play wide intervals one after another."""
    step_s = max(step_s, 0.15)
    if draw.random() < 0.5:
        count = int(draw.integers(2, 6))
        write.notes.append(Note(write.now_s, step_s * (count + 0.9), root, int(loud)))
        write.rest(step_s)
    for _ in range(int(draw.integers(2, 6))):
        write.play((root + int(draw.integers(4, 13)),), step_s, _shade(draw, loud), _held(draw))


def _trill(
    draw: np.random.Generator, write: _Writer, root: int, step_s: float, loud: float
) -> None:
    """Play two neighbours in turn."""
    other = root + int(draw.integers(1, 5))
    for _ in range(int(draw.integers(3, 9))):
        write.play((root,), step_s, _shade(draw, loud), 0.95)
        write.play((other,), step_s, _shade(draw, loud), 0.95)
