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

"""Two of the tasks: a study of dynamics, and a free piece. Both were written for this project."""

from __future__ import annotations

import numpy as np

from kpm_ros.core.piano import MIDDLE_C, OCTAVE
from kpm_ros.simulate.tasks.sheet import MAJOR, MINOR, Sheet, step, swell

_PATTERN = (0, 1, 2, 3, 4, 3, 2, 1)
_LEVELS = {"pp": 22, "p": 38, "mp": 52, "mf": 68, "f": 88, "ff": 110}


def dynamics(sheet: Sheet) -> None:
    """Five fingers on one pattern: at one level, in terraces, swelling, or with accents."""
    draw = sheet.draw
    tonic = int(draw.integers(MIDDLE_C, MIDDLE_C + 2 * OCTAVE + 1))
    levels = list(_LEVELS.values())
    count = len(_PATTERN) * int(draw.integers(1, 3))
    kind = int(draw.integers(4))
    if kind == 0:
        loud = [float(draw.choice(levels))] * count
    elif kind == 1:
        soft, strong = sorted(draw.choice(levels, 2, replace=False).tolist())
        loud = [float(strong if k // 4 % 2 else soft) for k in range(count)]
    elif kind == 2:
        half = count // 2
        loud = swell(half, 20, 112) + swell(count - half, 112, 20)
    else:
        accented = int(draw.integers(2, 6))
        loud = [104.0 if k % accented == 0 else 40.0 for k in range(count)]
    touch = float(draw.choice([0.4, 0.95, 1.0]))
    thick = draw.random() < 0.2
    for k, velocity in enumerate(loud):
        degree = _PATTERN[k % len(_PATTERN)]
        tones = (degree, degree + 2) if thick and degree < 3 else (degree,)
        sheet.play([tonic + step(MAJOR, one) for one in tones], 1.2, velocity, touch)
    sheet.rest(float(draw.integers(1, 4)))


_SONG = (
    ((4, 3), (5, 1), (4, 2), (2, 2)),
    ((3, 3), (4, 1), (3, 2), (1, 2)),
    ((2, 2), (4, 2), (7, 3), (6, 1)),
    ((5, 2), (3, 2), (4, 4)),
    ((7, 3), (6, 1), (5, 2), (4, 2)),
    ((5, 3), (4, 1), (3, 2), (2, 2)),
    ((1, 1), (2, 1), (3, 1), (4, 1), (3, 2), (1, 2)),
    ((0, 6), (None, 2)),
)
"""The song's bars: degrees of the scale (None is a rest), each with its length in steps."""
_HARMONY = (0, 4, 5, 4, 3, 0, 4, 0)
_MIDDLE = (5, 3, 1, 4, 2, 5, 3, 4)


def free_piece(sheet: Sheet) -> None:
    """A song, a fuller middle part and the song again, adorned; key, tempo and mode are drawn."""
    draw = sheet.draw
    tonic = int(draw.integers(64, 76))
    scale = MAJOR if draw.random() < 0.6 else MINOR
    basis = sheet.step_s
    song_loud, middle_loud = float(draw.uniform(42, 70)), float(draw.uniform(74, 104))
    _song(sheet, tonic, scale, song_loud, adorned=0.0)
    sheet.step_s = basis * float(draw.uniform(0.7, 0.95))
    _middle_part(sheet, tonic, scale, middle_loud)
    sheet.step_s = basis
    _song(sheet, tonic, scale, song_loud + 6, adorned=0.5)
    sheet.rest(4)


def _song(sheet: Sheet, tonic: int, scale: tuple[int, ...], loud: float, adorned: float) -> None:
    """The song over a broken chord in the left hand, slowing down at its end."""
    draw, basis = sheet.draw, sheet.step_s
    for number, (bar, harmony) in enumerate(zip(_SONG, _HARMONY, strict=True)):
        sheet.step_s = basis * (1.0 + 0.12 * (number in (3, 7)) + 0.03 * float(draw.normal()))
        phrase = loud + 14 * np.sin(np.pi * (number % 4 + 0.5) / 4)
        for k, part in enumerate((0, 2, 4, 2)):
            _left(sheet, tonic - 24 + step(scale, harmony + part), 2 * k, phrase - 16)
        for degree, steps in bar:
            if degree is None:
                sheet.rest(steps)
            elif steps >= 2 and draw.random() < adorned:
                _turn(sheet, tonic, scale, degree, steps, phrase)
            else:
                pitch = tonic + step(scale, degree)
                together = [pitch, pitch - 5] if steps >= 3 and draw.random() < 0.3 else [pitch]
                sheet.play(together, steps, phrase, 0.98)
    sheet.step_s = basis


def _turn(
    sheet: Sheet, tonic: int, scale: tuple[int, ...], degree: int, steps: float, loud: float
) -> None:
    """A note with the ones around it."""
    for more in (0, 1, 0, -1):
        sheet.play([tonic + step(scale, degree + more)], steps / 8, loud, 0.95)
    sheet.play([tonic + step(scale, degree)], steps / 2, loud, 0.98)


def _left(sheet: Sheet, pitch: int, later: float, loud: float) -> None:
    """A left-hand note some steps from now."""
    now_s = sheet.now_s
    sheet.rest(later)
    sheet.under([pitch], 2, loud, 0.95)
    sheet.now_s = now_s


def _middle_part(sheet: Sheet, tonic: int, scale: tuple[int, ...], loud: float) -> None:
    """Chords that break into runs."""
    for number, degree in enumerate(_MIDDLE):
        chord = [tonic + step(scale, degree + more) for more in (0, 2, 4)]
        sheet.under([tonic - 24 + step(scale, degree)], 8, loud - 10, 0.9)
        sheet.play(chord, 3, loud + 8, 0.8)
        sheet.play(chord, 1, loud, 0.6)
        run = range(degree, degree + 4) if number % 2 else range(degree + 4, degree, -1)
        for one in run:
            sheet.play([tonic + step(scale, one)], 1, loud - 6, 0.95)
