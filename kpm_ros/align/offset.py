"""How much later a camera's stamps are than the keys', from the hand's own strikes.

A fingertip comes to rest when its key has arrived at the bottom, and that is when the piano sends
the note. The movement before it is known but for its finger: down, with minimum jerk, for as long
as a strike of that velocity takes. The offset is the one at which the fingertips' movement in the
picture is most like that, over all notes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.keys import ease, press_time_s
from kpm_ros.sense.samples import HandFrame, KeyEvent, KeyEventKind

WIDEST_S = 0.150
"""Offsets are looked for up to this, either way."""
WANTED_S = 0.005
"""The confidence is that of being this near to the truth."""
ENOUGH_ONSETS = 40
"""With fewer, the scatter between them says little, and the confidence is lowered."""
FEWEST_ONSETS = 8

_COARSE_S, _FINE_S = 0.010, 0.002
_BEFORE_S, _AFTER_S = 0.05, 0.06
"""What is looked at beside the press itself."""
_SAME_PEAK_S = 0.06
_LONGEST_GAP_S = 0.06
_TREMBLE = 1e-3
"""Movement from frame to frame, in widths of the picture, that counts for little: a tracker's."""
_GROUPS = 8
_MOST_DRIFT = 0.12
"""Of a view that sees strikes, soft and loud ones agree; see `Offset.follows_loudness`."""
_TIPS, _KNUCKLES = (4, 8, 12, 16, 20), (2, 5, 9, 13, 17)

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

    A view from above sees fingers reach out for their keys, not press them. That ends when the
    press begins, so the softer the note, the earlier.
    """

    @property
    def sees_strikes(self) -> bool:
        """Whether the view sees keys go down, so that the offset can be believed."""
        return abs(self.follows_loudness) <= _MOST_DRIFT


class Motion(NamedTuple):
    """One view's landmarks over time."""

    times_s: _Table
    points: _Table
    """(frames, 21, 2), both in widths of the picture."""

    @classmethod
    def of(cls, frames: Sequence[HandFrame], start_ns: int) -> Motion:
        """Take one view's frames in which the hand was seen."""
        views = {frame.view for frame in frames}
        if len(views) > 1:
            raise ValueError(f"frames of one view are wanted, not of {', '.join(sorted(views))}")
        seen = {
            frame.stamp_ns: frame
            for frame in frames
            if frame.points is not None and np.isfinite(frame.points).all()
        }
        ordered = [seen[stamp_ns] for stamp_ns in sorted(seen)]
        times = np.array([(frame.stamp_ns - start_ns) / 1e9 for frame in ordered])
        points = np.zeros((len(ordered), 21, 2))
        for place, frame in zip(points, ordered, strict=True):
            width, height = frame.image_size
            assert frame.points is not None
            place[:] = frame.points[:, :2]
            place[:, 1] *= height / width if width and height else 1.0
        return cls(times, points)


class _Onsets(NamedTuple):
    """When keys arrived at their bottom, and how long that took them."""

    times_s: _Table
    press_s: _Table


def estimate_offset(frames: Sequence[HandFrame], events: Sequence[KeyEvent]) -> Offset:
    """Find how much later one view's stamps are than the keys'.

    The camera must be upright and see the hand from the side or the front, so that a key that goes
    down is seen to go down.
    """
    if not frames or not events:
        return Offset(0.0, 0.0, 0)
    start_ns = min(frame.stamp_ns for frame in frames)
    motion = Motion.of(frames, start_ns)
    onsets = _covered(_onsets(events, start_ns), motion)
    count = len(onsets.times_s)
    if count < FEWEST_ONSETS:
        return Offset(0.0, 0.0, count)
    tips = np.diff(motion.points[:, _TIPS, 1] - motion.points[:, _KNUCKLES, 1], axis=0)
    coarse = np.arange(-WIDEST_S - _COARSE_S, WIDEST_S + 1.5 * _COARSE_S, _COARSE_S)
    rough = _agreements(motion.times_s, tips, onsets, coarse)
    near_s = float(coarse[rough.mean(axis=1).argmax()])
    fine = near_s + np.arange(-12, 13) * _FINE_S
    sharp = _agreements(motion.times_s, tips, onsets, fine)
    offset_s = peak_at(fine, sharp.mean(axis=1))
    if abs(offset_s) > WIDEST_S:
        return Offset(offset_s, 0.0, count)
    confidence = _confidence(fine, sharp) * _distinctness(coarse, rough.mean(axis=1), offset_s)
    return Offset(offset_s, confidence, count, _follows_loudness(fine, sharp, onsets.press_s))


def peak_at(lags_s: _Table, heights: _Table) -> float:
    """Where evenly spaced values are highest, between them by a parabola."""
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


def spread_without_each(estimates: Sequence[float]) -> float:
    """Give the standard error of an estimate from those that each leave out one part (jackknife)."""
    values = np.asarray(estimates)
    return float(np.sqrt((len(values) - 1) * values.var()))


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


def _covered(onsets: _Onsets, motion: Motion) -> _Onsets:
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


def _agreements(times_s: _Table, tips: _Table, onsets: _Onsets, lags_s: _Table) -> _Table:
    """How alike strike and movement are, of the finger that fits best: (lags, onsets)."""
    found = np.zeros((len(lags_s), len(onsets.times_s)))
    for k, lag_s in enumerate(lags_s):
        bottoms = onsets.times_s + lag_s
        firsts = np.searchsorted(times_s, bottoms - onsets.press_s - _BEFORE_S) - 1
        lasts = np.searchsorted(times_s, bottoms + _AFTER_S) + 1
        for i, (first, last) in enumerate(zip(firsts, lasts, strict=True)):
            part = (times_s[first : last + 1] - bottoms[i]) / onsets.press_s[i] + 1.0
            strike = np.diff(ease(part))
            moved = tips[first:last]
            size = np.linalg.norm(strike) * (np.linalg.norm(moved, axis=0) + _TREMBLE)
            found[k, i] = (strike @ moved / size).max() if size.all() else 0.0
    return found


def _confidence(lags_s: _Table, agreements: _Table) -> float:
    """How sure the peak's place is, from how it moves when some of the onsets are left out."""
    count = agreements.shape[1]
    group = np.arange(count) % _GROUPS
    without = [
        peak_at(lags_s, agreements[:, group != number].mean(axis=1)) for number in range(_GROUPS)
    ]
    return confidence_of(spread_without_each(without), count, ENOUGH_ONSETS)


def _distinctness(lags_s: _Table, heights: _Table, offset_s: float) -> float:
    """From 1 down to 0 as another peak comes as high as the one that was chosen."""
    others = np.abs(lags_s - offset_s) > _SAME_PEAK_S
    lead = 1.0 - float(heights[others].max()) / float(heights.max())
    return float(np.clip(lead / 0.1, 0.0, 1.0))


def _follows_loudness(lags_s: _Table, agreements: _Table, press_s: _Table) -> float:
    """By how much the offset differs between long and short presses, per difference in length."""
    is_long = press_s > np.median(press_s)
    longer_s = float(press_s[is_long].mean() - press_s[~is_long].mean()) if is_long.any() else 0.0
    if longer_s < _COARSE_S:
        return 0.0
    at_long, at_short = (peak_at(lags_s, agreements[:, k].mean(axis=1)) for k in (is_long, ~is_long))
    return (at_long - at_short) / longer_s
