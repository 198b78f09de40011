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

"""The streams of an aligner: each opened by its kind, and given what is its own."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.align.arrivals import Arrival, Awaited, Outcome
from kpm_ros.align.channels import ChannelStream
from kpm_ros.align.frame_reading import Seen
from kpm_ros.align.keys import KeyStream
from kpm_ros.align.newest import NewestPose
from kpm_ros.align.pose import PoseStream
from kpm_ros.align.pose_rules import ViewTiming
from kpm_ros.align.smoothed_hand import SmoothedHand
from kpm_ros.align.space import HandInSpace
from kpm_ros.align.virtual_view import HandBehind, VirtualView
from kpm_ros.core.flags import FlagBits
from kpm_ros.core.registered_streams import hand_behind, is_virtual
from kpm_ros.core.registration import Registration
from kpm_ros.core.streams import JOINED, KEYBOARD, NEWEST, Channels, Landmarks, PianoKeys
from kpm_ros.sense.samples import KeyEvent, KeyMotionChunk, LandmarkFrame

_POSES: dict[str, type[PoseStream] | type[NewestPose]] = {JOINED: PoseStream, NEWEST: NewestPose}
_WORSE = (Outcome.TAKEN, Outcome.LATE, Outcome.REFUSED)


class ReadStream(Awaited, Protocol):
    """A stream as a signal that can be read at any instant."""

    def read(self, stamps_ns: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[FlagBits]:
        """Fill in values at increasing, settled instants, each read once; give their flags."""
        ...


class Placed(NamedTuple):
    """A stream, where its columns are, and its bit among those that say what is missing."""

    stream: ReadStream
    columns: slice
    bit: np.uint32


class OpenStreams:
    """All streams of a configuration, in the order of its columns."""

    def __init__(self, config: AlignerConfig) -> None:
        """Open each, without anything in it."""
        self._config = config
        self._poses: dict[str, PoseStream | NewestPose] = {}
        self._spaces: dict[str, HandInSpace] = {}
        virtual: dict[str, VirtualView] = {}
        behind: dict[str, HandBehind] = {}
        for view in config.streams.landmarks:
            if view.coordinates == KEYBOARD:
                self._spaces[view.name] = self._hand(view)
            elif is_virtual(view, config.registration):
                hand = hand_behind(view)
                if hand.name not in self._spaces:
                    self._spaces[hand.name] = self._hand(hand)
                    behind[hand.name] = self._behind(self._spaces[hand.name])
                virtual[view.name] = VirtualView(view, behind[hand.name])
            else:
                needed = config.needed.get(view.name, ())
                self._poses[view.name] = _POSES[view.timing](view, config.pose, needed)
        self._views = {
            (view.view, view.side): self._poses[view.name]
            for view in config.streams.landmarks
            if view.name in self._poses
        }
        """By the view, and the side that alone is taken."""
        key_rules = config.key
        self.newest = any(view.timing == NEWEST for view in config.streams.landmarks)
        """Whether a sample leaves when its time is up, with what has come."""
        if self.newest:
            # Of the keys as well.
            wait_s = min(key_rules.wait_s, config.pose.newest_wait_s)
            key_rules = replace(key_rules, wait_s=wait_s)
        self._keys = {
            keys.name: KeyStream(keys, key_rules)
            for keys in config.streams
            if isinstance(keys, PianoKeys)
        }
        self.channels = {
            channels.name: ChannelStream(channels, config.channel)
            for channels in config.streams
            if isinstance(channels, Channels)
        }
        by_name: dict[str, ReadStream] = {
            **self._poses,
            **self._spaces,
            **virtual,
            **self._keys,
            **self.channels,
        }
        self.placed = [
            Placed(by_name[name], config.streams.columns[name], np.uint32(1 << bit))
            for bit, name in enumerate(config.streams.names)
        ]

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

    @property
    def has_keys(self) -> bool:
        """Whether there is a piano among them."""
        return bool(self._keys)

    @property
    def wait_ns(self) -> int:
        """How long a grid sample waits at present, for whichever takes longest."""
        return max(placed.stream.wait_ns for placed in self.placed)

    @property
    def dropped(self) -> int:
        """Frames and samples given up because more came than are kept."""
        unread = set(self._spaces) - set(self._config.streams.names)
        behind = sum(self._spaces[name].dropped for name in unread)
        return behind + sum(placed.stream.dropped for placed in self.placed)

    @property
    def stuck_notes(self) -> int:
        """Notes given up because their end never came."""
        return sum(keys.stuck_notes for keys in self._keys.values())

    @property
    def newest_used(self) -> Arrival[Seen] | None:
        """Newest frame behind the samples that were read last."""
        used = [pose.newest_used for pose in self._poses.values()]
        used += [space.newest_used for space in self._spaces.values()]
        seen = [frame for frame in used if frame is not None]
        return max(seen, key=lambda frame: frame.stamp_ns, default=None)

    def push_frame(self, frame: LandmarkFrame, received_ns: int) -> Outcome:
        """Take in what one camera frame shows."""
        pose = self._views.get((frame.view, frame.side)) or self._views.get((frame.view, ""))
        outcomes = [] if pose is None else [pose.push(frame, received_ns)]
        outcomes += [
            space.push(frame, received_ns)
            for space in self._spaces.values()
            if space.stream.side in ("", frame.side)
        ]
        # One that is of no use to some may be to others.
        return min(outcomes, key=_WORSE.index, default=Outcome.REFUSED)

    def push_key_event(self, event: KeyEvent, received_ns: int) -> list[Outcome]:
        """Take in one note, pedal or heartbeat."""
        for space in self._spaces.values():
            space.push_key_event(event, received_ns)
        return [stream.push_event(event, received_ns) for stream in self._keys.values()]

    def push_key_motion(self, chunk: KeyMotionChunk, received_ns: int) -> list[Outcome]:
        """Take in sensed key depth."""
        return [stream.push_motion(chunk, received_ns) for stream in self._keys.values()]

    def register(self, registration: Registration) -> None:
        """Let the same cameras stand elsewhere from the next instant on."""
        for space in self._spaces.values():
            space.register(registration)

    def reset(self) -> None:
        """Forget all inputs."""
        for placed in self.placed:
            placed.stream.reset()

    def _behind(self, hand: HandInSpace) -> HandBehind:
        """What pictures are made of: points that are smoothed, unless nothing may be waited for."""
        half_s = self._config.space.smoothed_s
        return SmoothedHand(hand, half_s) if half_s and hand.stream.timing == JOINED else hand

    def _hand(self, hand: Landmarks) -> HandInSpace:
        """Open a hand in space, of which the points must be in sight that its views need."""
        config = self._config
        needed = {
            point
            for view in config.streams.landmarks
            if view.name == hand.name or is_virtual(view, config.registration)
            for point in config.needed.get(view.name, ())
        }
        return HandInSpace(hand, config.registration, config.pose, config.space, sorted(needed))
