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

"""Left and right: whose effort may be asked for, and which names mean the same on both sides."""

from __future__ import annotations

import re
from collections.abc import Sequence

RIGHT, LEFT, BOTH = "right", "left", "both"
HANDS = (RIGHT, LEFT, BOTH)
"""Whose effort may be asked for; the first is what models are of."""

_EXCHANGED = (
    (re.compile(r"^L(?=[A-Z])"), "R"),
    (re.compile(r"^R(?=[A-Z])"), "L"),
    (re.compile(r"^l(?=_)|(?<=_)l$"), "r"),
    (re.compile(r"^r(?=_)|(?<=_)r$"), "l"),
    (re.compile(r"^L(?=_)|(?<=_)L$"), "R"),
    (re.compile(r"^R(?=_)|(?<=_)R$"), "L"),
    (re.compile(r"left"), "right"),
    (re.compile(r"right"), "left"),
    (re.compile(r"Left"), "Right"),
    (re.compile(r"Right"), "Left"),
)


def pairs(names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Places of left and right muscles that differ in nothing but the side.

    >>> pairs(["LQuad", "LHam", "RQuad", "FPL", "RHam", "left_biceps", "vasti_r"])
    ((0, 2), (1, 4))
    """
    place = {name: number for number, name in enumerate(names)}
    found = []
    for name, number in place.items():
        for pattern, other_side in _EXCHANGED:
            other = place.get(pattern.sub(other_side, name, count=1), number)
            if other != number and other_side.lower() in ("r", "right"):
                found.append((number, other))
                break
    return tuple(found)
