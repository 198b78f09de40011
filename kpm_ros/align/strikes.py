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

"""Keys that go down, against where fingertips are: which finger it was, and how far it was off.

A note says that a fingertip is on its key now. A finger that strikes has come down just before, so
that notes of a hand that nobody tracks are told from those of the one that is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.sightings import Floats
from kpm_ros.core.camera_model import Camera
from kpm_ros.core.keyboard import KEY_TOP_M, KEY_X_M, TRAVEL_M
from kpm_ros.core.piano import FIRST_NOTE

BEFORE_NS = 90_000_000
"""How long before a note its finger is looked at to see that it comes down."""
LEAST_FALL_M = 0.005
"""A fingertip that comes down by less strikes nothing."""
SURE = 2.0
"""Nor one that comes down by less than so many standard deviations."""
SAME_PLACE_M, SURELY_ELSEWHERE = 0.008, 4.0
"""A hand has not moved whose fingertips mostly move by less, or by less than so many times what
still ones seem to."""
MOST_STRIKES = 10
"""The newest so many are weighed: enough to be sure, few enough to notice soon."""
GAIN, SURE_GAIN = 10.0, 14.0
"""Evidence in nats, of all that are shifted together, from which on they seem to be, and are."""
CONSISTENT = 1.5
"""Evidence of each of them that it takes."""
LEAST_SHIFT_M = (0.015, 0.03)
"""Across keys and along them: less may be the registration's error, or the player's whim."""
OWN = 0.5
"""How sure it must be of a strike that a tracked finger made it."""
FARTHEST_M = (0.352, 0.240)
"""Fingers are looked for up to so far from a key, across keys and along them."""

_STEP_M = (0.004, 0.012)
_SHIFTS_M = tuple(
    np.arange(-most, most + step / 2, step, np.float32)
    for most, step in zip(FARTHEST_M, _STEP_M, strict=True)
)
_NO_FINGER = 0.3
"""How likely a note is by no finger that is tracked, before anything is seen of it."""
_SPREAD_OUT = 1.0 / (4 * FARTHEST_M[0] * FARTHEST_M[1])
_ANY_FINGER = 0.15
"""Part of a finger's chance that does not depend on how it comes down."""
_FALL_SCALE_M, _FALL_SPREAD_M = 0.004, 0.006
_ASTRAY, _ASTRAY_WIDER = 0.2, 3.0
"""How often a fingertip is hidden and guessed at, and by how much farther off it is then."""
_WELL = 2.8
"""Evidence of a strike that leaves nothing to look for elsewhere."""
_PLAYED_BESIDE_M = 0.0035
"""Standard deviation of where fingers touch a key, across it."""
_HEIGHT_M = 0.003
"""Of how high a fingertip's landmark is above its key."""
_TRACKER_PX = 2.5
"""Of a landmark, in pixels of a 1280 wide picture."""
_DEPTH = 0.006
"""Of a tracker's depth between two frames, as a fraction of the picture's width."""
_TOGETHER_NS = 80_000_000
"""Notes so near to each other are one hand's chord, or both hands together."""
_PRESSED_M = KEY_TOP_M - TRAVEL_M


def key_of(note: int) -> int | None:
    """Place of a MIDI note among the keys whose measures are known; None where it has none."""
    key = note - FIRST_NOTE
    return key if 0 <= key < len(KEY_X_M) else None


@dataclass(frozen=True)
class Strikes:
    """Notes in order of time, with what one or more views saw of the fingertips."""

    stamps_ns: NDArray[np.int64]
    keys: NDArray[np.int64]
    tips: Floats
    """(strikes, fingertips, 2): as x/z and y/z of one view when the key was down."""
    falls_m: Floats
    """(strikes, fingertips): by how much each had come down; of all views."""
    falls_error_m: Floats
    """(strikes, fingertips): standard deviation of that."""
    hands: int = 1
    """To which the fingertips belong, one hand after the other."""

    def __len__(self) -> int:
        """Number of strikes."""
        return len(self.keys)

    def offsets(self, camera: Camera) -> Floats:
        """Where fingertips (strikes, fingertips, 2) are from their key's middle, seen so."""
        level = np.broadcast_to(_PRESSED_M[self.keys, None], self.tips.shape[:2])
        away = camera.on_level(self.tips, level)
        away[..., 0] -= KEY_X_M[self.keys, None]
        return away


