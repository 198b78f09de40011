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

"""Training data: the grid as the live pipeline would see it, with the true effort beside it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.piano import PIANO_KEYS
from kpm_ros.sense.midi.key_depth import KeyDepthFromNotes
from kpm_ros.sense.samples import KeyEvent
from kpm_ros.simulate.cameras import SimulatedCamera
from kpm_ros.simulate.pianist import Performer
from kpm_ros.simulate.release.release_layout import SAMPLE_RATE_HZ
from kpm_ros.simulate.session import tracked_views
from kpm_ros.simulate.tracked_view import TrackedView, TrackerErrors

_BLOCK = 8192


class Rendering(NamedTuple):
    """One simulated performance on a grid; all float32, one row a grid sample."""

    pose: NDArray[np.float32]
    """(n, views x points x 2): view by view, landmark by landmark, x then y."""
    keys: NDArray[np.float32]
    """(n, keys): 0 at rest, 1 fully down."""
    effort: NDArray[np.float32]
    """(n, muscles): the true, normalised EMG envelope."""


def render(
    pianist: Performer,
    cameras: Sequence[SimulatedCamera],
    duration_s: float,
    seed: int = 0,
    *,
    rate_hz: int = SAMPLE_RATE_HZ,
    keys: Literal["motion", "events"] = "motion",
    errors: TrackerErrors | None = None,
) -> Rendering:
    """Render a performance from its beginning.

    Pose is drawn from tracked frames by straight lines; before the first frame it stands still.
    Keys are what a piano that senses key depth gives ("motion"), or what `KeyDepthFromNotes` makes
    of note events ("events").
    """
    if duration_s <= 0 or rate_hz <= 0:
        raise ValueError(f"duration and rate must be above 0, not {duration_s} s, {rate_hz} Hz")
    if keys not in ("motion", "events"):
        raise ValueError(f"keys must be 'motion' or 'events', not {keys!r}")
    count = max(1, round(duration_s * rate_hz))
    times = np.arange(count) / rate_hz
    views = tracked_views(pianist, cameras, seed, errors)
    depth = np.empty((count, PIANO_KEYS), dtype=np.float32)
    effort = np.empty((count, len(pianist.muscles)), dtype=np.float32)
    for start in range(0, count, _BLOCK):
        part = slice(start, start + _BLOCK)
        effort[part] = pianist.activation(times[part])
        if keys == "motion":
            depth[part] = pianist.key_depth(times[part])
    if keys == "events":
        _depth_from_events(pianist, times, depth)
    pose = np.concatenate([_pose(view, times) for view in views], axis=1)
    return Rendering(pose, depth, effort)


def _pose(view: TrackedView, times: NDArray[np.float64]) -> NDArray[np.float32]:
    """One view's landmarks on the grid: (n, points x 2)."""
    last_s = times[-1]
    stamps, points = [], []
    block = 0
    # One more block than needed, so that the last samples have a frame after them.
    while block == 0 or view.block_start_s(block - 1) <= last_s:
        frames = view.block(block)
        stamps.append(frames.times_s[frames.seen])
        points.append(frames.points[frames.seen, :, :2].reshape(-1, frames.points.shape[1] * 2))
        block += 1
    stamp, point = np.concatenate(stamps), np.concatenate(points)
    if not len(stamp):
        raise ValueError("the tracker lost every frame: lower drop_fraction")
    left = np.clip(np.searchsorted(stamp, times, side="right") - 1, 0, max(len(stamp) - 2, 0))
    right = np.minimum(left + 1, len(stamp) - 1)
    length = np.maximum(stamp[right] - stamp[left], 1e-9)
    part = np.clip((times - stamp[left]) / length, 0.0, 1.0).astype(np.float32)[:, None]
    return np.asarray(point[left] + (point[right] - point[left]) * part)


def _depth_from_events(
    pianist: Performer, times: NDArray[np.float64], depth: NDArray[np.float32]
) -> None:
    """Fill in what note events alone say about the keys."""
    curves = KeyDepthFromNotes()
    moves = pianist.moves(0.0, float(times[-1]) + 1e-9)
    events = [
        KeyEvent(round(move.time_s * 1e9), index, move.kind, move.note, move.velocity)
        for index, move in enumerate(moves)
    ]
    stamps = np.round(times * 1e9).astype(np.int64)
    given = 0
    for start in range(0, len(times), _BLOCK):
        part = stamps[start : start + _BLOCK]
        due = bisect_right(events, part[-1], key=attrgetter("stamp_ns"))
        depth[start : start + _BLOCK] = curves.sample(part, events[given:due])
        given = due
