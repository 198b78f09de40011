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

"""How much later one camera's stamps are than another's, and all cameras' offsets to the keys.

Two cameras see the same hand, so that what moves in one picture goes with what moves in the other.
The offset is the lag of the highest canonical correlation between the fingertips' movements. A
camera above the keys, which does not see them go down, is so compared with one that does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.offset import (
    WIDEST_S,
    LandmarkMotion,
    Offset,
    confidence_of,
    estimate_offset,
    jackknife_error,
    parabolic_peak,
)
from kpm_ros.core.skeletons import SkeletonError
from kpm_ros.sense.samples import KeyEvent, LandmarkFrame

_STEP_S = 0.010
_LAG_STEP_S = 0.005
_MARGIN_S = 2 * WIDEST_S + 0.02
"""Each view may be off by the widest offset, in opposite directions."""
_ENOUGH_S = 10.0
_FOLDS = 6
_SAME_PEAK_S = 0.1
_CLEAR_LEAD = 0.3
"""How much higher the best offset must be than any other to count in full."""
_RIDGE = 1e-3
"""Fraction of the mean variance that is taken for noise."""

_Table = NDArray[np.float64]


def estimate_offsets(
    frames: Sequence[LandmarkFrame], events: Sequence[KeyEvent], side: str = ""
) -> dict[str, Offset]:
    """Find how much later each view's stamps are than the keys'.

    `side` names the view that sees keys go down; without a name, the best of those that do.
    """
    views: dict[str, list[LandmarkFrame]] = {}
    for frame in frames:
        views.setdefault(frame.view, []).append(frame)
    if side and side not in views:
        known = ", ".join(sorted(views)) or "none"
        raise ValueError(f"there are no frames of the view {side!r}; the views are: {known}")
    by_keys = {view: _by_keys(views[view], events, needed=view == side) for view in views}
    found = {
        view: offset if view == side or offset.sees_strikes else offset._replace(confidence=0.0)
        for view, offset in by_keys.items()
    }
    best = side or max(found, key=lambda view: found[view].confidence, default="")
    for view, seen in views.items():
        if view != best and found[best].confidence > 0:
            between = offset_between(views[best], seen)
            found[view] = Offset(
                found[best].offset_s + between.offset_s,
                found[best].confidence * between.confidence,
                found[best].onsets_used,
            )
    return found


def _by_keys(frames: Sequence[LandmarkFrame], events: Sequence[KeyEvent], needed: bool) -> Offset:
    """Offset to the keys; none where the skeleton shows no strikes, unless it is needed."""
    try:
        return estimate_offset(frames, events)
    except SkeletonError:
        if needed:
            raise
        return Offset(0.0, 0.0, 0)


def offset_between(one: Sequence[LandmarkFrame], other: Sequence[LandmarkFrame]) -> Offset:
    """Find how much later the other view's stamps are than the one's."""
    start_ns = min((frame.stamp_ns for frame in (*one, *other)), default=0)
    here, there = LandmarkMotion.of(one, start_ns), LandmarkMotion.of(other, start_ns)
    if len(here.times_s) < 2 or len(there.times_s) < 2:
        return Offset(0.0, 0.0, 0)
    since = max(here.times_s[0], there.times_s[0]) + _MARGIN_S
    until = min(here.times_s[-1], there.times_s[-1]) - _MARGIN_S
    grid = np.arange(since, until, _STEP_S)
    if len(grid) < _FOLDS * 50:
        return Offset(0.0, 0.0, 0)
    reference = _tip_velocity(here, grid)
    steps = round((_MARGIN_S - 0.01) / _LAG_STEP_S)
    lags = np.arange(-steps, steps + 1) * _LAG_STEP_S
    heights = np.zeros((len(lags), _FOLDS + 1))
    fold_of = np.arange(len(reference)) * _FOLDS // len(reference)
    for k, lag_s in enumerate(lags):
        moved = _tip_velocity(there, grid + lag_s)
        heights[k, _FOLDS] = _canonical_correlation(reference, moved)
    offset_s = parabolic_peak(lags, heights[:, _FOLDS])
    near = np.flatnonzero(np.abs(lags - offset_s) < 6 * _LAG_STEP_S)
    for k in near:
        moved = _tip_velocity(there, grid + lags[k])
        for fold in range(_FOLDS):
            kept = fold_of != fold
            heights[k, fold] = _canonical_correlation(reference[kept], moved[kept])
    leave_one_out = [parabolic_peak(lags[near], heights[near, fold]) for fold in range(_FOLDS)]
    seconds = len(grid) * _STEP_S
    confidence = confidence_of(jackknife_error(leave_one_out), round(seconds), round(_ENOUGH_S))
    elsewhere = heights[np.abs(lags - offset_s) > _SAME_PEAK_S, _FOLDS].max()
    lead = 1.0 - elsewhere / heights[:, _FOLDS].max()
    return Offset(offset_s, confidence * float(np.clip(lead / _CLEAR_LEAD, 0.0, 1.0)), 0)


def _tip_velocity(motion: LandmarkMotion, grid_s: _Table) -> _Table:
    """How the fingertips move from one instant to the next: (instants - 1, coordinates)."""
    tips = motion.points[:, motion.skeleton.role("tips")].reshape(len(motion.times_s), -1)
    resampled = [np.interp(grid_s, motion.times_s, column) for column in tips.T]
    return np.diff(np.stack(resampled, axis=1), axis=0)


def _canonical_correlation(one: _Table, other: _Table) -> float:
    """Sum of the squared canonical correlations of two sets of movements."""
    return float(((_whitened(one).T @ _whitened(other) / len(one)) ** 2).sum())


def _whitened(velocity: _Table) -> _Table:
    """Whiten: uncorrelated columns of variance 1, ridge-regularised where there is only noise."""
    centred = velocity - velocity.mean(axis=0)
    covariance = centred.T @ centred / len(centred)
    noise = _RIDGE * np.trace(covariance) / len(covariance) + 1e-18
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(centred @ vectors / np.sqrt(np.maximum(values, 0.0) + noise))
