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

"""Which keys fingertips hold down, as a keyboard would tell.

A fingertip is a point. It is on the key whose top is under it: on a black one between its sides
and behind its front, else on the white one there. A key follows the deepest fingertip on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hand_motion import HandMotion, MotionError
from kpm_ros.core.keyboard import (
    BLACK_WIDTH_M,
    IS_BLACK,
    KEY_TOP_M,
    KEY_X_M,
    TRAVEL_M,
    WHITE_WIDTH_M,
    Keyboard,
)
from kpm_ros.core.piano import PIANO_KEYS
from kpm_ros.core.streams import KEYBOARD
from kpm_ros.simulate.hand import FINGER_POINTS

TIPS = [points[-1] for points in FINGER_POINTS]
"""Landmarks that are fingertips, from the thumb's on."""
_PIANO = Keyboard()
_WHITES = np.flatnonzero(~IS_BLACK)
_BLACKS = np.flatnonzero(IS_BLACK)


@dataclass(frozen=True)
class KeyAction:
    """How deep, as shares of their travel, keys sound and fall silent again.

    A grand's hammer leaves the key near its bottom, and the damper is back half-way up. A fingertip
    that stays above the first depth is only touching.
    """

    pressed: float = 0.8
    released: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a key that falls silent before it sounds."""
        if not 0 < self.released <= self.pressed <= 1:
            raise ValueError(
                f"a key sounds at {self.pressed} and falls silent at {self.released} of its "
                "travel, but must sound in 0 to 1 and fall silent no deeper than that"
            )


ACTION = KeyAction()


class OnKeys(NamedTuple):
    """Where fingertips are over a keyboard."""

    key: NDArray[np.int64]
    """(...): counted from the lowest; -1 beside the keys, or of a point that is not known."""
    depth: NDArray[np.float64]
    """(...): how far below the key's top at rest, as a share of its travel; 0 above or beside."""


def on_keys(tips: NDArray[np.floating]) -> OnKeys:
    """Tell which key each fingertip (..., 3) in the keyboard's frame is on, and how deep."""
    x, y, z = np.moveaxis(np.asarray(tips, np.float64), -1, 0)
    known = np.isfinite(x) & np.isfinite(y) & np.isfinite(z)
    x, y = np.where(known, x, -1.0), np.where(known, y, -1.0)
    white = np.floor((x - _PIANO.left_m) / WHITE_WIDTH_M).astype(np.int64)
    on_any = (white >= 0) & (white < len(_WHITES)) & (y >= 0) & (y <= _PIANO.white_length_m)
    centres = KEY_X_M[_BLACKS]
    after = np.clip(np.searchsorted(centres, x), 1, len(_BLACKS) - 1)
    nearer = np.where(x - centres[after - 1] < centres[after] - x, after - 1, after)
    on_black = (np.abs(x - centres[nearer]) <= BLACK_WIDTH_M / 2) & (y >= _PIANO.black_front_m)
    key = np.where(on_black, _BLACKS[nearer], _WHITES[np.clip(white, 0, len(_WHITES) - 1)])
    depth = np.where(on_any, (KEY_TOP_M[key] - np.where(known, z, np.inf)) / TRAVEL_M, 0.0)
    return OnKeys(np.where(on_any, key, -1), np.maximum(depth, 0.0))


def fingertips(motion: HandMotion) -> NDArray[np.float64]:
    """Fingertips of all hands, (n, fingers, 3) in the keyboard's frame; NaN where none is seen."""
    if motion.frame != KEYBOARD:
        raise MotionError(
            f"the movement is in the {motion.frame}'s frame, but keys are told in the keyboard's: "
            "register the camera first"
        )
    parts = []
    for side, hand in motion.hands.items():
        if hand.landmarks is None:
            raise MotionError(f"the {side} hand has no landmarks, without which no key is told")
        parts.append(np.where(hand.visible[:, None, None], hand.landmarks[:, TIPS], np.nan))
    return np.concatenate(parts, axis=1).astype(np.float64)


def key_depth(tips: NDArray[np.floating]) -> NDArray[np.float64]:
    """Depth of every key under fingertips (n, fingers, 3), as a share of its travel: (n, keys)."""
    found = on_keys(tips)
    depth = np.zeros((len(tips), PIANO_KEYS))
    frame, finger = np.nonzero(found.key >= 0)
    np.maximum.at(depth, (frame, found.key[frame, finger]), found.depth[frame, finger])
    return depth


def keys_pressed(motion: HandMotion, action: KeyAction = ACTION) -> NDArray[np.bool_]:
    """Tell which keys are down in each frame: (n, keys)."""
    return pressed_at(key_depth(fingertips(motion)), action)


def pressed_at(depth: NDArray[np.float64], action: KeyAction = ACTION) -> NDArray[np.bool_]:
    """Tell from depths (n, keys) which keys are down: from the one depth on until the other."""
    # What holds is what was said last: at each frame that says nothing, look back to one that does.
    down, up = depth >= action.pressed, depth < action.released
    frames = np.arange(len(depth))[:, None]
    said = np.maximum.accumulate(np.where(down | up, frames, -1), axis=0)
    return np.asarray(np.take_along_axis(down, np.maximum(said, 0), axis=0) & (said >= 0))
