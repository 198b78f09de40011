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

"""A run that is recorded begins once its recorder hears what it hears."""

from __future__ import annotations

import pytest
from kpm_ros.msg import AlignedSamples, KeyEvent

from kpm_ros.nodes import fellow_listener, outgoing, qos
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.nodes.recorder_node import RecorderNode
from kpm_ros.nodes.synchronizer_node import SynchronizerNode
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.sense import samples
from support.waiting import wait_for

KEYS = "keys/events"


@pytest.fixture
def piano(node):
    """Say that a piano is there until a condition holds."""
    publisher = node.create_publisher(KeyEvent, KEYS, qos.of(KEYS))
    beats = iter(range(10**6))

    def until(condition, what):
        def beaten():
            now_ns = node.get_clock().now().nanoseconds
            kind = samples.KeyEventKind.HEARTBEAT
            beat = samples.KeyEvent(stamp_ns=now_ns, index=next(beats), kind=kind)
            publisher.publish(outgoing.key_event_message(beat))
            return condition()

        wait_for(beaten, what)

    return until


def test_a_bag_has_all_that_the_run_was_made_of(make_node, node, piano, tmp_path):
    synchronizer = make_node(SynchronizerNode, model="touchnet-sim", begin_with="recorder")
    aligned = PolledSubscription(node, AlignedSamples, "aligned", qos.of("aligned"))
    synchronizer.start()
    heard = PolledSubscription(node, KeyEvent, KEYS, qos.of(KEYS))
    beats = []
    piano(lambda: beats.extend(heard.take()) or len(beats) > 20, "heartbeats that nobody records")
    assert "recorder does not listen yet" in synchronizer.report().message
    topics = [
        entry.topic.removeprefix(f"{node.get_namespace()}/") for entry, _ in synchronizer._inputs
    ]
    recorder = make_node(RecorderNode, folder=str(tmp_path / "bag"), topics=topics)
    recorder.start()
    chunks = []
    piano(lambda: chunks.extend(aligned.take()) or chunks, "grid samples")
    recorder.stop()
    with BagReader(tmp_path / "bag") as bag:
        first = next(bag.decode(message) for message in bag.messages())
    began = chunks[0][0].header.stamp
    assert (first.header.stamp.sec, first.header.stamp.nanosec) <= (began.sec, began.nanosec)


def test_nobody_is_waited_for_for_ever(make_node, node, piano, monkeypatch):
    monkeypatch.setattr(fellow_listener, "WAITED_FOR_S", 0.2)
    synchronizer = make_node(SynchronizerNode, model="touchnet-sim", begin_with="recorder")
    synchronizer.start()
    piano(lambda: synchronizer.aligner.counts.emitted, "grid samples without a recorder")
