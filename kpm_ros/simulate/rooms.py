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

"""Rooms with a piano and cameras anywhere: drawn from a stated range, or the one of the defaults.

Places are in the keyboard's frame. The middle, from which a camera's azimuth, elevation and
distance are told, is that of the part of the keyboard where the hand plays; all of that part is in
every camera's picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.registration import RegisteredCamera, Registration
from kpm_ros.simulate.cameras import Point, SimulatedCamera, default_cameras
from kpm_ros.simulate.noise import generator
from kpm_ros.simulate.person import rounded
from kpm_ros.simulate.registering import RegistrationErrors, in_picture, misplaced
from kpm_ros.simulate.tracked_view import TrackerErrors

Box = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
"""From where to where along x, y and z, in metres."""

RIGHT_PART: Box = ((0.57, 1.07), (-0.10, 0.09), (-0.01, 0.07))
"""Where the right hand plays in the simulator's tasks."""
BOTH_PARTS: Box = ((0.08, 1.07), *RIGHT_PART[1:])
"""Where both hands play: the left one plays mirrored at the D next to middle C."""

EXACTLY = "the simulated room as it was made: SIMULATED"
"""How a camera's place is known without an error."""
VIEWS = ("first", "second", "third")
_ROOM, _REGISTERED = 0x4003, 0x4004
_TRIES = 10_000


@dataclass(frozen=True)
class Sector:
    """Directions in which something stands that a camera must look over."""

    azimuth_deg: float
    half_width_deg: float
    above_deg: float
    """Least elevation of a camera there."""


@dataclass(frozen=True)
class RoomRange:
    """What rooms are drawn from: evenly between two values, unless a spread is named."""

    part: Box = RIGHT_PART
    """Of the keyboard, which every camera sees whole."""
    cameras: tuple[float, ...] = (0.3, 0.5, 0.2)
    """How likely one, two and three of them are."""
    elevation_deg: tuple[float, float] = (15.0, 90.0)
    """Of a camera seen from the middle; azimuth is any, counted from the highest keys on, to 90
    degrees at the fallboard."""
    obstacles: tuple[Sector, ...] = (Sector(-90.0, 50.0, 55.0), Sector(90.0, 65.0, 35.0))
    """The pianist and the piano."""
    distance_m: tuple[float, float] = (0.4, 1.6)
    apart_deg: tuple[float, float] = (30.0, 150.0)
    """Between the directions of any two cameras."""
    aim_m: float = 0.03
    """Standard deviation of how far a camera looks beside the middle, along each axis."""
    roll_deg: float = 6.0
    """Standard deviation of how far a picture is turned."""
    field_of_view_deg: tuple[float, float] = (45.0, 90.0)
    """Across."""
    corner_shift: tuple[float, float] = (-0.10, 0.03)
    """How far the lens moves the picture's corner, relative to its distance from the middle."""
    tangential: float = 0.0005
    """Standard deviation of the lens' tangential distortion."""
    image_sizes: tuple[tuple[int, int], ...] = (
        (640, 360),
        (960, 540),
        (1280, 720),
        (1920, 1080),
    )
    fps: tuple[float, ...] = (30.0, 50.0, 60.0, 90.0, 120.0)
    jitter_px: tuple[float, float] = (0.6, 1.6)
    """Of a tracker, in pixels of a 1280 wide image, as all of these."""
    bias_px: tuple[float, float] = (1.0, 3.0)
    hidden_px: tuple[float, float] = (4.0, 12.0)
    """Of joints that the hand itself hides."""
    depth_scale: tuple[float, float] = (0.02, 0.10)
    drop_fraction: tuple[float, float] = (0.0, 0.02)
    delay_s: tuple[float, float] = (0.005, 0.025)
    """Shortest time from exposure to landmarks."""
    delay_spread_s: tuple[float, float] = (0.002, 0.008)
    """By how much the longest is longer."""
    registered_px: tuple[float, float] = (0.3, 1.0)
    """Error of each of the keyboard's points from which a camera's place is found, in pixels of a
    1280 wide image."""
    registered_lens: tuple[float, float] = (0.001, 0.006)
    """Standard deviation of the focal length's error, relative."""


ROOMS = RoomRange()
"""What the shipped models of the keyboard's frame were trained on."""


@dataclass(frozen=True)
class Room:
    """Cameras, each with its tracker's errors, and how well it is known where they stand."""

    cameras: tuple[SimulatedCamera, ...]
    errors: tuple[TrackerErrors, ...]
    registered: tuple[RegistrationErrors, ...]
    seed: int = 0
    """What the errors of its registration follow from."""
    part: Box = field(default=RIGHT_PART, repr=False)
    """Of the keyboard, where the hands play."""

    def registration(self, with_error: bool = True) -> Registration:
        """Say where the cameras stand: as `kpm calibrate` would find it, or exactly."""
        cameras = {}
        for number, (camera, errors) in enumerate(zip(self.cameras, self.registered, strict=True)):
            exact = camera.camera
            if with_error:
                draw = generator(self.seed, _REGISTERED, number)
                cameras[camera.name] = misplaced(exact, errors, draw)
            else:
                cameras[camera.name] = RegisteredCamera(exact, how=EXACTLY)
        return Registration(cameras)


