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
MOST_STRIKES = 8
"""The newest so many are weighed: enough to be sure, few enough to notice soon."""
FARTHEST_M = 0.35
"""Fingers are looked for up to so far from a key."""

_STEP_M = 0.0025
_SHIFTS_M = np.arange(-FARTHEST_M, FARTHEST_M + _STEP_M / 2, _STEP_M)
_NO_FINGER = 0.3
"""How likely a note is by no finger that is tracked, before anything is seen of it."""
_SPREAD_OUT = 1.0 / (2 * FARTHEST_M)
_WELL = 1.5
"""Evidence of a strike that leaves nothing to look for elsewhere."""
_CONSISTENT, _GAIN = 1.0, 10.0
"""Evidence of a strike, and of all together, that all fingers are shifted alike."""
_LEAST_SHIFT_M = 0.015
_ANY_FINGER = 0.15
"""Part of a finger's chance that does not depend on how it comes down."""
_FALL_SCALE_M = 0.004
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
_FRONT_M, _BACK_M = -0.03, 0.17
"""From where to where along a key a finger may be."""
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

    Evidence is in nats a strike; below 0, no finger is on the key.
    """

    strikes: int
    """Of those that are by the tracked hand, wherever it is."""
    here: float
    """Their mean evidence that fingers are on their keys."""
    shifted: float
    """The same with all fingers shifted alike."""
    gain: float
    """By how much that is more, of all of them together."""
    shift_m: float
    """The shift, to the right along the keys."""
    shares: Floats
    """(strikes,): how sure it is of each that a finger is on the key where it is seen."""

    @property
    def is_shifted(self) -> bool:
        """Whether all fingers seem to be elsewhere by the same."""
        sure = self.gain > _GAIN and self.shifted > _CONSISTENT
        return sure and abs(self.shift_m) > _LEAST_SHIFT_M


def across_m(camera: Camera, place: Floats) -> float:
    """Standard deviation of a fingertip's place across its key, as a camera sees it."""
    there = camera.in_optical_frame(place)
    slopes = there[:2] / there[2]
    pixel = _TRACKER_PX / 1280 * camera.image_size[0] / np.array(camera.lens[:2])
    steps = slopes + np.array([(0.0, 0.0), (pixel[0], 0.0), (0.0, pixel[1]), (0.0, 0.0)])
    level = place[2] + np.array([0.0, 0.0, 0.0, _HEIGHT_M])
    x = camera.on_level(steps, level)[:, 0]
    return float(np.hypot(_PLAYED_BESIDE_M, np.sqrt(((x[1:] - x[0]) ** 2).sum())))


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


def fit(strikes: Strikes, camera: Camera, sigma_m: float) -> Fit:
    """Weigh strikes against the fingers of one view."""
    away = strikes.offsets(camera)
    falls = np.nan_to_num(strikes.falls_m, nan=-1.0)
    chance = np.exp(np.clip((falls - falls.max(axis=1, keepdims=True)) / _FALL_SCALE_M, -30, 0))
    chance /= chance.sum(axis=1, keepdims=True)
    chance = _ANY_FINGER / chance.shape[1] + (1 - _ANY_FINGER) * chance
    within = (away[..., 1] > _FRONT_M) & (away[..., 1] < _BACK_M)
    offset = away[..., 0]
    # A view that sees no tip there says nothing about the strike.
    offset = np.where(np.isnan(offset), np.inf, offset)
    peak = 1 / (sigma_m * np.sqrt(2 * np.pi))
    nobody = _NO_FINGER * _SPREAD_OUT
    found = (1 - _NO_FINGER) * (
        np.where(within, chance, 0.0) * peak * np.exp(-0.5 * (offset / sigma_m) ** 2)
    ).sum(axis=1)
    shares = found / (found + nobody)
    seen = np.isfinite(offset).any(axis=1)
    told = np.flatnonzero(seen & _tracked(strikes, shares))[-MOST_STRIKES:]
    if not len(told):
        return Fit(0, 0.0, 0.0, 0.0, 0.0, shares)
    here = np.log((found + nobody) / _SPREAD_OUT)
    mean = float(here[told].mean())
    if mean > _WELL:
        return Fit(len(told), mean, mean, 0.0, 0.0, shares)
    beside = offset[told][:, None] - _SHIFTS_M[:, None]
    elsewhere = (1 - _NO_FINGER) * (
        chance[told][:, None] * peak * np.exp(-0.5 * (beside / sigma_m) ** 2)
    ).sum(axis=2)
    evidence = np.log((elsewhere + nobody) / _SPREAD_OUT).mean(axis=0)
    best = int(evidence.argmax())
    gain = len(told) * float(evidence[best] - mean)
    return Fit(len(told), mean, float(evidence[best]), gain, float(_SHIFTS_M[best]), shares)


def _tracked(strikes: Strikes, shares: Floats) -> NDArray[np.bool_]:
    """Which strikes are by the tracked hand: one of its fingers is there, or came down.

    What sounds together with a tracked finger's note may be the other hand's.
    """
    own = shares > 0.5
    stamps = strikes.stamps_ns
    together = np.zeros(len(stamps), np.bool_)
    if own.any():
        nearest = np.abs(stamps[:, None] - stamps[own][None]).min(axis=1)
        together = nearest <= _TOGETHER_NS
    least_m = np.maximum(LEAST_FALL_M, SURE * strikes.falls_error_m)
    return np.asarray(own | ((strikes.falls_m >= least_m).any(axis=1) & ~together))
