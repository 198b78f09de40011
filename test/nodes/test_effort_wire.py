"""Our bytes of MuscleEffort against the middleware's."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from kpm_ros.msg import MuscleEffort
from rclpy.serialization import deserialize_message, serialize_message

from kpm_ros.nodes.effort_wire import EffortEncoder, decode_efforts

S = 1_000_000_000


@settings(max_examples=50, deadline=None)
@given(
    muscles=st.integers(1, 12),
    stamp_ns=st.integers(0, 2**31 * S - 1),
    index=st.integers(0, 2**63),
    flags=st.integers(0, 255),
    value=st.floats(width=32, allow_nan=False),
)
def test_the_middleware_reads_what_was_encoded(muscles, stamp_ns, index, flags, value):
    row = np.full((1, muscles), value, np.float32)
    [data] = EffortEncoder(muscles).encode(np.array([stamp_ns]), index, np.array([flags]), row)
    message = deserialize_message(data, MuscleEffort)
    assert message.header.stamp.sec * S + message.header.stamp.nanosec == stamp_ns
    assert (message.index, message.flags) == (index, flags)
    assert list(message.effort) == [value] * muscles


def test_messages_of_another_publisher_are_read_too():
    foreign = MuscleEffort(index=9, flags=3, effort=[0.5, 0.25])
    foreign.header.frame_id = "hand"
    foreign.header.stamp.sec = 4
    ours = EffortEncoder(2).encode(
        np.array([5 * S]), 10, np.array([0]), np.array([[1, 2]], np.float32)
    )
    decoded = decode_efforts([bytes(serialize_message(foreign)), *ours], 2)
    assert decoded.index.tolist() == [9, 10]
    assert decoded.stamps_ns.tolist() == [4 * S, 5 * S]
    assert decoded.effort.tolist() == [[0.5, 0.25], [1, 2]]
    assert decoded.flags.tolist() == [3, 0]


def test_messages_with_other_muscles_are_left_out_and_named():
    wrong = bytes(serialize_message(MuscleEffort(index=1, effort=[0.5] * 3)))
    right = bytes(serialize_message(MuscleEffort(index=2, effort=[0.5] * 2)))
    decoded = decode_efforts([wrong, right, wrong], 2)
    assert decoded.kept == [1]
    assert decoded.index.tolist() == [2]


def test_nothing_decodes_to_nothing():
    assert decode_efforts([], 6).effort.shape == (0, 6)
