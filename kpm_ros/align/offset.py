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

"""How much later a camera's stamps are than the keys', from the hand's own strikes.

A fingertip comes to rest when its key has arrived at the bottom, and that is when the piano sends
the note. The movement before it is known but for its finger: down, with minimum jerk, for as long
as a strike of that velocity takes. The offset is the one at which the fingertips' movement in the
picture is most like that, over all notes (normalised cross correlation).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from kpm_ros.core.skeletons import Skeleton, find_skeleton
from kpm_ros.sense.midi.key_depth import minimum_jerk, press_time_s
from kpm_ros.sense.samples import HAND, KeyEvent, KeyEventKind, LandmarkFrame

WIDEST_S = 0.150
"""Offsets are looked for up to this, either way."""
WANTED_S = 0.005
"""The confidence is that of being this near to the truth."""
ENOUGH_ONSETS = 40
"""With fewer, the scatter between them says little, and the confidence is lowered."""
FEWEST_ONSETS = 8

_COARSE_S = 0.010
_FINE_LAGS_S = np.arange(-10, 11) * 0.002
_BEFORE_S, _AFTER_S = 0.05, 0.06
"""What is looked at beside the press itself."""
_MUCH_LOWER = 0.75
_CLEAR_LEAD, _CLEAR_CONTRAST = 0.1, 0.4
"""How much higher a peak must be than its rivals, and than what is usual, to count in full."""
_LONGEST_GAP_S = 0.06
_TRACKER_NOISE = 1e-3
"""Movement from frame to frame, in widths of the picture, that counts for little: a tracker's."""
_FOLDS = 8
_MOST_DRIFT = 0.18
"""Where strikes are seen, soft and loud ones agree; see `Offset.follows_loudness`."""

_Table = NDArray[np.float64]


class Offset(NamedTuple):
    """What was found for one camera view."""

    offset_s: float
    """How much later than the keys' the view's stamps are: what to add to its `latency_s`."""
    confidence: float
    """From 0 to 1: how sure it is that the offset is right to 5 ms."""
    onsets_used: int
    follows_loudness: float = 0.0
    """Change of the offset with the time a key takes to go down: 0 where strikes are seen.

    A finger that reaches out for its key moves much like one that presses it, and a view from above
    sees nothing else. But it arrives when the press begins: the softer the note, the earlier.
    """

    @property
    def sees_strikes(self) -> bool:
        """Whether the view sees keys go down, so that the offset can be believed."""
        return abs(self.follows_loudness) <= _MOST_DRIFT


class LandmarkMotion(NamedTuple):
    """One view's landmarks over time."""

    times_s: _Table
    points: _Table
    """(frames, points, 2), both in widths of the picture."""
    skeleton: Skeleton

    @classmethod
    def of(cls, frames: Sequence[LandmarkFrame], start_ns: int) -> LandmarkMotion:
        """Take one view's frames in which the hand was seen."""
        views = {frame.view for frame in frames}
        skeletons = {frame.skeleton for frame in frames}
        for what, names in (("view", views), ("skeleton", skeletons)):
            if len(names) > 1:
                raise ValueError(
                    f"frames of one {what} are wanted, not of {', '.join(sorted(names))}"
                )
        skeleton = find_skeleton(next(iter(skeletons), HAND))
        seen = {
            frame.stamp_ns: frame
            for frame in frames
            if frame.points is not None and np.isfinite(frame.points).all()
        }
        ordered = [seen[stamp_ns] for stamp_ns in sorted(seen)]
        times = np.array([(frame.stamp_ns - start_ns) / 1e9 for frame in ordered])
        points = np.zeros((len(ordered), len(skeleton), 2))
        for place, frame in zip(points, ordered, strict=True):
            width, height = frame.image_size
            assert frame.points is not None
            place[:] = frame.points[:, :2]
            place[:, 1] *= height / width if width and height else 1.0
        return cls(times, points, skeleton)


class _Onsets(NamedTuple):
    """When keys arrived at their bottom, and how long that took them."""

    times_s: _Table
    press_s: _Table


