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

"""Where the keys of a piano are, in metres: x to the right, y to the fallboard, z up.

The origin is the left front edge of the lowest white key's top surface at rest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.piano import FIRST_NOTE, PIANO_KEYS

WHITE_WIDTH_M = 0.0235
BLACK_HEIGHT_M = 0.012
BLACK_FRONT_M = 0.050
"""How far behind the white keys' front edge the black keys begin."""
TRAVEL_M = 0.010
"""How far a finger moves a key down."""

_WHITE_STEP = (0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 5, 6)
_BLACK = (1, 3, 6, 8, 10)
_BLACK_SHIFT_M = {1: -0.0022, 3: 0.0022, 6: -0.0030, 8: 0.0, 10: 0.0030}
"""Black keys do not sit exactly above the gap between their white neighbours."""


def _whites_below(note: int) -> int:
    """Count the white keys left of this key, from MIDI note 0."""
    return note // 12 * 7 + _WHITE_STEP[note % 12]


def centre_m(note: int) -> float:
    """Middle of the key of a MIDI note, along the keyboard."""
    whites = _whites_below(note) - _whites_below(FIRST_NOTE)
    if note % 12 in _BLACK:
        return (whites + 1) * WHITE_WIDTH_M + _BLACK_SHIFT_M[note % 12]
    return (whites + 0.5) * WHITE_WIDTH_M


NOTES = range(FIRST_NOTE, FIRST_NOTE + PIANO_KEYS)


def is_black(note: int) -> bool:
    """Whether the key of a MIDI note is a black one."""
    return note % 12 in _BLACK


IS_BLACK: NDArray[np.bool_] = np.array([is_black(note) for note in NOTES])
"""Of each key."""

KEY_X_M: NDArray[np.float64] = np.array([centre_m(note) for note in NOTES])
"""Middle of each key."""

KEY_TOP_M: NDArray[np.float64] = np.where(IS_BLACK, BLACK_HEIGHT_M, 0.0)
"""Top surface of each key at rest."""
