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

"""Noise that is the same however it is asked for: each block of it follows from a seed alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal


def generator(seed: int, *stream: int) -> np.random.Generator:
    """Make a random generator of its own for each stream (and block) of one seed."""
    return np.random.Generator(np.random.SFC64([seed, *stream]))


class BlockNoise:
    """White noise through a short filter, block by block, without seams; standard deviation 1."""

    def __init__(
        self, seed: int, stream: int, channels: int, block: int, kernel: ArrayLike
    ) -> None:
        """Blocks of `block` samples; the kernel must not be longer than one."""
        taps = np.asarray(kernel, dtype=np.float64)
        if not 1 <= len(taps) <= block:
            raise ValueError(f"the kernel has {len(taps)} taps and a block only {block} samples")
        self._key = (seed, stream)
        self._shape = (block, channels)
        self._size = 1 << (block + len(taps) - 1).bit_length()
        self._taps = len(taps)
        self._response = np.fft.rfft(taps / np.linalg.norm(taps), self._size)[:, None]
        self._newest: tuple[int, NDArray[np.float64]] | None = None

    def block(self, index: int) -> NDArray[np.float64]:
        """Block number `index`, counted from 0: (block, channels)."""
        before = self._white(index - 1)
        here = self._white(index)
        self._newest = (index, here)
        ahead = self._taps - 1
        white = np.concatenate([before[len(before) - ahead :], here])
        spectrum = np.fft.rfft(white, self._size, axis=0) * self._response
        return np.fft.irfft(spectrum, self._size, axis=0)[ahead : ahead + len(here)]

    def _white(self, index: int) -> NDArray[np.float64]:
        """Unfiltered noise of one block; the newest is remembered."""
        if self._newest and self._newest[0] == index:
            return self._newest[1]
        return generator(*self._key, index + 1).standard_normal(self._shape)


def decaying(correlation: float, taps: int) -> NDArray[np.float64]:
    """Make a kernel after which neighbouring samples are correlated by about this much."""
    return correlation ** np.arange(taps)


def band_pass(low_hz: float, high_hz: float, rate_hz: float, taps: int) -> NDArray[np.float64]:
    """Make a windowed band-pass kernel."""
    ideal = signal.firwin(
        taps, [low_hz, high_hz], window="boxcar", pass_zero=False, scale=False, fs=rate_hz
    )
    # Not firwin's own window: its last bits differ, and what a seed gives must stay the same.
    return np.asarray(ideal * np.hamming(taps))
