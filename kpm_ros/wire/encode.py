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

"""Samples to messages, of whichever library's classes: ROS's, or those of the writer of bags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.chunks import EFFORT_RATE_HZ, AlignedChunk, EffortChunk, Receipts, Trace
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.sense.samples import ChannelChunk, KeyEvent, KeyMotionChunk, LandmarkFrame

TIME, HEADER = "builtin_interfaces/msg/Time", "std_msgs/msg/Header"
LANDMARKS, CHANNELS = "kpm_ros/msg/Landmarks", "kpm_ros/msg/ChannelSamples"
KEY_EVENT, KEY_MOTION = "kpm_ros/msg/KeyEvent", "kpm_ros/msg/KeyMotion"
ALIGNED, LATENCY_TRACE = "kpm_ros/msg/AlignedSamples", "kpm_ros/msg/LatencyTrace"
RECEIPTS = "kpm_ros/msg/Receipts"
EFFORT, EFFORT_CHUNK = "kpm_ros/msg/MuscleEffort", "kpm_ros/msg/MuscleEffortChunk"
EFFORT_INFO = "kpm_ros/msg/EffortInfo"
HAND_POINTS = "kpm_ros/msg/HandPoints"

Make = Callable[[str, Mapping[str, Any]], Any]
"""Makes a message of a type from its fields: plain values, NumPy arrays, and messages."""


KEYBOARD_FRAME = "keyboard"
"""Name of the frame that `core.keyboard` describes."""


def optical_frame(view: str) -> str:
    """Name of a view's optical frame where nobody has given it another."""
    return f"camera_{view}_optical"


class Encoder:
    """Writes samples as messages."""

    def __init__(self, make: Make) -> None:
        """Take what makes the messages."""
        self._make = make

    def time(self, stamp_ns: int) -> Any:
        """Nanoseconds as a Time message."""
        sec, nanosec = divmod(stamp_ns, NS_PER_S)
        return self._make(TIME, {"sec": sec, "nanosec": nanosec})

    def header(self, stamp_ns: int, frame_id: str = "") -> Any:
        """An instant as a Header message."""
        return self._make(HEADER, {"stamp": self.time(stamp_ns), "frame_id": frame_id})

    def landmarks(self, frame: LandmarkFrame) -> Any:
        """What a camera frame shows as a message."""
        return self._make(
            LANDMARKS,
            {
                "header": self.header(frame.stamp_ns, frame.frame_id or optical_frame(frame.view)),
                "index": frame.index,
                "view": frame.view,
                "skeleton": frame.skeleton,
                "side": frame.side,
                "confidence": frame.confidence,
                "image_width": frame.image_size[0],
                "image_height": frame.image_size[1],
                "points": () if frame.points is None else frame.points.reshape(-1),
                "metres": () if frame.metres is None else frame.metres.reshape(-1),
                "visibility": () if frame.visibility is None else frame.visibility,
                "processed": self.time(frame.processed_ns),
            },
        )

    def hand_points(
        self,
        stamp_ns: int,
        skeleton: str,
        side: str,
        points: NDArray[np.float32],
        covariance: NDArray[np.float32],
    ) -> Any:
        """A hand in space as a message."""
        return self._make(
            HAND_POINTS,
            {
                "header": self.header(stamp_ns, KEYBOARD_FRAME),
                "skeleton": skeleton,
                "side": side,
                "points": points.reshape(-1),
                "covariance": covariance.reshape(-1),
            },
        )

    def key_event(self, event: KeyEvent) -> Any:
        """A note, pedal or heartbeat as a message."""
        return self._make(
            KEY_EVENT,
            {
                "header": self.header(event.stamp_ns),
                "index": event.index,
                "kind": int(event.kind),
                "note": event.note,
                "velocity": event.velocity,
                "pedal": event.pedal,
                "value": event.value,
                "channel": event.channel,
            },
        )

    def key_motion(self, chunk: KeyMotionChunk) -> Any:
        """Key depth as a message."""
        return self._make(
            KEY_MOTION,
            {
                "header": self.header(chunk.stamp_ns),
                "first_index": chunk.first_index,
                "rate_hz": chunk.rate_hz,
                "first_note": chunk.first_note,
                "keys": chunk.depth.shape[1],
                "depth": chunk.depth.reshape(-1),
            },
        )

    def channels(self, chunk: ChannelChunk) -> Any:
        """Samples of named channels, such as raw EMG, as a message."""
        return self._make(
            CHANNELS,
            {
                "header": self.header(chunk.stamp_ns),
                "stream": chunk.name,
                "first_index": chunk.first_index,
                "rate_hz": chunk.rate_hz,
                "channels": list(chunk.channels),
                "unit": chunk.unit,
                "samples": chunk.samples.reshape(-1),
            },
        )

    def trace(self, trace: Trace) -> Any:
        """A latency trace as a message."""
        times = asdict(trace).items()
        return self._make(
            LATENCY_TRACE, {name.removesuffix("_ns"): self.time(value) for name, value in times}
        )

    def aligned(self, chunk: AlignedChunk, columns: Mapping[str, slice]) -> Any:
        """Grid samples as a message; `columns` says where each stream's are."""
        return self._make(
            ALIGNED,
            {
                "header": self.header(chunk.stamp_ns),
                "first_index": chunk.first_index,
                "grid_index": chunk.grid_index,
                "rate_hz": chunk.rate_hz,
                "count": len(chunk),
                "streams": list(columns),
                "columns": [place.stop - place.start for place in columns.values()],
                "values": chunk.values.reshape(-1),
                "missing": chunk.missing,
                "flags": chunk.flags,
                "trace": self.trace(chunk.trace),
            },
        )

    def receipts(self, receipts: Receipts) -> Any:
        """When inputs were received as a message."""
        return self._make(
            RECEIPTS,
            {
                "header": self.header(int(receipts.received_ns[-1])),
                "first_index": receipts.first_index,
                "topics": list(receipts.topics),
                "topic": receipts.topic,
                "checksum": receipts.checksum,
                "received": receipts.received_ns,
            },
        )

    def effort_info(self, at_ns: int, fields: Mapping[str, Any]) -> Any:
        """What a stream of effort says of itself as a message."""
        return self._make(EFFORT_INFO, {"header": self.header(at_ns), **fields})

    def effort_chunk(self, chunk: EffortChunk, info_digest: int) -> Any:
        """Effort samples as one message, of the stream that the info with this digest describes."""
        return self._make(
            EFFORT_CHUNK,
            {
                "header": self.header(chunk.stamp_ns),
                "first_index": chunk.first_index,
                "info_digest": info_digest,
                "rate_hz": float(EFFORT_RATE_HZ),
                "muscles": chunk.effort.shape[1],
                "effort": chunk.effort.reshape(-1),
                "flags": chunk.flags,
                "trace": self.trace(chunk.trace),
            },
        )
