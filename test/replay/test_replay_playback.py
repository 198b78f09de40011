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

"""A recording's time while it is played, and the messages that are due in it."""

from __future__ import annotations

import pytest

from kpm_ros.replay.bag import BagError, BagTopic, BagWriter
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.playback import MessageQueue, PlaybackClock
from support.bags import MS, T0, S


@pytest.fixture
def clock():
    made = PlaybackClock(T0, T0 + 10 * S)
    made.run(0)
    return made


def test_it_stands_still_until_it_is_run_and_ends_at_the_end():
    clock = PlaybackClock(T0, T0 + 10 * S)
    assert clock.at(5 * S) == T0
    clock.run(5 * S)
    assert clock.at(6 * S) == T0 + S
    assert clock.at(50 * S) == T0 + 10 * S


def test_a_pause_is_no_time(clock):
    clock.pause(2 * S)
    assert clock.at(100 * S) == T0 + 2 * S
    clock.run(100 * S)
    assert clock.at(101 * S) == T0 + 3 * S


def test_another_rate_counts_from_now_on(clock):
    clock.set_rate(0.5, 2 * S)
    assert clock.at(4 * S) == T0 + 3 * S
    clock.set_rate(4.0, 4 * S)
    assert clock.at(5 * S) == T0 + 7 * S


def test_a_jump_goes_on_from_there_and_stays_within_the_recording(clock):
    clock.seek(T0 + S, 5 * S)
    assert clock.at(6 * S) == T0 + 2 * S
    clock.seek(T0 - S, 6 * S)
    assert clock.at(6 * S) == T0
    clock.seek(T0 + 99 * S, 6 * S)
    assert clock.at(6 * S) == T0 + 10 * S


def test_it_waits_for_a_start_that_lies_ahead(clock):
    clock.seek(T0 + S, 5 * S + 100 * MS)
    assert clock.at(5 * S) == T0 + S
    assert clock.at(5 * S + 200 * MS) == T0 + S + 100 * MS


@pytest.fixture(params=["mcap", "sqlite3"])
def bag(tmp_path, request):
    topics = {name: BagTopic("std_msgs/msg/Bool") for name in ("/a", "/b")}
    with BagWriter(tmp_path / "bag", topics, request.param) as writer:
        for step in range(10):
            writer.write("/ab"[0] + "ab"[step % 2], step * 10, b"\x00\x01\x00\x00\x01")
    with BagReader(tmp_path / "bag") as reader:
        yield reader


def stamps(messages):
    return [message.stamp_ns for message in messages]


def test_messages_are_taken_once_as_their_time_comes(bag):
    queue = MessageQueue(bag, ["/a", "/b"])
    assert stamps(queue.take(15)) == [0, 10]
    assert stamps(queue.take(15)) == []
    assert stamps(queue.take(20)) == [20]
    assert stamps(queue.take(1000)) == [30, 40, 50, 60, 70, 80, 90]
    assert stamps(queue.take(1000)) == []


def test_after_a_jump_they_go_on_from_there(bag):
    queue = MessageQueue(bag, ["/a"])
    queue.seek(55)
    assert stamps(queue.take(60)) == [60]
    queue.seek(20)
    assert stamps(queue.take(60)) == [20, 40, 60]


def test_a_bag_without_messages_cannot_be_played(tmp_path):
    BagWriter(tmp_path / "bag", {"/a": BagTopic("std_msgs/msg/Bool")}).close()
    with BagReader(tmp_path / "bag") as reader, pytest.raises(BagError, match="holds no message"):
        MessageQueue(reader, ["/a"])
