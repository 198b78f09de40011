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

"""Hands at the same keys, or on their way past each other: the left one is led over the right one.

It goes further in towards the fallboard and higher, as far as its fingers still reach their keys
from there, and comes back when the hands are side by side again. Where they are so all the time,
nothing is changed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from kpm_ros.core.hands import MIRROR_X_M
from kpm_ros.core.keyboard import (
    BLACK_FRONT_M,
    BLACK_WIDTH_M,
    IS_BLACK,
    KEY_X_M,
    TRAVEL_M,
    WHITE_LENGTH_M,
    WHITE_WIDTH_M,
)
from kpm_ros.simulate.grips import FURTHEST_STRETCH
from kpm_ros.simulate.hand import HandModel

Array = NDArray[np.float64]

RATE_HZ = 50.0
INWARDS_M = 0.080
"""How much further in a hand touches the keys that is over the other one."""
_FORWARD_M = 0.030
"""How much further forward over its fingertips its palm is, which lets it be higher."""
PALM_M = np.array([0.0, INWARDS_M + _FORWARD_M, 0.014])
"""How much further in and higher its palm is."""
IDLE_M = np.array([0.0, -_FORWARD_M, 0.014])
"""The same of fingers that play nothing, beside that palm."""
BENT_RAD = 0.5
"""How much its wrist is bent, so that the hand slopes down from there."""
_APART_M = 0.025
"""Hands that are further apart along the keys are side by side."""
_FULL_M = 0.025
"""Once they are nearer than that by so much, one is all the way over the other."""
_EARLY_S, _EASE_S = 0.20, 0.24
"""How long before and after that it is on its way, and how long it takes to rise."""
_SHARES = np.linspace(1.0, 0.0, 11)
"""Of the whole way up, tried from the top where fingers are on keys."""
_FALLBOARD_M = 0.010
"""No fingertip touches a key nearer to the fallboard."""
_BESIDE_BLACK_M = 0.002
"""How far a fingertip between black keys stays from them."""


@dataclass(frozen=True)
class Reach:
    """From where to where along the keys one hand is, `RATE_HZ` times a second of a pass."""

    low_m: Array
    high_m: Array

    def __repr__(self) -> str:
        """Name it by what it holds: what is learnt beside it is remembered by this name."""
        digest = hashlib.sha256(self.low_m.tobytes() + self.high_m.tobytes())
        return f"Reach({digest.hexdigest()})"

    def mirrored(self) -> Reach:
        """Give it as the mirror shows it, in which a left hand is a right one."""
        return Reach(2 * MIRROR_X_M - self.high_m, 2 * MIRROR_X_M - self.low_m)


@dataclass(frozen=True)
class Raised:
    """What part of the whole way up a hand is, `RATE_HZ` times a second of a pass."""

    share: Array

    def at(self, times_s: Array) -> Array:
        """Give the share at each time: (n,)."""
        at = np.arange(len(self.share)) / RATE_HZ
        return np.interp(times_s, at, self.share, period=len(at) / RATE_HZ)


def frames_of(period_s: float) -> Array:
    """When a pass is looked at."""
    return np.arange(round(period_s * RATE_HZ)) / RATE_HZ


def raised_over(
    other: Reach, mine: Reach, hand: HandModel, palm: Array, touch: Array, contact: Array
) -> Raised:
    """Say how far up a hand is led to be over another one, all through a pass.

    `palm` (n, 3), the keys' places further out and further in `touch` (2, n, fingers, 3) and how
    much fingers are on them `contact` (n, fingers) are what it would do anyway.
    """
    overlap = np.minimum(mine.high_m, other.high_m) - np.maximum(mine.low_m, other.low_m)
    wanted = np.clip((overlap + _APART_M) / _FULL_M, 0.0, 1.0)
    if not wanted.any():
        return Raised(np.zeros(len(wanted)))
    wanted = maximum_filter1d(wanted, _frames(2 * _EARLY_S), mode="wrap")
    share = np.minimum(wanted, _possible(hand, palm, touch, contact))
    eased = minimum_filter1d(share, _frames(_EASE_S), mode="wrap")
    for _ in range(2):
        eased = uniform_filter1d(eased, _frames(_EASE_S / 2), mode="wrap")
    return Raised(np.clip(eased, 0.0, 1.0))


def _possible(hand: HandModel, palm: Array, touch: Array, contact: Array) -> Array:
    """What share of the way up every finger that is on a key leaves the palm: (n,)."""
    playing = contact > 0.9
    fingers = np.broadcast_to(np.arange(playing.shape[1]), playing.shape)
    possible = np.zeros(len(palm))
    outer, inner = touch - np.array([0.0, 0.0, TRAVEL_M])
    now = np.where(playing, hand.stretch(palm, fingers, outer), 0.0).max(axis=1)
    allowed = np.maximum(now, FURTHEST_STRETCH)
    for share in _SHARES[::-1]:
        tips = outer + share * (inner - outer)
        stretch = hand.stretch(palm + share * PALM_M, fingers, tips, share * BENT_RAD)
        within = np.where(playing, stretch, 0.0).max(axis=1) <= allowed + 1e-9
        possible = np.where(within, share, possible)
    return possible


def further_in(touch: Array, key: NDArray[np.int64]) -> Array:
    """Where keys (n,) are touched, (n, 3), by a hand that is over the other one.

    Between black keys, white ones are narrow.
    """
    moved = touch + np.array([0.0, INWARDS_M, 0.0])
    moved[:, 1] = np.minimum(moved[:, 1], WHITE_LENGTH_M - _FALLBOARD_M)
    free = _BESIDE_BLACK_M + BLACK_WIDTH_M / 2
    left, right = KEY_X_M[key] - WHITE_WIDTH_M / 2, KEY_X_M[key] + WHITE_WIDTH_M / 2
    blacks = KEY_X_M[IS_BLACK]
    after = np.searchsorted(blacks, KEY_X_M[key]).clip(1, len(blacks) - 1)
    low = np.maximum(left, blacks[after - 1] + free)
    high = np.minimum(right, blacks[after] - free)
    between = ~IS_BLACK[key] & (moved[:, 1] > BLACK_FRONT_M) & (low < high)
    moved[:, 0] = np.where(between, np.clip(moved[:, 0], low, high), moved[:, 0])
    return moved


def _frames(seconds: float) -> int:
    return 2 * round(seconds * RATE_HZ / 2) + 1
