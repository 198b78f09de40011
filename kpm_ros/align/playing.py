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

"""What registered views saw of hands while they played: at regular moments, and at every note."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kpm_ros.align.sightings import SETTLED_AFTER_NS, WIDEST_GAP_NS, Floats, Sightings
from kpm_ros.align.strikes import BEFORE_NS, Strikes, fall_of, key_of
from kpm_ros.core.camera_model import Camera
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.keyboard import KEY_X_M
from kpm_ros.core.registration import Registration
from kpm_ros.core.skeletons import Skeleton
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, LandmarkFrame

MOMENT_NS = 200_000_000
"""How far apart the moments are at which views are compared."""
MOST_MOMENTS, MOST_STRUCK = 120, 64
"""Remembered, from which a camera is found again."""
MOST_NOTES = 1024
MOST_MOVES = 40
_TO_DEVIATION = 1.48
"""From the median of absolute values to a standard deviation."""
LONGEST_PAST_NS = NS_PER_S
"""Of what lies between two looks that are further apart, only the end is looked at."""
HAND_AT_M = (0.04, 0.0)
"""About where a playing hand is along keys, and above them."""


@dataclass(frozen=True)
class Struck:
    """A note, and what each view saw of the fingertips then and just before."""

    stamp_ns: int
    key: int
    tips: Floats
    """(views, tips, 2)"""
    falls_m: Floats
    """(tips,): by how much each came down."""
    errors_m: Floats
    """(tips,): standard deviations of that."""


@dataclass(frozen=True)
class Moment:
    """What each view saw at an instant."""

    stamp_ns: int
    points: Floats
    """(views, points, 2): fractions of the image."""
    slopes: Floats
    """(views, points, 2)"""


class Playing:
    """Remembers what every view saw of the last moments and notes.

    Cameras' places are asked for only to see which way is up: they may be a little wrong.
    """

    def __init__(
        self, registration: Registration, skeleton: Skeleton, sides: Sequence[str]
    ) -> None:
        """Start without having seen anything."""
        self.views = tuple(registration.cameras)
        self._hands = len(sides)
        self._tips = [
            hand * len(skeleton) + tip
            for hand in range(len(sides))
            for tip in skeleton.role("tips")
        ]
        self._sightings = Sightings(self.views, len(skeleton), sides)
        self._notes: deque[tuple[int, int]] = deque(maxlen=MOST_NOTES)
        self._struck: deque[Struck] = deque(maxlen=MOST_STRUCK)
        self._moments: deque[Moment] = deque(maxlen=MOST_MOMENTS)
        self._moves_m: deque[Floats] = deque(maxlen=MOST_MOVES)
        self._hand_x_m = float(KEY_X_M[len(KEY_X_M) // 2])

    def push_frame(self, frame: LandmarkFrame, received_ns: int) -> None:
        """Take in what a view saw."""
        self._sightings.push(frame, received_ns)

    def push_key_event(self, event: KeyEvent, received_ns: int) -> None:
        """Take in a note."""
        if event.kind is KeyEventKind.NOTE_ON and received_ns - event.stamp_ns <= SETTLED_AFTER_NS:
            key = key_of(event.note)
            if key is not None:
                self._notes.append((event.stamp_ns, key))

    def image_size(self, view: str, until_ns: int) -> tuple[int, int]:
        """Size of a view's last picture up to an instant; zeros where it is not told."""
        return self._sightings.image_size(view, until_ns)

    def moments(self, since_ns: int, most: int = MOST_MOMENTS) -> list[Moment]:
        """Give the last moments after an instant."""
        return [one for one in self._moments if one.stamp_ns > since_ns][-most:]

    def strikes(self, view: str, since_ns: int, most: int = MOST_STRUCK) -> Strikes:
        """Strikes after an instant, with the tips as one view saw them."""
        listed = [one for one in self._struck if one.stamp_ns > since_ns][-most:]
        k, tips = self.views.index(view), len(self._tips)
        return Strikes(
            np.array([one.stamp_ns for one in listed], np.int64),
            np.array([one.key for one in listed], np.int64),
            np.array([one.tips[k] for one in listed]).reshape(-1, tips, 2),
            np.array([one.falls_m for one in listed]).reshape(-1, tips),
            np.array([one.errors_m for one in listed]).reshape(-1, tips),
            self._hands,
        )

    def forget(self) -> None:
        """Forget what was seen, but not what comes in."""
        self._struck.clear()
        self._moments.clear()

    def reset(self) -> None:
        """Forget everything."""
        self._sightings.reset()
        self._notes.clear()
        self.forget()

    def take_in(self, registration: Registration, since_ns: int, until_ns: int) -> bool:
        """Look up what views saw since the last tick; say whether a hand was seen."""
        since_ns = max(since_ns, until_ns - LONGEST_PAST_NS)
        first = since_ns // MOMENT_NS + 1
        moments = np.arange(first, until_ns // MOMENT_NS + 1, dtype=np.int64) * MOMENT_NS
        notes = [note for note in self._notes if since_ns < note[0] <= until_ns][:MOST_STRUCK]
        while self._notes and self._notes[0][0] <= until_ns:
            self._notes.popleft()
        struck = np.array([stamp_ns for stamp_ns, _ in notes], np.int64)
        wanted = np.concatenate([moments, struck])
        wanted = np.concatenate([wanted, wanted - BEFORE_NS])
        known_ns = until_ns + WIDEST_GAP_NS
        points = np.stack([self._sightings.at(view, wanted, known_ns) for view in self.views])
        self._sightings.forget(until_ns - 2 * WIDEST_GAP_NS - BEFORE_NS)
        cameras = [registration.cameras[view].camera for view in self.views]
        slopes = np.stack(
            [camera.slopes(seen) for camera, seen in zip(cameras, points, strict=True)], axis=1
        )
        points = points.swapaxes(0, 1)
        falls_m, errors_m = self._falls(cameras, points, slopes, [key for _, key in notes])
        count = len(moments)
        for k in range(count):
            if np.isfinite(slopes[k]).any():
                self._moments.append(Moment(int(moments[k]), points[k, ..., :2], slopes[k]))
                self._moves_m.append(np.abs(falls_m[k]))
        # A tip that is hidden is guessed at, and moves about without anybody moving it.
        unsure_m = _TO_DEVIATION * np.median(self._moves_m, axis=0) if self._moves_m else 0.0
        for k, (stamp_ns, key) in enumerate(notes, start=count):
            tips = slopes[k][:, self._tips]
            if np.isfinite(tips).any():
                errors = np.maximum(errors_m[k], unsure_m)
                self._struck.append(Struck(stamp_ns, key, tips, falls_m[k], errors))
        return bool(count and np.isfinite(slopes[:count]).any())

    def _falls(
        self, cameras: Sequence[Camera], points: Floats, slopes: Floats, keys: Sequence[int]
    ) -> tuple[Floats, Floats]:
        """By how much each tip came down until each instant, out of all views that saw it.

        The second half of the points is of `BEFORE_NS` before the first; keys are near the hand.
        """
        count = len(points) // 2
        self._hand_x_m = float(np.median(KEY_X_M[list(keys)])) if keys else self._hand_x_m
        place = np.array([self._hand_x_m, *HAND_AT_M])
        total, weights = np.zeros((2, count, len(self._tips)))
        for k, camera in enumerate(cameras):
            scale = camera.image_size[0] / camera.lens[0]
            seen = np.concatenate(
                [slopes[:, k, self._tips], scale * points[:, k, self._tips, 2:]], axis=-1
            )
            falls_m, error_m = fall_of(camera, seen[count:], seen[:count], place)
            good = np.isfinite(falls_m)
            total += np.where(good, falls_m, 0.0) / error_m**2
            weights += good / error_m**2
        known = np.maximum(weights, 1e-12)
        return total / known, known**-0.5
