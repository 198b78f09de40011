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

"""Published fingerings of scales and arpeggios in the abcD format.

The music is ABC notation of one line a hand; the fingering stands in comments before it: digits
for the right hand, then "@" and those for the left, "&" where a line ends, "x" where none is
printed. What other ABC music may hold beside notes, bars, keys and clefs is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kpm_ros.core.foreign_files import SETTINGS_BYTES, ForeignFileError, read_text, reading
from kpm_ros.core.piano import FIRST_NOTE, MIDDLE_C, OCTAVE, PIANO_KEYS
from kpm_ros.core.sides import LEFT, RIGHT

_WHAT = "a published fingering in abcD"
_FINGERING = re.compile(r"^% abcD fingering \d+: *(\S+)", re.MULTILINE)
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SHARPS = "FCGDAEB"
_CIRCLE = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#")
_MINOR_FIFTHS = -3
"""A minor key has the signature of the major one a minor third above."""
_ACCIDENTALS = {"=": 0, "^": 1, "^^": 2, "_": -1, "__": -2}
_TOKEN = re.compile(
    r'"[^"]*"'  # words above the staff
    r"|\[(?P<field>[A-Z]:[^\]]*)\]"
    r"|(?P<accidental>\^\^|\^|__|_|=)?(?P<letter>[A-Ga-g])(?P<octave>[,']*)(?P<length>\d*/?\d*)"
    r"|(?P<bar>\[\||[|:\]]+)"
    r"|\s+"
)


class _Written(NamedTuple):
    """One note as it is written."""

    pitch: int
    is_long: bool


@dataclass(frozen=True)
class PublishedFingering:
    """One page: phrases of notes for each hand, with every fingering that is printed for them."""

    name: str
    phrases: dict[str, tuple[tuple[int, ...], ...]]
    """By side: MIDI notes of each phrase, which ends on its long note."""
    fingers: dict[str, tuple[tuple[tuple[int, ...], ...], ...]]
    """By side, of each fingering and phrase: fingers 1 to 5, 0 where none is printed. The usual
    one is first."""


def read_fingerings(folder: Path | str) -> list[PublishedFingering]:
    """Read every abcD file of a folder that has a fingering printed, in order of names."""
    folder = Path(folder)
    paths = sorted(folder.glob("*.abcd"))
    if not paths:
        raise ForeignFileError(f"{folder} holds no fingering: there must be files *.abcd in it")
    pages = [read_fingering(path) for path in paths]
    return [page for page in pages if any(page.fingers.values())]


def read_fingering(path: Path | str) -> PublishedFingering:
    """Read one abcD file; one whose fingers do not fit its notes is refused in a sentence."""
    path = Path(path)
    with reading(path, _WHAT):
        text = read_text(path, SETTINGS_BYTES)
        music = {side: list(_phrases(lines)) for side, lines in _voices(text, path).items()}
        fingers: dict[str, list[tuple[tuple[int, ...], ...]]] = {RIGHT: [], LEFT: []}
        for printed in _FINGERING.findall(text):
            for side, digits in zip((RIGHT, LEFT), _hands(printed, path), strict=True):
                if digits.strip("x"):
                    fingers[side].append(_split(digits, music[side], path))
        return PublishedFingering(
            path.stem,
            {side: tuple(phrases) for side, phrases in music.items()},
            {side: tuple(each) for side, each in fingers.items()},
        )


def _voices(text: str, path: Path) -> dict[str, list[str]]:
    """Lines of music of each hand, each with the key and clef that it begins in."""
    lines: dict[str, list[str]] = {"1": [], "2": []}
    voice, key, clefs = "", "", {"1": "", "2": ""}
    for line in text.splitlines():
        field, content = line[:2], line[2:].strip()
        if field == "K:" and not key:
            key = content
        elif field == "V:":
            voice, _, clef = content.partition(" ")
            if voice not in lines:
                raise ForeignFileError(f"{path} has a voice {voice!r}, but must have 1 and 2 only")
            clefs[voice] = clef or clefs[voice]
        elif voice and line.strip() and not re.match(r"%|[A-Z]:", line):
            lines[voice].append(line)
    if not key or not all(lines.values()):
        raise ForeignFileError(f"{path} must have a key (K:) and music in the voices 1 and 2")
    return {
        side: [f"[K:{key} {clefs[voice]}]", *lines[voice]]
        for voice, side in (("1", RIGHT), ("2", LEFT))
    }


def _phrases(lines: Sequence[str]) -> Iterator[tuple[int, ...]]:
    """Notes up to each long one."""
    phrase: list[int] = []
    for note in _notes("\n".join(lines)):
        phrase.append(note.pitch)
        if note.is_long:
            yield tuple(phrase)
            phrase = []
    if phrase:
        yield tuple(phrase)


def _notes(music: str) -> Iterator[_Written]:
    """Read ABC from left to right; an accidental counts to the end of its bar, in its octave."""
    signature: dict[str, int] = {}
    raised: dict[tuple[str, int], int] = {}
    octave, place = 0, 0
    while place < len(music):
        token = _TOKEN.match(music, place)
        if token is None:
            line = music[place : place + 20].splitlines()[0]
            raise ForeignFileError(f"the music has {line!r}, which is none of notes, bars and keys")
        place = token.end()
        if token["field"]:
            signature, octave = _key(token["field"], signature, octave)
        elif token["bar"]:
            raised = {}
        elif token["letter"]:
            letter = token["letter"].upper()
            high = token["octave"].count("'") - token["octave"].count(",")
            high += token["letter"].islower()
            if token["accidental"]:
                raised[letter, high] = _ACCIDENTALS[token["accidental"]]
            sharper = raised.get((letter, high), signature.get(letter, 0))
            pitch = MIDDLE_C + _LETTERS[letter] + sharper + OCTAVE * (high + octave)
            if not FIRST_NOTE <= pitch < FIRST_NOTE + PIANO_KEYS:
                raise ForeignFileError(f"the music has the note {pitch}, which no piano has")
            yield _Written(pitch, token["length"] not in ("", "1"))


def _key(field: str, signature: dict[str, int], octave: int) -> tuple[dict[str, int], int]:
    """Take over what a key or clef says; what it does not say stays."""
    named = re.match(r"K: *([A-G][b#]?) *(maj|min|m)?\b", field)
    if named:
        if named[1] not in _CIRCLE:
            raise ForeignFileError(f"the music is in {named[1]}, but no key has that many flats")
        fifths = _CIRCLE.index(named[1]) - _CIRCLE.index("C")
        fifths += _MINOR_FIFTHS if named[2] in ("min", "m") else 0
        sharps, flats = _SHARPS[: max(fifths, 0)], _SHARPS[::-1][: max(-fifths, 0)]
        signature = {**dict.fromkeys(sharps, 1), **dict.fromkeys(flats, -1)}
    shifted = re.findall(r"octave=(-?\d)", field)
    return signature, int(shifted[-1]) if shifted else octave


def _hands(printed: str, path: Path) -> tuple[str, str]:
    """Fingers of the right and the left hand."""
    right, _, left = printed.replace("&", "").partition("@")
    if re.search(r"[^1-5x]", right + left):
        raise ForeignFileError(f"{path} has the fingering {printed!r}: only 1 to 5 and x are read")
    return right, left


def _split(
    digits: str, phrases: Sequence[tuple[int, ...]], path: Path
) -> tuple[tuple[int, ...], ...]:
    """Give each phrase its fingers."""
    wanted = sum(map(len, phrases))
    if len(digits) != wanted:
        raise ForeignFileError(f"{path} has {len(digits)} fingers for {wanted} notes of a hand")
    fingers = [0 if digit == "x" else int(digit) for digit in digits]
    found, start = [], 0
    for phrase in phrases:
        found.append(tuple(fingers[start : start + len(phrase)]))
        start += len(phrase)
    return tuple(found)