@dataclass(frozen=True)
class Fit:
    """How well strikes fit the fingers of a view that looks from where it is said to stand.

    Evidence is in nats; below 0, no finger is on the key.
    """

    strikes: float
    """Of those that are by the tracked hand, wherever it is; by how much they tell."""
    here: float
    """Their mean evidence that fingers are on their keys."""
    shifted: float
    """The mean of the newest with all fingers shifted alike, by what explains them best."""
    gain: float
    """By how much that is more, of all of those together."""
    shift_m: tuple[float, float]
    """The shift, to the right along the keyboard and towards the fallboard."""
    shares: Floats
    """(strikes,): how sure it is of each that a finger is on the key where it is seen."""

    @property
    def is_shifted(self) -> bool:
        """Whether all fingers seem to be elsewhere by the same."""
        likely = self.gain > GAIN and self.shifted > CONSISTENT
        return likely and float(np.hypot(*np.divide(self.shift_m, LEAST_SHIFT_M))) > 1

    @property
    def is_sure(self) -> bool:
        """Whether they are."""
        return self.is_shifted and self.gain > SURE_GAIN


def spread_m(camera: Camera, place: Floats) -> Floats:
    """Standard deviations (2,) of a fingertip's place across its key and along it, as seen."""
    there = camera.in_optical_frame(place)
    slopes = there[:2] / there[2]
    pixel = _TRACKER_PX / 1280 * camera.image_size[0] / np.array(camera.lens[:2])
    steps = slopes + np.array([(0.0, 0.0), (pixel[0], 0.0), (0.0, pixel[1]), (0.0, 0.0)])
    level = place[2] + np.array([0.0, 0.0, 0.0, _HEIGHT_M])
    seen = camera.on_level(steps, level)
    return np.sqrt(((seen[1:] - seen[0]) ** 2).sum(axis=0))


def fall_of(camera: Camera, before: Floats, now: Floats, place: Floats) -> tuple[Floats, float]:
    """How far points (..., 3) came down between two moments, and its standard deviation.

    Points are x/z, y/z and the tracker's depth as a fraction of x/z's scale; they are near `place`.
    """
    away_m = float(camera.in_optical_frame(place)[2])
    moved = (now - before) * away_m
    up = camera.turn[:, 2]
    scale = camera.image_size[0] / camera.lens[0]
    pixel = _TRACKER_PX / 1280 * scale * away_m
    noise = np.array([0.5 * pixel, 0.5 * pixel, _DEPTH * scale * away_m])
    return -(moved @ up), float(np.sqrt(((noise * up) ** 2).sum()))


def fit(strikes: Strikes, camera: Camera, sigma_m: Floats, usual: Floats) -> Fit:
    """Weigh strikes against the fingers of one view.

    `usual` has where along its key each is usually struck, and the standard deviation of that.
    """
    across_m = np.full(len(usual), np.hypot(sigma_m[0], _PLAYED_BESIDE_M))
    errors_m = np.stack((across_m, np.hypot(sigma_m[1], usual[:, 1])), axis=-1)[:, None]
    away_m = strikes.offsets(camera)
    away_m[..., 1] -= usual[:, None, 0]
    # A view that sees no tip there says nothing about the strike.
    away = np.where(np.isnan(away_m), np.inf, away_m / errors_m)
    chance = _chance(strikes) * (1 - _NO_FINGER)
    chance /= _SPREAD_OUT * 2 * np.pi * errors_m.prod(axis=-1)
    found = (chance * _near(away).prod(axis=-1)).sum(axis=1)
    shares = found / (found + _NO_FINGER)
    here = np.log(found + _NO_FINGER)
    seen = np.isfinite(away).all(axis=-1).any(axis=1)
    own, fell = shares > OWN, _fell(strikes)
    apart = seen & (own | ~_together(strikes, own))
    weights = _weights(strikes, camera, own, fell)
    told = np.flatnonzero(apart & (own | fell))[-MOST_STRIKES:]
    told_of = float(weights[told].sum())
    mean = float(weights[told] @ here[told]) / told_of if len(told) else 0.0
    judged = np.flatnonzero(apart)[-MOST_STRIKES:]
    if not len(judged) or here[judged].mean() > _WELL:
        return Fit(told_of, mean, mean, 0.0, (0.0, 0.0), shares)
    across, along = (
        _near(away[judged, :, k, None] - _SHIFTS_M[k] / errors_m[judged, :, k, None])
        for k in range(2)
    )
    elsewhere = np.matmul((chance[judged, :, None] * across).swapaxes(1, 2), along)
    evidence = np.log(elsewhere + _NO_FINGER)
    gains = weights[judged, None, None] * (evidence - here[judged, None, None])
    # The fingers may be elsewhere since before any of the strikes.
    gains = np.cumsum(gains[::-1], axis=0)
    newest, x, y = np.unravel_index(gains.argmax(), gains.shape)
    shifted = float(evidence[-newest - 1 :, x, y].mean())
    shift_m = (float(_SHIFTS_M[0][x]), float(_SHIFTS_M[1][y]))
    return Fit(told_of, mean, shifted, float(gains[newest, x, y]), shift_m, shares)


