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

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.arrivals import Outcome
from kpm_ros.align.channels import ChannelRules, ChannelStream
from kpm_ros.align.hand_sides import HandSides
from kpm_ros.align.keys import KeyRules, KeyStream
from kpm_ros.align.newest import NewestPose
from kpm_ros.align.pose import PoseRules, PoseStream, ViewTiming
from kpm_ros.align.room_watch import RoomWatch, WatchRules, watch_over
from kpm_ros.align.space import HandInSpace, VirtualView
from kpm_ros.align.triangulation import SpaceRules
from kpm_ros.core.chunks import AlignedChunk, Trace
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import NS_PER_S, Grid
from kpm_ros.core.registered_streams import hand_behind, is_virtual
from kpm_ros.core.registration import Registration
from kpm_ros.core.settings import CheckedSettings, rules, setting
from kpm_ros.core.stream_kinds import SIDES
from kpm_ros.core.streams import JOINED, KEYBOARD, NEWEST, Channels, Landmarks, PianoKeys, Streams
from kpm_ros.sense.samples import ChannelChunk, KeyEvent, KeyMotionChunk, LandmarkFrame

_WORSE = (Outcome.TAKEN, Outcome.LATE, Outcome.REFUSED)

STALE = Flag.POSE_STALE | Flag.POSE_LOST
ABSENT = Flag.POSE_LOST | Flag.CHANNELS_MISSING
"""What a stream says of a sample of which it knows nothing."""

_POSES: dict[str, type[PoseStream] | type[NewestPose]] = {JOINED: PoseStream, NEWEST: NewestPose}


