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

"""The movement of one or two hands over time, and the file it is kept in.

Whatever moves hands speaks of them in this form: a tracked video, published data, a simulated
pianist, a generated performance. What is not known of a hand is None, or NaN in single frames.

Landmarks and places of either hand are where they are. Angles and turns of a left hand are those of
the right hand that is its mirror image: in the keyboard's frame as `core.hands.mirrored` makes it,
in a camera's with x the other way round.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.atomic_files import atomic_file
from kpm_ros.core.foreign_files import read_arrays, reading
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.core.stream_kinds import KEYBOARD

POINTS = 21
"""Landmarks of a hand, in the order of the skeleton "mediapipe-hand"."""
ROTATIONS = 16
"""The wrist, then three joints each of index, middle, little and ring finger and thumb."""
SHAPE = 10
FINGERS = 5
JOINTS = 23
"""Joints of the anatomical hand, in the order of its `Body.joint_names`."""
CAMERA = "camera"
FRAMES = (KEYBOARD, CAMERA)
"""Whose axes places are in: the keyboard's (`core.keyboard`, the piano's frame) or a camera's (x to
the image's right, y down, z ahead), as published data are."""
RATES_HZ = (1.0, 1000.0)
MOST_FRAMES = 24 * 3600 * 60
"""A day at 60 frames a second."""

Array = NDArray[np.float32]

_COLUMNS: Mapping[str, tuple[int, ...]] = {
    "landmarks": (POINTS, 3),
    "rotations": (ROTATIONS, 3),
    "place": (3,),
    "joints": (JOINTS,),
    "forearm": (3,),
}
"""What may be known of each frame, and its shape there."""
_TURNS = ("rotations", "forearm")
"""Those that are turns, as axis and angle."""


class MotionError(ValueError):
    """A movement that cannot be used, said in a sentence."""


