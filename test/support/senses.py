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

"""Hand-made cameras and keys, delivered when a test says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.align.open_streams import ReadStream
from kpm_ros.core.chunks import AlignedChunk
from kpm_ros.core.flags import FlagBits
from kpm_ros.core.skeletons import Skeleton
from kpm_ros.core.streams import Landmarks, PianoKeys, Streams
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, KeyMotionChunk, LandmarkFrame

MS = 1_000_000
S = 1_000 * MS
T0 = 1_700_000_000 * S
FRAME = 16_666_667
LANDMARKS = 2
KEYS = 3
FIRST_NOTE = 60
SKELETON = Skeleton("two-points", ("near", "far"))
PIANO = PianoKeys(first_note=FIRST_NOTE, count=KEYS)


@dataclass(frozen=True)
class Delivery:
    """Something a device sent, and when it was received."""

    received_ns: int
    sent: LandmarkFrame | KeyEvent | KeyMotionChunk


def view(name: str = "top", **changes: Any) -> Landmarks:
    """A camera view of a hand with two landmarks."""
    return Landmarks(name, SKELETON, **changes)


def streams(views: Sequence[str] = ("top", "right"), *, keys: bool = True) -> Streams:
    """Views of a hand with two landmarks, and a piano with three keys."""
    return Streams((*map(view, views), *([PIANO] if keys else [])))


def config(
    *, views: Sequence[str] = ("top", "right"), keys: bool = True, **changes: Any
) -> AlignerConfig:
    """Two such views and such a piano, or what of them is wanted."""
    return AlignerConfig(**({"streams": streams(views, keys=keys), "rate_hz": 1024} | changes))


def read_stream(
    stream: ReadStream, stamps_ns: NDArray[np.int64], width: int
) -> tuple[NDArray[np.float32], NDArray[FlagBits]]:
    """Values and flags of a stream at instants."""
    values = np.full((len(stamps_ns), width), np.nan, np.float32)
    flags = stream.read(stamps_ns, values)
    return values, flags


def pose_at(stamp_ns: int) -> float:
    """Where every landmark is: it moves along a straight line, so that interpolation is exact."""
    return (stamp_ns - T0) / (8 * S)


def frame(stamp_ns: int, index: int, view: str = "top", *, hand: bool = True) -> LandmarkFrame:
    """One camera frame of the moving hand."""
    points = np.full((LANDMARKS, 3), pose_at(stamp_ns), np.float32) if hand else None
    return LandmarkFrame(
        stamp_ns, view, index, points, 1.0 if hand else 0.0, skeleton=SKELETON.name
    )


def camera(
    view: str = "top", seconds: float = 1.0, delay_ns: int = 15 * MS, start_ns: int = T0
) -> list[Delivery]:
    """A 60 fps camera that loses nothing."""
    frames = [frame(start_ns + i * FRAME, i, view) for i in range(int(seconds * 60))]
    return [Delivery(one.stamp_ns + delay_ns, one) for one in frames]


def motion_chunk(stamp_ns: int, first_index: int, depth: float | None = None) -> KeyMotionChunk:
    """10 ms of key depth, which by default rises by 0.1 in 100 ms."""
    rises = (stamp_ns - T0) / S + np.arange(10) / 1000
    values = rises if depth is None else np.full(10, depth)
    return KeyMotionChunk(
        stamp_ns, first_index, 1000.0, FIRST_NOTE, np.repeat(values[:, None], KEYS, 1)
    )


def piano(seconds: float = 1.0, delay_ns: int = 11 * MS, start_ns: int = T0) -> list[Delivery]:
    """Sensed key motion that loses nothing."""
    chunks = [motion_chunk(start_ns + i * 10 * MS, i * 10) for i in range(int(seconds * 100))]
    return [Delivery(chunk.stamp_ns + delay_ns, chunk) for chunk in chunks]


def note(stamp_ns: int, index: int, *, on: bool = True, key: int = FIRST_NOTE) -> KeyEvent:
    """A key struck or let go."""
    kind = KeyEventKind.NOTE_ON if on else KeyEventKind.NOTE_OFF
    return KeyEvent(stamp_ns, index, kind, note=key, velocity=127 if on else 0)


def heartbeat(stamp_ns: int, index: int) -> KeyEvent:
    """A sign of life."""
    return KeyEvent(stamp_ns, index, KeyEventKind.HEARTBEAT)


def midi(seconds: float = 1.0, delay_ns: int = MS, start_ns: int = T0) -> list[Delivery]:
    """A MIDI piano: a note every 100 ms, down for 60 ms, and heartbeats in between."""
    events: list[KeyEvent] = []
    for i in range(int(seconds * 10)):
        beat_ns = start_ns + i * 100 * MS
        key = FIRST_NOTE + i % KEYS
        events.append(note(beat_ns + 5 * MS, 3 * i, key=key))
        events.append(heartbeat(beat_ns + 50 * MS, 3 * i + 1))
        events.append(note(beat_ns + 65 * MS, 3 * i + 2, on=False, key=key))
    return [Delivery(event.stamp_ns + delay_ns, event) for event in events]


def everything(seconds: float = 1.0) -> list[Delivery]:
    """Two cameras, key motion and MIDI."""
    right = camera("right", seconds, start_ns=T0 + 5 * MS)
    return camera("top", seconds) + right + piano(seconds) + midi(seconds)


def push(aligner: Aligner, delivery: Delivery) -> None:
    """Hand a delivery to the aligner."""
    if isinstance(delivery.sent, LandmarkFrame):
        aligner.push_frame(delivery.sent, delivery.received_ns)
    elif isinstance(delivery.sent, KeyEvent):
        aligner.push_key_event(delivery.sent, delivery.received_ns)
    else:
        aligner.push_key_motion(delivery.sent, delivery.received_ns)


def every(period_ns: int, until_ns: int, start_ns: int = T0) -> list[int]:
    """Instants at which somebody looks."""
    return list(range(start_ns, until_ns + 1, period_ns))


def play(
    aligner: Aligner, deliveries: Iterable[Delivery], looks_ns: Sequence[int]
) -> list[AlignedChunk]:
    """Deliver in order of receipt and advance at the given instants."""
    waiting = sorted(deliveries, key=lambda delivery: delivery.received_ns)
    chunks = []
    for look_ns in looks_ns:
        while waiting and waiting[0].received_ns <= look_ns:
            push(aligner, waiting.pop(0))
        chunks += aligner.advance(look_ns)
    return chunks


@dataclass(frozen=True)
class Samples:
    """What came out, one row a grid sample."""

    index: NDArray[np.int64]
    stamps_ns: NDArray[np.int64]
    pose: NDArray[np.float32]
    keys: NDArray[np.float32]
    flags: NDArray[FlagBits]

    def __len__(self) -> int:
        return len(self.index)

    def first(self, count: int) -> Samples:
        """Only so many."""
        return Samples(*(values[:count] for values in vars(self).values()))

    def after(self, start_ns: int) -> Samples:
        """Only those from an instant on."""
        later = self.stamps_ns >= start_ns
        return Samples(*(values[later] for values in vars(self).values()))

    def flags_between(self, start_ns: int, end_ns: int) -> set[int]:
        """Which flags occur within a span."""
        within = (self.stamps_ns >= start_ns) & (self.stamps_ns <= end_ns)
        assert within.any()
        return set(self.flags[within].tolist())

    def same_as(self, other: Samples) -> bool:
        """Whether every bit is the same."""
        mine, others = vars(self).values(), vars(other).values()
        return all(a.tobytes() == b.tobytes() for a, b in zip(mine, others, strict=True))


def joined(aligner: Aligner, chunks: Sequence[AlignedChunk]) -> Samples:
    """All chunks in a row."""
    index = [np.arange(c.grid_index, c.grid_index + len(c)) for c in chunks]
    senses, nothing = aligner.config.streams.senses, slice(0, 0)
    return Samples(
        np.concatenate(index),
        np.concatenate([aligner.grid.stamps_ns(c.grid_index, len(c)) for c in chunks]),
        np.concatenate([c.values[:, senses.get("pose", nothing)] for c in chunks]),
        np.concatenate([c.values[:, senses.get("keys", nothing)] for c in chunks]),
        np.concatenate([c.flags for c in chunks]),
    )


def aligned(deliveries: Iterable[Delivery], looks_ns: Sequence[int], **changes: Any) -> Samples:
    """Everything that a new aligner makes of this."""
    aligner = Aligner(config(**changes))
    return joined(aligner, play(aligner, deliveries, looks_ns))
