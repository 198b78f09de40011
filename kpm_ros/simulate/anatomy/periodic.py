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

"""Signals that repeat endlessly: smoothing, derivatives and delays by their Fourier series."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Array = NDArray[np.float64]

_ORDER = 8


class SmoothMotion(NamedTuple):
    """A smoothed signal and its first two derivatives in time."""

    value: Array
    velocity: Array
    acceleration: Array


def smooth_motion(signal: Array, rate_hz: float, cutoff_hz: float, count: int) -> SmoothMotion:
    """Take frequencies above the cut-off out of (n, columns), and give `count` samples a period."""
    spectrum = fft.rfft(signal, axis=0)
    frequency = fft.rfftfreq(len(signal), 1.0 / rate_hz)[:, None]
    spectrum /= 1.0 + (frequency / cutoff_hz) ** _ORDER
    turn = 2j * np.pi * frequency
    scale = count / len(signal)
    return SmoothMotion(
        *(
            scale * fft.irfft(spectrum * factor, n=count, axis=0)
            for factor in (np.ones_like(turn), turn, turn * turn)
        )
    )


def resampled(signal: Array, count: int) -> Array:
    """Sample (n, columns) anew, `count` times a period, on the straight lines between samples."""
    if count == len(signal):
        return signal
    place = np.arange(count) * (len(signal) / count)
    left = place.astype(np.int64)
    part = (place - left)[:, None]
    left %= len(signal)
    return np.asarray(signal[left] * (1.0 - part) + signal[(left + 1) % len(signal)] * part)


def lag_and_lead(signal: Array, rate_hz: float, lag_s: float, lead_s: float) -> Array:
    """Follow (n, columns) through two equal first-order stages, then move all of it ahead in time.

    `lead_s` is by how much the result is ahead of the signal, its own lag not counted.
    """
    turn = 2j * np.pi * fft.rfftfreq(len(signal), 1.0 / rate_hz)[:, None]
    response = np.exp(turn * (lead_s + 2.0 * lag_s)) / (1.0 + turn * lag_s) ** 2
    return np.asarray(fft.irfft(fft.rfft(signal, axis=0) * response, n=len(signal), axis=0))
