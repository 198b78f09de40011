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

"""A body tracker's view of a simulated exerciser: points, metres, visibility, and its errors.

The errors are assumptions of the size that MediaPipe Pose shows; docs/exerciser.md lists them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.sense.samples import BODY
from kpm_ros.simulate.cameras import SimulatedCamera
from kpm_ros.simulate.noise import BlockNoise, decaying, generator
from kpm_ros.simulate.products import mixed
from kpm_ros.simulate.tracked_view import Frames, TrackedView, TrackerErrors, Visible

Array = NDArray[np.float64]

BODY_SKELETON = find_skeleton(BODY)
HIPS = BODY_SKELETON.role("root")

_PLACE = {name: number for number, name in enumerate(BODY_SKELETON.points)}


def _side(side: str, *parts: str) -> tuple[int, ...]:
    return tuple(_PLACE[f"{side}_{part}"] for part in parts)


_SWAPPED = tuple(
    (_side("left", *parts), _side("right", *parts))
    for parts in (
        ("elbow", "wrist", "pinky", "index", "thumb"),
        ("knee", "ankle", "heel", "foot_index"),
    )
)
"""Points of both arms, and of both legs, that are taken for each other together."""

_USUAL = TrackerErrors(
    jitter_px=2.0,
    jitter_correlation=0.6,
    bias_px=4.0,
    drop_fraction=0.01,
    drop_frames=4,
    stamp_jitter_s=0.004,
    delay_s=(0.018, 0.032),
)


@dataclass(frozen=True)
class BodyTrackerErrors:
    """How a body tracker is off, besides what is off with every tracker."""

    usual: TrackerErrors = _USUAL
    jitter_m: float = 0.006
    """Standard deviation of a metric point across the line of sight."""
    depth_jitter_m: float = 0.016
    """The same along it."""
    wander_m: tuple[float, float, float] = (0.008, 0.008, 0.025)
    """Standard deviation of each point's slow error: to the right, down, away."""
    bias_m: float = 0.010
    """Standard deviation of each point's constant error."""
    size: float = 0.05
    """Standard deviation of the constant error of the body's size, which no picture tells."""
    depth_scale: float = 0.08
    """Standard deviation of the constant error of all depths' scale."""
    pitch_deg: float = 4.0
    """Standard deviation of the constant error of how the camera is pitched, and rolled."""
    hidden_m: tuple[float, float, float] = (0.055, 0.055, 0.09)
    """Standard deviation of a hidden point's error, which wanders."""
    swaps_per_s: float = 0.02
    """How often left and right legs, or arms, are taken for each other."""
    swap_frames: tuple[int, int] = (2, 10)
    lost_frames: float = 0.004
    """Fraction of frames that the camera drops, which never come."""


_TRUNK_M, _HEAD_M, _THIGH_M, _SHANK_M = 0.135, 0.10, 0.075, 0.05
"""Radii of what hides points behind it."""
_EDGE_M = 0.05
"""How far around them points are seen less and less well."""
_DEEPER_M = 0.06
"""A point is hidden by what is nearer by more than this."""
_MARGIN = 0.03
"""How far within the picture's edge points begin to be seen less well."""
_VISIBLE, _HIDDEN = 0.985, 0.10
_SHAKE = 0.03
_WANDER, _GUESS, _SEEN_NOISE, _CHANGE, _EVENTS = 2, 4, 6, 8, 10


