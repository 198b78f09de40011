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

"""Simulated drivers: when each device of a simulated room hands its samples on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.piano import FIRST_NOTE
from kpm_ros.sense.samples import (
    ChannelChunk,
    KeyEvent,
    KeyEventKind,
    KeyMotionChunk,
    LandmarkFrame,
)
from kpm_ros.simulate.electrodes import RATE_HZ as EMG_RATE_HZ
from kpm_ros.simulate.electrodes import Electrodes
from kpm_ros.simulate.noise import generator
from kpm_ros.simulate.pianist import Move, Performer
from kpm_ros.simulate.tracked_view import TrackedView

Sample = LandmarkFrame | KeyEvent | KeyMotionChunk | ChannelChunk

HEARTBEAT_S = 0.05

KEY_MOTION_RATE_HZ = 1000

VIEW, EVENTS, MOTION, EMG = 0x1000, 0x2000, 0x3000, 0x4000
"""Random streams; each view has sixteen of its own."""


class Delivery(NamedTuple):
    """One sample and when its driver hands it on, which is never before it happened."""

    deliver_ns: int
    sample: Sample


class Device(Protocol):
    """One simulated driver, which works ahead in blocks."""

    def block_start_s(self, block: int) -> float:
        """Nothing in this block or a later one is delivered before."""

    def deliveries(self, block: int) -> Iterable[Delivery]:
        """All of one block, in order."""


def whole_ns(time_s: float) -> int:
    """Seconds as whole nanoseconds."""
    return round(time_s * 1e9)


class View:
    """Landmarks of one camera's frames."""

    def __init__(self, view: TrackedView, start_ns: int) -> None:
        self._view = view
        self._start_ns = start_ns
        self.block_start_s = view.block_start_s

    def deliveries(self, block: int) -> Iterator[Delivery]:
        """Frames come after the tracker's delay."""
        frames = self._view.block(block)
        camera = self._view.camera
        for k in np.flatnonzero(self._view.delivered(block)):
            seen = frames.seen[k]
            processed_ns = self._start_ns + whole_ns(frames.processed_s[k])
            yield Delivery(
                processed_ns,
                LandmarkFrame(
                    stamp_ns=self._start_ns + whole_ns(frames.times_s[k]),
                    view=camera.name,
                    index=frames.first_index + int(k),
                    points=frames.points[k] if seen else None,
                    confidence=float(frames.confidence[k]) if seen else 0.0,
                    skeleton=self._view.skeleton,
                    side=self._view.side,
                    image_size=camera.image_size,
                    processed_ns=processed_ns,
                    metres=_one(frames.metres, k, seen),
                    visibility=_one(frames.visibility, k, seen),
                ),
            )


def _one(values: NDArray[np.float32] | None, frame: int, seen: bool) -> NDArray[np.float32] | None:
    return values[frame] if values is not None and seen else None


class Events:
    """Notes, pedals and heartbeats; blocks are one heartbeat long."""

    def __init__(self, performer: Performer, seed: int, start_ns: int) -> None:
        self._performer = performer
        self._seed = seed
        self._start_ns = start_ns
        self._index = 0
        self._newest_ns = 0

    def block_start_s(self, block: int) -> float:
        """Blocks follow each other at every heartbeat."""
        return block * HEARTBEAT_S

    def deliveries(self, block: int) -> Iterator[Delivery]:
        """Events come 1 to 4 ms after they happened, in order."""
        since_s, until_s = block * HEARTBEAT_S, (block + 1) * HEARTBEAT_S
        draw = generator(self._seed, EVENTS, block)
        moves = [*self._performer.moves(since_s, until_s), Move(until_s, KeyEventKind.HEARTBEAT)]
        for move, delay in zip(moves, draw.uniform(0.001, 0.004, len(moves)), strict=True):
            stamp_ns = self._start_ns + whole_ns(move.time_s)
            self._newest_ns = max(self._newest_ns, stamp_ns + whole_ns(delay))
            event = KeyEvent(
                stamp_ns,
                self._index,
                move.kind,
                note=move.note,
                velocity=move.velocity,
                pedal=move.pedal,
                value=move.value,
            )
            self._index += 1
            yield Delivery(self._newest_ns, event)


class Motion:
    """Depth of all keys; blocks are a tenth of a second long."""

    _BLOCK = 100
    _CHUNK = 5
    """Short enough for all of it to have come within the wait for the newest points."""

    def __init__(self, performer: Performer, seed: int, start_ns: int) -> None:
        self._performer = performer
        self._seed = seed
        self._start_ns = start_ns

    def block_start_s(self, block: int) -> float:
        """When the block's first sample is taken."""
        return block * self._BLOCK / KEY_MOTION_RATE_HZ

    def deliveries(self, block: int) -> Iterator[Delivery]:
        """Chunks come 1 to 3 ms after their last sample."""
        first = block * self._BLOCK
        times = np.arange(first, first + self._BLOCK) / KEY_MOTION_RATE_HZ
        depth = self._performer.key_depth(times)
        delay = generator(self._seed, MOTION, block).uniform(0.001, 0.003, self._BLOCK)
        for k in range(0, self._BLOCK, self._CHUNK):
            stamp_ns = self._start_ns + (first + k) * 1_000_000_000 // KEY_MOTION_RATE_HZ
            last_s = (first + k + self._CHUNK - 1) / KEY_MOTION_RATE_HZ
            chunk = KeyMotionChunk(
                stamp_ns,
                first + k,
                float(KEY_MOTION_RATE_HZ),
                FIRST_NOTE,
                depth[k : k + self._CHUNK],
            )
            yield Delivery(self._start_ns + whole_ns(last_s + delay[k]), chunk)


class Emg:
    """Raw EMG in chunks."""

    _CHUNK = 20

    def __init__(self, electrodes: Electrodes, seed: int, start_ns: int) -> None:
        self._electrodes = electrodes
        self._seed = seed
        self._start_ns = start_ns
        self.block_start_s = electrodes.block_start_s

    def deliveries(self, block: int) -> Iterator[Delivery]:
        """Chunks come 1 to 8 ms after their last sample, as over a radio link."""
        samples = self._electrodes.block(block)
        first = block * len(samples)
        delay = generator(self._seed, EMG, block).uniform(0.001, 0.008, len(samples))
        for k in range(0, len(samples), self._CHUNK):
            stamp_ns = self._start_ns + (first + k) * 1_000_000_000 // EMG_RATE_HZ
            last_s = (first + k + self._CHUNK - 1) / EMG_RATE_HZ
            chunk = ChannelChunk(
                "emg",
                stamp_ns,
                first + k,
                float(EMG_RATE_HZ),
                self._electrodes.channels,
                "uV",
                samples[k : k + self._CHUNK],
            )
            yield Delivery(self._start_ns + whole_ns(last_s + delay[k]), chunk)
