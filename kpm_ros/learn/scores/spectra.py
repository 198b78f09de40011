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

"""How much of a signal moves how fast: power by thirds of an octave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SEGMENT_S = 4.0
"""Length over which a spectrum is taken; what is shorter between gaps has none."""
CENTRES_HZ = tuple(round(0.5 * 2 ** (k / 3), 4) for k in range(22))
"""Middles of the bands, from 0.5 to 64 Hz: envelopes move no faster."""


def band_power(
    signal: NDArray[np.floating], rate_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give each muscle's power density in each band (bands, muscles), and the seconds it is of.

    Stretches with a sample that is no number are left out. Bands beyond half the rate are not
    numbers.

    >>> wave = np.sin(2 * np.pi * 4 * np.arange(1000) / 100)[:, None]
    >>> power, _ = band_power(wave, 100)
    >>> CENTRES_HZ[int(np.nanargmax(power[:, 0]))]
    4.0
    """
    from scipy.signal import welch

    length = round(SEGMENT_S * rate_hz)
    edges = np.array([CENTRES_HZ[0] * 2 ** ((k - 0.5) / 3) for k in range(len(CENTRES_HZ) + 1)])
    total = np.zeros((len(CENTRES_HZ), signal.shape[1]))
    seconds = np.zeros(signal.shape[1])
    for muscle, column in enumerate(signal.T):
        for start, stop in known_runs(column, length):
            values = column[start:stop].astype(np.float64)
            frequencies, power = welch(values, rate_hz, nperseg=length, detrend="linear")
            band = np.searchsorted(edges, frequencies, side="right") - 1
            inside = (band >= 0) & (band < len(CENTRES_HZ))
            sums = np.bincount(band[inside], power[inside], len(CENTRES_HZ))
            counts = np.bincount(band[inside], minlength=len(CENTRES_HZ))
            taken_s = (stop - start) / rate_hz
            total[:, muscle] += taken_s * sums / np.maximum(counts, 1)
            seconds[muscle] += taken_s
    beyond = edges[1:] > rate_hz / 2
    power = np.where(seconds > 0, total / np.maximum(seconds, 1e-9), np.nan)
    return np.where(beyond[:, None], np.nan, power), seconds


def known_runs(signal: NDArray[np.floating], least: int) -> list[tuple[int, int]]:
    """Stretches of at least so many samples, all of them numbers, as (start, stop)."""
    edges = np.flatnonzero(np.diff(np.isfinite(signal).astype(np.int8), prepend=0, append=0))
    runs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [(start, stop) for start, stop in runs if stop - start >= least]
