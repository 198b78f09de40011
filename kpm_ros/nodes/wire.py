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

"""Samples to messages. The way back, which replay shares, is in `kpm_ros/replay/messages.py`."""

from __future__ import annotations

import array

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray

from kpm_ros.core.chunks import EFFORT_RATE_HZ, AlignedChunk, EffortChunk, Trace
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.msg import (
    AlignedSamples,
    EmgSamples,
    HandLandmarks,
    KeyMotion,
    LatencyTrace,
    MuscleEffortChunk,
)
from kpm_ros.msg import KeyEvent as KeyEventMessage
from kpm_ros.replay.messages import (
    RefusedMessageError,
    aligned_chunk,
    hand_frame,
    key_event,
    key_motion,
    time_ns,
    trace,
)
from kpm_ros.sense.samples import ChannelChunk, KeyEvent, KeyMotionChunk, LandmarkFrame

__all__ = [
    "RefusedMessageError",
    "aligned_chunk",
    "aligned_message",
    "effort_chunk_message",
    "emg_message",
    "hand_frame",
    "hand_message",
    "key_event",
    "key_event_message",
    "key_motion",
    "key_motion_message",
    "optical_frame",
    "time_message",
    "time_ns",
    "trace",
    "trace_message",
]


def time_message(stamp_ns: int) -> Time:
    """Nanoseconds as a Time message."""
    sec, nanosec = divmod(stamp_ns, NS_PER_S)
    return Time(sec=sec, nanosec=nanosec)


def _floats(values: NDArray[np.float32]) -> array.array[float]:
    return array.array("f", np.ascontiguousarray(values, np.float32).tobytes())


def optical_frame(view: str) -> str:
    """Name of a view's optical frame where nobody has given it another."""
    return f"camera_{view}_optical"


def hand_message(frame: LandmarkFrame) -> HandLandmarks:
    """A camera frame's hand as a message."""
    message = HandLandmarks(
        index=frame.index,
        view=frame.view,
        hand=frame.side,
        confidence=frame.confidence,
        image_width=frame.image_size[0],
        image_height=frame.image_size[1],
        processed=time_message(frame.processed_ns),
    )
    message.header.stamp = time_message(frame.stamp_ns)
    message.header.frame_id = frame.frame_id or optical_frame(frame.view)
    if frame.points is not None:
        message.points = _floats(frame.points)
    return message


def key_event_message(event: KeyEvent) -> KeyEventMessage:
    """A key event as a message."""
    message = KeyEventMessage(
        index=event.index,
        kind=int(event.kind),
        note=event.note,
        velocity=event.velocity,
        pedal=event.pedal,
        value=event.value,
        channel=event.channel,
    )
    message.header.stamp = time_message(event.stamp_ns)
    return message


def key_motion_message(chunk: KeyMotionChunk) -> KeyMotion:
    """Key depth as a message."""
    message = KeyMotion(
        first_index=chunk.first_index,
        rate_hz=chunk.rate_hz,
        first_note=chunk.first_note,
        keys=chunk.depth.shape[1],
        depth=_floats(chunk.depth),
    )
    message.header.stamp = time_message(chunk.stamp_ns)
    return message


def emg_message(chunk: ChannelChunk) -> EmgSamples:
    """Raw EMG as a message."""
    message = EmgSamples(
        first_index=chunk.first_index,
        rate_hz=chunk.rate_hz,
        channels=list(chunk.channels),
        unit=chunk.unit,
        samples=_floats(chunk.samples),
    )
    message.header.stamp = time_message(chunk.stamp_ns)
    return message


def trace_message(trace: Trace) -> LatencyTrace:
    """A latency trace as a message."""
    return LatencyTrace(
        input=time_message(trace.input_ns),
        processed=time_message(trace.processed_ns),
        received=time_message(trace.received_ns),
        aligned=time_message(trace.aligned_ns),
        estimated=time_message(trace.estimated_ns),
        published=time_message(trace.published_ns),
    )


def aligned_message(chunk: AlignedChunk) -> AlignedSamples:
    """Aligned samples as a message."""
    message = AlignedSamples(
        first_index=chunk.first_index,
        grid_index=chunk.grid_index,
        rate_hz=chunk.rate_hz,
        count=len(chunk),
        pose_channels=chunk.pose.shape[1],
        key_channels=chunk.keys.shape[1],
        pose=_floats(chunk.pose),
        keys=_floats(chunk.keys),
        flags=array.array("B", chunk.flags.tobytes()),
        trace=trace_message(chunk.trace),
    )
    message.header.stamp = time_message(chunk.stamp_ns)
    return message


def effort_chunk_message(chunk: EffortChunk, info_digest: int) -> MuscleEffortChunk:
    """Effort samples as one message, of the stream that the info with this digest describes."""
    message = MuscleEffortChunk(
        first_index=chunk.first_index,
        info_digest=info_digest,
        rate_hz=float(EFFORT_RATE_HZ),
        muscles=chunk.effort.shape[1],
        effort=_floats(chunk.effort),
        flags=array.array("B", chunk.flags.tobytes()),
        trace=trace_message(chunk.trace),
    )
    message.header.stamp = time_message(chunk.stamp_ns)
    return message
