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

"""A demo's bag is looked at before it is praised."""

from __future__ import annotations

import pytest

pytest.importorskip("rosbags")

import numpy as np

from kpm_ros.operate.recorded_bag import describe_bag
from kpm_ros.replay.bag import BagTopic, BagWriter
from kpm_ros.replay.definitions import known_types

EFFORT = "kpm_ros/msg/MuscleEffort"


def record(folder, indices) -> None:
    types = known_types().types
    header = types["std_msgs/msg/Header"](
        stamp=types["builtin_interfaces/msg/Time"](sec=1, nanosec=2), frame_id=""
    )
    with BagWriter(folder, {"/kpm/effort": BagTopic(EFFORT)}) as bag:
        for stamp, index in enumerate(indices):
            message = types[EFFORT](
                header=header, index=index, info_digest=1, flags=0, effort=np.zeros(6, np.float32)
            )
            bag.write("/kpm/effort", stamp, bytes(known_types().serialize_cdr(message, EFFORT)))


def test_a_bag_without_a_gap_is_described(tmp_path):
    record(tmp_path / "bag", range(70_000, 70_100))
    facts, faults = describe_bag(tmp_path / "bag", "kpm")
    assert faults == []
    assert facts["messages"] == 100
    assert facts["path"] == str(tmp_path / "bag")
    assert facts["bytes"] == sum(path.stat().st_size for path in (tmp_path / "bag").iterdir())


def test_what_the_recorder_missed_is_counted(tmp_path):
    record(tmp_path / "bag", [1, 2, 5, 6, 8])
    assert describe_bag(tmp_path / "bag", "kpm")[1] == ["the recorder missed 3 effort messages"]


def test_no_bag_an_empty_bag_and_a_broken_bag_are_faults(tmp_path):
    assert describe_bag(tmp_path / "none", "kpm") == (None, ["nothing was recorded"])
    record(tmp_path / "empty", [])
    assert describe_bag(tmp_path / "empty", "kpm")[1] == ["the bag holds no effort"]
    (tmp_path / "broken").mkdir()
    assert "is not a bag" in describe_bag(tmp_path / "broken", "kpm")[1][0]
