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

"""Fingers that reach for points: joint angles of many frames at once, within the joints' limits.

A finger has four joints and its tip three coordinates, so its last two joints bend together, as
tendons make them do. What is left has one solution for a point within reach, which damped Newton
steps find to a hundredth of a millimetre; of a point out of reach, the nearest one is found, height
counting most.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kpm_ros.simulate.products import Array, applied, cross_matrix, product

_STEPS = 40
_CLOSE_M = 2e-6
_FAR_M = 5e-4
_DAMPING = 1e-7
_LONGEST_STEP_RAD = 0.4
_WEIGHT = np.array([1.0, 0.6, 3.0])[:, None]
"""Of a point out of reach, sideways, ahead and in height."""
_STRAIGHT = np.eye(3)[..., None]


class Reached(NamedTuple):
    """Joint angles (n, 4) of a finger, and how far from the wanted points its tip stays (n)."""

    angles: Array
    miss_m: Array


class Finger:
    """One finger of a hand that stands still: four hinges in a row and a tip."""

    def __init__(
        self, root: Array, axes: Array, links: Array, ranges: Array, rest: Array, coupling: float
    ) -> None:
        """Describe it with all joints at zero.

        `root` (3) is the first joint, `axes` (4, 3) what the joints turn about, `links` (4, 3) the
        way from each to the next and to the tip, `ranges` (4, 2) their limits, `rest` (4) where
        they are at rest; the last joint bends by `coupling` times the one before it.
        """
        self.root = root
        self.rest = rest
        self.ranges = ranges
        self.length_m = float(np.linalg.norm(links, axis=1).sum())
        self._coupling = coupling
        self._links = links[:, :, None]
        self._cross = [cross_matrix(axis)[..., None] for axis in axes]
        self._square = [product(cross, cross) for cross in self._cross]
        third = ranges[2]
        fourth = rest[2] + (ranges[3] - rest[3]) / coupling
        last = np.array([max(third.min(), fourth.min()), min(third.max(), fourth.max())])
        self._low = np.array([ranges[0, 0], ranges[1, 0], last[0]])[:, None]
        self._high = np.array([ranges[0, 1], ranges[1, 1], last[1]])[:, None]
        self._bend_one_way()

    def reach(self, points: Array, start: Array | None = None) -> Reached:
        """Bend so that the tip is at each point (n, 3); `start` (n, 4) is a first guess.

        Where that guess does not lead there, rest is tried as well.
        """
        rest = np.repeat(self.rest[None], len(points), axis=0)
        reached = self._reach(points, rest if start is None else start)
        far = np.flatnonzero(reached.miss_m > _FAR_M)
        if start is not None and len(far):
            again = self._reach(points[far], rest[far])
            better = again.miss_m < reached.miss_m[far]
            reached.angles[far[better]] = again.angles[better]
            reached.miss_m[far[better]] = again.miss_m[better]
        return reached

    def _reach(self, points: Array, start: Array) -> Reached:
        """Take damped Newton steps from a first guess until they lead no nearer."""
        target = (points - self.root).T
        best = np.clip(start[:, :3].T, self._low, self._high)
        moving = np.arange(len(points))
        wanted, free, damping = target, best, np.full(len(points), _DAMPING)
        tip, jacobian = self._tip(free)
        off = (wanted - tip) * _WEIGHT
        for _ in range(_STEPS):
            step = self._step(free, off, jacobian * _WEIGHT[:, None], damping)
            ahead = np.clip(free + step, self._low, self._high)
            tip, turned = self._tip(ahead)
            left = (wanted - tip) * _WEIGHT
            nearer = np.square(left).sum(axis=0) < np.square(off).sum(axis=0)
            free = np.where(nearer, ahead, free)
            off, jacobian = np.where(nearer, left, off), np.where(nearer, turned, jacobian)
            damping = np.clip(damping * np.where(nearer, 0.2, 10.0), _DAMPING, 1.0)
            best[:, moving] = free
            going = np.abs(step).max(axis=0, initial=0.0) * self.length_m > _CLOSE_M
            if not going.any():
                break
            moving, wanted, free = moving[going], wanted[:, going], free[:, going]
            off, jacobian, damping = off[:, going], jacobian[..., going], damping[going]
        miss = np.linalg.norm(target - self._tip(best)[0], axis=0)
        return Reached(self._all(best).T, miss)

    def tip(self, angles: Array) -> Array:
        """Where the tip is with joints at angles (n, 4) that bend together: (n, 3)."""
        return self.root + self._tip(angles[:, :3].T)[0].T

    def _bend_one_way(self) -> None:
        """Limit the third joint to the side of straight on which rest is.

        Beyond it the same points are reached with the finger bent the other way, and a hand must
        not jump between the two.
        """
        bends = np.linspace(self._low[2, 0], self._high[2, 0], 400)
        free = np.stack([np.full(400, self.rest[0]), np.full(400, self.rest[1]), bends])
        straight = bends[int(np.linalg.norm(self._tip(free)[0], axis=0).argmax())]
        limit = self._low if straight < self.rest[2] else self._high
        limit[2] = straight

    def _all(self, free: Array) -> Array:
        """All four joints (4, n) of the three that are free (3, n)."""
        last = self.rest[3] + self._coupling * (free[2] - self.rest[2])
        return np.concatenate([free, last[None]])

    def _tip(self, free: Array) -> tuple[Array, Array]:
        """Tip (3, n) from the first joint, and how it moves with each free angle: (3, 3, n)."""
        angles = self._all(free)
        # The tip, and how it moves with each joint from this one on.
        moves = np.zeros((3, 1, free.shape[1]))
        for joint in range(3, -1, -1):
            sine, rest = np.sin(angles[joint]), 1.0 - np.cos(angles[joint])
            turning = _STRAIGHT + sine * self._cross[joint] + rest * self._square[joint]
            moves[:, 0] += self._links[joint]
            moves = product(turning, moves)
            own = applied(self._cross[joint], moves[:, 0])
            moves = np.concatenate([moves[:, :1], own[:, None], moves[:, 1:]], axis=1)
        moves[:, 3] += self._coupling * moves[:, 4]
        return moves[:, 0], moves[:, 1:4]

    def _step(self, free: Array, miss: Array, jacobian: Array, damping: Array) -> Array:
        """Take the damped Newton step of the joints that no limit holds back."""
        pull = applied(jacobian.transpose(1, 0, 2), miss)
        held = ((free <= self._low) & (pull < 0)) | ((free >= self._high) & (pull > 0))
        normal = product(jacobian.transpose(1, 0, 2), jacobian)
        for _ in range(2):
            loose = ~held
            matrix = normal * (loose[:, None] & loose[None])
            for joint in range(3):
                matrix[joint, joint] += damping + held[joint]
            step = _solve(matrix, pull * loose)
            ahead = free + step
            outside = (free <= self._low) & (ahead < self._low)
            outside |= (free >= self._high) & (ahead > self._high)
            if not outside.any():
                break
            held |= outside
        return np.clip(step, -_LONGEST_STEP_RAD, _LONGEST_STEP_RAD)


def _solve(matrix: Array, right: Array) -> Array:
    """Solve many symmetric 3 x 3 systems (3, 3, n) at once.

    By cofactors: LAPACK's bits would follow the CPU, and it takes each system by itself.
    """
    (a, b, c), (_, d, e), (_, _, f) = matrix
    x, y, z = right
    top, middle, low = d * f - e * e, c * e - b * f, b * e - c * d
    whole = a * top + b * middle + c * low
    return np.stack(
        [
            top * x + middle * y + low * z,
            middle * x + (a * f - c * c) * y + (b * c - a * e) * z,
            low * x + (b * c - a * e) * y + (a * d - b * b) * z,
        ]
    ) / np.maximum(whole, 1e-30)
