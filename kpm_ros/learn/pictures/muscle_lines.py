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

"""Where along the line between its points each muscle is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

BEGIN, END = 0.15, 0.85
"""Not from joint to joint, so that muscles that meet are told apart."""


class MuscleLine(NamedTuple):
    """A muscle's two points, and between which parts of the way it is drawn."""

    first: str
    last: str
    begin: float
    end: float


def muscle_lines(
    muscles: Sequence[str], drawn: Mapping[str, tuple[str, ...]]
) -> dict[str, MuscleLine]:
    """Draw each muscle between its outer points; those of one line share it, so that all are seen.

    Muscles are named without their side; those of which nothing is known are left out.

    >>> drawn = {"Quad": ("hip", "knee"), "Ham": ("hip", "knee"), "Lat": ("hip", "arm")}
    >>> [(name, *line[2:]) for name, line in muscle_lines(("Quad", "Ham"), drawn).items()]
    [('Quad', 0.15, 0.5), ('Ham', 0.5, 0.85)]
    >>> [(name, *line[2:]) for name, line in muscle_lines(("Ham", "Lat"), drawn).items()]
    [('Ham', 0.15, 0.85), ('Lat', 0.15, 0.85)]
    """
    of_line: dict[frozenset[str], list[str]] = {}
    for muscle in dict.fromkeys(muscles):
        if muscle in drawn:
            of_line.setdefault(frozenset(drawn[muscle]), []).append(muscle)
    lines = {}
    for together in of_line.values():
        first, last = drawn[together[0]][0], drawn[together[0]][-1]
        step = (END - BEGIN) / len(together)
        for place, muscle in enumerate(together):
            begin = BEGIN + place * step
            lines[muscle] = MuscleLine(first, last, begin, begin + step)
    return lines
