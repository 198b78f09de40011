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

"""Grips: the ways in which one hand can hold some keys, and what each costs.

A grip is fingers on keys with the palm where it strains the most stretched finger least. Its cost
is in millimetres of hand movement that it is worth.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.keyboard import IS_BLACK, KEY_TOP_M, KEY_X_M, TRAVEL_M
from kpm_ros.simulate.hand import FINGERS, HandModel

FURTHEST_STRETCH = 0.97
"""Of a finger's full length; beyond it a key counts as out of reach."""
_COMFORTABLE = 0.85

_BLACK_KEY_MM = np.array([8.0, 1.0, 0.0, 1.0, 6.0])
"""Thumb and little finger are too short for black keys."""
_WEAK_FINGER_MM = np.array([0.0, 0.0, 0.5, 3.0, 2.0])
_SPREAD_MM_PER_M = 300.0
"""For each metre by which the fingers are further apart (or closer) than in rest."""
_STRETCH_MM = 40.0
"""A finger at full stretch, compared with a comfortable one."""

_WHITE_TOUCH_MIDDLE_M = 0.040
"""How far from the white keys' front the middle finger touches one."""
_WHITE_TOUCH_LEAST_M = 0.008
"""No finger touches a white key nearer to its edge."""
_FULL_SPREAD_M = 0.060
"""By which outer fingers are further apart than in rest when the hand counts as fully spread."""
_BLACK_TOUCH_M = np.array([0.060, 0.068, 0.070, 0.068, 0.060])
"""How far from the white keys' front each finger touches a black key."""


def touch_points(
    hand: HandModel,
    keys: NDArray[np.int64],
    fingers: NDArray[np.int64],
    spread: NDArray[np.float64] | float = 0.0,
) -> NDArray[np.float64]:
    """Where fingers touch keys at rest: (..., 3); `spread` is 0 for a hand at rest, 1 at most."""
    reach = hand.natural[:, 1] - hand.natural[2, 1]
    middle = max(_WHITE_TOUCH_MIDDLE_M, _WHITE_TOUCH_LEAST_M - float(reach.min()))
    black = IS_BLACK[keys]
    y = np.where(black, _BLACK_TOUCH_M[fingers], middle + reach[fingers])
    usual = np.stack([KEY_X_M[keys], y, KEY_TOP_M[keys]], axis=-1)
    off = np.where(black[..., None], 0.5, 1.0) * hand.spread_touch_m[fingers]
    return np.asarray(usual + np.asarray(spread)[..., None] * off)


_AROUND = np.array(list(product((0.0, -1.0, 1.0), repeat=3)))
_SEARCH_M = (0.012, 0.012, 0.006, 0.003)
"""How far around the place that suits the fingers on average the palm's place is looked for."""


class Grips(NamedTuple):
    """Ways in which one hand can hold some keys."""

    fingers: NDArray[np.int64]
    """(choices, keys)"""
    touch: NDArray[np.float64]
    """(choices, keys, 3): where they touch the keys at rest."""
    palm: NDArray[np.float64]
    """(choices, 3)"""
    cost: NDArray[np.float64]
    """(choices)"""


class Chooser:
    """Possible grips of one hand, remembered by their keys."""

    def __init__(self, hand: HandModel) -> None:
        self.hand = hand
        self.grips = lru_cache(maxsize=4096)(self._grips)

    def _grips(self, keys: tuple[int, ...]) -> Grips:
        """All ways to hold these keys."""
        choices = np.array(list(combinations(range(FINGERS), len(keys))), dtype=np.int64)
        key = np.broadcast_to(np.array(keys), choices.shape)
        natural = self.hand.natural[choices]
        width = np.ptp(KEY_X_M[key] - natural[..., 0], axis=1)
        # A spread hand goes flatter and further in, which is what lets it spread.
        spread = np.clip(width / _FULL_SPREAD_M, 0.0, 1.0)
        tips = touch_points(self.hand, key, choices, spread[:, None])
        place = (tips - natural).mean(axis=1) + spread[:, None] * np.array([0.0, 0.008, -0.018])
        palm, best = self._least_stretch(place, tips, choices)
        cost = (_BLACK_KEY_MM[choices] * IS_BLACK[key] + _WEAK_FINGER_MM[choices]).sum(axis=1)
        strained = (best - _COMFORTABLE) / (FURTHEST_STRETCH - _COMFORTABLE)
        cost += _STRETCH_MM * np.maximum(strained, 0.0)
        cost += _SPREAD_MM_PER_M * width
        ok = best <= FURTHEST_STRETCH
        return Grips(choices[ok], tips[ok], palm[ok], cost[ok])

    def _least_stretch(
        self, place: NDArray[np.float64], tips: NDArray[np.float64], fingers: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Palms (choices, 3) near the given ones that stretch fingers least, and that stretch."""
        row = np.arange(len(place))
        palm, stretch = place, np.zeros(len(place))
        for step in _SEARCH_M:
            palms = palm + step * _AROUND[:, None]
            every = self.worst_stretch(palms, tips, fingers)
            # What is comfortable need not be more so at the cost of moving the hand.
            effort = np.maximum(every, _COMFORTABLE) + np.abs(palms - place).sum(axis=2)
            best = effort.argmin(axis=0)
            palm, stretch = palms[best, row], every[best, row]
        return palm, stretch

    def worst_stretch(
        self, palm: NDArray[np.float64], tips: NDArray[np.float64], fingers: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Stretch of the most stretched finger, with keys up or down: (palms, choices).

        `palm` is (palms, choices, 3), `tips` (choices, fingers, 3).
        """
        down = tips - np.array([0.0, 0.0, TRAVEL_M])
        shape = (2, len(palm), *tips.shape)
        wanted = np.broadcast_to(np.stack([tips, down])[:, None], shape)
        which = np.broadcast_to(fingers, shape[:-1])
        stretch = self.hand.stretch(np.broadcast_to(palm, (2, *palm.shape)), which, wanted)
        return np.asarray(stretch.max(axis=(0, 3)))

    def reaches(self, palm: NDArray[np.float64], touch: NDArray[np.float64], finger: int) -> bool:
        """Whether the finger reaches a touched point of a key from this palm."""
        stretch = self.worst_stretch(palm[None, None], touch[None, None], np.array([[finger]]))
        return bool(stretch[0, 0] <= FURTHEST_STRETCH)
