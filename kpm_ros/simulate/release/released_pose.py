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

"""Hand landmarks as a lab would publish them: tracked with errors, cleaned up, at even times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.tracking.cleanup import clean_recording
from kpm_ros.simulate.cameras import SimulatedCamera
from kpm_ros.simulate.hand import FINGER_POINTS, FINGERS
from kpm_ros.simulate.noise import decaying, generator
from kpm_ros.simulate.pianist import Performer
from kpm_ros.simulate.release.release_layout import FRAME_RATE_HZ
from kpm_ros.simulate.tracked_view import TrackedView, TrackerErrors

TRACKER = TrackerErrors(drop_fraction=0.02, drop_frames=20)
"""The live tracker's errors, with frames in which no hand is found, in runs."""
_OCCLUDED = 0xCC
_WARM_UP_FRAMES = 30


@dataclass(frozen=True)
class Occlusions:
    """Times at which a finger hides behind others and its joints are guessed."""

    per_s: float = 0.15
    """How often that begins, for each finger."""
    frames: tuple[int, int] = (5, 40)
    error_px: float = 8.0
    """Standard deviation of a guessed joint, in pixels of a 1280 wide image."""
    correlation: float = 0.95
    """Between a guess and the next frame's."""


OCCLUSIONS = Occlusions()


def pose_frames(
    camera: SimulatedCamera, performer: Performer, seed: int, view: int, seconds: int
) -> NDArray[np.float32]:
    """One view's landmarks at 60 frames per second: (frames, points, 2), fractions of the image."""
    tracked = TrackedView(camera, performer, seed, 0x1000 + 16 * view, errors=TRACKER)
    times, points = _frames(tracked, seconds)
    _guess_hidden(points, camera, generator(seed, _OCCLUDED, view))
    cleaned = clean_recording(points)
    return _at_even_times(times, cleaned, seconds * FRAME_RATE_HZ)


def _frames(view: TrackedView, seconds: int) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """All frames up to just beyond the end; NaN where no hand was found."""
    times, points = [], []
    block = 0
    while block == 0 or view.block_start_s(block - 1) <= seconds:
        frames = view.block(block)
        seen = frames.seen[:, None, None]
        times.append(frames.times_s)
        points.append(np.where(seen, frames.points[..., :2], np.float32(np.nan)))
        block += 1
    return np.concatenate(times), np.concatenate(points)


def _guess_hidden(
    points: NDArray[np.float32], camera: SimulatedCamera, draw: np.random.Generator
) -> None:
    """Move the joints of hidden fingers by errors that wander from frame to frame, in place."""
    count = len(points)
    rules = OCCLUSIONS
    pixel = np.array([1.0, camera.image_size[0] / camera.image_size[1]]) / 1280
    kernel = decaying(rules.correlation, 4 * _WARM_UP_FRAMES)
    kernel /= np.linalg.norm(kernel)
    for finger in range(FINGERS):
        joints = FINGER_POINTS[finger][1:]
        hidden = np.zeros(count)
        starts = np.flatnonzero(draw.random(count) < rules.per_s / FRAME_RATE_HZ)
        lengths = draw.integers(rules.frames[0], rules.frames[1] + 1, len(starts))
        white = draw.standard_normal((count + len(kernel) - 1, 3 * 2))
        for start, length in zip(starts, lengths, strict=True):
            hidden[start : start + length] = 1.0
        if len(starts):
            wander = np.stack(
                [np.convolve(column, kernel, mode="valid") for column in white.T], axis=1
            )
            error = hidden[:, None, None] * wander.reshape(count, 3, 2) * pixel * rules.error_px
            points[:, joints] += error.astype(np.float32)


def _at_even_times(
    times: NDArray[np.float64], points: NDArray[np.float32], count: int
) -> NDArray[np.float32]:
    """Straight lines through what was seen, read at even times; the ends stay as they are."""
    flat = points.reshape(len(points), -1)
    seen = np.isfinite(flat).all(axis=1)
    if not seen.any():
        raise ValueError("the simulated tracker lost every frame of a view")
    even = np.arange(count) / FRAME_RATE_HZ
    columns = [np.interp(even, times[seen], column) for column in flat[seen].T]
    return np.stack(columns, axis=1).reshape(count, *points.shape[1:]).astype(np.float32)
