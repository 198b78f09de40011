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

"""A hand in space as a camera would see it that stands elsewhere, such as one of training."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.space import HandAt
from kpm_ros.core.flags import FlagBits
from kpm_ros.core.hands import mirrored
from kpm_ros.core.sides import LEFT
from kpm_ros.core.streams import Landmarks


class HandBehind(Protocol):
    """A hand out of which pictures are made."""

    @property
    def wait_ns(self) -> int:
        """How long a grid sample waits, at present."""
        ...

    @property
    def known_ns(self) -> int:
        """Instant up to which frames, not only the wait, have settled the points."""
        ...

    def settled_until(self, now_ns: int) -> int:
        """Newest instant whose points nothing to come can change any more."""
        ...

    def at(self, stamps_ns: NDArray[np.int64]) -> HandAt:
        """Points at increasing, settled instants; those of the call before may be asked again."""
        ...

    def reset(self) -> None:
        """Forget every frame."""
        ...


class VirtualView:
    """A hand in space as a camera would see it that stands elsewhere, such as one of training."""

    def __init__(self, view: Landmarks, hand: HandBehind) -> None:
        """Look at a hand, of which several may be looking."""
        self.view, self.hand = view, hand
        self.dropped = 0
        """What is given up, its hand counts."""

    @property
    def wait_ns(self) -> int:
        """As long as the hand waits."""
        return self.hand.wait_ns

    @property
    def known_ns(self) -> int:
        """As far as the hand is known."""
        return self.hand.known_ns

    def settled_until(self, now_ns: int) -> int:
        """Newest instant whose points nothing to come can change any more."""
        return self.hand.settled_until(now_ns)

    def read(self, stamps_ns: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[FlagBits]:
        """Fill in what the camera would see at increasing, settled instants; give their flags."""
        values[:] = self.view.missing
        at = self.hand.at(stamps_ns)
        points = at.points[at.found]
        # A left hand's mirror image is what a model of a right hand knows.
        seen = seen_by(self.view, mirrored(points) if self.view.side == LEFT else points)
        width = self.view.points_width
        values[at.found, :width] = seen.reshape(-1, width)
        if self.view.measures:
            values[at.found, width] = at.age_s[at.found]
        return at.flags

    def reset(self) -> None:
        """Forget every frame."""
        self.hand.reset()


def seen_by(view: Landmarks, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (..., points, 3) of the keyboard's frame as landmarks of a view whose camera is known.

    Depth, where the view has it, is relative to the root's and in the scale of x, as trackers tell.
    """
    assert view.camera is not None
    flat = view.camera.project(points)
    if view.dimensions == 2:
        return flat
    depth = view.camera.in_optical_frame(points)[..., 2]
    root = depth[..., list(view.skeleton.roles.get("root", (0,)))].mean(axis=-1, keepdims=True)
    focal = view.camera.lens[0] / view.camera.image_size[0]
    return np.concatenate((flat, (focal * (depth / root - 1))[..., None]), axis=-1)