class TrackedBody(TrackedView):
    """One camera with a body tracker behind it."""

    skeleton = BODY
    side = ""
    points = len(BODY_SKELETON)

    def __init__(
        self,
        camera: SimulatedCamera,
        performer: Visible,
        seed: int,
        stream: int,
        *,
        errors: BodyTrackerErrors | None = None,
        frames_per_block: int = 30,
    ) -> None:
        """Make a view of its own for each `stream` of a seed."""
        rules = errors or BodyTrackerErrors()
        super().__init__(
            camera, performer, seed, stream, errors=rules.usual, frames_per_block=frames_per_block
        )
        self._rules = rules
        draw = generator(seed, stream + _CHANGE, 0)
        self._scale_m = 1.0 + draw.normal(0.0, rules.size)
        self._depth_m = 1.0 + draw.normal(0.0, rules.depth_scale)
        pitch, roll = np.deg2rad(draw.normal(0.0, rules.pitch_deg, 2))
        cp, sp, cr, sr = np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
        about_x = np.array([[1.0, 0.0, 0.0], [0.0, cp, -sp], [0.0, sp, cp]])
        about_z = np.array([[cr, -sr, 0.0], [sr, cr, 0.0], [0.0, 0.0, 1.0]])
        self._turn = mixed(about_z, about_x)
        self._bias_m = draw.normal(0.0, rules.bias_m, (self.points, 3))
        slow = decaying(0.93, min(30, frames_per_block))

        def noise(number: int, kernel: NDArray[np.float64], columns: int) -> BlockNoise:
            return BlockNoise(seed, stream + number, columns, frames_per_block, kernel)

        self._wander = noise(_WANDER, slow, self.points * 3)
        self._guess = noise(_GUESS, slow, self.points * 3)
        self._shake = noise(_SEEN_NOISE, decaying(0.7, 8), self.points)
        quick = decaying(rules.usual.jitter_correlation, min(12, frames_per_block))
        self._jitter_m = noise(_EVENTS + 1, quick, self.points * 3)

    def block(self, block: int) -> Frames:
        """Render the frames of one block, counted from 0."""
        rules = self._rules
        first, times, processed, confidence = self.instants(block)
        world = self._performer.landmarks(times)
        points = self.camera.project(world, HIPS)
        hidden = self._hidden(world, points)
        shape = points.shape
        jitter = self._jitter.block(block).reshape(shape)
        guess = self._guess.block(block).reshape(shape) * np.array(rules.hidden_m)
        lost = hidden[..., None]

        seen = mixed(
            world - world[:, list(HIPS)].mean(axis=1, keepdims=True), self.camera.rotation.T
        )
        metres = mixed(seen * self._scale_m, self._turn.T)
        metres[..., 2] *= self._depth_m
        metres += self._bias_m + self._wander.block(block).reshape(shape) * np.array(rules.wander_m)
        metres += self._jitter_m.block(block).reshape(shape) * np.array(
            [rules.jitter_m, rules.jitter_m, rules.depth_jitter_m]
        )
        metres += lost * guess
        metres -= metres[:, list(HIPS)].mean(axis=1, keepdims=True)

        away = mixed(world - np.array(self.camera.position), self.camera.rotation.T)[..., 2, None]
        width, height = self.camera.image_size
        metre = self.camera.focal / away * np.array([1.0, width / height])
        points[..., :2] += self._bias + jitter[..., :2] * rules.usual.jitter_px * self._scale
        points[..., :2] += lost * guess[..., :2] * metre
        points[..., 2] = self.camera.focal * metres[..., 2] / away.mean(axis=1)

        visibility = _VISIBLE + (_HIDDEN - _VISIBLE) * hidden
        visibility += _SHAKE * self._shake.block(block) * (0.3 + hidden)
        self._swap(block, points, metres, visibility)
        visibility = np.clip(visibility, 0.0, 0.9999)
        found = self._seen(block) & (visibility.mean(axis=1) > 0.25)
        return Frames(
            first,
            times,
            points.astype(np.float32),
            found,
            confidence * visibility.mean(axis=1),
            processed,
            metres.astype(np.float32),
            visibility.astype(np.float32),
        )

    def delivered(self, block: int) -> NDArray[np.bool_]:
        """Which frames of a block the camera did not drop."""
        draw = generator(self._key[0], self._key[1] + _EVENTS, block + 1, 2)
        return np.asarray(draw.random(self.frames_per_block) >= self._rules.lost_frames)

    def _swap(self, block: int, *arrays: NDArray[np.float64]) -> None:
        """Take left for right now and then, in place."""
        draw = generator(self._key[0], self._key[1] + _EVENTS, block + 1, 1)
        count = self.frames_per_block
        chance = self._rules.swaps_per_s / self.camera.fps
        for left, right in _SWAPPED:
            starts = np.flatnonzero(draw.random(count) < chance)
            for start in starts:
                part = slice(start, start + int(draw.integers(*self._rules.swap_frames)))
                for array in arrays:
                    kept = array[part][:, left].copy()
                    array[part][:, left] = array[part][:, right]
                    array[part][:, right] = kept

    def _hidden(self, world: Array, points: Array) -> Array:
        """How well each point is hidden, 0 to 1: by the body itself or beyond the picture."""
        eye = np.array(self.camera.position)
        hidden = np.zeros(world.shape[:2])
        for ends, radius, exempt in _BLOCKERS:
            begin, end = (world[:, list(group)].mean(axis=1) for group in ends)
            each = _covered(eye, world, begin, end, radius)
            each[:, list(exempt)] = 0.0
            hidden = np.maximum(hidden, each)
        edge = np.minimum(points[..., :2], 1.0 - points[..., :2]).min(axis=-1)
        return np.maximum(hidden, np.clip((_MARGIN - edge) / (2 * _MARGIN), 0.0, 1.0))


