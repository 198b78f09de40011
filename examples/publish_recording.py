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
"""Plays a recording of a data set on the pipeline's topics, as the devices would: over and over.

    python examples/publish_recording.py sets/fingertips p3_t1_1

The streams of the recording go to `camera/<view>/landmarks`, `keys/motion` and
`channels/<stream>`, in real time, until Ctrl-C. What a frame did not see is sent as such.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import rclpy
from kpm_ros.msg import ChannelSamples, KeyMotion
from kpm_ros.msg import Landmarks as LandmarksMessage

from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.streams import METRIC, Channels, Landmarks, PianoKeys
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.recording import Recording, TimeSeries
from kpm_ros.nodes import outgoing, qos
from kpm_ros.pipeline_topics import CHANNELS, KEY_MOTION, LANDMARKS
from kpm_ros.sense.samples import ChannelChunk, KeyMotionChunk, LandmarkFrame


def sample_of(series: TimeSeries, row: int, stamp_ns: int, index: int) -> Any:
    """Turn one row of a stream into what its device would hand on; nothing where it has none."""
    stream, values = series.stream, np.asarray(series.values[row], np.float32)
    if isinstance(stream, Landmarks):
        points = np.zeros((len(stream.skeleton), 3), np.float32)
        points[:, : stream.dimensions] = values.reshape(-1, stream.dimensions)
        return LandmarkFrame(
            stamp_ns=stamp_ns,
            view=stream.name,
            index=index,
            points=points if series.seen[row] else None,
            metres=points if series.seen[row] and stream.coordinates == METRIC else None,
            confidence=float(series.seen[row]),
            skeleton=stream.skeleton.name,
            side="",
            processed_ns=time.time_ns(),
        )
    if not series.seen[row]:
        return None
    if isinstance(stream, PianoKeys):
        return KeyMotionChunk(stamp_ns, index, stream.rate_hz, stream.first_note, values[None])
    assert isinstance(stream, Channels)
    return ChannelChunk(
        stream.name, stamp_ns, index, stream.rate_hz, stream.columns, stream.unit, values[None]
    )


def samples(recording: Recording, start_ns: int) -> Iterator[tuple[int, Any]]:
    """Give everything that the recording holds, in its order, over and over, with its instant."""
    rows = sorted(
        (int(at_ns), number, row)
        for number, series in enumerate(recording.series)
        for row, at_ns in enumerate(series.stamps_ns)
    )
    length_ns = round(max(one.duration_s for one in recording.series) * NS_PER_S)
    turn = 0
    while True:
        for at_ns, number, row in rows:
            series = recording.series[number]
            stamp_ns = start_ns + turn * length_ns + at_ns
            sample = sample_of(series, row, stamp_ns, turn * len(series) + row)
            if sample is not None:
                yield stamp_ns, sample
        turn += 1


def main() -> None:
    """Publish until somebody stops it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="the data set, in any layout that `kpm dataset` reads")
    parser.add_argument("recording", help="one of its recordings")
    parser.add_argument("--namespace", default="kpm", help="of the pipeline (default: kpm)")
    arguments = parser.parse_args()
    try:
        recording = open_dataset(arguments.folder).store.recording(arguments.recording)
    except (KeyError, ValueError) as error:
        sys.exit(f"{arguments.recording} of {arguments.folder} cannot be played: {error}")
    rclpy.init()
    node = rclpy.create_node("recording", namespace=arguments.namespace)
    encoders = {
        LandmarkFrame: (LandmarksMessage, LANDMARKS, outgoing.landmarks_message),
        KeyMotionChunk: (KeyMotion, KEY_MOTION, outgoing.key_motion_message),
        ChannelChunk: (ChannelSamples, CHANNELS, outgoing.channels_message),
    }
    publishers: dict[str, Any] = {}
    try:
        for stamp_ns, sample in samples(recording, time.time_ns()):
            kind, topic, encode = encoders[type(sample)]
            name = topic.of(getattr(sample, "view", getattr(sample, "name", "")))
            if name not in publishers:
                publishers[name] = node.create_publisher(kind, name, qos.of(name))
            time.sleep(max(0.0, (stamp_ns - time.time_ns()) / NS_PER_S))
            if not rclpy.ok():
                break
            publishers[name].publish(encode(sample))
    except KeyboardInterrupt:
        pass
    finally:
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
