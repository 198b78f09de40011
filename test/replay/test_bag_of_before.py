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

"""Bags from before effort carried its info's digest are still read: they define their types."""

from __future__ import annotations

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.effort import read_effort
from kpm_ros.replay.topics import EFFORT, EFFORT_CHUNK, TopicFinder

DEFINITIONS = {
    "kpm_ros/msg/LatencyTrace": "\n".join(
        f"builtin_interfaces/Time {name}"
        for name in ("input", "processed", "received", "aligned", "estimated", "published")
    ),
    EFFORT: "std_msgs/Header header\nuint64 index\nuint8 flags\nfloat32[] effort",
    EFFORT_CHUNK: (
        "std_msgs/Header header\nuint64 first_index\nfloat64 rate_hz\nuint32 muscles\n"
        "float32[] effort\nuint8[] flags\nkpm_ros/LatencyTrace trace"
    ),
}
S = 1_000_000_000


@pytest.mark.parametrize("kind", [EFFORT, EFFORT_CHUNK])
def test_effort_without_a_digest_is_read(tmp_path, kind):
    store = get_typestore(Stores.ROS2_KILTED)
    for name, text in DEFINITIONS.items():
        store.register(get_types_from_msg(text, name))
    make = store.types
    time = make["builtin_interfaces/msg/Time"](sec=3, nanosec=0)
    header = make["std_msgs/msg/Header"](stamp=time, frame_id="")
    row = np.array([0.5, 0.25], np.float32)
    if kind == EFFORT:
        message = make[kind](header=header, index=7, flags=3, effort=row)
    else:
        trace = make["kpm_ros/msg/LatencyTrace"](*[time] * 6)
        flags = np.array([3], np.uint8)
        message = make[kind](header, 7, 2000.0, 2, row, flags, trace)
    topic = "/kpm/effort" if kind == EFFORT else "/kpm/effort/chunks"
    with Writer(tmp_path / "bag", version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection(topic, kind, typestore=store)
        writer.write(connection, 3 * S, store.serialize_cdr(message, kind))
    with BagReader(tmp_path / "bag") as bag:
        effort = read_effort(bag, TopicFinder(bag), 2)
    assert (effort.index.tolist(), effort.flags.tolist()) == ([7], [3])
    assert effort.effort.tolist() == [[0.5, 0.25]]
    assert effort.stamps_ns.tolist() == [3 * S]