class ReadStream(Protocol):
    """A stream as a signal that can be read at any instant."""

    @property
    def wait_ns(self) -> int:
        """How long a grid sample waits for it, at present."""
        ...

    @property
    def known_ns(self) -> int:
        """Instant up to which data, not only the wait, has settled it."""
        ...

    @property
    def dropped(self) -> int:
        """Samples given up because more came than are kept."""
        ...

    def settled_until(self, now_ns: int) -> int:
        """Newest instant whose values nothing to come can change any more."""
        ...

    def read(self, stamps_ns: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[FlagBits]:
        """Fill in values at increasing, settled instants, each read once; give their flags."""
        ...

    def reset(self) -> None:
        """Forget everything."""
        ...


class _Placed(NamedTuple):
    """A stream, where its columns are, and its bit among those that say what is missing."""

    stream: ReadStream
    columns: slice
    bit: np.uint32


@dataclass(frozen=True)
class AlignRules(CheckedSettings):
    """The rules for late streams."""

    hop_s: float = setting(
        0.01,
        "longest chunk handed on; shorter ones are, too, when data and not the wait settled them",
        least=0.001,
        most=0.2,
    )
    pose: PoseRules = rules(PoseRules, prefix="pose_")
    space: SpaceRules = rules(SpaceRules, prefix="space_")
    watch: WatchRules = rules(WatchRules, prefix="watch_")
    key: KeyRules = rules(KeyRules, prefix="keys_")
    channel: ChannelRules = rules(ChannelRules, prefix="channels_")
    future_s: float = setting(
        0.1, "a stamp further ahead of the clock is refused", least=0.0, most=10.0
    )
    step_s: float = 0.5
    """A clock that jumps by more than this, or a caller away for longer, breaks the stream."""


class Frame(NamedTuple):
    """Samples of the grid that a model takes together: one ends with sample k x samples + end."""

    samples: int = 1
    end: int = 0


@dataclass(frozen=True, kw_only=True)
class AlignerConfig(AlignRules):
    """The grid, the streams on it, and the rules for late ones."""

    streams: Streams
    rate_hz: int
    frame: Frame = field(default_factory=Frame)
    """Of the model: where time alone settles samples, chunks end with a frame."""
    needed: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Of each view, the points that must be in sight for its pose to be more than a guess."""
    strange: str = ""
    """What about the room no training of the model has seen, in a sentence; empty = nothing."""
    registration: Registration | None = None
    """Where the cameras stand: without it nothing is known of a hand in the keyboard's frame."""


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
        self._poses: dict[str, PoseStream | NewestPose] = {}
        self._spaces: dict[str, HandInSpace] = {}
        self._virtual: dict[str, VirtualView] = {}
        for view in config.streams.landmarks:
            if view.coordinates == KEYBOARD:
                self._spaces[view.name] = self._hand(view)
            elif is_virtual(view, config.registration):
                hand = hand_behind(view)
                if hand.name not in self._spaces:
                    self._spaces[hand.name] = self._hand(hand)
                self._virtual[view.name] = VirtualView(view, self._spaces[hand.name])
            else:
                needed = config.needed.get(view.name, ())
                self._poses[view.name] = _POSES[view.timing](view, config.pose, needed)
        self._views = {
            (view.view, view.side): self._poses[view.name]
            for view in config.streams.landmarks
            if view.name in self._poses
        }
        """By the view, and the side that alone is taken."""
        self._sides = _sides(config)
        key_rules = config.key
        self._newest = any(view.timing == NEWEST for view in config.streams.landmarks)
        if self._newest:
            # When its time is up, a sample leaves with what has come, of the keys as well.
            wait_s = min(key_rules.wait_s, config.pose.newest_wait_s)
            key_rules = replace(key_rules, wait_s=wait_s)
        self._keys = {
            keys.name: KeyStream(keys, key_rules)
            for keys in config.streams
            if isinstance(keys, PianoKeys)
        }
        self._channels = {
            channels.name: ChannelStream(channels, config.channel)
            for channels in config.streams
            if isinstance(channels, Channels)
        }
        by_name: dict[str, ReadStream] = {
            **self._poses,
            **self._spaces,
            **self._virtual,
            **self._keys,
            **self._channels,
        }
        self._streams = [
            _Placed(by_name[name], config.streams.columns[name], np.uint32(1 << bit))
            for bit, name in enumerate(config.streams.names)
        ]
        self.watch: RoomWatch | None = watch_over(config.registration, config.streams, config.watch)
        """Of registered cameras, while there are keys and hands to judge them by."""
        self._wait_ns = max(placed.stream.wait_ns for placed in self._streams)
        """How long some stream is waited for at the beginning."""
        self._future_ns = round(config.future_s * NS_PER_S)
        self._step_ns = round(config.step_s * NS_PER_S)
        self._hop = max(1, round(config.hop_s * config.rate_hz))
        self._oldest_ns: int | None = None
        self._next: int | None = None
        self._now_ns: int | None = None

    @property
    def timings(self) -> dict[str, ViewTiming]:
        """What each view's frames ask for at present, and what they are given."""
        timings = {view: stream.timing for view, stream in self._poses.items()}
        for space in self._spaces.values():
            timings |= space.timings
        return timings

    @property
    def hands(self) -> list[HandInSpace]:
        """Hands in space, those behind virtual views as well."""
        return list(self._spaces.values())

    def warm_up(self) -> None:
        """Compile what has not been, before anything is pushed."""
        for space in self._spaces.values():
            if space.solver is not None:
                space.solver.warm_up()

    @property
    def lacks_registration(self) -> bool:
        """Whether a hand in the keyboard's frame is asked for, and no camera is registered."""
        return any(not space.registered for space in self._spaces.values())

    @property
    def dropped(self) -> int:
        """Frames and samples given up because more came than are kept."""
        unread = set(self._spaces) - set(self.config.streams.names)
        behind = sum(self._spaces[name].dropped for name in unread)
        return behind + sum(placed.stream.dropped for placed in self._streams)

    @property
    def exchanged_hands(self) -> int:
        """How often trackers' names of two hands were found to be the wrong way round."""
        return 0 if self._sides is None else self._sides.exchanges

    @property
    def stuck_notes(self) -> int:
        """Notes given up because their end never came."""
        return sum(keys.stuck_notes for keys in self._keys.values())

    def push_frame(self, frame: LandmarkFrame, received_ns: int) -> None:
        """Take in what one camera frame shows."""
        if self._from_future(frame.stamp_ns, received_ns):
            return
        if self._sides is not None:
            frame = self._sides.named(frame)
        pose = self._views.get((frame.view, frame.side)) or self._views.get((frame.view, ""))
        outcomes = [] if pose is None else [pose.push(frame, received_ns)]
        outcomes += [
            space.push(frame, received_ns)
            for space in self._spaces.values()
            if space.stream.side in ("", frame.side)
        ]
        if self.watch is not None:
            self.watch.push_frame(frame, received_ns)
        # One that is of no use to some may be to others.
        outcome = min(outcomes, key=_WORSE.index, default=Outcome.REFUSED)
        self._note(outcome, frame.stamp_ns, received_ns)

    def push_key_event(self, event: KeyEvent, received_ns: int) -> None:
        """Take in one note, pedal or heartbeat."""
        for stream in self._keys.values():
            if not self._from_future(event.stamp_ns, received_ns):
                self._note(stream.push_event(event, received_ns), event.stamp_ns, received_ns)
                for space in self._spaces.values():
                    space.push_key_event(event, received_ns)
                if self._sides is not None:
                    self._sides.push_key_event(event)
                if self.watch is not None:
                    self.watch.push_key_event(event, received_ns)

    def push_key_motion(self, chunk: KeyMotionChunk, received_ns: int) -> None:
        """Take in sensed key depth."""
        for stream in self._keys.values():
            if not self._from_future(chunk.stamp_ns, received_ns):
                self._note(stream.push_motion(chunk, received_ns), chunk.stamp_ns, received_ns)

    def push_channels(self, chunk: ChannelChunk, received_ns: int) -> None:
        """Take in samples of other channels."""
        stream = self._channels.get(chunk.name)
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
            for placed in self._streams
        )
        last = self.grid.last_at(min(settled_ns, now_ns))
        hop = self._hop
        if self._newest:
            # The model makes no more of a part of a frame than of none.
            last -= (last - self.config.frame.end) % self.config.frame.samples
            hop = max(hop, self.config.frame.samples)
        elif known_ns < settled_ns:
            # Time alone settles a sample or two between any two looks: whole hops cost less.
            last -= max(0, last - self._next + 1) % hop
        chunks = []
        while self._next <= last:
            chunks.append(self._emit(min(hop, last - self._next + 1), now_ns))
        return chunks

    @property
    def due_ns(self) -> int | None:
        """When the next frame of the newest points leaves; None where data may settle it sooner."""
        if not self._newest or self._next is None:
            return None
        samples, end = self.config.frame
        last = self._next + (end - self._next) % samples
        return self.grid.stamp_ns(last) + max(placed.stream.wait_ns for placed in self._streams) + 1

    def reset(self) -> None:
        """Forget all inputs and begin a new grid at the next one; the index counts on."""
        for placed in self._streams:
            placed.stream.reset()
        if self._sides is not None:
            self._sides.reset()
        if self.watch is not None:
            self.watch.reset()
        self._next = self._oldest_ns = None

    def _hand(self, hand: Landmarks) -> HandInSpace:
        """Open a hand in space, of which the points must be in sight that its views need."""
        config = self.config
        needed = {
            point
            for view in config.streams.landmarks
            if view.name == hand.name or is_virtual(view, config.registration)
            for point in config.needed.get(view.name, ())
        }
        return HandInSpace(hand, config.registration, config.pose, config.space, sorted(needed))

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
            wait_ns = max(placed.stream.wait_ns for placed in self._streams)
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
        for stream, columns, bit in self._streams:
            found = stream.read(stamps_ns, values[:, columns])
            missing[(found & ABSENT) != 0] |= bit
            flags |= found
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
            for space in self._spaces.values():
                space.register(watch.registration)
        until = self.grid.first_at(watch.next_tick_ns(stamp_ns))
        if self._newest:
            until += (self.config.frame.end - until) % self.config.frame.samples
        return watch.flags, until

    def _trace(self, now_ns: int) -> Trace:
        """When the newest frame behind the samples just read passed each stage."""
        newest_used = [pose.newest_used for pose in self._poses.values()]
        newest_used += [space.newest_used for space in self._spaces.values()]
        used = [found for found in newest_used if found is not None]
        if not used:
            return Trace(aligned_ns=now_ns)
        newest = max(used, key=lambda frame: frame.stamp_ns)
        return Trace(
            input_ns=newest.stamp_ns,
            processed_ns=newest.item.processed_ns,
            received_ns=newest.received_ns,
            aligned_ns=now_ns,
        )


def _sides(config: AlignerConfig) -> HandSides | None:
    """Make what tells two hands apart, where there are two, and cameras whose place is known."""
    hands = [view for view in config.streams.landmarks if view.side]
    if config.registration is None or {hand.side for hand in hands} != set(SIDES):
        return None
    return HandSides(config.registration, hands[0].skeleton)
