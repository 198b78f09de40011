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

"""Where a camera stands that was knocked, as the playing since then tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.playing import HAND_AT_M, Playing
from kpm_ros.align.refinding import Evidence, Found, find_again
from kpm_ros.align.sightings import Floats
from kpm_ros.align.strikes import Fit, Strikes, fit, spread_m
from kpm_ros.core.camera_model import Camera
from kpm_ros.core.keyboard import IS_BLACK, KEY_TOP_M, KEY_X_M, TRAVEL_M, WHITE_WIDTH_M
from kpm_ros.core.registration import RegisteredCamera, Registration

SURELY = 0.9
"""How sure it must be of a strike that a certain finger made it."""
STRIKE_M, ALONG_M = 0.005, 0.015
"""Standard deviations of where fingers strike: across a key, and along it from the usual place."""
MOST_REMEMBERED = 50
USUALLY_M, UNKNOWN_M = (0.035, 0.085), 0.03
"""Where along white and black keys people strike, and the standard deviation of that."""
LEAST_SPREAD_M = 0.012
"""Of one person's."""
AS_GOOD = 2.0
"""Where another camera may have moved as well, by this much less must the found one be off."""

_Struck = tuple[Floats, Floats, Floats]
"""Fingertips that struck, where they were, and the errors of that, as `Evidence` has them."""


class Habit:
    """Where along keys somebody's fingers usually strike, white and black ones."""

    def __init__(self) -> None:
        """Know nothing of the player yet, but where keys are struck at all."""
        self._means = list(USUALLY_M)
        self._squares = [UNKNOWN_M**2] * 2
        self._counts = [0, 0]

    @property
    def known(self) -> bool:
        """Whether both kinds of keys were struck often enough."""
        return all(count >= 3 for count in self._counts)

    def along_m(self, keys: NDArray[np.int64]) -> Floats:
        """Where along each key (n, 2) it is usually struck, and the standard deviation of that."""
        known = np.stack((self._means, np.maximum(np.sqrt(self._squares), LEAST_SPREAD_M)), axis=1)
        return known[IS_BLACK[keys].astype(int)]

    def learn(self, strikes: Strikes, camera: Camera, fitted: Fit) -> None:
        """Take in the newest strike, if it is sure which finger it was."""
        if fitted.shares[-1] <= SURELY:
            return
        away = strikes.offsets(camera)[-1]
        along_m = float(away[int(np.nanargmin(np.abs(away[:, 0]))), 1])
        black = int(IS_BLACK[strikes.keys[-1]])
        self._counts[black] = min(self._counts[black] + 1, MOST_REMEMBERED)
        share = 1 / (self._counts[black] + 3)
        off_m = along_m - self._means[black]
        self._means[black] += share * off_m
        self._squares[black] += share * (off_m**2 - self._squares[black])


def fit_of(camera: Camera, strikes: Strikes, habit: Habit) -> Fit:
    """Weigh strikes against the fingers of a view, with the errors that it has there."""
    place = np.array([float(np.median(KEY_X_M[strikes.keys])), *HAND_AT_M])
    return fit(strikes, camera, spread_m(camera, place), habit.along_m(strikes.keys))


def registered_again(
    registration: Registration,
    playing: Playing,
    since_ns: int,
    suspects: Sequence[str],
    habit: Habit,
) -> Registration | None:
    """Say where the cameras stand if one of the suspects was moved, and it is clear which."""
    cameras = registration.places
    found = {
        view: one
        for view in suspects
        if (one := _found(cameras, playing, since_ns, view, habit)) is not None
    }
    if not found:
        return None
    view = min(found, key=lambda each: found[each].off_m)
    best = found.pop(view)
    if any(one.off_m < AS_GOOD * best.off_m for one in found.values()):
        return None
    told = RegisteredCamera(
        best.camera, error_mm=1e3 * best.off_m, how="found again while somebody played"
    )
    return Registration(
        {**registration.cameras, view: told}, registration.first_note, registration.keys
    )


def _found(
    cameras: Mapping[str, Camera], playing: Playing, since_ns: int, view: str, habit: Habit
) -> Found | None:
    """Where a camera stands now, if all others still stand."""
    moments = playing.moments(since_ns)
    strikes = {each: playing.strikes(each, since_ns) for each in playing.views}
    if not moments or not len(strikes[view]):
        return None
    slopes = {
        each: np.array([one.slopes[k] for one in moments]) for k, each in enumerate(playing.views)
    }
    others = [each for each in playing.views if each != view]
    if others:
        struck = _by_others(cameras, strikes, view, others, habit)
    else:
        struck = _by_habit(cameras[view], strikes[view], habit)
    seen = [(cameras[other], slopes[other]) for other in others]
    return find_again(cameras[view], Evidence(slopes[view], seen, *struck))


def _by_others(
    cameras: Mapping[str, Camera],
    strikes: Mapping[str, Strikes],
    view: str,
    others: Sequence[str],
    habit: Habit,
) -> _Struck:
    """Which fingertips struck, and where, as the cameras that still stand tell."""
    listed: list[tuple[NDArray[np.float64], tuple[float, ...], tuple[float, ...]]] = []
    fits = {other: fit_of(cameras[other], strikes[other], habit) for other in others}
    away = {other: strikes[other].offsets(cameras[other]) for other in others}
    tips, keys = strikes[view].tips, strikes[view].keys
    for number, key in enumerate(keys.tolist()):
        best = max(others, key=lambda other: float(fits[other].shares[number]))
        if fits[best].shares[number] <= SURELY:
            continue
        beside = away[best][number]
        finger = int(np.nanargmin(np.abs(beside[:, 0])))
        place = (float(KEY_X_M[key]), float(beside[finger, 1]))
        error_m = float(spread_m(cameras[best], np.array([*place, 0.0]))[0])
        listed.append((tips[number, finger], _at(key, place), (STRIKE_M, max(error_m, STRIKE_M))))
    return _columns(listed)


def _by_habit(camera: Camera, strikes: Strikes, habit: Habit) -> _Struck:
    """The same with no other camera: where somebody's fingers usually strike."""
    listed: list[tuple[NDArray[np.float64], tuple[float, ...], tuple[float, ...]]] = []
    fitted = fit_of(camera, strikes, habit)
    if not fitted.is_shifted or not habit.known:
        return _columns(listed)
    away = np.abs(strikes.offsets(camera)[..., 0] - fitted.shift_m[0])
    usual = habit.along_m(strikes.keys)
    for number, key in enumerate(strikes.keys.tolist()):
        if np.isnan(away[number]).all():
            continue
        finger = int(np.nanargmin(away[number]))
        if away[number, finger] < WHITE_WIDTH_M:
            place = _at(key, (float(KEY_X_M[key]), float(usual[number, 0])))
            listed.append((strikes.tips[number, finger], place, (STRIKE_M, ALONG_M)))
    return _columns(listed)


def _at(key: int, place: tuple[float, float]) -> tuple[float, ...]:
    """A place on a key that is down."""
    return (*place, float(KEY_TOP_M[key]) - TRAVEL_M)


def _columns(
    listed: Sequence[tuple[NDArray[np.float64], tuple[float, ...], tuple[float, ...]]],
) -> _Struck:
    seen = [row for row in listed if np.isfinite(row[0]).all()]
    tips, places, errors = (
        np.array([row[k] for row in seen], np.float64).reshape(-1, width)
        for k, width in enumerate((2, 3, 2))
    )
    return tips, places, errors
