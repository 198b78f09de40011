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

"""Clips that look alike and work other muscles, and those of which the reverse is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.skeletons import Skeleton
from kpm_ros.core.streams import Landmarks, Streams
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.scores.body_windows import INSTANTS, SCORED_HZ, Window

LEAST_SEEN = 0.8
"""Share of a window's instants in which somebody must be seen; the others are bridged."""
NEAR_SHARE = 0.01
"""Of all pairs, so many count as alike."""
_STILL = 1e-9

Matrix = NDArray[np.float64]


class Pair(NamedTuple):
    """Two windows, and how far apart they are."""

    first: int
    second: int
    pose: float
    """Root mean square distance of points, in lengths of the trunk."""
    muscles: float
    """Root mean square difference of effort, in each person's own most."""


@dataclass(frozen=True, eq=False)
class Distances:
    """How far windows are apart from each other, in movement and in effort."""

    windows: Sequence[Window]
    pose: Matrix
    muscles: Matrix

    @classmethod
    def of(
        cls,
        windows: Sequence[Window],
        view: Landmarks,
        most: dict[str, NDArray[np.float64]],
    ) -> Distances:
        """Compare all windows; `most` is each person's largest effort of each muscle."""
        kept, poses, efforts = [], [], []
        for window in windows:
            pose = _pose(window, view)
            if pose is not None and np.isfinite(window.truth).all():
                size = np.maximum(most[window.recording.person], _STILL)
                kept.append(window)
                poses.append(pose)
                efforts.append((window.truth / size).ravel())
        if len(kept) < 2:
            raise ValueError(
                f"{len(kept)} windows show somebody throughout, with all effort known: 2 can be "
                "compared"
            )
        points = len(view.skeleton) * INSTANTS
        return cls(
            kept,
            _apart(np.stack(poses), points),
            _apart(np.stack(efforts), efforts[0].size),
        )

    def pairs(self, by: str, count: int, clip: int | None = None) -> list[Pair]:
        """Of those nearest in one way, give the pairs farthest apart in the other.

        `by` is "pose" or "muscles": in which way they are alike. With a clip, only its pairs. No
        two windows of one recording make a pair, and no window is in two.
        """
        near, far = (self.pose, self.muscles) if by == "pose" else (self.muscles, self.pose)
        first, second = np.triu_indices(len(self.windows), 1)
        names = np.array([one.recording.name for one in self.windows])
        usable = names[first] != names[second]
        if clip is not None:
            usable &= (first == clip) | (second == clip)
        first, second = first[usable], second[usable]
        if not len(first):
            raise ValueError("there are no two windows of different recordings to compare")
        share = NEAR_SHARE if clip is None else 10 * NEAR_SHARE
        alike = np.argsort(near[first, second], kind="stable")
        alike = alike[: max(count, round(share * len(alike)))]
        order = alike[np.argsort(-far[first[alike], second[alike]], kind="stable")]
        found: list[Pair] = []
        used: set[int] = set()
        for place in order.tolist():
            a, b = int(first[place]), int(second[place])
            if {a, b} & (used - {clip}):
                continue
            used |= {a, b}
            found.append(Pair(a, b, float(self.pose[a, b]), float(self.muscles[a, b])))
            if len(found) == count:
                break
        return found

    def by_exercise(self) -> tuple[list[str], Matrix, Matrix]:
        """Average over the windows of each two exercises: the paper's matrices of likeness."""
        tasks = np.array([one.recording.task for one in self.windows])
        names = sorted(set(tasks.tolist()))
        tables = np.full((2, len(names), len(names)), np.nan)
        other = ~np.eye(len(tasks), dtype=bool)
        for i, a in enumerate(names):
            for j, b in enumerate(names):
                chosen = np.outer(tasks == a, tasks == b) & other
                if chosen.any():
                    tables[0, i, j] = self.pose[chosen].mean()
                    tables[1, i, j] = self.muscles[chosen].mean()
        return names, tables[0], tables[1]


def _pose(window: Window, view: Landmarks) -> Matrix | None:
    """Points of a window, apart from place, size and heading; None where nobody was seen."""
    grid = GridRecording(window.recording, Streams((view,)), SCORED_HZ)
    start = round(window.start_s * SCORED_HZ)
    rows = grid.window(start, start + INSTANTS)
    seen = np.flatnonzero(rows.missing == 0)
    if len(seen) < LEAST_SEEN * INSTANTS:
        return None
    at = np.arange(INSTANTS)
    bridged = [np.interp(at, seen, column[seen]) for column in rows.values.T]
    points = np.stack(bridged, axis=1).reshape(INSTANTS, len(view.skeleton), -1)
    skeleton = view.skeleton
    root = points[:, list(skeleton.role("root"))].mean(axis=1, keepdims=True)
    points = points - root
    size = _trunk(skeleton, points)
    if not size > 0:
        return None
    if points.shape[2] == 3:
        points = _facing(skeleton, points)
    return np.asarray((points / size).ravel())


def _trunk(skeleton: Skeleton, points: Matrix) -> float:
    shoulders = points[:, list(skeleton.role("shoulders"))].mean(axis=1)
    return float(np.linalg.norm(shoulders, axis=1).mean())


def _facing(skeleton: Skeleton, points: Matrix) -> Matrix:
    """Turn a body about the vertical so that, on average, it faces the camera."""
    left, right = skeleton.role("shoulders")
    across = (points[:, left] - points[:, right]).mean(axis=0)
    angle = np.arctan2(across[2], across[0])
    cos, sin = np.cos(angle), np.sin(angle)
    x, y, z = np.moveaxis(points, 2, 0)
    return np.stack([cos * x + sin * z, y, cos * z - sin * x], axis=2)


def _apart(rows: Matrix, count: int) -> Matrix:
    """Root mean square difference of every two rows, over so many things that each tells."""
    squares = (rows**2).sum(axis=1)
    apart = squares[:, None] + squares[None] - 2 * rows @ rows.T
    return np.asarray(np.sqrt(np.maximum(apart, 0) / count))
