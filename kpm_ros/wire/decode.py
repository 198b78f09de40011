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

"""Messages to samples, whoever decoded the message: ROS or the reader of a bag.

A message that cannot be a sample is refused with a reason. Nodes and replay both take their samples
from here, so that they see the same in the same message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.chunks import AlignedChunk, EffortChunk, Receipts, Trace
from kpm_ros.core.flags import FlagBits
from kpm_ros.core.grid import NS_PER_S, Grid
from kpm_ros.core.streams import MOST_STREAMS, Streams
from kpm_ros.models.card import ModelCard
from kpm_ros.sense.samples import (
    ChannelChunk,
    KeyEvent,
    KeyEventKind,
    KeyMotionChunk,
    LandmarkFrame,
)


class RefusedMessageError(ValueError):
    """A message whose contents cannot be what its type says."""


def time_ns(message: Any) -> int:
    """A Time message as nanoseconds."""
    return int(message.sec) * NS_PER_S + int(message.nanosec)


def landmark_frame(message: Any) -> LandmarkFrame:
    """A Landmarks message as what a camera frame shows."""
    points = _rows(message.points, 3, "points") if len(message.points) else None
    metres = _rows(message.metres, 3, "metres") if len(message.metres) else None
    visibility = np.asarray(message.visibility, np.float32) if len(message.visibility) else None
    for name, values in (("metres", metres), ("visibility", visibility)):
        if values is not None and (points is None or len(values) != len(points)):
            raise RefusedMessageError(
                f"{name} tells of {len(values)} landmarks, and points of "
                f"{0 if points is None else len(points)}"
            )
    return LandmarkFrame(
        stamp_ns=time_ns(message.header.stamp),
        view=message.view,
        index=message.index,
        points=points,
        confidence=message.confidence,
        metres=metres,
        visibility=visibility,
        skeleton=message.skeleton,
        side=message.side,
        image_size=(message.image_width, message.image_height),
        processed_ns=time_ns(message.processed),
    )


def key_event(message: Any) -> KeyEvent:
    """A KeyEvent message as a key event."""
    try:
        kind = KeyEventKind(message.kind)
    except ValueError:
        raise RefusedMessageError(f"kind is {message.kind}, which no key event has") from None
    return KeyEvent(
        stamp_ns=time_ns(message.header.stamp),
        index=message.index,
        kind=kind,
        note=message.note,
        velocity=message.velocity,
        pedal=message.pedal,
        value=message.value,
        channel=message.channel,
    )


def key_motion(message: Any) -> KeyMotionChunk:
    """A KeyMotion message as key depth."""
    return KeyMotionChunk(
        stamp_ns=time_ns(message.header.stamp),
        first_index=message.first_index,
        rate_hz=message.rate_hz,
        first_note=message.first_note,
        depth=_rows(message.depth, message.keys, "depth"),
    )


def channel_chunk(message: Any) -> ChannelChunk:
    """A ChannelSamples message as samples of named channels."""
    return ChannelChunk(
        name=message.stream,
        stamp_ns=time_ns(message.header.stamp),
        first_index=message.first_index,
        rate_hz=message.rate_hz,
        channels=tuple(message.channels),
        unit=message.unit,
        samples=_rows(message.samples, len(message.channels), "samples"),
    )


def diagnostic_level(status: Any) -> int:
    """How a node is doing, of a DiagnosticStatus: a byte to ROS, a number to readers of bags."""
    return status.level[0] if isinstance(status.level, bytes) else int(status.level)


def trace(message: Any) -> Trace:
    """A LatencyTrace message as a latency trace."""
    return Trace(
        input_ns=time_ns(message.input),
        processed_ns=time_ns(message.processed),
        received_ns=time_ns(message.received),
        aligned_ns=time_ns(message.aligned),
        estimated_ns=time_ns(message.estimated),
        published_ns=time_ns(message.published),
    )


def aligned_chunk(message: Any, streams: Streams) -> AlignedChunk:
    """An AlignedSamples message as grid samples of these streams."""
    if message.count == 0 or len(message.flags) != message.count:
        raise RefusedMessageError(f"flags holds {len(message.flags)} values, not {message.count}")
    if len(message.missing) != message.count:
        raise RefusedMessageError(
            f"missing holds {len(message.missing)} values, not {message.count}"
        )
    given = dict(zip(message.streams, message.columns, strict=False))
    wanted = {stream.name: stream.width for stream in streams}
    if given != wanted or list(message.streams) != list(wanted):
        raise RefusedMessageError(
            f"aligned samples of {_listed(given)}, but the model takes {_listed(wanted)}"
        )
    return AlignedChunk(
        stamp_ns=time_ns(message.header.stamp),
        first_index=message.first_index,
        grid_index=message.grid_index,
        rate_hz=message.rate_hz,
        values=_table(message.values, message.count, streams.width, "values"),
        missing=np.asarray(message.missing, np.uint32),
        flags=np.asarray(message.flags, FlagBits),
        trace=trace(message.trace),
    )


def receipts(message: Any) -> Receipts:
    """A Receipts message as when inputs were received."""
    places, count = np.asarray(message.topic, np.uint32), len(message.received)
    if not count or len(places) != count or len(message.checksum) != count:
        raise RefusedMessageError(
            f"topic, checksum and received hold {len(places)}, {len(message.checksum)} and {count} "
            "values, and must hold as many"
        )
    if places.max() >= len(message.topics):
        raise RefusedMessageError(
            f"topic holds {places.max()}, but there are {len(message.topics)} topics"
        )
    return Receipts(
        first_index=message.first_index,
        topics=tuple(map(str, message.topics)),
        topic=places,
        checksum=np.asarray(message.checksum, np.uint32),
        received_ns=np.asarray(message.received, np.int64),
    )


def _listed(columns: Mapping[str, int]) -> str:
    """Name streams and their columns, as far as a sentence may go on."""
    words = [
        f"{str(name)[:40]!r} ({count})" for name, count in list(columns.items())[:MOST_STREAMS]
    ]
    return ", ".join(words) or "no streams"


def effort_chunk(message: Any) -> EffortChunk:
    """A MuscleEffortChunk message as effort samples."""
    count = len(message.flags)
    return EffortChunk(
        stamp_ns=time_ns(message.header.stamp),
        first_index=message.first_index,
        effort=_table(message.effort, count, message.muscles, "effort"),
        flags=np.asarray(message.flags, FlagBits),
        trace=trace(message.trace),
    )


def require_fit(chunk: AlignedChunk, card: ModelCard) -> None:
    """Refuse aligned samples that the model with this card cannot take."""
    if chunk.rate_hz != card.rate_hz:
        raise RefusedMessageError(
            f"aligned samples at {chunk.rate_hz:g} a second, but the model takes {card.rate_hz}"
        )
    if Grid(card.rate_hz).stamp_ns(chunk.grid_index) != chunk.stamp_ns:
        raise RefusedMessageError(
            f"aligned samples with grid_index {chunk.grid_index}, which is not their stamp's"
        )
    if not np.isfinite(chunk.values).all():
        raise RefusedMessageError("aligned samples that are no numbers")


def _table(values: Any, rows: int, columns: int, what: str) -> NDArray[np.float32]:
    if len(values) != rows * columns:
        raise RefusedMessageError(f"{what} holds {len(values)} values, not {rows} x {columns}")
    # What was received is nobody else's: it need not be copied.
    return np.asarray(values, np.float32).reshape(rows, columns)


def _rows(values: Any, columns: int, what: str) -> NDArray[np.float32]:
    if columns <= 0 or len(values) % columns:
        raise RefusedMessageError(f"{what} holds {len(values)} values, not rows of {columns}")
    return _table(values, len(values) // columns, columns, what)
