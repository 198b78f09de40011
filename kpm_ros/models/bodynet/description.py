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

"""From rows of the grid to the numbers that describe a body, in training as in a stream."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.bodynet.motion_kernels import follow
from kpm_ros.models.bodynet.posture_kernels import describe
from kpm_ros.models.bodynet.posture_shapes import FEATURES, TRACKED
from kpm_ros.models.bodynet.shapes import VIEWS, body_of, motion_frames, stride_of
from kpm_ros.models.card import ModelCard

Array = NDArray[np.float32]


class Describer:
    """Describes the frames of a card's body, whose motion is told from those behind each."""

    def __init__(self, card: ModelCard) -> None:
        *sides, self._head = body_of(card)
        (view,) = card.streams.landmarks
        self._width = view.points_width
        self._sides = [place for (place,) in sides]
        self._frame_s = stride_of(card) / card.rate_hz
        self._lengths = np.array(motion_frames(card), np.int64)
        self.behind = int(self._lengths.max()) - 1
        """Frames that are looked at before the present one."""

    def points(self, rows: Array) -> Array:
        """Pick points out of rows (n, W): (n, 17, 3)."""
        points = np.asarray(rows[:, : self._width], np.float32).reshape(len(rows), -1, 3)
        picked = np.empty((len(rows), TRACKED, 3), np.float32)
        picked[:, :-1] = points[:, self._sides]
        picked[:, -1] = points[:, self._head].mean(axis=1)
        return picked

    def ages(self, rows: Array) -> Array:
        """Pick out of rows how old their points are, where that is told: (n, 0 or 1)."""
        return np.asarray(rows[:, self._width :], np.float32)

    def describe(self, points: Array, ages: Array) -> tuple[Array, Array]:
        """Give features (n, 2, F) of all points but the first `behind`, and 1 or 0 for a body.

        Where one was missing of the frames that motion is told from, nothing moves.
        """
        count = len(points) - self.behind
        motion = np.empty((count, 3, TRACKED, 3), np.float32)
        exposed = ages[:, 0] if ages.shape[1] else np.zeros(len(points), np.float32)
        follow(points, np.ascontiguousarray(exposed), self._frame_s, self._lengths, motion)
        features = np.empty((count, VIEWS, FEATURES), np.float32)
        present = np.empty(count, np.float32)
        absent = (points == points[:, :1]).all(axis=(1, 2))
        if absent.any():
            gone = np.lib.stride_tricks.sliding_window_view(absent, self.behind + 1).any(axis=1)
            motion[gone, 1:] = 0
        describe(motion, features, present)
        if ages.shape[1]:
            newest = np.repeat(ages[self.behind :, None], VIEWS, axis=1)
            features = np.concatenate([features, newest], axis=2)
        return features, present
