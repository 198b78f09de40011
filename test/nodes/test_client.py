"""The reader that other packages use: every sample, and what went wrong on the way."""

from __future__ import annotations

import numpy as np
import pytest
from kpm_ros.msg import EffortInfo, MuscleEffort

from kpm_ros.align.flags import Flag
from kpm_ros.client import EffortReader
from kpm_ros.nodes import qos
from kpm_ros.nodes.effort_wire import EffortEncoder
from support.waiting import wait_for

MUSCLES = ("ADM", "1DI")
STEP_NS = 500_000


class Stream:
    """A publisher of effort whose every sample the test decides."""

    def __init__(self, node):
        self.node = node
        self.info = node.create_publisher(EffortInfo, "effort/info", qos.of("effort/info"))
        self.effort = node.create_publisher(MuscleEffort, "effort", qos.of("effort"))
        self.encoder = EffortEncoder(len(MUSCLES))
        self.origin_ns = node.get_clock().now().nanoseconds // STEP_NS * STEP_NS
        self.announce()

    def announce(self):
        self.info.publish(EffortInfo(muscles=list(MUSCLES), unit="1", rate_hz=2000.0))

    def send(self, first, count, flags=0, value=0.5):
        index = np.arange(first, first + count)
        for data in self.encoder.encode(
            self.origin_ns + index * STEP_NS,
            first,
            np.full(count, flags, np.uint8),
            np.full((count, len(MUSCLES)), value, np.float32),
        ):
            self.effort.publish(data)


@pytest.fixture
def stream(node):
    return Stream(node)


@pytest.fixture
def reader(node, stream):
    made = EffortReader(node)
    wait_for(lambda: stream.effort.get_subscription_count() == 1, "the reader to be found")
    wait_for(lambda: made.take() is not None and made.info, "the stream's description")
    yield made
    made.close()


def take(reader, count):
    batches = []

    def enough():
        batches.append(reader.take())
        return sum(map(len, batches)) >= count

    wait_for(enough, f"{count} samples")
    return batches


def test_every_sample_comes_once_and_in_order(stream, reader):
    stream.send(0, 100)
    stream.send(100, 100, value=0.25)
    batches = take(reader, 200)
    assert np.concatenate([b.index for b in batches]).tolist() == list(range(200))
    effort = np.concatenate([b.effort for b in batches])
    assert (effort[:100] == 0.5).all()
    assert (effort[100:] == 0.25).all()
    stamps = np.concatenate([b.stamps_ns for b in batches])
    assert stamps.tolist() == [stream.origin_ns + i * STEP_NS for i in range(200)]
    assert (reader.messages, reader.lost, reader.out_of_order, reader.invalid) == (200, 0, 0, 0)
    assert reader.muscles == MUSCLES


def test_a_jump_of_the_index_is_counted_as_loss(stream, reader):
    stream.send(0, 10)
    stream.send(17, 3)
    take(reader, 13)
    assert reader.lost == 7


def test_a_loss_between_two_takes_is_counted_too(stream, reader):
    stream.send(0, 10)
    take(reader, 10)
    stream.send(15, 1)
    take(reader, 1)
    assert reader.lost == 5


def test_samples_out_of_order_are_counted(stream, reader):
    stream.send(5, 5)
    stream.send(3, 1)
    take(reader, 6)
    assert reader.out_of_order == 1


def test_invalid_samples_are_marked_and_status_says_why(stream, reader):
    stream.send(0, 4)
    stream.send(4, 6, flags=int(Flag.POSE_LOST | Flag.INVALID))
    batches = take(reader, 10)
    assert np.concatenate([b.valid for b in batches]).tolist() == [True] * 4 + [False] * 6
    assert reader.invalid == 6
    assert not reader.status().ready
    assert "pose lost" in reader.status().reason


def test_effort_is_ready_when_fresh_and_stale_when_it_stops(stream, reader):
    assert not reader.status().ready
    assert "no effort has come" in reader.status().reason
    stream.send(0, 10)
    take(reader, 10)
    assert reader.status(stream.origin_ns).ready
    wait_for(lambda: "no effort for" in reader.status(stream.origin_ns).reason, "staleness")


def test_effort_about_an_instant_long_ago_is_not_ready(stream, reader):
    stream.send(0, 10)
    take(reader, 10)
    status = reader.status(stream.origin_ns + 1_000_000_000)
    assert not status.ready
    assert "ago" in status.reason


def begin_anew(stream):
    stream.origin_ns += 5_000_000_000
    stream.send(0, 10)


@pytest.mark.parametrize("first", ["samples", "description"])
def test_a_stream_that_begins_anew_is_counted_once_and_is_no_loss(stream, reader, first):
    """Samples and description are topics of their own, which may overtake each other."""
    stream.send(1000, 10)
    if first == "samples":
        begin_anew(stream)
        take(reader, 20)
        assert reader.restarts == 1
        told = reader.info
        stream.announce()
        wait_for(lambda: reader.take() is not None and reader.info is not told, "the description")
    else:
        stream.announce()
        wait_for(lambda: reader.take() is not None and reader.restarts, "the description")
        begin_anew(stream)
        take(reader, 10)
    assert reader.restarts == 1
    assert (reader.lost, reader.out_of_order) == (0, 0)


def test_messages_with_other_muscles_are_refused_and_counted(stream, reader):
    stream.effort.publish(MuscleEffort(index=1, effort=[0.1] * 5))
    stream.send(2, 1)
    take(reader, 1)
    assert reader.refused == 1
    assert reader.messages == 1
