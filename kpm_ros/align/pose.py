"""One camera view's landmarks as a signal that can be read at any instant."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.flags import Flag
from kpm_ros.align.grid import NS_PER_S
from kpm_ros.sense.samples import HandFrame

KEPT_FRAMES = 64
"""Frames remembered per view: more than any wait lasts, few enough never to grow."""


@dataclass(frozen=True)
class PoseRules:
    """How long a view is waited for and how long its last pose is believed."""

    wait_s: float = 0.06
    """A grid sample waits this long for the frame after it."""
    stale_s: float = 0.05
    """A pose older than this is flagged stale."""
    lost_s: float = 0.25
    """A pose older than this is flagged lost."""

    @property
    def wait_ns(self) -> int:
        """The wait in nanoseconds."""
        return round(self.wait_s * NS_PER_S)


@dataclass(frozen=True, slots=True)
class _Entry:
    stamp_ns: int
    received_ns: int
    row: NDArray[np.float32] | None
    frame: HandFrame


@dataclass
class PoseStream:
    """Frames of one view in stamp order, read by straight lines between them.

    Between two frames that both saw the hand, the pose is interpolated. Where the frame after the
    instant saw no hand, or came later than the wait allows, the last seen pose is held and flagged.
    What is read follows from stamps and times of receipt alone, not from when it is read.
    """

    view: str
    landmarks: int
    rules: PoseRules
    refused: int = 0
    _frames: list[_Entry] = field(default_factory=list)

    def push(self, frame: HandFrame, received_ns: int) -> bool:
        """Take a frame in; False when it is a repeat or its points are impossible."""
        points = frame.points
        row: NDArray[np.float32] | None = None
        if points is not None:
            if points.shape[0] != self.landmarks or not np.isfinite(points[:, :2]).all():
                self.refused += 1
                return False
            row = np.ascontiguousarray(points[:, :2], dtype=np.float32).reshape(-1)
        position = bisect_left(self._frames, frame.stamp_ns, key=lambda entry: entry.stamp_ns)
        if position < len(self._frames) and self._frames[position].stamp_ns == frame.stamp_ns:
            self.refused += 1
            return False
        self._frames.insert(position, _Entry(frame.stamp_ns, received_ns, row, frame))
        del self._frames[:-KEPT_FRAMES]
        return True

    def newest_ns(self) -> int | None:
        """Stamp of the newest frame, with or without a hand."""
        return self._frames[-1].stamp_ns if self._frames else None

    def newest_frame(self) -> tuple[HandFrame, int] | None:
        """Newest frame, with the time it was received."""
        return (self._frames[-1].frame, self._frames[-1].received_ns) if self._frames else None

    def reset(self) -> None:
        """Forget every frame."""
        self._frames.clear()

    def ready_until(self, now_ns: int) -> int:
        """Instant up to which the pose is settled: seen, or waited for long enough."""
        waited = now_ns - self.rules.wait_ns
        newest = self.newest_ns()
        return waited if newest is None else max(newest, waited)

    def read(self, stamps_ns: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Pose (n, landmarks x 2) and flags (n,) at increasing instants."""
        pose = np.zeros((len(stamps_ns), self.landmarks * 2), np.float32)
        flags = np.full(len(stamps_ns), Flag.POSE_STALE | Flag.POSE_LOST, np.uint8)
        if any(entry.row is not None for entry in self._frames):
            knots = [entry.stamp_ns for entry in self._frames]
            for i, stamp_ns in enumerate(stamps_ns.tolist()):
                flags[i] = self._read_one(stamp_ns, bisect_right(knots, stamp_ns) - 1, pose[i])
        return pose, flags

    def _read_one(self, stamp_ns: int, before: int, out: NDArray[np.float32]) -> int:
        start = self._last_seen(before)
        if start is None:
            return int(Flag.POSE_STALE | Flag.POSE_LOST)
        out[:] = start.row
        age_ns = stamp_ns - start.stamp_ns
        if start is not self._frames[before] or age_ns == 0:
            return self._age_flags(age_ns)
        end = self._frames[before + 1] if before + 1 < len(self._frames) else None
        in_time = end is not None and end.received_ns <= stamp_ns + self.rules.wait_ns
        if end is None or end.row is None or not in_time:
            return self._age_flags(age_ns)
        weight = np.float32(age_ns / (end.stamp_ns - start.stamp_ns))
        out *= np.float32(1) - weight
        out += end.row * weight
        return 0

    def _last_seen(self, newest: int) -> _Entry | None:
        for position in range(newest, -1, -1):
            if self._frames[position].row is not None:
                return self._frames[position]
        return None

    def _age_flags(self, age_ns: int) -> int:
        flags = Flag.HELD if age_ns > 0 else Flag(0)
        if age_ns > self.rules.stale_s * NS_PER_S:
            flags |= Flag.POSE_STALE
        if age_ns > self.rules.lost_s * NS_PER_S:
            flags |= Flag.POSE_LOST
        return int(flags)
