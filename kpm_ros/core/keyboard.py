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

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.piano import FIRST_NOTE, PIANO_KEYS

WHITE_WIDTH_M = 0.0235
OCTAVE_M = 7 * WHITE_WIDTH_M
BLACK_HEIGHT_M = 0.012
BLACK_FRONT_M = 0.050
"""How far behind the white keys' front edge the black keys begin."""
TRAVEL_M = 0.010
"""How far a finger moves a key down."""
WHITE_LENGTH_M = 0.150
"""What is seen of a white key, from its front edge to the fallboard."""
BLACK_WIDTH_M = 0.0135
"""Of a black key at its foot."""
BLACK_TOP_WIDTH_M = 0.0100
BLACK_SLOPE_M = 0.005
"""How far a black key's top begins behind its foot."""

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


@dataclass(frozen=True)
class Keyboard:
    """The keys of one piano: which notes they are, and the measures in which pianos differ.

    >>> Keyboard(first_note=36, keys=61).whites
    36
    """

    first_note: int = FIRST_NOTE
    keys: int = PIANO_KEYS
    white_length_m: float = WHITE_LENGTH_M
    black_front_m: float = BLACK_FRONT_M
    black_height_m: float = BLACK_HEIGHT_M
    black_width_m: float = BLACK_WIDTH_M
    black_slope_m: float = BLACK_SLOPE_M

    @property
    def black_top_width_m(self) -> float:
        """Of a black key, where fingers are."""
        return self.black_width_m - (BLACK_WIDTH_M - BLACK_TOP_WIDTH_M)

    @property
    def notes(self) -> range:
        """MIDI numbers of its keys."""
        return range(self.first_note, self.first_note + self.keys)

    @property
    def whites(self) -> int:
        """How many of its keys are white."""
        return sum(not is_black(note) for note in self.notes)

    @property
    def left_m(self) -> float:
        """Where its lowest key begins."""
        return (_whites_below(self.first_note) - _whites_below(FIRST_NOTE)) * WHITE_WIDTH_M

    @property
    def right_m(self) -> float:
        """Where its highest key ends."""
        return self.left_m + self.whites * WHITE_WIDTH_M

    @property
    def borders_m(self) -> NDArray[np.float64]:
        """Where white keys meet, and both ends."""
        return self.left_m + np.arange(self.whites + 1) * WHITE_WIDTH_M

    @property
    def blacks_m(self) -> NDArray[np.float64]:
        """Middle of each black key."""
        return np.array([centre_m(note) for note in self.notes if is_black(note)])

    @property
    def black_notes(self) -> NDArray[np.int64]:
        """MIDI numbers of the black keys."""
        return np.array([note for note in self.notes if is_black(note)])
