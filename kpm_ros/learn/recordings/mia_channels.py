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
"""Which muscle each channel of Muscles in Action's EMG is of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from kpm_ros.core.foreign_files import SETTINGS_BYTES, ForeignFileError, printable, read_text
from kpm_ros.models.mia.published import FIRST_MUSCLES, MUSCLES

CHANNELS_FILE = "channels.txt"
"""Names a muscle a line, in the order of the channels; without it they are those of 2023."""

FIRST_EXERCISES = frozenset(
    (
        "Pirouette",
        "Skater",
        "Twist",
        "Squats",
        "Cross",
        "SideShuffle",
        "Batting",
        "SideLunge",
        "Run",
        "BallThrow",
        "Bowling",
        "Woodchop",
    )
)
"""Of the first version only, whose muscles are others."""

_UNUSED = ("RQuad", "LQuad", "RHam", "LHam", "RGlut", "LGlut", "LBicep", "RBicep")
"""A list in the published loader that nothing uses and everything else contradicts."""
_SIDES = {"l": "L", "left": "L", "r": "R", "right": "R"}
_KINDS = {
    "quad": "Quad",
    "ham": "Ham",
    "lat": "Lat",
    "bicep": "Bicep",
    "tricep": "Tricep",
    "glut": "Glut",
}
_WORD = re.compile(r"(left|right|l|r)[ _-]?(quad|ham|lat|bicep|tricep|glut)[a-z]*")


def read_channels(
    root: Path, exercises: Iterable[str], simulated: bool
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Give the muscles, and which channel each is: as the data set's file says, or as published."""
    path = root / CHANNELS_FILE
    if not path.exists():
        first = sorted(FIRST_EXERCISES.intersection(exercises))
        if first and not simulated:
            raise ForeignFileError(
                f"{root} has the exercise {first[0]}, which only the first version of Muscles in "
                f"Action has, whose muscles are others: name the muscle of each channel in a file "
                f"{CHANNELS_FILE} there, one a line (its code reads {', '.join(FIRST_MUSCLES)})"
            )
        return MUSCLES, tuple(range(len(MUSCLES)))
    words = read_text(path, SETTINGS_BYTES).replace(",", "\n").split("\n")
    named = [_muscle(word, path) for word in words if word.strip()]
    if len(named) != len(MUSCLES) or len(set(named)) < len(named):
        raise ForeignFileError(
            f"{path} must name {len(MUSCLES)} different muscles, one a line, not {len(named)}: "
            f"such as {', '.join(MUSCLES)}"
        )
    if tuple(named) == _UNUSED:
        raise ForeignFileError(
            f"{path} repeats the list `muscles` of the published loader, which nothing there uses "
            f"and its drawings contradict: the published channels are {', '.join(MUSCLES)}"
        )
    for usual in (MUSCLES, FIRST_MUSCLES):
        if set(named) == set(usual):
            return usual, tuple(named.index(muscle) for muscle in usual)
    return tuple(named), tuple(range(len(named)))


def _muscle(word: str, path: Path) -> str:
    """Name a muscle as this project does, whatever its spelling."""
    found = _WORD.fullmatch(word.strip().lower())
    if found is None:
        raise ForeignFileError(
            f"{path} names {printable(repr(word.strip()), 40)}, but a muscle is a side and one of "
            f"{', '.join(_KINDS.values())}, such as LQuad"
        )
    side, kind = found.groups()
    return _SIDES[side] + _KINDS[kind]
