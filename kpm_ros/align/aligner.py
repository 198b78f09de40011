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

"""All senses onto one grid: the one place that decides when a grid sample is emitted.

A grid sample is emitted once every sense is settled at its instant: the data after it has come, or
has been waited for as long as that sense's rules say. What fills a sample whose data did not come
is flagged. See docs/timing.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kpm_ros.align.arrivals import Outcome
from kpm_ros.align.keys import KeyRules, KeyStream
from kpm_ros.align.motion import NOT_SENSED
from kpm_ros.align.pose import PoseRules, PoseStream, ViewTiming
from kpm_ros.core.chunks import AlignedChunk, Trace
from kpm_ros.core.flags import Flag
from kpm_ros.core.grid import NS_PER_S, Grid
from kpm_ros.sense.samples import KeyEvent, KeyMotionChunk, LandmarkFrame

STALE = Flag.POSE_STALE | Flag.POSE_LOST


@dataclass(frozen=True)
class AlignerConfig:
    """The grid, the senses on it, and the rules for late ones."""

    rate_hz: int = 1024
    views: tuple[str, ...] = ("top", "right")
    landmarks: int = 21
    first_note: int = 21
    keys: int = 88
    use_pose: bool = True
    """Without it, pose is all zeros and no camera is waited for."""
    use_keys: bool = True
    """Without it, keys are all "not sensed" and the piano is not waited for."""
    hop_s: float = 0.01
    """Longest chunk handed on. Shorter ones are, too, when data and not the wait settled them."""
    future_s: float = 0.1
    """A stamp further ahead of the clock than this is refused."""
    step_s: float = 0.5
    """A clock that jumps by more than this, or a caller away for longer, breaks the stream."""
    pose: PoseRules = field(default_factory=PoseRules)
    key: KeyRules = field(default_factory=KeyRules)


@dataclass
class AlignerCounts:
    """What was refused and what broke off, for diagnostics."""

    refused: int = 0
    """Impossible: wrong size, not finite, a repeat, of an unknown view, or too many at once."""
    future: int = 0
    """Stamped further ahead of the clock than allowed."""
    late: int = 0
    """Came after its instant had been settled without it."""
    clock_steps: int = 0
    """Times the clock jumped, or nobody advanced the stream for as long."""
    emitted: int = 0
    stale: int = 0
    """Samples of them whose pose was stale or lost in some view."""


class Aligner:
    """Joins camera views and keys on one grid; `advance` hands on what is settled.

    Which values come out follows from stamps, times of receipt and the rules alone. Callers give
    the time, and push what was received by then before they advance to it; nothing here reads a
    clock.
    """

    def __init__(self, config: AlignerConfig) -> None:
        """Start with an empty grid; it begins at the oldest input of the first wait."""
        if config.use_pose and not config.views:
            raise ValueError("pose needs at least one camera view")
        if not (config.use_pose or config.use_keys):
            raise ValueError("alignment needs pose, keys or both")
        self.config = config
        self.grid = Grid(config.rate_hz)
        self.counts = AlignerCounts()
        self._poses = {view: PoseStream(config.landmarks, config.pose) for view in config.views}
        self._keys = KeyStream(config.keys, config.first_note, config.key)
        self._used: list[PoseStream | KeyStream] = []
        self._used += self._poses.values() if config.use_pose else ()
        self._used += (self._keys,) if config.use_keys else ()
        waits = (config.pose.wait_s * config.use_pose, config.key.wait_s * config.use_keys)
        self._wait_ns = round(max(waits) * NS_PER_S)
        self._future_ns = round(config.future_s * NS_PER_S)
        self._step_ns = round(config.step_s * NS_PER_S)
        self._hop = max(1, round(config.hop_s * config.rate_hz))
        self._oldest_ns: int | None = None
        self._next: int | None = None
        self._now_ns: int | None = None

    @property
    def timings(self) -> dict[str, ViewTiming]:
        """What each view's frames ask for at present, and what they are given."""
        return {view: s.timing for view, s in self._poses.items() if self.config.use_pose}

    @property
    def dropped(self) -> int:
        """Frames and samples of motion given up because more came than are kept."""
        return sum(stream.dropped for stream in self._used)

    @property
    def stuck_notes(self) -> int:
        """Notes given up because their end never came."""
        return self._keys.stuck_notes

    def push_hand(self, frame: LandmarkFrame, received_ns: int) -> None:
        """Take in one camera frame's hand."""
        stream = self._poses.get(frame.view)
        if stream is None:
            self.counts.refused += 1
        elif self.config.use_pose and not self._from_future(frame.stamp_ns, received_ns):
            self._note(stream.push(frame, received_ns), frame.stamp_ns, received_ns)

    def push_key_event(self, event: KeyEvent, received_ns: int) -> None:
        """Take in one note, pedal or heartbeat."""
        if self.config.use_keys and not self._from_future(event.stamp_ns, received_ns):
            self._note(self._keys.push_event(event, received_ns), event.stamp_ns, received_ns)

    def push_key_motion(self, chunk: KeyMotionChunk, received_ns: int) -> None:
        """Take in sensed key depth."""
        if self.config.use_keys and not self._from_future(chunk.stamp_ns, received_ns):
            self._note(self._keys.push_motion(chunk, received_ns), chunk.stamp_ns, received_ns)

    def advance(self, now_ns: int) -> list[AlignedChunk]:
        """Hand on every grid sample that is settled at this time, oldest first."""
        self._watch_clock(now_ns)
        if self._next is None and not self._begin(now_ns):
            return []
        assert self._next is not None
        settled_ns, known_ns = min(
            (stream.settled_until(now_ns), stream.known_ns) for stream in self._used
        )
        last = self.grid.last_at(min(settled_ns, now_ns))
        if known_ns < settled_ns:
            # Time alone settles a sample or two between any two looks: whole hops cost less.
            last -= max(0, last - self._next + 1) % self._hop
        chunks = []
        while self._next <= last:
            chunks.append(self._emit(min(self._hop, last - self._next + 1), now_ns))
        return chunks

    def reset(self) -> None:
        """Forget all inputs and begin a new grid at the next one; the index counts on."""
        for stream in self._poses.values():
            stream.reset()
        self._keys.reset()
        self._next = self._oldest_ns = None

    def _from_future(self, stamp_ns: int, received_ns: int) -> bool:
        ahead = stamp_ns - received_ns > self._future_ns
        self.counts.future += ahead
        return ahead

    def _note(self, outcome: Outcome, stamp_ns: int, received_ns: int) -> None:
        if outcome is Outcome.REFUSED:
            self.counts.refused += 1
            return
        if outcome is Outcome.LATE:
            self.counts.late += 1
        if self._next is None:
            # The grid begins at the oldest input, unless that is older than any sample could wait.
            begins_ns = max(stamp_ns, received_ns - self._wait_ns)
            if self._oldest_ns is None or begins_ns < self._oldest_ns:
                self._oldest_ns = begins_ns

    def _begin(self, now_ns: int) -> bool:
        """Begin the grid, once nothing older than what has come can still come in time."""
        if self._oldest_ns is None or now_ns <= self._oldest_ns + self._wait_ns:
            return False
        # However old the input: nobody looked for it longer ago than a step of the clock.
        begins_ns = max(self._oldest_ns, now_ns - self._wait_ns - self._step_ns)
        self._next = self.grid.first_at(begins_ns)
        return True

    def _watch_clock(self, now_ns: int) -> None:
        before_ns, self._now_ns = self._now_ns, now_ns
        if before_ns is None:
            return
        if now_ns < before_ns - self._step_ns:
            self.counts.clock_steps += 1
            self.reset()
        elif now_ns > before_ns + self._step_ns and self._next is not None:
            self.counts.clock_steps += 1
            # What lies between is of no use to anyone any more.
            wait_ns = max(stream.wait_ns for stream in self._used)
            self._next = max(self._next, self.grid.first_at(now_ns - wait_ns))

    def _emit(self, count: int, now_ns: int) -> AlignedChunk:
        assert self._next is not None
        start = self._next
        stamps_ns = self.grid.stamps_ns(start, count)
        flags = np.zeros(count, np.uint8)
        width = self.config.landmarks * 2
        pose = np.zeros((count, len(self._poses) * width), np.float32)
        if self.config.use_pose:
            for place, stream in enumerate(self._poses.values()):
                columns = slice(place * width, (place + 1) * width)
                pose[:, columns], pose_flags = stream.read(stamps_ns)
                flags |= pose_flags
        if self.config.use_keys:
            keys, key_flags = self._keys.read(stamps_ns)
            flags |= key_flags
        else:
            keys = np.full((count, self.config.keys), NOT_SENSED, np.float32)
        first_index = self.counts.emitted
        self._next = start + count
        self.counts.emitted += count
        self.counts.stale += int(((flags & STALE) != 0).sum())
        return AlignedChunk(
            stamp_ns=int(stamps_ns[0]),
            first_index=first_index,
            grid_index=start,
            rate_hz=float(self.config.rate_hz),
            pose=pose,
            keys=keys,
            flags=flags,
            trace=self._trace(now_ns),
        )

    def _trace(self, now_ns: int) -> Trace:
        """When the newest frame behind the samples just read passed each stage."""
        used = [found for s in self._poses.values() if (found := s.newest_used) is not None]
        if not used:
            return Trace(aligned_ns=now_ns)
        newest = max(used, key=lambda frame: frame.stamp_ns)
        return Trace(
            input_ns=newest.stamp_ns,
            processed_ns=newest.item.processed_ns,
            received_ns=newest.received_ns,
            aligned_ns=now_ns,
        )
