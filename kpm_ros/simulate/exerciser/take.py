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

"""One recorded take of a simulated exerciser: what camera, tracker and sensors give, and the truth.

Everything here is SIMULATED.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.cameras import SimulatedCamera
from kpm_ros.simulate.exerciser.body_camera import FPS
from kpm_ros.simulate.exerciser.body_view import TrackedBody
from kpm_ros.simulate.exerciser.exercise_performance import Performance, perform
from kpm_ros.simulate.exerciser.exercising_person import SURFACE_MUSCLES, ExercisingPerson
from kpm_ros.simulate.exerciser.exertion import Exertion, exert
from kpm_ros.simulate.exerciser.figure import Figure
from kpm_ros.simulate.noise import generator

Array = NDArray[np.float64]
Frames = NDArray[np.float32]

CUTOFF_HZ = 15.0
"""A simulated movement has no noise to be smoothed away."""
BEYOND_S = 0.5
"""Simulated after the end, so that the last frames have something on both sides."""
_BODY_VIEW = 0x1000
_SENSOR = 0x5E5
COUNTS_PER_UV = 0.75
"""Of a sensor that shows the energy of EMG, at full activation."""
FLOOR_COUNTS = 1.5
BLUR = 0.07
"""How far an envelope over a tenth of a second is off, relative to itself: EMG is noise."""


class Motion:
    """A performance as continuous signals: what cameras and electrodes ask for."""

    muscles = SURFACE_MUSCLES

    def __init__(self, person: ExercisingPerson, figure: Figure, performance: Performance) -> None:
        """Work out what the movement takes."""
        self.person = person
        self.performance = performance
        self.rate_hz = performance.rate_hz
        self._points = figure.points(performance.q)
        self.exertion = exertion_of(figure, performance)
        self._activation = self.exertion.surface

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self._points) / self.rate_hz

    def landmarks(self, times_s: Array) -> Array:
        """Points of the body in the world: (n, points, 3), metres."""
        return sampled(self._points, times_s * self.rate_hz)

    def activation(self, times_s: Array) -> Array:
        """What electrodes would see of each muscle in `muscles`: (n, muscles), 0 to 1."""
        return sampled(self._activation, times_s * self.exertion.rate_hz)


def exertion_of(figure: Figure, performance: Performance) -> Exertion:
    """Work out what a performance takes."""
    return exert(
        figure,
        performance.q,
        performance.rate_hz,
        performance.contacts.astype(np.float64),
        CUTOFF_HZ,
    )


class Take(NamedTuple):
    """What was recorded of one take."""

    stamps_s: Array
    points: Frames
    """(frames, points, 3): fractions of the picture; not a number where nobody was found."""
    metres: Frames
    """(frames, points, 3): from the root, along the camera's axes."""
    visibility: Frames
    """(frames, points)"""
    activation: Frames
    """(samples, surface muscles) at `rate_hz`: the truth."""
    counts: Frames
    """(samples, surface muscles) at `rate_hz`: what the sensors show."""
    posture: Frames
    """(samples, coordinates) at `rate_hz`."""
    rate_hz: float


def record(
    exercise: str,
    person: ExercisingPerson,
    camera: SimulatedCamera,
    seed: int,
    seconds: float,
    figure: Figure | None = None,
) -> Take:
    """Have a person do an exercise before a camera."""
    body = figure or Figure(person)
    performance = perform(exercise, person, seed, seconds + BEYOND_S, body)
    motion = Motion(person, body, performance)
    view = TrackedBody(camera, motion, seed, _BODY_VIEW)
    kept = [_frames(view, block) for block in range(int(np.ceil(seconds * FPS / 30)) + 1)]
    stamps, points, metres, visibility = (np.concatenate(part) for part in zip(*kept, strict=True))
    inside = (stamps >= 0.0) & (stamps < seconds)
    count = round(seconds * motion.rate_hz)
    activation = motion.activation(np.arange(count) / motion.rate_hz)
    return Take(
        stamps[inside],
        points[inside].astype(np.float32),
        metres[inside].astype(np.float32),
        visibility[inside].astype(np.float32),
        activation.astype(np.float32),
        sensor_counts(person, activation, motion.rate_hz, seed).astype(np.float32),
        performance.q[:count].astype(np.float32),
        motion.rate_hz,
    )


def sensor_counts(person: ExercisingPerson, activation: Array, rate_hz: float, seed: int) -> Array:
    """What sensors show that add up the energy of EMG over a tenth of a second: whole counts."""
    draw = generator(seed, _SENSOR)
    span = max(1, round(0.1 * rate_hz))
    noise = draw.standard_normal((len(activation) + span, activation.shape[1]))
    sums = np.cumsum(noise, axis=0)
    blurred = (sums[span:] - sums[:-span]) / np.sqrt(span)
    gain = np.asarray(person.emg_gain_uv) * COUNTS_PER_UV
    shown = gain * activation * (1.0 + BLUR * blurred) + FLOOR_COUNTS * np.abs(blurred)
    return np.asarray(np.rint(np.maximum(shown, 0.0)))


def _frames(view: TrackedBody, block: int) -> tuple[Array, Frames, Frames, Frames]:
    frames = view.block(block)
    assert frames.metres is not None
    assert frames.visibility is not None
    came = view.delivered(block)
    lost = ~frames.seen[:, None, None]
    points, metres = (np.where(lost, np.nan, one) for one in (frames.points, frames.metres))
    visibility = np.where(lost[..., 0], 0.0, frames.visibility)
    return frames.times_s[came], points[came], metres[came], visibility[came]


def sampled(samples: Array, place: Array, *, endless: bool = False) -> Array:
    """Straight lines between samples; beyond the ends they stand still, or begin anew."""
    if not endless:
        place = np.clip(place, 0.0, len(samples) - 1)
    left = np.minimum(place.astype(np.int64), len(samples) - 1)
    part = (place - left).reshape(-1, *(1,) * (samples.ndim - 1))
    after = (left + 1) % len(samples)
    return np.asarray(samples[left] + (samples[after] - samples[left]) * part)