def estimate_offset(frames: Sequence[LandmarkFrame], events: Sequence[KeyEvent]) -> Offset:
    """Find how much later one view's stamps are than the keys'.

    The camera must be upright and see the hand from the side or the front, so that a key that goes
    down is seen to go down.
    """
    if not frames or not events:
        return Offset(0.0, 0.0, 0)
    start_ns = min(frame.stamp_ns for frame in frames)
    motion = LandmarkMotion.of(frames, start_ns)
    onsets = _covered(_onsets(events, start_ns), motion)
    count = len(onsets.times_s)
    if count < FEWEST_ONSETS:
        return Offset(0.0, 0.0, count)
    tips, knuckles = (motion.points[:, motion.skeleton.role(of), 1] for of in ("tips", "knuckles"))
    bending = np.diff(tips - knuckles, axis=0)
    coarse = np.arange(-WIDEST_S - _COARSE_S, WIDEST_S + 1.5 * _COARSE_S, _COARSE_S)
    rough = _strike_correlations(motion.times_s, bending, onsets, coarse).mean(axis=1)
    peaks = [
        _Peak.at(lag_s + _FINE_LAGS_S, motion.times_s, bending, onsets)
        for lag_s in _high_peaks(coarse, rough)
    ]
    if not peaks:
        return Offset(0.0, 0.0, count)
    strikes = [peak for peak in peaks if abs(peak.follows_loudness) <= _MOST_DRIFT]
    best, *rivals = sorted(strikes or peaks, key=lambda peak: -peak.height)
    lead = 1.0 - max((rival.height for rival in rivals), default=0.0) / best.height
    contrast = best.height / max(float(np.median(rough)), 1e-9) - 1.0
    clear = np.clip([lead / _CLEAR_LEAD, contrast / _CLEAR_CONTRAST], 0.0, 1.0).min()
    confidence = confidence_of(best.spread_s, count, ENOUGH_ONSETS) * float(clear)
    if abs(best.offset_s) > WIDEST_S:
        confidence = 0.0
    return Offset(best.offset_s, confidence, count, best.follows_loudness)


class _Peak(NamedTuple):
    """An offset at which strikes and movement agree better than around it."""

    offset_s: float
    height: float
    spread_s: float
    """Standard error, from how the peak moves when some of the onsets are left out."""
    follows_loudness: float

    @classmethod
    def at(cls, lags_s: _Table, times_s: _Table, bending: _Table, onsets: _Onsets) -> _Peak:
        """Look closely at a peak that lies among these offsets."""
        correlation = _strike_correlations(times_s, bending, onsets, lags_s)
        mean = correlation.mean(axis=1)
        fold_of = np.arange(correlation.shape[1]) % _FOLDS
        leave_one_out = [
            parabolic_peak(lags_s, correlation[:, fold_of != fold].mean(axis=1))
            for fold in range(_FOLDS)
        ]
        return cls(
            parabolic_peak(lags_s, mean),
            float(mean.max()),
            jackknife_error(leave_one_out),
            _follows_loudness(lags_s, correlation, onsets.press_s),
        )


def parabolic_peak(lags_s: _Table, heights: _Table) -> float:
    """Lag of the highest of evenly spaced values, refined by the parabola through three of them."""
    k = int(heights.argmax())
    if k in (0, len(heights) - 1):
        return float(lags_s[k])
    before, top, after = heights[k - 1 : k + 2]
    bend = before - 2 * top + after
    part = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(lags_s[k] + (lags_s[1] - lags_s[0]) * part)


def confidence_of(spread_s: float, count: int, enough: int) -> float:
    """How sure an estimate with this standard error is, found from so many of what it is made."""
    within = math.erf(WANTED_S / (math.sqrt(2) * spread_s)) if spread_s > 0 else 1.0
    return within * min(1.0, count / enough)


def jackknife_error(estimates: Sequence[float]) -> float:
    """Jackknife estimate of the standard error, from estimates that each leave out one fold."""
    values = np.asarray(estimates)
    return float(np.sqrt((len(values) - 1) * values.var()))