def _near(away: Floats) -> Floats:
    """How likely a tip is so many standard deviations off, which a hidden one often is."""
    wide = np.exp(-0.5 * (away / _ASTRAY_WIDER) ** 2)
    return np.asarray((1 - _ASTRAY) * np.exp(-0.5 * away**2) + _ASTRAY / _ASTRAY_WIDER * wide)


def _chance(strikes: Strikes) -> Floats:
    """How likely each fingertip (strikes, fingertips) is the one that strikes, as it comes down."""
    scale_m = _FALL_SCALE_M * (1 + (strikes.falls_error_m / _FALL_SPREAD_M) ** 2)
    falls = np.nan_to_num(strikes.falls_m, nan=-1.0) / np.nan_to_num(scale_m, nan=1.0)
    chance = np.exp(np.clip(falls - falls.max(axis=1, keepdims=True), -30, 0))
    chance /= chance.sum(axis=1, keepdims=True)
    return np.asarray(_ANY_FINGER / chance.shape[1] + (1 - _ANY_FINGER) * chance)


def _fell(strikes: Strikes) -> NDArray[np.bool_]:
    """At which strikes a fingertip surely came down, wherever it is."""
    least_m = np.maximum(LEAST_FALL_M, SURE * strikes.falls_error_m)
    return np.asarray((strikes.falls_m >= least_m).any(axis=1))


def _together(strikes: Strikes, own: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What sounds together with a tracked finger's note may be the other hand's."""
    if not own.any():
        return np.zeros(len(own), np.bool_)
    apart_ns = np.abs(strikes.stamps_ns[:, None] - strikes.stamps_ns[own][None])
    return np.asarray(apart_ns.min(axis=1) <= _TOGETHER_NS)


def _weights(
    strikes: Strikes, camera: Camera, own: NDArray[np.bool_], fell: NDArray[np.bool_]
) -> Floats:
    """How much each strike tells: less of a key, or of a hand's place, that is told of again.

    A hand that rests would fit notes of another one that are as far apart as its fingers are.
    """
    place = np.array([float(np.median(KEY_X_M[strikes.keys])), 0.0, 0.0])
    away_m = float(camera.in_optical_frame(place)[2])
    still_m = 0.5 * _TRACKER_PX / 1280 * camera.image_size[0] / camera.lens[0] * away_m
    count = len(strikes)
    tips = strikes.tips.reshape(count, strikes.hands, -1, 2)
    moves_m = np.linalg.norm(tips[:, None] - tips[None], axis=-1) * away_m
    moved_m = np.nan_to_num(np.median(moves_m, axis=-1), nan=-1.0).max(axis=-1)
    same_place = (moved_m >= 0) & (moved_m < max(SAME_PLACE_M, SURELY_ELSEWHERE * still_m))
    same_key = strikes.keys[:, None] == strikes.keys[None]
    again = np.triu(same_key).sum(axis=1)
    resting = np.maximum(np.triu(same_place).sum(axis=1), 1)
    return np.asarray(1.0 / again / np.where(own, 1.0, np.where(fell, resting, resting**2)))
