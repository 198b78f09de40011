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

"""A tracker's view of what a simulated camera sees, errors included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.samples import HAND
from kpm_ros.simulate.cameras import SimulatedCamera
from kpm_ros.simulate.hand import HAND_SKELETON, WRIST
from kpm_ros.simulate.hiding import hidden_share
from kpm_ros.simulate.noise import BlockNoise, decaying, generator

if TYPE_CHECKING:
    from kpm_ros.simulate.knock import Knock


class Visible(Protocol):
    """Whatever cameras watch."""

    def landmarks(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Landmarks in the cameras' frame at increasing times from 0 on: (n, points, 3)."""


@dataclass(frozen=True, slots=True)
class TrackerErrors:
    """How a tracker is off."""

    jitter_px: float = 1.0
    """Standard deviation of a landmark, in pixels of a 1280 wide image."""
    jitter_correlation: float = 0.6
    """Between one frame's jitter and the next one's."""
    bias_px: float = 2.0
    """Standard deviation of each landmark's constant error."""
    depth_noise: float = 0.004
    depth_scale: float = 0.05
    """Standard deviation of the constant error of all depths' scale."""
    drop_fraction: float = 0.0
    """Fraction of frames in which nobody is found."""
    drop_frames: int = 6
    """Length of the longest run of such frames; runs are 1 up to this long."""
    stamp_jitter_s: float = 0.001
    """Exposures are at most this much off their regular instant."""
    delay_s: tuple[float, float] = (0.007, 0.012)
    """Shortest and longest time from exposure to landmarks."""
    hidden_px: float = 0.0
    """Standard deviation of a joint that the hand itself hides from the camera, and whose place the
    tracker guesses, in pixels of a 1280 wide image."""
    hidden_correlation: float = 0.95
    """Between a guess and the next frame's."""


class Frames(NamedTuple):
    """A block of one view's frames; times are seconds since the performance began."""

    first_index: int
    times_s: NDArray[np.float64]
    points: NDArray[np.float32]
    """(frames, points, 3)"""
    seen: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    processed_s: NDArray[np.float64]
    metres: NDArray[np.float32] | None = None
    """(frames, points, 3), of trackers that tell them."""
    visibility: NDArray[np.float32] | None = None


SECOND = 8
"""Of a view's sixteen random streams, the first that is the second hand's."""


class Instants(NamedTuple):
    """When a block's frames are exposed and handed on, and how sure the tracker is."""

    first_index: int
    times_s: NDArray[np.float64]
    processed_s: NDArray[np.float64]
    confidence: NDArray[np.float64]


class TrackedView:
    """One camera with a hand tracker behind it."""

    skeleton = HAND
    side = "right"
    points = len(HAND_SKELETON)

    def __init__(
        self,
        camera: SimulatedCamera,
        performer: Visible,
        seed: int,
        stream: int,
        *,
        errors: TrackerErrors | None = None,
        frames_per_block: int = 30,
        side: str = "",
        second: bool = False,
    ) -> None:
        """Make a view of its own for each `stream` of a seed.

        The `second` hand that the same tracker finds has the frames of the first, and errors of its
        own.
        """
        self.side = side or self.side
        self.camera = camera
        self.knock: Knock | None = None
        """What moves the camera, from the first block of frames after it on."""
        self.frames_per_block = frames_per_block
        self._performer = performer
        self._errors = errors or TrackerErrors()
        if not 0.0 <= self._errors.drop_fraction < 1.0:
            raise ValueError(f"drop_fraction must be in 0..1, not {self._errors.drop_fraction}")
        self._key = (seed, stream)
        draw = generator(seed, stream, 0)
        self._phase_s = float(draw.uniform(0.002, 1 / camera.fps))
        width, height = camera.image_size
        pixel = 1 / 1280
        self._scale = np.array([pixel, pixel * width / height])
        if second:
            stream += SECOND
            draw = generator(seed, stream, 0)
        self._seen_key = (seed, stream)
        self._bias = draw.normal(0, self._errors.bias_px, (self.points, 2)) * self._scale
        self._depth_scale = 1 + float(draw.normal(0, self._errors.depth_scale))
        kernel = decaying(self._errors.jitter_correlation, min(12, frames_per_block))
        self._jitter = BlockNoise(seed, stream + 1, self.points * 3, frames_per_block, kernel)
        wander = decaying(self._errors.hidden_correlation, frames_per_block)
        self._guesses = BlockNoise(seed, stream + 2, self.points * 2, frames_per_block, wander)

    def block_start_s(self, block: int) -> float:
        """No frame of this block or a later one is exposed before."""
        nominal = self._phase_s + block * self.frames_per_block / self.camera.fps
        return nominal - self._errors.stamp_jitter_s

    def block(self, block: int) -> Frames:
        """Render the frames of one block, counted from 0."""
        first, times, processed, confidence = self.instants(block)
        landmarks = self._performer.landmarks(times)
        camera = self.camera
        if self.knock is not None and times[0] >= self.knock.at_s:
            camera = self.knock.moved(camera)
        points = camera.project(landmarks)
        noise = self._jitter.block(block).reshape(points.shape)
        points[..., :2] += self._bias + noise[..., :2] * self._errors.jitter_px * self._scale
        if self._errors.hidden_px:
            hidden = hidden_share(landmarks, camera.camera)[..., None]
            guesses = self._guesses.block(block).reshape(points[..., :2].shape)
            points[..., :2] += hidden * guesses * self._errors.hidden_px * self._scale
        points[..., 2] *= self._depth_scale
        points[..., 2] += noise[..., 2] * self._errors.depth_noise
        points[:, WRIST, 2] = 0.0
        # Nobody finds a hand that is not there.
        seen = self._seen(block) & np.isfinite(points).all(axis=(1, 2))
        return Frames(first, times, points.astype(np.float32), seen, confidence, processed)

    def instants(self, block: int) -> Instants:
        """When the frames of one block are."""
        count = self.frames_per_block
        first = block * count
        draw = generator(*self._key, block + 1)
        nominal = self._phase_s + np.arange(first, first + count) / self.camera.fps
        times = nominal + draw.uniform(-1, 1, count) * self._errors.stamp_jitter_s
        processed = times + draw.uniform(*self._errors.delay_s, count)
        return Instants(first, times, processed, draw.uniform(0.92, 0.995, count))

    def delivered(self, block: int) -> NDArray[np.bool_]:
        """Which frames of a block come at all."""
        del block
        return np.ones(self.frames_per_block, np.bool_)

    def _seen(self, block: int) -> NDArray[np.bool_]:
        """In which frames a hand is found; runs without one may come from the block before."""
        count, longest = self.frames_per_block, self._errors.drop_frames
        seen = np.ones(2 * count, dtype=np.bool_)
        if self._errors.drop_fraction <= 0:
            return seen[:count]
        chance = self._errors.drop_fraction / ((1 + longest) / 2)
        for part, index in enumerate((block - 1, block)):
            draw = generator(*self._seen_key, index + 1, 1)
            starts = np.flatnonzero(draw.random(count) < chance) + part * count
            lengths = draw.integers(1, longest + 1, count)
            for start in starts:
                seen[start : start + lengths[start - part * count]] = False
        return seen[count:]
