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

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpm_ros.align.pairing import ApproximateTimeSynchronizer, SimpleFilter


def message(at_ms, label="", make_stamp=None):
    sec, nanosec = divmod(round(at_ms * 1e6), 10**9)
    stamp = (make_stamp or SimpleNamespace)(sec=sec, nanosec=nanosec)
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), label=label)


class Pairs:
    """A synchronizer with inputs to push into, and what came out of it."""

    def __init__(self, kind, filter_kind, inputs, queue_size, slop_s, **more):
        self.inputs = [filter_kind() for _ in range(inputs)]
        self.out = []
        self.synchronizer = kind(self.inputs, queue_size, slop_s, **more)
        self.synchronizer.registerCallback(self.take, "extra")

    def take(self, *messages):
        assert messages[-1] == "extra"
        self.out.append(tuple(m.label for m in messages[:-1]))

    def push(self, position, *arguments):
        self.inputs[position].signalMessage(message(*arguments))


def ours(inputs=2, queue_size=10, slop_s=0.02, **more):
    return Pairs(ApproximateTimeSynchronizer, SimpleFilter, inputs, queue_size, slop_s, **more)


def test_messages_closer_than_the_slop_come_as_a_set_and_only_once():
    pairs = ours()
    pairs.push(0, 0, "a0")
    pairs.push(1, 15, "b0")
    pairs.push(1, 16, "b1")
    assert pairs.out == [("a0", "b0")]


def test_messages_as_far_apart_as_the_slop_are_no_set():
    pairs = ours()
    pairs.push(0, 0, "a0")
    pairs.push(1, 20, "b0")
    assert pairs.out == []


def test_the_nearest_in_time_is_chosen():
    pairs = ours(slop_s=0.05)
    for at in (0, 30, 60):
        pairs.push(0, at, f"a{at}")
    pairs.push(1, 33, "b")
    assert pairs.out == [("a30", "b")]


def test_a_full_queue_forgets_the_oldest_stamp_even_if_it_came_last():
    pairs = ours(queue_size=1)
    pairs.push(0, 100, "new")
    pairs.push(0, 0, "late")
    pairs.push(1, 1, "b0")
    assert pairs.out == []
    pairs.push(1, 101, "b1")
    assert pairs.out == [("new", "b1")]


def test_a_message_without_a_header_is_refused_unless_it_may_count_as_now():
    reasons = []
    pairs = ours(refused=reasons.append)
    pairs.inputs[0].signalMessage(SimpleNamespace(label="bare"))
    assert len(reasons) == 1
    pairs = ours(allow_headerless=True, now_ns=lambda: 5_000_000)
    pairs.inputs[0].signalMessage(SimpleNamespace(label="bare"))
    pairs.push(1, 6, "b")
    assert pairs.out == [("bare", "b")]


def test_a_callback_may_push_messages_itself():
    pairs = ours()
    pairs.synchronizer.registerCallback(
        lambda *m: len(pairs.out) < 3 and (pairs.push(0, 50, "x"), pairs.push(1, 50, "y"))
    )
    pairs.push(0, 0, "a")
    pairs.push(1, 0, "b")
    assert pairs.out == [("a", "b"), ("x", "y"), ("x", "y")]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 120)), max_size=60),
    st.integers(1, 5),
    st.integers(0, 40),
)
def test_no_message_is_used_twice_and_every_set_is_within_the_slop(pushes, queue_size, slop_ms):
    pairs = ours(3, queue_size, slop_ms / 1000)
    for number, (position, at) in enumerate(pushes):
        pairs.push(position, at, (position, at, number))
    used = [label for labels in pairs.out for label in labels]
    assert len(used) == len(set(used))
    for labels in pairs.out:
        assert [label[0] for label in labels] == [0, 1, 2]
        stamps = [label[1] for label in labels]
        assert max(stamps) - min(stamps) < slop_ms


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 120)), max_size=60),
    st.integers(1, 5),
    st.integers(0, 40),
)
def test_the_sets_are_those_that_message_filters_finds(pushes, queue_size, slop_ms):
    theirs = pytest.importorskip(
        "message_filters", reason="ROS's message_filters is not installed to compare with"
    )
    from builtin_interfaces.msg import Time

    filters = theirs.SimpleFilter, SimpleFilter
    kinds = theirs.ApproximateTimeSynchronizer, ApproximateTimeSynchronizer
    both = [
        Pairs(kind, filter_kind, 3, queue_size, slop_ms / 1000)
        for kind, filter_kind in zip(kinds, filters, strict=True)
    ]
    for number, (position, at) in enumerate(pushes):
        for pairs in both:
            pairs.push(position, at, (position, at, number), Time)
    assert both[1].out == both[0].out
