"""Messages to samples and back. A message that cannot be a sample is refused with a reason."""

from __future__ import annotations

import array

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray

from kpm_ros.align.chunk import AlignedChunk, Trace
from kpm_ros.align.grid import NS_PER_S
from kpm_ros.estimate.chunk import EFFORT_RATE_HZ, EffortChunk
from kpm_ros.msg import (
    AlignedSamples,
    EmgSamples,
    HandLandmarks,
    KeyMotion,
    LatencyTrace,
    MuscleEffortChunk,
)
from kpm_ros.msg import KeyEvent as KeyEventMessage
from kpm_ros.sense.samples import EmgChunk, HandFrame, KeyEvent, KeyEventKind, KeyMotionChunk


class RefusedMessageError(ValueError):
    """A message whose contents cannot be what its type says."""


def time_message(stamp_ns: int) -> Time:
    """Nanoseconds as a Time message."""
    sec, nanosec = divmod(stamp_ns, NS_PER_S)
    return Time(sec=sec, nanosec=nanosec)


def time_ns(message: Time) -> int:
    """A Time message as nanoseconds."""
    return int(message.sec) * NS_PER_S + int(message.nanosec)


def _floats(values: NDArray[np.float32]) -> array.array[float]:
    return array.array("f", np.ascontiguousarray(values, np.float32).tobytes())


def _table(values: array.array[float], rows: int, columns: int, what: str) -> NDArray[np.float32]:
    if len(values) != rows * columns:
        raise RefusedMessageError(f"{what} holds {len(values)} values, not {rows} x {columns}")
    return np.array(values, np.float32).reshape(rows, columns)


def _rows(values: array.array[float], columns: int, what: str) -> NDArray[np.float32]:
    if columns <= 0 or len(values) % columns:
        raise RefusedMessageError(f"{what} holds {len(values)} values, not rows of {columns}")
    return _table(values, len(values) // columns, columns, what)


def hand_message(frame: HandFrame) -> HandLandmarks:
    """A camera frame's hand as a message."""
    message = HandLandmarks(
        index=frame.index,
        view=frame.view,
        hand=frame.hand,
        confidence=frame.confidence,
        image_width=frame.image_size[0],
        image_height=frame.image_size[1],
        processed=time_message(frame.processed_ns),
    )
    message.header.stamp = time_message(frame.stamp_ns)
    message.header.frame_id = f"{frame.view}_optical"
    if frame.points is not None:
        message.points = _floats(frame.points)
    return message


def hand_frame(message: HandLandmarks) -> HandFrame:
    """A message as a camera frame's hand."""
    points = _rows(message.points, 3, "points") if len(message.points) else None
    return HandFrame(
        stamp_ns=time_ns(message.header.stamp),
        view=message.view,
        index=message.index,
        points=points,
        confidence=message.confidence,
        hand=message.hand,
        image_size=(message.image_width, message.image_height),
        processed_ns=time_ns(message.processed),
    )


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


def key_event(message: KeyEventMessage) -> KeyEvent:
    """A message as a key event."""
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


def key_motion(message: KeyMotion) -> KeyMotionChunk:
    """A message as key depth."""
    return KeyMotionChunk(
        stamp_ns=time_ns(message.header.stamp),
        first_index=message.first_index,
        rate_hz=message.rate_hz,
        first_note=message.first_note,
        depth=_rows(message.depth, message.keys, "depth"),
    )


def emg_message(chunk: EmgChunk) -> EmgSamples:
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


def trace(message: LatencyTrace) -> Trace:
    """A message as a latency trace."""
    return Trace(
        input_ns=time_ns(message.input),
        processed_ns=time_ns(message.processed),
        received_ns=time_ns(message.received),
        aligned_ns=time_ns(message.aligned),
        estimated_ns=time_ns(message.estimated),
        published_ns=time_ns(message.published),
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


def aligned_chunk(message: AlignedSamples) -> AlignedChunk:
    """A message as aligned samples."""
    if message.count == 0 or len(message.flags) != message.count:
        raise RefusedMessageError(f"flags holds {len(message.flags)} values, not {message.count}")
    return AlignedChunk(
        stamp_ns=time_ns(message.header.stamp),
        first_index=message.first_index,
        grid_index=message.grid_index,
        rate_hz=message.rate_hz,
        pose=_table(message.pose, message.count, message.pose_channels, "pose"),
        keys=_table(message.keys, message.count, message.key_channels, "keys"),
        flags=np.array(message.flags, np.uint8),
        trace=trace(message.trace),
    )


def effort_chunk_message(chunk: EffortChunk) -> MuscleEffortChunk:
    """Effort samples as one message."""
    message = MuscleEffortChunk(
        first_index=chunk.first_index,
        rate_hz=float(EFFORT_RATE_HZ),
        muscles=chunk.effort.shape[1],
        effort=_floats(chunk.effort),
        flags=array.array("B", chunk.flags.tobytes()),
        trace=trace_message(chunk.trace),
    )
    message.header.stamp = time_message(chunk.stamp_ns)
    return message
