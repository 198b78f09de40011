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

"""Cleaning up landmarks: outliers removed, short gaps bridged, short runs dropped, noise smoothed.

The steps and their sizes are those of PianoMotion10M's pose clean-up (Gan et al., ICLR 2025): a
Hampel filter over 20 frames, gaps under 30 frames filled by straight lines, runs under 15 frames
dropped, a Savitzky-Golay filter of order 3 over 11 frames. `clean_recording` looks both ways and is
for recordings: it delays nothing, for it knows the future. `LiveCleaner` knows the past alone; what
it delays is said there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import NDArray

GAUSSIAN = 1.4826
"""Standard deviation of normal noise, in median absolute deviations."""
CHUNK = 2048
"""Frames that are filtered at once: medians over windows take much memory."""


@dataclass(frozen=True)
class CleanUpRules:
    """What counts as noise. Lengths are in frames."""

    hampel_window: int = 20
    hampel_sigmas: float = 3.0
    noise_floor: float = 0.005
    """Deviations up to this are never outliers: what rests scatters by nearly nothing."""
    longest_gap: int = 29
    shortest_run: int = 15
    smooth_window: int = 11
    smooth_order: int = 3

    def __post_init__(self) -> None:
        """Refuse what no filter can have."""
        if self.smooth_window % 2 == 0 or self.smooth_window <= self.smooth_order:
            raise ValueError(
                f"smooth_window is {self.smooth_window}, but must be odd and more than "
                f"smooth_order ({self.smooth_order})"
            )
        if self.hampel_window < 4:
            raise ValueError(f"hampel_window is {self.hampel_window}, but must be at least 4")


def clean_recording(
    points: NDArray[np.floating], rules: CleanUpRules | None = None
) -> NDArray[np.float32]:
    """Clean landmarks (frames, ...) of one hand or body; NaN where it was not seen."""
    rules = rules or CleanUpRules()
    table = np.asarray(points, np.float64).reshape(len(points), points[:1].size or 1).copy()
    if len(table):
        table[~np.isfinite(table).all(axis=1)] = np.nan
        _replace(table, _outliers(table, rules))
        _bridge(table, rules.longest_gap)
        for start, end in _runs(np.isfinite(table).all(axis=1)):
            if end - start < rules.shortest_run:
                table[start:end] = np.nan
            else:
                table[start:end] = smooth(table[start:end], rules)
    return table.reshape(points.shape).astype(np.float32)


def _outliers(table: NDArray[np.float64], rules: CleanUpRules) -> NDArray[np.bool_]:
    """Mark what is far from the median of its neighbours, as Hampel's filter does."""
    half = rules.hampel_window // 2
    padded = np.pad(table, ((half, half), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=0)
    marked = np.zeros(table.shape, bool)
    for start in range(0, len(table), CHUNK):
        part, window = table[start : start + CHUNK], windows[start : start + CHUNK]
        centre = _median(window)
        spread = _median(np.abs(window - centre[..., None]))
        limit = np.maximum(rules.hampel_sigmas * GAUSSIAN * spread, rules.noise_floor)
        marked[start : start + CHUNK] = np.abs(part - centre) > limit
    return marked


def _median(window: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median over the last axis of what is not NaN; NaN where all is.

    As np.nanmedian, which takes five times as long over many short windows.
    """
    ordered = np.sort(window, axis=-1)
    count = np.isfinite(ordered).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, ordered.shape[-1] - 1), axis=-1)
    return np.asarray((low + high)[..., 0] / 2)


def _replace(table: NDArray[np.float64], marked: NDArray[np.bool_]) -> None:
    """Put straight lines in the place of outliers, or the nearest value at the end of a run."""
    for start, end in _runs(np.isfinite(table).all(axis=1)):
        frames = np.arange(start, end)
        for column in np.flatnonzero(marked[start:end].any(axis=0)):
            odd = marked[start:end, column]
            if not odd.all():
                run = table[start:end, column]
                run[odd] = np.interp(frames[odd], frames[~odd], run[~odd])


def _bridge(table: NDArray[np.float64], longest_gap: int) -> None:
    """Fill gaps between two seen values by straight lines, in place, unless they are too long."""
    frames = np.arange(len(table))
    for column in table.T:
        missing = ~np.isfinite(column)
        for start, end in _runs(missing):
            if start > 0 and end < len(column) and end - start <= longest_gap:
                ends = [start - 1, end]
                column[start:end] = np.interp(frames[start:end], ends, column[ends])


def _runs(mask: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Start and end (exclusive) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def smooth(run: NDArray[np.float64], rules: CleanUpRules) -> NDArray[np.float64]:
    """Smooth an unbroken run (frames, columns) by local polynomials, centred on each frame.

    At both ends the polynomial of the outermost whole window is used; a run shorter than a window
    is fitted by one polynomial.
    """
    window, order = rules.smooth_window, rules.smooth_order
    if len(run) >= window:
        from scipy import signal  # loaded late, for it takes long

        return np.asarray(signal.savgol_filter(run, window, order, axis=0))
    frames = np.arange(len(run), dtype=np.float64)
    fit = polynomial.polyfit(frames, run, min(order, len(run) - 1))
    return np.asarray(polynomial.polyval(frames, fit).T)


@lru_cache
def _newest_weights(window: int, order: int) -> NDArray[np.float64]:
    """Weights (window,) that give the local polynomial's value at the newest frame."""
    from scipy import signal

    return np.asarray(signal.savgol_coeffs(window, order, pos=window - 1, use="dot"))


class LiveCleaner:
    """Cleans the landmarks of one hand or body frame by frame, from the past alone.

    Delays, in frames. Outliers: a jump is believed, and shown, `patience` frames after it happened;
    what moves as it moved before is not delayed. Short runs: what comes into sight is
    shown `settle` frames later. Gaps: for `hold` frames its last place is given, marked as held.
    Smoothing: the newest value of the polynomial through the last 11 frames, which lags nothing
    that the polynomial can follow (under one frame up to 5 Hz at 30 frames per second) and for
    that takes away only a tenth of the noise, where the centred filter takes half.
    """

    def __init__(
        self,
        rules: CleanUpRules | None = None,
        *,
        smooth_newest: bool = True,
        patience: int = 2,
        settle: int = 2,
        hold: int = 0,
    ) -> None:
        """Begin without a past; with `smooth_newest` off, only outliers are dealt with."""
        self.rules = rules or CleanUpRules()
        self.outliers = 0
        """Coordinates replaced so far."""
        self._smooth_newest = smooth_newest
        self._patience, self._settle, self._hold = patience, settle, hold
        self._accepted = np.empty((0, 0))
        """The newest frames (frames, coordinates), as many as Hampel's filter looks at."""
        self._outlier_run = np.zeros(0, np.int64)
        self._shown: NDArray[np.float32] | None = None
        self._run = self._missing = 0

    def reset(self) -> None:
        """Forget the past."""
        self._accepted = self._accepted[:0]
        self._outlier_run = np.zeros(0, np.int64)
        self._shown = None
        self._run = self._missing = 0

    def push_frame(
        self, points: NDArray[np.floating] | None
    ) -> tuple[NDArray[np.float32] | None, bool]:
        """Take a frame's landmarks, None when nothing was seen; what to show, and whether held."""
        if points is None or not np.isfinite(points).all():
            return self._unseen()
        if self._missing:
            self._accepted = self._accepted[:0]
        self._missing = 0
        self._run += 1
        flat = np.asarray(points, np.float64).reshape(-1)
        past = self._accepted[1 - self.rules.hampel_window :].reshape(-1, len(flat))
        self._accepted = np.concatenate([past, self._without_outliers(flat)[None]])
        if self._run <= self._settle:
            return None, False
        self._shown = self._newest().reshape(points.shape).astype(np.float32)
        return self._shown, False

    def _unseen(self) -> tuple[NDArray[np.float32] | None, bool]:
        self._missing += 1
        if self._shown is not None and self._missing <= self._hold:
            return self._shown, True
        self.reset()
        return None, False

    def _without_outliers(self, flat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Replace coordinates that jump away from the past, until they have stayed away."""
        rules = self.rules
        if len(self._outlier_run) != len(flat):
            self._outlier_run = np.zeros(len(flat), np.int64)
        if len(self._accepted) < rules.hampel_window // 4:
            return flat
        past = self._accepted
        centre = np.median(past, axis=0)
        spread = GAUSSIAN * np.median(np.abs(past - centre), axis=0)
        limit = np.maximum(rules.hampel_sigmas * spread, rules.noise_floor)
        odd = np.abs(flat - centre) > limit
        # What sets off leaves its past behind, yet does not jump: it is near where it was.
        odd &= np.abs(flat - past[-1]) > limit
        self._outlier_run = np.where(odd, self._outlier_run + 1, 0)
        replaced = odd & (self._outlier_run <= self._patience)
        self.outliers += int(replaced.sum())
        return np.where(replaced, past[-1], flat)

    def _newest(self) -> NDArray[np.float64]:
        window = min(self.rules.smooth_window, len(self._accepted))
        if not self._smooth_newest or window <= self.rules.smooth_order:
            return self._accepted[-1]
        weights = _newest_weights(window, self.rules.smooth_order)
        return np.asarray(weights @ self._accepted[-window:])
