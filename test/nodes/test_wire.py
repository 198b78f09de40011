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

"""Samples survive the way into messages and back; impossible messages are refused in words."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message

from kpm_ros import msg
from kpm_ros.core.chunks import AlignedChunk, EffortChunk, Receipts, Trace
from kpm_ros.core.flags import FlagBits
from kpm_ros.models.pianokpm.published import published_streams
from kpm_ros.nodes import outgoing
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.sense.samples import (
    ChannelChunk,
    KeyEvent,
    KeyEventKind,
    KeyMotionChunk,
    LandmarkFrame,
)
from kpm_ros.wire import decode
from support import bags

STREAMS = published_streams()
STAMP = 1_700_000_000_123_456_789


def over_the_wire(message):
    return deserialize_message(serialize_message(message), type(message))


def assert_same(ours, theirs):
    for spec in fields(ours):
        a, b = getattr(ours, spec.name), getattr(theirs, spec.name)
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b)
        elif isinstance(a, float):
            assert a == pytest.approx(b)
        else:
            assert a == b, spec.name


def test_a_hand_survives():
    points = np.arange(63, dtype=np.float32).reshape(21, 3) / 63
    frame = LandmarkFrame(STAMP, "top", 7, points, 0.5, "other", "left", (640, 480), STAMP + 9)
    assert_same(frame, decode.landmark_frame(over_the_wire(outgoing.landmarks_message(frame))))


def test_a_body_in_metres_with_its_visibility_survives():
    points = np.arange(99, dtype=np.float32).reshape(33, 3) / 99
    seen = np.linspace(0, 1, 33, dtype=np.float32)
    frame = LandmarkFrame(
        STAMP, "front", 7, points, 0.5, "mediapipe-body", "", metres=points - 0.5, visibility=seen
    )
    assert_same(frame, decode.landmark_frame(over_the_wire(outgoing.landmarks_message(frame))))


@pytest.mark.parametrize("told", ["metres", "visibility"])
def test_landmarks_of_which_too_few_are_told_are_refused(told):
    points = np.zeros((33, 3), np.float32)
    short = {"metres": points[:32]} if told == "metres" else {"visibility": points[:32, 0]}
    message = outgoing.landmarks_message(LandmarkFrame(STAMP, "front", 7, points, 1.0, **short))
    with pytest.raises(decode.RefusedMessageError, match=f"{told} tells of 32 landmarks"):
        decode.landmark_frame(message)


def test_a_frame_without_a_hand_survives():
    frame = LandmarkFrame(STAMP, "top", 7, None, 0.0)
    assert decode.landmark_frame(over_the_wire(outgoing.landmarks_message(frame))).points is None


@pytest.mark.parametrize("kind", KeyEventKind)
def test_a_key_event_survives(kind):
    event = KeyEvent(STAMP, 3, kind, note=60, velocity=90, pedal=64, value=0.5, channel=2)
    assert_same(event, decode.key_event(over_the_wire(outgoing.key_event_message(event))))


def test_key_motion_survives():
    depth = np.random.default_rng(1).random((10, 88), np.float32)
    chunk = KeyMotionChunk(STAMP, 100, 1000.0, 21, depth)
    assert_same(chunk, decode.key_motion(over_the_wire(outgoing.key_motion_message(chunk))))


def test_aligned_samples_survive():
    rng = np.random.default_rng(2)
    chunk = AlignedChunk(
        STAMP,
        5,
        10**15,
        1024.0,
        rng.random((4, STREAMS.width), np.float32),
        np.array([0, 1, 4, 2**31], np.uint32),
        np.array([0, 1, 128, 255], FlagBits),
        Trace(1, 2, 3, 4, 5, 6),
    )
    message = over_the_wire(outgoing.aligned_message(chunk, STREAMS.columns))
    assert list(message.streams) == ["top", "right", "keys"]
    assert_same(chunk, decode.aligned_chunk(message, STREAMS))


def test_channels_survive():
    samples = np.arange(6, dtype=np.float32).reshape(3, 2)
    chunk = ChannelChunk("force", STAMP, 9, 100.0, ("left", "right"), "N", samples)
    assert_same(chunk, decode.channel_chunk(over_the_wire(outgoing.channels_message(chunk))))


def test_an_effort_chunk_carries_its_samples_in_order():
    effort = np.arange(12, dtype=np.float32).reshape(2, 6)
    chunk = EffortChunk(STAMP, 40, effort, np.array([0, 128], FlagBits), Trace(1, 2, 3, 4, 5, 6))
    message = over_the_wire(outgoing.effort_chunk_message(chunk, 2**64 - 1))
    assert (message.first_index, message.muscles, message.rate_hz) == (40, 6, 2000.0)
    assert message.info_digest == 2**64 - 1
    assert list(message.effort) == effort.reshape(-1).tolist()
    assert list(message.flags) == [0, 128]
    assert decode.trace(message.trace) == chunk.trace


def aligned_message():
    values, missing = np.zeros((4, STREAMS.width), np.float32), np.zeros(4, np.uint32)
    chunk = AlignedChunk(STAMP, 0, 1, 1024.0, values, missing, np.zeros(4, FlagBits))
    return outgoing.aligned_message(chunk, STREAMS.columns)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda m: setattr(m, "count", 5), "flags holds 4 values, not 5"),
        (lambda m: setattr(m, "count", 0), "flags"),
        (lambda m: setattr(m, "values", m.values[:-1]), "values holds 687 values, not 4 x 172"),
        (lambda m: setattr(m, "missing", m.missing[:-1]), "missing holds 3 values, not 4"),
        (lambda m: setattr(m, "streams", ["top", "left", "keys"]), "'left'.* takes 'top'"),
        (lambda m: setattr(m, "columns", [42, 42, 87]), r"'keys' \(87\)"),
        (lambda m: setattr(m, "columns", [42, 42]), "aligned samples of"),
    ],
)
def test_aligned_samples_of_wrong_size_are_refused_in_words(damage, complaint):
    message = aligned_message()
    damage(message)
    with pytest.raises(decode.RefusedMessageError, match=complaint):
        decode.aligned_chunk(message, STREAMS)


def receipts_message():
    topic, checksum = np.array([1, 0], np.uint32), np.array([7, 2**32 - 1], np.uint32)
    received_ns = np.array([STAMP, STAMP + 1], np.int64)
    return outgoing.receipts_message(Receipts(3, ("/a", "/b"), topic, checksum, received_ns))


def test_receipts_survive():
    told = decode.receipts(over_the_wire(receipts_message()))
    assert (told.first_index, told.topics, len(told)) == (3, ("/a", "/b"), 2)
    assert told.topic.tolist() == [1, 0]
    assert told.checksum.tolist() == [7, 2**32 - 1]
    assert told.received_ns.tolist() == [STAMP, STAMP + 1]


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda m: setattr(m, "topic", m.topic[:1]), "hold 1, 2 and 2 values"),
        (lambda m: setattr(m, "received", []), "hold 2, 2 and 0 values"),
        (lambda m: setattr(m, "topics", ["/a"]), "topic holds 1, but there are 1 topics"),
    ],
)
def test_receipts_that_cannot_be_are_refused_in_words(damage, complaint):
    message = receipts_message()
    damage(message)
    with pytest.raises(decode.RefusedMessageError, match=complaint):
        decode.receipts(message)


def test_points_that_are_no_triples_are_refused():
    message = outgoing.landmarks_message(
        LandmarkFrame(STAMP, "top", 7, np.zeros((21, 3), np.float32), 1.0)
    )
    message.points = message.points[:-1]
    with pytest.raises(decode.RefusedMessageError, match="62 values"):
        decode.landmark_frame(message)


def test_an_unknown_kind_of_key_event_is_refused():
    message = outgoing.key_event_message(KeyEvent(STAMP, 0, KeyEventKind.NOTE_ON))
    message.kind = 99
    with pytest.raises(decode.RefusedMessageError, match="99"):
        decode.key_event(message)


def test_messages_are_the_same_whoever_decodes_them(tmp_path):
    """Nodes take rclpy's messages and replay those of rosbags, by the same code."""
    bag = bags.write(tmp_path / "bag", bags.entries(bags.played(1.0)))
    read = {
        "landmarks": decode.landmark_frame,
        "events": decode.key_event,
        "motion": decode.key_motion,
    }
    seen = set()
    with BagReader(bag) as reader:
        for message in list(reader.messages())[:200]:
            convert = read[message.topic.rsplit("/", 1)[-1]]
            kind = getattr(msg, message.type.rsplit("/", 1)[-1])
            ours, theirs = (
                convert(reader.decode(message)),
                convert(deserialize_message(message.data, kind)),
            )
            seen.add(message.type)
            for name in ours.__dataclass_fields__:
                np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    assert len(seen) == 3