def _high_peaks(lags_s: _Table, heights: _Table) -> list[float]:
    """Lags of the peaks that are not much lower than the highest value.

    None where the highest value is at an end: what it rises to is not known.
    """
    if heights.argmax() in (0, len(heights) - 1):
        return []
    peaks, _ = signal.find_peaks(heights, height=_MUCH_LOWER * heights.max())
    return [float(lag_s) for lag_s in lags_s[peaks]]


def _onsets(events: Sequence[KeyEvent], start_ns: int) -> _Onsets:
    struck = sorted(
        ((event.stamp_ns - start_ns) / 1e9, press_time_s(event.velocity))
        for event in events
        if event.kind is KeyEventKind.NOTE_ON
    )
    table = np.array(struck).reshape(-1, 2)
    times, press = table[:, 0], table[:, 1]
    since = np.diff(times, prepend=-np.inf)
    # In a quick passage a finger has no time for a slow press; chords are struck at once.
    hurried = np.where(since < 0.03, np.inf, np.maximum(since, 0.04) / 2)
    return _Onsets(times, np.minimum(press, hurried))


def _covered(onsets: _Onsets, motion: LandmarkMotion) -> _Onsets:
    """Leave out the onsets around which the hand was not seen all the time."""
    times = motion.times_s
    if len(times) < 2:
        return _Onsets(np.zeros(0), np.zeros(0))
    margin = WIDEST_S + 2 * _COARSE_S
    first = np.searchsorted(times, onsets.times_s - onsets.press_s - _BEFORE_S - margin) - 1
    last = np.searchsorted(times, onsets.times_s + _AFTER_S + margin) + 1
    gaps_before = np.concatenate([[0], np.cumsum(np.diff(times) > _LONGEST_GAP_S)])
    inside = (first >= 0) & (last < len(times))
    whole = gaps_before[np.clip(last, 0, len(times) - 1)] == gaps_before[np.maximum(first, 0)]
    return _Onsets(onsets.times_s[inside & whole], onsets.press_s[inside & whole])


def _strike_correlations(
    times_s: _Table, bending: _Table, onsets: _Onsets, lags_s: _Table
) -> _Table:
    """Correlation of strike and movement, of the finger that fits best: (lags, onsets)."""
    found = np.zeros((len(lags_s), len(onsets.times_s)))
    for k, lag_s in enumerate(lags_s):
        bottoms = onsets.times_s + lag_s
        firsts = np.searchsorted(times_s, bottoms - onsets.press_s - _BEFORE_S) - 1
        lasts = np.searchsorted(times_s, bottoms + _AFTER_S) + 1
        frames = firsts[:, None] + np.arange((lasts - firsts).max() + 1)
        looked_at = frames[:, 1:] <= lasts[:, None]
        frames = np.minimum(frames, len(times_s) - 1)
        part = (times_s[frames] - bottoms[:, None]) / onsets.press_s[:, None] + 1.0
        strike = np.diff(minimum_jerk(part), axis=1)[..., None]
        steps = bending[np.minimum(frames[:, :-1], len(bending) - 1)]
        moved = np.where(looked_at[..., None], steps, 0.0)
        size = np.linalg.norm(strike, axis=1) * (np.linalg.norm(moved, axis=1) + _TRACKER_NOISE)
        correlation = (strike * moved).sum(axis=1) / np.maximum(size, 1e-12)
        found[k] = correlation.max(axis=1)
    return found


def _follows_loudness(lags_s: _Table, correlation: _Table, press_s: _Table) -> float:
    """By how much the offset differs between long and short presses, per difference in length."""
    is_long = press_s > np.median(press_s)
    longer_s = float(press_s[is_long].mean() - press_s[~is_long].mean()) if is_long.any() else 0.0
    if longer_s < _COARSE_S:
        return 0.0
    at_long, at_short = (
        parabolic_peak(lags_s, correlation[:, k].mean(axis=1)) for k in (is_long, ~is_long)
    )
    return (at_long - at_short) / longer_s
