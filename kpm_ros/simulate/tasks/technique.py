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

"""Five of the tasks: scales, arpeggios, chords, repeated notes, octaves and spreads.

Each function writes one phrase; a task is as many of them as its duration holds.
"""

from __future__ import annotations

from kpm_ros.core.piano import MIDDLE_C, OCTAVE
from kpm_ros.simulate.tasks.sheet import (
    HARMONIC_MINOR,
    MAJOR,
    MINOR,
    Sheet,
    step,
    swell,
)

_LEFT_BELOW = 24
"""How far below the right hand the left one plays along."""


def _tonic(sheet: Sheet, highest: int) -> int:
    """Draw a key note for the right hand."""
    return int(sheet.draw.integers(MIDDLE_C, highest + 1))


def _touch(sheet: Sheet) -> float:
    """Draw how long notes are held: staccato, portato, legato."""
    return float(sheet.draw.choice([0.4, 0.75, 0.95, 1.03]))


_SCALES = (MAJOR, HARMONIC_MINOR, MINOR, tuple(range(12)))


def scales(sheet: Sheet) -> None:
    """One scale up and down over one or two octaves, the left hand now and then along with it."""
    draw = sheet.draw
    tonic, touch = _tonic(sheet, 79), _touch(sheet)
    scale = (MAJOR, HARMONIC_MINOR, MINOR, tuple(range(12)))[
        int(draw.choice(4, p=[0.4, 0.3, 0.2, 0.1]))
    ]
    top = len(scale) * int(draw.integers(1, 3))
    degrees = [*range(top), *range(top, -1, -1)]
    peak, base = float(draw.uniform(60, 105)), float(draw.uniform(30, 65))
    loud = swell(top, base, peak) + swell(top + 1, peak, base)
    with_left = draw.random() < 0.35
    for degree, velocity in zip(degrees, loud, strict=True):
        pitch = tonic + step(scale, degree)
        if with_left:
            sheet.under([pitch - _LEFT_BELOW], 1, velocity - 8, touch)
        sheet.play([pitch], 1, velocity, touch)
    sheet.rest(float(draw.integers(1, 4)))


_CHORD_SHAPES = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 3, 7, 10), (0, 3, 6, 9), (0, 5, 9))


def arpeggios(sheet: Sheet) -> None:
    """One chord broken over two octaves, or rocking within one."""
    draw = sheet.draw
    tonic, touch = _tonic(sheet, 77), _touch(sheet)
    shape = _CHORD_SHAPES[int(draw.integers(len(_CHORD_SHAPES)))]
    if draw.random() < 0.6:
        top = len(shape) * int(draw.integers(1, 3))
        pitches = [tonic + step(shape, k) for k in (*range(top), *range(top, -1, -1))]
    else:
        rock = ((0, 2, 1, 2), (0, 1, 2, 1), (2, 1, 0, 1), (0, 2, 1, 3))[int(draw.integers(4))]
        pitches = [tonic + move + step(shape, k) for move in (0, 2, 5, 0) for k in rock * 2]
    start, end = draw.uniform(32, 100, 2)
    if draw.random() < 0.4:
        sheet.under([tonic - _LEFT_BELOW, tonic - _LEFT_BELOW + 7], len(pitches), start, 0.9)
    for pitch, velocity in zip(pitches, swell(len(pitches), start, end), strict=True):
        sheet.play([pitch], 1, velocity, touch)
    sheet.rest(float(draw.integers(1, 4)))


_PROGRESSIONS = ((0, 3, 4, 0), (0, 5, 3, 4), (0, 1, 4, 0), (5, 3, 0, 4), (0, 4, 5, 3))


def chords(sheet: Sheet) -> None:
    """A progression of three- and four-note chords in some inversion, with a bass at times."""
    draw = sheet.draw
    tonic = _tonic(sheet, 74)
    scale = MAJOR if draw.random() < 0.6 else MINOR
    progression = _PROGRESSIONS[int(draw.integers(len(_PROGRESSIONS)))]
    inversion, steps = int(draw.integers(3)), float(draw.choice([2, 2, 3, 4]))
    touch, with_bass = float(draw.choice([0.35, 0.8, 0.95])), draw.random() < 0.4
    again = int(draw.integers(1, 4))
    start, end = draw.uniform(32, 110, 2)
    loud = iter(swell(len(progression) * again, start, end))
    for degree in progression:
        tones = [step(scale, degree + 2 * k) for k in range(3)]
        tones = [tone + 12 * (k < inversion) for k, tone in enumerate(tones)]
        if draw.random() < 0.3:
            tones.append(min(tones) + 12)
        for _ in range(again):
            velocity = next(loud)
            if with_bass:
                sheet.under([tonic - 24 + step(scale, degree)], steps, velocity, touch)
            sheet.play([tonic + tone for tone in sorted(set(tones))], steps, velocity, touch)
    sheet.rest(float(draw.integers(1, 5)))


def repeated_notes(sheet: Sheet) -> None:
    """The same key, third or pair of neighbours again and again, moving on through the scale."""
    draw = sheet.draw
    tonic = _tonic(sheet, MIDDLE_C + 2 * OCTAVE)
    kind = int(draw.choice(3, p=[0.5, 0.2, 0.3]))
    times = int(draw.choice([3, 4, 6, 8]))
    start, end = draw.uniform(30, 108, 2)
    degrees = [int(draw.integers(0, 3)), *draw.integers(0, 8, 3).tolist()]
    for degree, velocity in zip(degrees, swell(len(degrees), start, end), strict=True):
        here, above = (tonic + step(MAJOR, degree + more) for more in (0, 1 if kind == 2 else 2))
        for k in range(times):
            accent = velocity + 10 * (k == 0)
            if kind == 0:
                sheet.play([here], 1.1, accent, 0.5)
            elif kind == 1:
                sheet.play([here, above], 1.6, accent, 0.5)
            else:
                sheet.play([above if k % 2 else here], 1, accent, 0.9)
    sheet.rest(float(draw.integers(1, 4)))


def octaves_and_spreads(sheet: Sheet) -> None:
    """Octaves, solid or broken, sixths and sevenths, and wide steps over a held note."""
    draw = sheet.draw
    tonic = _tonic(sheet, 76)
    start, end = draw.uniform(32, 104, 2)
    kind, count = int(draw.integers(4)), int(draw.integers(5, 10))
    line = [int(value) for value in draw.integers(0, 7, count)]
    touch = float(draw.choice([0.45, 0.85]))
    loud = swell(count, start, end)
    if kind == 3:
        sheet.under([tonic], 2 * count, start, 0.95)
        sheet.rest(2)
    for degree, velocity in zip(line, loud, strict=True):
        low = tonic + step(MAJOR, degree)
        if kind == 0:
            sheet.play([low, low + 12], 2, velocity, touch)
        elif kind == 1:
            sheet.play([low], 1, velocity, 1.0)
            sheet.play([low + 12], 1, velocity, touch)
        elif kind == 2:
            sheet.play([low, low + int(draw.choice([8, 9, 10, 11]))], 2, velocity, touch)
        else:
            sheet.play([tonic + 4 + degree], 1.5, velocity, touch)
    sheet.rest(float(draw.integers(1, 4)))