def published_room(seed: int | None = None) -> Room:
    """Take the simulator's default cameras; with a seed, set up a little off by somebody else."""
    cameras: Sequence[SimulatedCamera] = default_cameras()
    if seed is not None:
        cameras = [camera.nudged(seed + k) for k, camera in enumerate(cameras)]
    usual = RegistrationErrors(
        pixels=float(np.mean(ROOMS.registered_px)), lens=float(np.mean(ROOMS.registered_lens))
    )
    count = len(cameras)
    return Room(tuple(cameras), (TrackerErrors(),) * count, (usual,) * count, seed or 0)


def draw_room(seed: int, within: RoomRange = ROOMS, cameras: int | None = None) -> Room:
    """Draw a room, with so many cameras if that is said; the same seed is the same room."""
    draw = generator(seed, _ROOM)
    likely = np.array(within.cameras) / sum(within.cameras)
    drawn = 1 + int(draw.choice(len(likely), p=likely))
    count = drawn if cameras is None else cameras
    if not 1 <= count <= len(VIEWS):
        raise ValueError(f"a room has 1 to {len(VIEWS)} cameras, not {count}")
    for _ in range(_TRIES):
        standing: list[SimulatedCamera] = []
        while len(standing) < count:
            standing.append(_camera(VIEWS[len(standing)], within, draw))
        if _apart(standing, within):
            return Room(
                tuple(standing),
                tuple(_tracker(within, draw) for _ in standing),
                tuple(
                    RegistrationErrors(
                        rounded(draw.uniform(*within.registered_px)),
                        rounded(draw.uniform(*within.registered_lens)),
                    )
                    for _ in standing
                ),
                seed,
                within.part,
            )
    raise ValueError(f"no room of {count} cameras was found within {within}")


def _camera(view: str, within: RoomRange, draw: np.random.Generator) -> SimulatedCamera:
    """Stand a camera where it looks over what is in its way, and sees all of the keyboard's part.

    Places that will not do are drawn again.
    """
    low, high = np.array(within.part).T
    middle = (low + high) / 2
    corners = np.array(list(product(*within.part)))
    for _ in range(_TRIES):
        azimuth_deg = draw.uniform(-180.0, 180.0)
        elevation_deg = draw.uniform(*within.elevation_deg)
        if any(
            abs((azimuth_deg - one.azimuth_deg + 180) % 360 - 180) < one.half_width_deg
            and elevation_deg < one.above_deg
            for one in within.obstacles
        ):
            continue
        azimuth, elevation = np.deg2rad((azimuth_deg, elevation_deg))
        away = np.array([np.cos(azimuth), np.sin(azimuth), np.tan(elevation)])
        away /= np.linalg.norm(away)
        aim = middle + draw.normal(0.0, within.aim_m, 3)
        right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
        roll = np.deg2rad(draw.normal(0.0, within.roll_deg))
        up = np.cos(roll) * np.cross(away, right) + np.sin(roll) * right
        width, height = within.image_sizes[draw.integers(len(within.image_sizes))]
        focal = 0.5 / np.tan(np.deg2rad(draw.uniform(*within.field_of_view_deg) / 2))
        corner = np.hypot(0.5, 0.5 * height / width) / focal
        bend = draw.uniform(*within.corner_shift) / corner**2
        tangential = (rounded(value) for value in draw.normal(0.0, within.tangential, 2))
        camera = SimulatedCamera(
            view,
            _place(middle + away * draw.uniform(*within.distance_m)),
            _place(aim),
            _place(up),
            rounded(focal),
            (width, height),
            float(within.fps[draw.integers(len(within.fps))]),
            (rounded(bend), 0.0, *tangential, 0.0),
        )
        if in_picture(camera.camera, corners).all():
            return camera
    raise ValueError(f"no place of a camera was found within {within}")


def _apart(cameras: Sequence[SimulatedCamera], within: RoomRange) -> bool:
    """Whether every two cameras look from directions that differ enough."""
    middle = np.array(within.part).mean(axis=1)
    away = np.array([np.array(camera.position) - middle for camera in cameras])
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    angles = np.rad2deg(np.arccos(np.clip(away @ away.T, -1, 1)))[
        np.triu_indices(len(cameras), k=1)
    ]
    least, most = within.apart_deg
    return bool(((angles >= least) & (angles <= most)).all())


def _tracker(within: RoomRange, draw: np.random.Generator) -> TrackerErrors:
    """Draw how a camera's tracker is off, and how long it takes."""
    shortest = draw.uniform(*within.delay_s)
    return TrackerErrors(
        jitter_px=rounded(draw.uniform(*within.jitter_px)),
        bias_px=rounded(draw.uniform(*within.bias_px)),
        depth_scale=rounded(draw.uniform(*within.depth_scale)),
        drop_fraction=rounded(draw.uniform(*within.drop_fraction)),
        drop_frames=12,
        delay_s=(rounded(shortest), rounded(shortest + draw.uniform(*within.delay_spread_s))),
        hidden_px=rounded(draw.uniform(*within.hidden_px)),
    )


def _place(values: NDArray[np.float64]) -> Point:
    x, y, z = (rounded(value) for value in values)
    return x, y, z
