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

"""What tells gestures apart in a window of a signal: the field's usual feature sets.

Every set is a function of windows alone, (windows, samples, channels) to (windows, features), so
that a window that has just been filled gives the numbers which it gives among a whole recording's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float64]

TINY = 1e-12
"""Of a signal's power: below it nothing is measured, and a logarithm stays finite."""
POWER = 0.1
"""To which TD-PSD's moments are raised, over which they are divided."""
SHRINKAGE = 0.05
"""Part of a covariance that is replaced by its mean variance: a window has few samples."""
BANDS = 6
"""Bands of equal width, up to half the rate, that `bands` measures."""


def hudgins(windows: Array) -> Array:
    """Mean absolute value, waveform length, zero crossings and slope sign changes.

    Hudgins, Parker and Scott 1993, without a threshold of noise.
    """
    steps = np.diff(windows, axis=1)
    return _joined(
        np.abs(windows).mean(axis=1),
        np.abs(steps).sum(axis=1),
        _sign_changes(windows),
        _sign_changes(steps),
    )


def td_psd(windows: Array) -> Array:
    """Moments of the power spectrum, found in time: six numbers a channel.

    Al-Timemy, Khushaba, Bugmann and Escudero 2016: what the signal's moments and those of the
    logarithm of its square have in common, which changes less with force than either.
    """
    plain = _moments(windows)
    logarithmic = _moments(np.log(np.square(windows) + np.finfo(float).eps))
    alike = -2 * plain * logarithmic / (np.square(plain) + np.square(logarithmic) + TINY)
    return alike.reshape(len(windows), -1)


def ls4(windows: Array) -> Array:
    """L-scale, maximum fractal length, mean squared root and Willison amplitude.

    Phinyomark, Khushaba and Scheme 2018, for amplifiers of low rates. The Willison amplitude's
    threshold is the standard deviation of the window's own steps, so that units do not matter.
    """
    count = windows.shape[1]
    ranked = np.sort(windows, axis=1)
    weights = (2 * np.arange(count) / (count - 1) - 1) / count
    steps = np.diff(windows, axis=1)
    energy = np.square(steps).sum(axis=1)
    threshold = np.sqrt(energy / (count - 1))[:, None]
    return _joined(
        np.einsum("ntc,t->nc", ranked, weights),
        0.5 * np.log10(energy + TINY),
        np.sqrt(np.abs(windows)).mean(axis=1),
        (np.abs(steps) > threshold).sum(axis=1),
    )


def log_variance(windows: Array) -> Array:
    """Logarithm of each channel's variance."""
    return np.log(windows.var(axis=1) + TINY)


def covariance(windows: Array) -> Array:
    """Covariance of the channels, as its matrix logarithm: (channels + 1) x channels / 2 numbers.

    Differences of these are log-Euclidean distances (Arsigny 2006): the tangent space at the
    identity. What is off the diagonal counts by the root of two, as it is there twice.
    """
    return tangent(covariances(windows))


def bands(windows: Array) -> Array:
    """Logarithm of the power in bands of equal width, under a Hann window."""
    count = windows.shape[1]
    taper = np.hanning(count + 1)[:-1, None]
    power = np.square(np.abs(np.fft.rfft(windows * taper, axis=1)))[:, 1:]
    edges = np.linspace(0, power.shape[1], BANDS + 1).round().astype(int)[:-1]
    summed = np.add.reduceat(power, edges, axis=1) / count
    return np.log(summed + TINY).reshape(len(windows), -1)


def mean(windows: Array) -> Array:
    """Mean of each channel: what effort and landmarks are described by."""
    return windows.mean(axis=1)


def change(windows: Array) -> Array:
    """Mean of the window's second half less that of its first."""
    half = windows.shape[1] // 2
    return windows[:, -half:].mean(axis=1) - windows[:, :half].mean(axis=1)


class FeatureSet(NamedTuple):
    """One set, and how long its rows are."""

    measure: Callable[[Array], Array]
    size: Callable[[int], int]
    """Numbers a window, by the number of channels."""
    least: int
    """Samples that a window must have."""


def _per_channel(count: int) -> Callable[[int], int]:
    return lambda channels: count * channels


FEATURES: Mapping[str, FeatureSet] = {
    "hudgins": FeatureSet(hudgins, _per_channel(4), 3),
    "td_psd": FeatureSet(td_psd, _per_channel(6), 4),
    "ls4": FeatureSet(ls4, _per_channel(4), 3),
    "log_variance": FeatureSet(log_variance, _per_channel(1), 2),
    "covariance": FeatureSet(covariance, lambda channels: channels * (channels + 1) // 2, 3),
    "bands": FeatureSet(bands, _per_channel(BANDS), 2 * BANDS),
    "mean": FeatureSet(mean, _per_channel(1), 1),
    "change": FeatureSet(change, _per_channel(1), 2),
}


def measure(windows: Array, names: Sequence[str]) -> Array:
    """Several sets one after another, (windows, features)."""
    return np.concatenate([FEATURES[name].measure(windows) for name in names], axis=1)


def feature_count(names: Sequence[str], channels: int) -> int:
    """Length of a row of `measure`."""
    return sum(FEATURES[name].size(channels) for name in names)


def windows_of(samples: Array, length: int, step: int) -> Array:
    """Cut samples (samples, channels) into windows (windows, length, channels), without copies."""
    if len(samples) < length:
        return np.empty((0, length, samples.shape[1]))
    views = sliding_window_view(samples, length, axis=0)[::step]
    return views.transpose(0, 2, 1)


def covariances(windows: Array) -> Array:
    """Covariance of each window's channels about their means, a little shrunk: never singular."""
    centred = windows - windows.mean(axis=1, keepdims=True)
    found = np.einsum("nti,ntj->nij", centred, centred) / windows.shape[1]
    level = np.trace(found, axis1=1, axis2=2)[:, None, None] / windows.shape[2]
    return (1 - SHRINKAGE) * found + (SHRINKAGE * level + TINY) * np.eye(windows.shape[2])


def tangent(matrices: Array) -> Array:
    """Matrix logarithms of symmetric positive matrices, as rows of their upper triangles."""
    values, vectors = np.linalg.eigh(matrices)
    logs = np.einsum("nik,nk,njk->nij", vectors, np.log(np.maximum(values, TINY)), vectors)
    rows, columns = np.triu_indices(matrices.shape[1])
    return logs[:, rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2.0))


def _joined(*parts: Array) -> Array:
    return np.concatenate(parts, axis=1)


def _sign_changes(signal: Array) -> Array:
    return (signal[:, 1:] * signal[:, :-1] < 0).sum(axis=1).astype(float)


def _moments(signal: Array) -> Array:
    """Logarithms of what three moments of the spectrum tell: (windows, 6, channels)."""
    first = np.diff(signal, axis=1)
    second = np.diff(first, axis=1)
    steps = signal.shape[1] - 1
    m0, m2, m4 = (
        np.maximum(power, TINY) ** POWER / POWER
        for power in (
            np.sqrt(np.square(signal).sum(axis=1)),
            np.sqrt(np.square(first).sum(axis=1) / steps),
            np.sqrt(np.square(second).sum(axis=1) / steps),
        )
    )
    sparseness = m0 / np.sqrt(np.abs((m0 - m2) * (m0 - m4)) + TINY)
    irregularity = m2 / np.sqrt(m0 * m4)
    lengths = np.abs(first).sum(axis=1) / (np.abs(second).sum(axis=1) + TINY)
    told = np.stack([m0, m0 - m2, m0 - m4, sparseness, irregularity, lengths], axis=1)
    return np.log(np.abs(told) + TINY)
