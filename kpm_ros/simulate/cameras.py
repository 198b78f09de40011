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

"""Cameras that watch a hand or body, and where they usually stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.camera_model import Camera, facing
from kpm_ros.simulate.hand import WRIST
from kpm_ros.simulate.noise import generator
from kpm_ros.simulate.products import mixed

if TYPE_CHECKING:
    pass

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class SimulatedCamera:
    """A calibrated pinhole camera in the frame of the piano or the floor, in metres."""

    name: str
    position: Point
    look_at: Point
    up: Point
    focal: float
    """Focal length as a fraction of the image's width."""
    image_size: tuple[int, int] = (1280, 720)
    fps: float = 60.0
    distortion: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)
    """Of the lens, as `Camera` has it."""

    @property
    def rotation(self) -> NDArray[np.float64]:
        """Rows are the camera's axes: right, down and ahead."""
        return facing(np.array(self.look_at) - np.array(self.position), np.array(self.up))

    @property
    def camera(self) -> Camera:
        """The same as others know it: with a lens in pixels, and where it stands."""
        width, height = self.image_size
        focal = self.focal * width
        lens = (focal, focal, (width - 1) / 2, (height - 1) / 2)
        turn = self.rotation
        return Camera(self.image_size, lens, self.distortion).at(
            turn, -turn @ np.array(self.position)
        )

    def project(
        self, points: NDArray[np.float64], root: Sequence[int] = (WRIST,)
    ) -> NDArray[np.float64]:
        """Project (..., points, 3) to fractions of the image's size, and relative depth.

        The third value is depth behind the root's, in the scale of x; nearer is negative.
        """
        seen = mixed(points - np.array(self.position), self.rotation.T)
        depth = seen[..., 2]
        width, height = self.image_size
        out = np.empty_like(seen)
        if any(self.distortion):
            bent = self.camera.bent(seen[..., :2] / depth[..., None])
            out[..., :2] = 0.5 + bent * (self.focal, self.focal * (width / height))
        else:
            out[..., 0] = 0.5 + self.focal * seen[..., 0] / depth
            out[..., 1] = 0.5 + self.focal * (width / height) * seen[..., 1] / depth
        near = depth[..., list(root)].mean(axis=-1, keepdims=True)
        out[..., 2] = self.focal * (depth - near) / near
        return np.asarray(out)

    def nudged(self, seed: int, metres: float = 0.01) -> SimulatedCamera:
        """Set the same camera up as somebody else would have, a little off."""
        draw = generator(seed, 0xCA)
        off = draw.normal(0.0, metres, (2, 3))
        return replace(
            self,
            position=_point(np.array(self.position) + off[0]),
            look_at=_point(np.array(self.look_at) + off[1]),
        )


@dataclass(frozen=True, slots=True)
class RegisteredSight(SimulatedCamera):
    """What a registered camera would see, whatever its lens."""

    registered: Camera = field(kw_only=True)

    @classmethod
    def of(cls, name: str, registered: Camera, fps: float = 60.0) -> RegisteredSight:
        """Look through the camera of this view."""
        ahead, up = registered.turn[2], -registered.turn[1]
        return cls(
            name=name,
            position=_point(registered.position),
            look_at=_point(registered.position + ahead),
            up=_point(up),
            focal=registered.lens[0] / registered.image_size[0],
            image_size=registered.image_size,
            fps=fps,
            distortion=registered.distortion,
            registered=registered,
        )

    @property
    def camera(self) -> Camera:
        """The camera itself."""
        return self.registered

    def project(
        self, points: NDArray[np.float64], root: Sequence[int] = (WRIST,)
    ) -> NDArray[np.float64]:
        """Project (..., points, 3) to fractions of the image's size, and relative depth."""
        depth = self.registered.in_optical_frame(points)[..., 2]
        near = depth[..., list(root)].mean(axis=-1, keepdims=True)
        behind = self.focal * (depth - near) / near
        return np.concatenate([self.registered.project(points), behind[..., None]], axis=-1)


def _point(values: NDArray[np.float64]) -> Point:
    """Turn three numbers into a point."""
    x, y, z = (float(value) for value in values)
    return x, y, z


def default_cameras() -> tuple[SimulatedCamera, SimulatedCamera]:
    """Make the views "top", above the right half of the keyboard, and "right", from its end."""
    return (
        SimulatedCamera("top", (0.85, -0.02, 0.95), (0.85, -0.02, 0.0), (0.0, 1.0, 0.0), 0.82),
        SimulatedCamera("right", (1.95, -0.10, 0.45), (0.80, -0.03, 0.02), (0.0, 0.0, 1.0), 1.15),
    )
