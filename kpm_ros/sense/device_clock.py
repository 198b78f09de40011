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

"""A device's own clock brought onto the host's, although messages arrive late and unevenly."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.connection import NS_PER_S

BUCKET_S = 0.25
"""Of the points within this time only the one that came with the least delay is kept."""
SHORTEST_SPAN_S = 1.0
"""Over less than this, delays say more about the slope than the clocks do."""
RECENT_S = 4.0
"""A changed rate is believed after this long."""
FEWEST_RECENT = 8
"""Fewer points say nothing about a change."""
RATE_CHANGE = 0.03
"""A rate that differs by more than this is another rate, and not an inexact clock."""
SLEW, FAST_SLEW = 0.02, 0.5
"""Stamps approach a better fit by this part of the time that passes: they never run backwards."""
FAST_BEYOND_S = 0.02
"""Errors beyond this are approached fast."""
STEP_S = 0.25
"""Errors beyond this are corrected at once, as far as stamps need not run backwards."""
SET_BACK_S, SET_ON_S = 1.0, 10.0
"""What comes so much too early or too late shows that a clock was set: the fit begins anew."""


class DeviceClock:
    """Fits a line under points of device time and host time: what comes late only lies above it.

    A message can be late but never early, so the true relation of two clocks lies along the lower
    edge of their points. The fit is the edge of the points' lower convex hull below their middle:
    of all lines under all points it is the closest to them (Moon, Skelly & Towsley 1999). The least
    delay itself cannot be seen: it stays in the stamps as a constant.
    """

    def __init__(
        self,
        nominal_ns: float,
        tolerance: float = 0.01,
        *,
        window_s: float = 60.0,
        follow_rate: bool = False,
    ) -> None:
        """Start with the stated length of a device tick in host nanoseconds.

        The true one differs by at most `tolerance`, a fraction; `follow_rate` accepts a device that
        changes its rate altogether.
        """
        if not nominal_ns > 0:
            raise ValueError(f"a tick must last longer than 0 ns, not {nominal_ns}")
        self._nominal_ns = nominal_ns
        self._tolerance = tolerance
        self._window = round(window_s / BUCKET_S)
        self._follow_rate = follow_rate
        self.restarts = 0
        self.rate_changes = 0
        self._origin: tuple[float, int] | None = None
        self._begin()

    def _begin(self) -> None:
        self._slope = self._nominal_ns
        self._offset = 0.0
        self._points: deque[tuple[float, float]] = deque()
        self._previous: tuple[float, float] | None = None
        self._last: tuple[float, float] | None = None

    @property
    def tick_ns(self) -> float:
        """Length of a device tick on the host's clock, as measured so far."""
        return self._slope

    @property
    def started(self) -> bool:
        """Whether any point is known."""
        return self._origin is not None

    def add_all(self, device: NDArray[np.float64], host_ns: NDArray[np.int64]) -> None:
        """Take in points in the order of device time; the one with the least delay counts."""
        if not len(device):
            return
        late = (host_ns - host_ns[0]) - self._slope * (device - device[0])
        best = int(np.argmin(late))
        self.add(float(device[best]), int(host_ns[best]))

    def add(self, device: float, host_ns: int) -> None:
        """Take in one point: what the device's clock showed, and when the host learned of it."""
        if self._origin is None:
            self._origin = (device, host_ns)
        point = self._relative(device, host_ns)
        if self._previous is not None and self._was_set(self._previous, point):
            self.restarts += 1
            self._begin()
            self._origin = (device, host_ns)
            point = (0.0, 0.0)
        self._previous = point
        new_bucket = not self._points or self._bucket(point) != self._bucket(self._points[-1])
        if new_bucket:
            self._points.append(point)
            while self._bucket(point) - self._bucket(self._points[0]) > self._window:
                self._points.popleft()
            self._forget_what_no_longer_holds()
        elif self._above(point) < self._above(self._points[-1]):
            self._points[-1] = point
        if new_bucket or self._above(point) < 0:
            self._fit()

    def line_ns(self, device: float) -> int:
        """Instant of this device time by the line as it is now."""
        if self._origin is None:
            raise ValueError("a device clock knows no instant before its first point")
        return self._origin[1] + round(self._offset + self._slope * (device - self._origin[0]))

    def host_ns(self, device: float) -> int:
        """Instant of this device time on the host's clock; ask for growing device times only."""
        if self._origin is None:
            raise ValueError("a device clock knows no instant before its first point")
        at = device - self._origin[0]
        target = self._offset + self._slope * at
        if self._last is not None:
            passed = self._slope * max(at - self._last[0], 0.0)
            error = self._last[1] + passed - target
            if abs(error) < STEP_S * NS_PER_S:
                slew = FAST_SLEW if abs(error) > FAST_BEYOND_S * NS_PER_S else SLEW
                rest = max(abs(error) - slew * passed, 0.0)
                target += rest if error > 0 else -rest
            target = max(target, self._last[1])
        self._last = (at, target)
        return self._origin[1] + round(target)

    def _relative(self, device: float, host_ns: int) -> tuple[float, float]:
        assert self._origin is not None
        return device - self._origin[0], float(host_ns - self._origin[1])

    def _bucket(self, point: tuple[float, float]) -> int:
        return int(point[0] * self._nominal_ns // (BUCKET_S * NS_PER_S))

    def _above(self, point: tuple[float, float]) -> float:
        """How far a point lies above the line: its delay."""
        return point[1] - self._offset - self._slope * point[0]

    def _was_set(self, before: tuple[float, float], point: tuple[float, float]) -> bool:
        step_s = (self._above(point) - self._above(before)) / NS_PER_S
        early = step_s < -SET_BACK_S and self._above(point) < -SET_BACK_S * NS_PER_S
        return point[0] < before[0] or early or step_s > SET_ON_S

    def _fit(self) -> None:
        points = self._points
        if (points[-1][0] - points[0][0]) * self._nominal_ns >= SHORTEST_SPAN_S * NS_PER_S:
            least = self._nominal_ns * (1 - self._tolerance)
            most = self._nominal_ns * (1 + self._tolerance)
            self._slope = min(max(_slope_below(list(points)), least), most)
        self._offset = min(y - self._slope * x for x, y in points)

    def _forget_what_no_longer_holds(self) -> None:
        """Keep only the recent points where they show another rate, or that a clock was set on."""
        newest = self._points[-1][0]
        reach = RECENT_S * NS_PER_S / self._nominal_ns
        recent = [point for point in self._points if newest - point[0] <= reach]
        if len(recent) < FEWEST_RECENT or newest - recent[0][0] < 0.75 * reach:
            return
        if self._follow_rate:
            slope = _steady_slope(recent)
            if slope is not None and abs(slope / self._nominal_ns - 1) > RATE_CHANGE:
                self.rate_changes += 1
                self._nominal_ns = self._slope = slope
                self._points = deque(recent)
                return
        if min(self._above(point) for point in recent) > STEP_S * NS_PER_S:
            self.restarts += 1
            self._points = deque(recent)


def _steady_slope(points: list[tuple[float, float]]) -> float | None:
    """Slope below points whose two halves agree on it; None where something happened in between."""
    middle = len(points) // 2
    first, second = _slope_below(points[:middle]), _slope_below(points[middle:])
    if min(first, second) <= 0 or abs(first / second - 1) > RATE_CHANGE:
        return None
    return (first + second) / 2


def _slope_below(points: list[tuple[float, float]]) -> float:
    """Slope of the lower convex hull's edge below the middle of points ordered by x."""
    hull: list[tuple[float, float]] = []
    for x, y in points:
        while len(hull) > 1 and _turns_down(hull[-2], hull[-1], (x, y)):
            hull.pop()
        hull.append((x, y))
    middle = sum(x for x, _ in points) / len(points)
    for (x1, y1), (x2, y2) in pairwise(hull):
        if x2 >= middle:
            return (y2 - y1) / (x2 - x1)
    raise ValueError("a slope needs points at two device times")


def _turns_down(
    first: tuple[float, float], second: tuple[float, float], third: tuple[float, float]
) -> bool:
    return (second[0] - first[0]) * (third[1] - first[1]) <= (second[1] - first[1]) * (
        third[0] - first[0]
    )
