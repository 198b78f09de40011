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

"""All streams onto one grid: the one place that decides when a grid sample is emitted.

A grid sample is emitted once every sense is settled at its instant: the data after it has come, or
has been waited for as long as that sense's rules say. What fills a sample whose data did not come
is flagged. See docs/timing.md.
"""

from __future__ import annotations

import numpy as np

from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.align.aligner_counts import AlignerCounts
from kpm_ros.align.arrivals import Outcome
from kpm_ros.align.hand_sides import sides_of
from kpm_ros.align.hand_watch import HandWatch
from kpm_ros.align.open_streams import OpenStreams
from kpm_ros.align.pose_rules import ViewTiming
from kpm_ros.align.room_watch import RoomWatch, watch_over
from kpm_ros.align.space import HandInSpace
from kpm_ros.core.chunks import AlignedChunk, Trace
from kpm_ros.core.flags import Flag, FlagBits, absent
from kpm_ros.core.grid import NS_PER_S, Grid
from kpm_ros.sense.samples import ChannelChunk, KeyEvent, KeyMotionChunk, LandmarkFrame

STALE = FlagBits(Flag.POSE_STALE | Flag.POSE_LOST)


class Aligner:
    """Joins streams of any rates on one grid; `advance` hands on what is settled.

    Which values come out follows from stamps, times of receipt and the rules alone. Callers give
    the time, and push what was received by then before they advance to it; nothing here reads a
    clock.
    """

    def __init__(self, config: AlignerConfig) -> None:
        """Start with an empty grid; it begins at the oldest input of the first wait."""
        if not config.streams:
            raise ValueError("alignment needs at least one stream")
        self.config = config
        self.grid = Grid(config.rate_hz)
        self.counts = AlignerCounts()
        self._inputs = OpenStreams(config)
        self._sides = sides_of(config.registration, config.streams)
        self.watch: RoomWatch | None = watch_over(config.registration, config.streams, config.watch)
        """Of registered cameras, while there are keys and hands to judge them by."""
        self._hand_watch = HandWatch(config.streams, config.familiar)
        self._wait_ns = self._inputs.wait_ns
        """How long some stream is waited for at the beginning."""
        self._future_ns = round(config.future_s * NS_PER_S)
        self._step_ns = round(config.step_s * NS_PER_S)
        self._hop = max(1, round(config.hop_s * config.rate_hz))
        self._oldest_ns: int | None = None
        self._next: int | None = None
        self._timed = False
        """Whether time alone had settled the last samples."""
        self._now_ns: int | None = None

    @property
    def timings(self) -> dict[str, ViewTiming]:
        """What each view's frames ask for at present, and what they are given."""
        return self._inputs.timings

    @property
    def hands(self) -> list[HandInSpace]:
        """Hands in space, those behind virtual views as well."""
        return self._inputs.hands

    def warm_up(self) -> None:
        """Compile what has not been, before anything is pushed."""
        for hand in self.hands:
            if hand.solver is not None:
                hand.solver.warm_up()

    @property
    def unfamiliar(self) -> list[str]:
        """What is unlike what the model was trained on, or has changed: sentences."""
        watched = "" if self.watch is None else self.watch.trouble
        return [said for said in (watched, self.config.strange, self._hand_watch.trouble) if said]

    @property
    def lacks_registration(self) -> bool:
        """Whether a hand in the keyboard's frame is asked for, and no camera is registered."""
        return any(not hand.registered for hand in self.hands)

    @property
    def dropped(self) -> int:
        """Frames and samples given up because more came than are kept."""
        return self._inputs.dropped

    @property
    def exchanged_hands(self) -> int:
        """How often trackers' names of two hands were found to be the wrong way round."""
        return 0 if self._sides is None else self._sides.exchanges

    @property
    def stuck_notes(self) -> int:
        """Notes given up because their end never came."""
        return self._inputs.stuck_notes

    def push_frame(self, frame: LandmarkFrame, received_ns: int) -> None:
        """Take in what one camera frame shows."""
        if self._from_future(frame.stamp_ns, received_ns):
            return
        if self._sides is not None:
            frame = self._sides.named(frame)
        self._note(self._inputs.push_frame(frame, received_ns), frame.stamp_ns, received_ns)
        if self.watch is not None:
            self.watch.push_frame(frame, received_ns)

    def push_key_event(self, event: KeyEvent, received_ns: int) -> None:
        """Take in one note, pedal or heartbeat."""
        if not self._inputs.has_keys or self._from_future(event.stamp_ns, received_ns):
            return
        for outcome in self._inputs.push_key_event(event, received_ns):
            self._note(outcome, event.stamp_ns, received_ns)
        if self._sides is not None:
            self._sides.push_key_event(event)
        if self.watch is not None:
            self.watch.push_key_event(event, received_ns)

    def push_key_motion(self, chunk: KeyMotionChunk, received_ns: int) -> None:
        """Take in sensed key depth."""
        if self._inputs.has_keys and not self._from_future(chunk.stamp_ns, received_ns):
            for outcome in self._inputs.push_key_motion(chunk, received_ns):
                self._note(outcome, chunk.stamp_ns, received_ns)

    def push_channels(self, chunk: ChannelChunk, received_ns: int) -> None:
        """Take in samples of other channels."""
        stream = self._inputs.channels.get(chunk.name)
        if stream is None:
            self.counts.refused += 1
        elif not self._from_future(chunk.stamp_ns, received_ns):
            self._note(stream.push(chunk, received_ns), chunk.stamp_ns, received_ns)

    def advance(self, now_ns: int) -> list[AlignedChunk]:
        """Hand on every grid sample that is settled at this time, oldest first."""
        self._watch_clock(now_ns)
        if self._next is None and not self._begin(now_ns):
            return []
        assert self._next is not None
        settled_ns, known_ns = min(
            (placed.stream.settled_until(now_ns), placed.stream.known_ns)
            for placed in self._inputs.placed
        )
        last = self.grid.last_at(min(settled_ns, now_ns))
        hop, timed = self._hop, known_ns < settled_ns
        if self._inputs.newest:
            # The model makes no more of a part of a frame than of none.
            last -= (last - self.config.frame.end) % self.config.frame.samples
            hop = max(hop, self.config.frame.samples)
        elif timed and self._timed:
            # Time alone settles a sample or two between any two looks: whole hops cost less. The
            # first of them may say that a sense is silent, and leave at once.
            last -= max(0, last - self._next + 1) % hop
        chunks = []
        while self._next <= last:
            chunks.append(self._emit(min(hop, last - self._next + 1), now_ns))
            self._timed = timed
        return chunks

    @property
    def due_ns(self) -> int | None:
        """When the next frame of the newest points leaves; None where data may settle it sooner."""
        if not self._inputs.newest or self._next is None:
            return None
        samples, end = self.config.frame
        last = self._next + (end - self._next) % samples
        return self.grid.stamp_ns(last) + self._inputs.wait_ns + 1

    def reset(self) -> None:
        """Forget all inputs and begin a new grid at the next one; the index counts on."""
        self._inputs.reset()
        if self._sides is not None:
            self._sides.reset()
        if self.watch is not None:
            self.watch.reset()
        self._hand_watch.reset()
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
            wait_ns = self._inputs.wait_ns
            self._next = max(self._next, self.grid.first_at(now_ns - wait_ns))

    def _emit(self, count: int, now_ns: int) -> AlignedChunk:
        assert self._next is not None
        start = self._next
        said = int(Flag.UNFAMILIAR | Flag.STRANGE_ROOM) if self.config.strange else 0
        if self.watch is not None:
            seen, until = self._watch_room(self.watch, start)
            said |= seen
            count = min(count, until - start)
        stamps_ns = self.grid.stamps_ns(start, count)
        flags = np.full(count, said, FlagBits)
        missing = np.zeros(count, np.uint32)
        values = np.empty((count, self.config.streams.width), np.float32)
        for stream, columns, bit in self._inputs.placed:
            found = stream.read(stamps_ns, values[:, columns])
            missing[absent(found)] |= bit
            flags |= found
        self._hand_watch.look(stamps_ns, values, missing, flags)
        first_index = self.counts.emitted
        self._next = start + count
        self.counts.emitted += count
        self.counts.stale += int(((flags & STALE) != 0).sum())
        return AlignedChunk(
            stamp_ns=int(stamps_ns[0]),
            first_index=first_index,
            grid_index=start,
            rate_hz=float(self.config.rate_hz),
            values=values,
            missing=missing,
            flags=flags,
            trace=self._trace(now_ns),
        )

    def _watch_room(self, watch: RoomWatch, start: int) -> tuple[int, int]:
        """Say what is wrong with the room from a sample on, and up to which sample that holds."""
        stamp_ns = int(self.grid.stamps_ns(start, 1)[0])
        before = watch.registration
        watch.look(stamp_ns)
        if watch.registration is not before:
            self._inputs.register(watch.registration)
            if self._sides is not None:
                self._sides.register(watch.registration)
        until = self.grid.first_at(watch.next_tick_ns(stamp_ns))
        if self._inputs.newest:
            until += (self.config.frame.end - until) % self.config.frame.samples
        return watch.flags, until

    def _trace(self, now_ns: int) -> Trace:
        """When the newest frame behind the samples just read passed each stage."""
        newest = self._inputs.newest_used
        if newest is None:
            return Trace(aligned_ns=now_ns)
        return Trace(
            input_ns=newest.stamp_ns,
            processed_ns=newest.item.processed_ns,
            received_ns=newest.received_ns,
            aligned_ns=now_ns,
        )
