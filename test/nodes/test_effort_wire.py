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

"""Our bytes of MuscleEffort against the middleware's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kpm_ros.msg import MuscleEffort
from rclpy.serialization import deserialize_message, serialize_message

from kpm_ros.nodes.effort_wire import effort_encoder, plain_effort
from kpm_ros.wire.effort_bytes import decode_efforts, info_digest_of, muscles_of

S = 1_000_000_000


@settings(max_examples=50, deadline=None)
@given(
    muscles=st.integers(1, 12),
    stamp_ns=st.integers(0, 2**31 * S - 1),
    index=st.integers(0, 2**63),
    digest=st.integers(0, 2**64 - 1),
    flags=st.integers(0, 255),
    value=st.floats(width=32, allow_nan=False),
)
def test_the_middleware_reads_what_was_encoded(muscles, stamp_ns, index, digest, flags, value):
    row = np.full((1, muscles), value, np.float32)
    encoder = effort_encoder(muscles, digest)
    [data] = encoder.encode(np.array([stamp_ns]), index, np.array([flags]), row)
    message = deserialize_message(data, MuscleEffort)
    assert message.header.stamp.sec * S + message.header.stamp.nanosec == stamp_ns
    assert (message.index, message.info_digest, message.flags) == (index, digest, flags)
    assert list(message.effort) == [value] * muscles
    assert plain_effort(data) is data
    assert (info_digest_of(data), muscles_of(data)) == (digest, muscles)


def test_messages_of_another_publisher_are_read_too():
    foreign = MuscleEffort(index=9, info_digest=77, flags=3, effort=[0.5, 0.25])
    foreign.header.frame_id = "hand"
    foreign.header.stamp.sec = 4
    ours = effort_encoder(2, 77).encode(
        np.array([5 * S]), 10, np.array([0]), np.array([[1, 2]], np.float32)
    )
    plain = plain_effort(bytes(serialize_message(foreign)))
    assert (info_digest_of(plain), muscles_of(plain)) == (77, 2)
    decoded = decode_efforts([plain, *ours], 2)
    assert decoded.index.tolist() == [9, 10]
    assert decoded.stamps_ns.tolist() == [4 * S, 5 * S]
    assert decoded.effort.tolist() == [[0.5, 0.25], [1, 2]]
    assert decoded.flags.tolist() == [3, 0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"\0\1\0\0",
        b"\0\1\0\1",
        b"\0\1\0\3\0\0",
        bytes(43),
        b"\xff" * 68,
        b"\0\1\0\0" + b"\xff" * 64,
        effort_encoder(6, 1)._blank.tobytes()[:-1],
        effort_encoder(6, 1)._blank.tobytes()[:40] + b"\xff\xff\xff\xff",
    ],
    ids=lambda data: f"{len(data)} bytes of {data[-4:].hex()}",
)
def test_bytes_that_are_no_effort_are_none(data):
    assert plain_effort(data) is None


def test_nothing_decodes_to_nothing():
    assert decode_efforts([], 6).effort.shape == (0, 6)
