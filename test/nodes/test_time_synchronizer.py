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

"""Messages of one stamp come together, as by ROS's own message_filters."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from builtin_interfaces.msg import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from kpm_ros.nodes import time_synchronizer as ours


class Joined:
    """A synchronizer with inputs to push into, and what came out of it."""

    def __init__(self, kinds, inputs, queue_size):
        self.inputs = [kinds.SimpleFilter() for _ in range(inputs)]
        self.out = []
        self.synchronizer = kinds.TimeSynchronizer(self.inputs, queue_size)
        self.synchronizer.registerCallback(self.take, "extra")

    def take(self, *messages):
        assert messages[-1] == "extra"
        self.out.append(tuple(m.label for m in messages[:-1]))

    def push(self, position, at, label):
        header = SimpleNamespace(stamp=Time(sec=at // 10, nanosec=at % 10))
        self.inputs[position].signalMessage(SimpleNamespace(header=header, label=label))


def test_messages_of_one_stamp_come_together_once_whatever_their_order():
    joined = Joined(ours, 2, 5)
    for position, at, label in [
        (0, 1, "a1"),
        (1, 2, "b2"),
        (0, 2, "a2"),
        (1, 1, "b1"),
        (1, 1, "x"),
    ]:
        joined.push(position, at, label)
    assert joined.out == [("a2", "b2"), ("a1", "b1")]


def test_a_full_queue_forgets_the_oldest_stamp():
    joined = Joined(ours, 2, 1)
    joined.push(0, 1, "a1")
    joined.push(0, 2, "a2")
    joined.push(1, 1, "b1")
    assert joined.out == []
    joined.push(1, 2, "b2")
    assert joined.out == [("a2", "b2")]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 15)), max_size=60), st.integers(1, 5))
def test_what_comes_together_is_what_message_filters_brings_together(pushes, queue_size):
    theirs = pytest.importorskip(
        "message_filters", reason="ROS's message_filters is not installed to compare with"
    )
    both = [Joined(kinds, 3, queue_size) for kinds in (theirs, ours)]
    for number, (position, at) in enumerate(pushes):
        for joined in both:
            joined.push(position, at, (position, at, number))
    assert both[1].out == both[0].out
