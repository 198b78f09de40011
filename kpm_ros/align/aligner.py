"""All senses onto one grid: the one place that decides when a grid sample is emitted.

A grid sample is emitted once every sense is settled at its instant: the data after it has come, or
has been waited for as long as that sense's rules say. What fills a sample whose data did not come
is flagged. See docs/timing.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from kpm_ros.align.chunk import AlignedChunk, Trace
from kpm_ros.align.flags import Flag
from kpm_ros.align.grid import NS_PER_S, Grid
from kpm_ros.align.keys import KeyRules, KeyStream
from kpm_ros.align.pose import PoseRules, PoseStream
from kpm_ros.sense.samples import HandFrame, KeyEvent, KeyMotionChunk


@dataclass(frozen=True)
class AlignerConfig:
    """The grid, the senses on it, and the rules for late ones."""

    rate_hz: int = 1024
    views: tuple[str, ...] = ("top", "right")
    landmarks: int = 21
    first_note: int = 21
    keys: int = 88
    use_pose: bool = True
    use_keys: bool = True
    hop_s: float = 0.01
    """Longest chunk that is handed on; shorter ones are, as soon as they are settled."""
    future_s: float = 0.1
    """A stamp further ahead of the clock than this is refused."""
    step_s: float = 0.5
    """A clock that jumps by more than this starts the stream afresh."""
    pose: PoseRules = field(default_factory=PoseRules)
    key: KeyRules = field(default_factory=KeyRules)


@dataclass
class AlignerCounts:
    """What was refused, for diagnostics."""

    refused: int = 0
    """Impossible: wrong size, not finite, a repeat, of an unknown view, or too many at once."""
    future: int = 0
    """Stamped further ahead of the clock than allowed."""
    late: int = 0
    """Came after the samples it belonged to had been emitted."""
    clock_steps: int = 0
    """Times the clock jumped and the stream started afresh."""
    emitted: int = 0


class Aligner:
    """Joins camera views and keys on one grid; `advance` hands on what is settled.

    Which samples come out follows from stamps, times of receipt and the rules alone. Callers give
    the time; nothing here reads a clock.
    """

    def __init__(self, config: AlignerConfig) -> None:
        """Start with an empty grid; it begins at the first input."""
        if not config.views and config.use_pose:
            raise ValueError("pose needs at least one camera view")
        self.config = config
        self.grid = Grid(config.rate_hz)
        self.counts = AlignerCounts()
        self._poses = {
            view: PoseStream(view, config.landmarks, config.pose) for view in config.views
        }
        self._keys = KeyStream(config.keys, config.first_note, config.key)
        self._hop = max(1, round(config.hop_s * config.rate_hz))
        self._next: int | None = None
        self._emitted = 0
        self._now_ns: int | None = None

    def push_hand(self, frame: HandFrame, received_ns: int) -> None:
        """Take in one camera frame's hand."""
        stream = self._poses.get(frame.view)
        if stream is None:
            self.counts.refused += 1
        elif self._plausible(frame.stamp_ns, received_ns):
            self._count(stream.push(frame, received_ns), frame.stamp_ns)

    def push_key_event(self, event: KeyEvent, received_ns: int) -> None:
        """Take in one note, pedal or heartbeat."""
        if self._plausible(event.stamp_ns, received_ns):
            self._count(self._keys.push_event(event), event.stamp_ns)

    def push_key_motion(self, chunk: KeyMotionChunk, received_ns: int) -> None:
        """Take in sensed key depth."""
        if self._plausible(chunk.stamp_ns, received_ns):
            self._count(self._keys.push_motion(chunk), chunk.stamp_ns)

    def advance(self, now_ns: int) -> list[AlignedChunk]:
        """Hand on every grid sample that is settled at this time, oldest first."""
        self._watch_clock(now_ns)
        if self._next is None:
            return []
        last = self.grid.last_at(min(self._settled_until(now_ns), now_ns))
        longest_wait = max(self.config.pose.wait_s, self.config.key.wait_s)
        if last - self._next > (longest_wait + self.config.step_s) * self.config.rate_hz:
            # The caller was away: samples this old are of no use to anyone.
            self._next = last - round(longest_wait * self.config.rate_hz)
        chunks = []
        while self._next <= last:
            chunks.append(self._emit(min(self._hop, last - self._next + 1), now_ns))
        return chunks

    def reset(self) -> None:
        """Forget all inputs and begin a new grid at the next one; the index counts on."""
        for stream in self._poses.values():
            stream.reset()
        self._keys.reset()
        self._next = None

    def _plausible(self, stamp_ns: int, received_ns: int) -> bool:
        self._watch_clock(received_ns)
        if stamp_ns > received_ns + self.config.future_s * NS_PER_S:
            self.counts.future += 1
            return False
        return True

    def _count(self, taken: bool, stamp_ns: int) -> None:
        if not taken:
            self.counts.refused += 1
        elif self._next is None:
            self._next = self.grid.first_at(stamp_ns)
        elif stamp_ns < self.grid.stamp_ns(self._next - 1):
            self.counts.late += 1

    def _watch_clock(self, now_ns: int) -> None:
        before, self._now_ns = self._now_ns, now_ns
        if before is not None and now_ns < before - self.config.step_s * NS_PER_S:
            self.counts.clock_steps += 1
            self.reset()

    def _settled_until(self, now_ns: int) -> int:
        settled = [now_ns]
        if self.config.use_pose:
            settled += [stream.ready_until(now_ns) for stream in self._poses.values()]
        if self.config.use_keys:
            settled.append(self._keys.ready_until(now_ns))
        return min(settled)

    def _emit(self, count: int, now_ns: int) -> AlignedChunk:
        assert self._next is not None
        start = self._next
        stamps = np.array([self.grid.stamp_ns(start + i) for i in range(count)], np.int64)
        flags = np.zeros(count, np.uint8)
        columns = []
        for stream in self._poses.values():
            pose, pose_flags = stream.read(stamps)
            columns.append(pose)
            if self.config.use_pose:
                flags |= pose_flags
        keys, key_flags = self._keys.read(stamps)
        if self.config.use_keys:
            flags |= key_flags
        chunk = AlignedChunk(
            stamp_ns=int(stamps[0]),
            first_index=self._emitted,
            grid_index=start,
            rate_hz=float(self.config.rate_hz),
            pose=np.concatenate(columns, axis=1) if columns else np.zeros((count, 0), np.float32),
            keys=keys,
            flags=flags,
            trace=replace(self._trace(), aligned_ns=now_ns),
        )
        self._next = start + count
        self._emitted += count
        self.counts.emitted += count
        return chunk

    def _trace(self) -> Trace:
        newest = [found for s in self._poses.values() if (found := s.newest_frame()) is not None]
        if not newest:
            return Trace()
        frame, received_ns = max(newest, key=lambda found: found[0].stamp_ns)
        return Trace(
            input_ns=frame.stamp_ns, processed_ns=frame.processed_ns, received_ns=received_ns
        )