def _covered(eye: Array, points: Array, begin: Array, end: Array, radius: float) -> Array:
    """How well a rod of this radius hides each point (n, points, 3) from the eye, 0 to 1."""
    sight = points - eye
    length = np.linalg.norm(sight, axis=-1, keepdims=True)
    sight /= length
    along = (end - begin)[:, None]
    off = (begin - eye)[:, None]
    # Nearest points of two lines: of the line of sight, and of the rod within its ends.
    a = np.einsum("npi,npi->np", sight, np.broadcast_to(along, sight.shape))
    b = np.einsum("npi,npi->np", along, along)
    c = np.einsum("npi,npi->np", sight, np.broadcast_to(off, sight.shape))
    d = np.einsum("npi,npi->np", along, off)
    place = np.clip((a * c - d) / np.maximum(b - a * a, 1e-9), 0.0, 1.0)
    nearest = off + place[..., None] * along
    depth = np.einsum("npi,npi->np", sight, nearest)
    apart = np.linalg.norm(nearest - depth[..., None] * sight, axis=-1)
    before = np.clip((length[..., 0] - depth - _DEEPER_M) / _EDGE_M, 0.0, 1.0)
    return np.asarray(before * np.clip((radius - apart) / _EDGE_M + 0.5, 0.0, 1.0))


def _named(*names: str) -> tuple[int, ...]:
    return tuple(_PLACE[name] for name in names)


_HEAD_POINTS = tuple(range(11))
_SHOULDERS, _HIPS = _named("left_shoulder", "right_shoulder"), HIPS
_BLOCKERS: tuple[tuple[tuple[tuple[int, ...], tuple[int, ...]], float, tuple[int, ...]], ...] = (
    ((_SHOULDERS, _HIPS), _TRUNK_M, (*_SHOULDERS, *_HIPS, *_HEAD_POINTS)),
    ((_named("left_ear", "right_ear"), _named("nose")), _HEAD_M, (*_HEAD_POINTS, *_SHOULDERS)),
    *(
        (
            (_named(f"{side}_{upper}"), _named(f"{side}_{lower}")),
            radius,
            (*_HIPS, *_side(side, "knee", "ankle", "heel", "foot_index")),
        )
        for side in ("left", "right")
        for upper, lower, radius in (("hip", "knee", _THIGH_M), ("knee", "ankle", _SHANK_M))
    ),
)
"""Rods between the middles of groups of points, their radius, and the points on them."""