@dataclass(frozen=True)
class OneHandMotion:
    """One hand's movement in n frames.

    >>> hand = OneHandMotion(np.array([True, False]), place=np.zeros((2, 3), np.float32))
    >>> len(hand), hand.landmarks is None
    (2, True)
    """

    visible: NDArray[np.bool_]
    """(n,): whether the hand was seen, or is there."""
    landmarks: Array | None = None
    """(n, 21, 3) in metres."""
    rotations: Array | None = None
    """(n, 16, 3) axis-angle in radians, each joint's relative to the one before it, in MANO's
    order; the first is the whole hand's."""
    place: Array | None = None
    """(n, 3) in metres: the wrist, or what published data say of where the hand is."""
    joints: Array | None = None
    """(n, 23) in radians: angles of the anatomical hand."""
    forearm: Array | None = None
    """(n, 3) axis-angle: how the anatomical hand's forearm is turned from where `Body` holds it,
    palm down and pointing at the fallboard. None: not at all."""
    shape: Array | None = None
    """(10,): the hand's shape in MANO's terms, where published data tell it."""
    fingers: NDArray[np.float64] | None = None
    """(notes, 3): of each note that it plays when it begins, in frames from the first one, the MIDI
    note and the finger, 0 = thumb .. 4 = little finger. None: nobody has told."""

    def __post_init__(self) -> None:
        """Refuse arrays of other sizes."""
        frames = len(self.visible)
        _check("visible", self.visible, (frames,), np.dtype(bool))
        for name, shape in _COLUMNS.items():
            value = getattr(self, name)
            if value is not None:
                _check(name, value, (frames, *shape), np.dtype(np.float32))
        if self.shape is not None:
            _check("shape", self.shape, (SHAPE,), np.dtype(np.float32))
        if self.fingers is not None:
            _check("fingers", self.fingers, (np.size(self.fingers) // 3, 3), np.dtype(np.float64))
            finger = self.fingers[:, 2]
            if not (np.isfinite(self.fingers).all() and ((finger >= 0) & (finger < FINGERS)).all()):
                raise MotionError(f"fingers must be numbers, the last ones from 0 to {FINGERS - 1}")

    def __len__(self) -> int:
        """Give the number of frames."""
        return len(self.visible)

    def known(self) -> dict[str, Array]:
        """What is known of each frame, by name; what is of no frame is not among it."""
        every = {name: getattr(self, name) for name in _COLUMNS}
        return {name: value for name, value in every.items() if value is not None}

    def cut(self, first: int, end: int) -> OneHandMotion:
        """Keep the frames from one on and before another."""
        known = {name: value[first:end] for name, value in self.known().items()}
        fingers = self._fingers_at(np.arange(first, min(end, len(self)), dtype=np.float64))
        return replace(self, visible=self.visible[first:end], fingers=fingers, **known)

    def between(self, at: NDArray[np.float64]) -> OneHandMotion:
        """Give it between frames, at places (m,) counted in frames from the first one."""
        known = {
            name: _turned_between(value, at) if name in _TURNS else _between(value, at)
            for name, value in self.known().items()
        }
        seen = _between(self.visible.astype(np.float32), at) >= 1
        return replace(self, visible=seen, fingers=self._fingers_at(at), **known)

    def _fingers_at(self, at: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Give the notes that begin within other frames, at increasing places among these."""
        if self.fingers is None or not len(at):
            return self.fingers
        begins = self.fingers[:, 0]
        kept = self.fingers[(begins >= at[0]) & (begins <= at[-1])]
        place = np.interp(kept[:, 0], at, np.arange(len(at)))
        return np.column_stack([place, kept[:, 1:]])


@dataclass(frozen=True)
class HandMotion:
    """One performance: how each of its hands moves, frame by frame at a steady rate.

    >>> right = OneHandMotion(np.ones(60, bool), place=np.zeros((60, 3), np.float32))
    >>> motion = HandMotion(30.0, {"right": right}, title="Scale")
    >>> len(motion), motion.duration_s, len(motion.cut(0.5, 1.0)), len(motion.resampled(60))
    (60, 2.0, 15, 119)
    """

    rate_hz: float
    hands: Mapping[str, OneHandMotion]
    """By side, "right" or "left" or both."""
    start_s: float = 0.0
    """When the first frame is, on the performance's clock: the video's or the MIDI file's."""
    frame: str = KEYBOARD
    """In which axes places are: "keyboard" or "camera"."""
    simulated: bool = False
    """Whether the movement, or any part of it, was not seen of a person."""
    title: str = ""
    source: str = ""
    """What it was made from, as people read it."""

    def __post_init__(self) -> None:
        """Refuse a performance of no hand, or of hands of different lengths."""
        least, most = RATES_HZ
        if not (math.isfinite(self.rate_hz) and least <= self.rate_hz <= most):
            raise MotionError(f"the rate is {self.rate_hz} Hz, but must be {least:g} to {most:g}")
        if not math.isfinite(self.start_s):
            raise MotionError(f"the start is {self.start_s} s, but must be a number")
        if self.frame not in FRAMES:
            raise MotionError(f"the frame is {self.frame!r}, but must be {' or '.join(FRAMES)}")
        if not self.hands or not set(self.hands) <= {RIGHT, LEFT}:
            named = ", ".join(map(repr, self.hands)) or "none"
            raise MotionError(f"the hands are {named}, but must be 'right', 'left' or both")
        lengths = sorted({len(hand) for hand in self.hands.values()})
        if len(lengths) > 1:
            raise MotionError(f"one hand has {lengths[0]} frames and the other {lengths[1]}")
        if not 0 < lengths[0] <= MOST_FRAMES:
            raise MotionError(f"it has {lengths[0]} frames, but must have 1 to {MOST_FRAMES}")

    def __len__(self) -> int:
        """Give the number of frames."""
        return len(next(iter(self.hands.values())))

    @property
    def duration_s(self) -> float:
        """How long it is."""
        return len(self) / self.rate_hz

    @property
    def times_s(self) -> NDArray[np.float64]:
        """When each frame is, on the performance's clock: (n,)."""
        return self.start_s + np.arange(len(self)) / self.rate_hz

    def cut(self, from_s: float, until_s: float) -> HandMotion:
        """Keep what is from one time on and before another, on the performance's clock."""
        first, end = np.searchsorted(self.times_s + 1e-9, (from_s, until_s))
        if first == end:
            raise MotionError(f"no frame is from {from_s:g} s on and before {until_s:g} s")
        hands = {side: hand.cut(int(first), int(end)) for side, hand in self.hands.items()}
        return replace(self, hands=hands, start_s=float(self.times_s[first]))

    def resampled(self, rate_hz: float) -> HandMotion:
        """Give it at another rate, by straight lines between frames.

        A frame is visible where those around it are, and known where those around it are known.
        """
        if rate_hz == self.rate_hz:
            return self
        count = 1 + math.floor((len(self) - 1) * rate_hz / self.rate_hz + 1e-9)
        at = np.arange(count) * (self.rate_hz / rate_hz)
        hands = {side: hand.between(at) for side, hand in self.hands.items()}
        return replace(self, hands=hands, rate_hz=float(rate_hz))

    def save(self, path: Path) -> None:
        """Write it as arrays that NumPy reads (.npz), whole or not at all."""
        about = {each: getattr(self, each) for each in _ABOUT}
        arrays: dict[str, Any] = {"about": np.array(json.dumps(about))}
        for side, hand in self.hands.items():
            whole = {"shape": hand.shape, "fingers": hand.fingers}
            known = {"visible": hand.visible, **hand.known()}
            known |= {name: value for name, value in whole.items() if value is not None}
            arrays.update({f"{side}.{name}": value for name, value in known.items()})
        with atomic_file(path) as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: Path | str) -> HandMotion:
        """Read back what `save` wrote; a MotionError says what is wrong with a file."""
        with reading(path, "a movement of hands", MotionError):
            arrays = read_arrays(path)
            about = json.loads(str(arrays.pop("about")))
            hands: dict[str, dict[str, Any]] = {}
            for name, value in arrays.items():
                side, _, column = name.partition(".")
                hands.setdefault(side, {})[column] = value
            given = {name: kind(about[name]) for name, kind in _ABOUT.items()}
            made = {side: OneHandMotion(**known) for side, known in hands.items()}
            return cls(hands=made, **given)


_ABOUT: dict[str, Callable[[Any], Any]] = {
    "rate_hz": float,
    "start_s": float,
    "frame": str,
    "simulated": bool,
    "title": str,
    "source": str,
}


def _turned_between(turns: Array, at: NDArray[np.float64]) -> Array:
    """Read turns as axis-angle (n, ..., 3) off the shortest ways from frame to frame.

    As quaternions: an axis and its opposite tell turns that are near each other in numbers that are
    far apart.
    """
    half = np.linalg.norm(turns, axis=-1, keepdims=True) / 2
    turned = np.concatenate([np.cos(half), turns * (np.sinc(half / np.pi) / 2)], axis=-1)
    along = (turned[1:] * turned[:-1]).sum(axis=-1, keepdims=True)
    turned[1:] *= np.cumprod(np.where(along < 0, -1.0, 1.0), axis=0)
    between = _between(turned, at)
    between *= np.where(between[..., :1] < 0, -1, 1)
    sine = np.linalg.norm(between[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, between[..., :1])
    return np.asarray(between[..., 1:] * angle / np.maximum(sine, 1e-12), np.float32)


def _between(values: Array, at: NDArray[np.float64]) -> Array:
    """Read rows off straight lines; a row that is not known is unknown between, not beside."""
    before = np.minimum(at.astype(np.int64), len(values) - 1)
    after = np.minimum(before + 1, len(values) - 1)
    part = (at - before).reshape(-1, *[1] * (values.ndim - 1))
    line = values[before] * (1 - part) + values[after] * part
    return np.where(part < 1e-6, values[before], line).astype(np.float32)


def _check(name: str, value: Any, shape: tuple[int, ...], kind: np.dtype[Any]) -> None:
    if not isinstance(value, np.ndarray) or value.shape != shape or value.dtype != kind:
        found = f"{value.dtype} of the shape {value.shape}" if hasattr(value, "dtype") else value
        raise MotionError(f"{name} is {found}, but must be {kind} of the shape {shape}")
