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

"""Messages that are too large, or too many, where a node takes them over real DDS."""

from __future__ import annotations

import array

import numpy as np
import pytest
from kpm_ros.msg import KeyEvent
from rclpy.qos import QoSProfile

from kpm_ros import pipeline_topics
from kpm_ros.nodes import outgoing, polling, qos
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.nodes.synchronizer_node import SynchronizerNode
from kpm_ros.sense.samples import KeyMotionChunk, LandmarkFrame
from support.waiting import wait_for


def test_no_more_is_taken_in_one_go_than_there_is_room_for_and_nothing_is_lost(node, monkeypatch):
    monkeypatch.setattr(polling, "MOST_BYTES", 5_000)
    profile = QoSProfile(depth=20)
    taker = PolledSubscription(node, KeyEvent, "keys/events", profile)
    publisher = node.create_publisher(KeyEvent, "keys/events", profile)
    wait_for(lambda: publisher.get_subscription_count(), "the subscription")
    for index in range(10):
        message = KeyEvent(index=index)
        message.header.frame_id = "x" * 2_000
        publisher.publish(message)
    found, sizes = [], []

    def all_have_come():
        batch = taker.take()
        sizes.append(len(batch))
        found.extend(message.index for message, _ in batch)
        return len(found) == 10

    wait_for(all_have_come, "ten events")
    assert found == list(range(10))
    assert max(sizes) == 3


def test_what_too_large_messages_took_is_given_back_and_the_topic_is_heard_again(node, monkeypatch):
    monkeypatch.setattr(polling, "RENEW_AFTER_S", 0.0)
    profile = QoSProfile(depth=20)
    taker = PolledSubscription(node, KeyEvent, "keys/events", profile, 1_000)
    publisher = node.create_publisher(KeyEvent, "keys/events", profile)
    wait_for(lambda: publisher.get_subscription_count(), "the subscription")
    publisher.publish(fat("keys/events"))
    wait_for(lambda: taker.take() == [] and taker.renewed, "a new subscription")
    assert taker.refused == 1

    def heard():
        publisher.publish(KeyEvent(index=7))
        return taker.take()

    [(message, _), *_] = wait_for(heard, "an event")
    assert (message.index, taker.renewed) == (7, 1)
    assert publisher.get_subscription_count() == 1


def fat(topic):
    """A message of a topic that has more bytes than any sender needs."""
    if topic == "keys/motion":
        depth = np.zeros((2_000, 88), np.float32)
        return outgoing.key_motion_message(KeyMotionChunk(0, 0, 20_000.0, 21, depth))
    if topic == "keys/events":
        message = KeyEvent(kind=KeyEvent.HEARTBEAT)
        message.header.frame_id = "x" * 100_000
        return message
    points = np.zeros((21, 3), np.float32)
    return outgoing.landmarks_message(LandmarkFrame(0, "top", 0, points, 1.0, side="r" * 100_000))


@pytest.mark.parametrize("topic", ["keys/motion", "keys/events", "camera/top/landmarks"])
def test_the_synchronizer_refuses_what_is_too_large_unread_and_counts_it(node, make_node, topic):
    synchronizer = make_node(SynchronizerNode)
    message = fat(topic)
    publisher = node.create_publisher(type(message), topic, qos.of(topic))
    wait_for(lambda: publisher.get_subscription_count(), "the synchronizer")
    taken = []
    synchronizer.aligner.push_frame = lambda *given: taken.append(given)
    synchronizer.aligner.push_key_event = lambda *given: taken.append(given)
    synchronizer.aligner.push_key_motion = lambda *given: taken.append(given)

    def refused():
        message.header.stamp = outgoing.time_message(synchronizer.now_ns())
        publisher.publish(message)
        synchronizer.step()
        return synchronizer.report().values["refused_messages"]

    wait_for(refused, "a refusal")
    assert taken == []


def test_what_devices_send_is_far_below_what_is_read():
    second = outgoing.key_motion_message(
        KeyMotionChunk(0, 0, 1_000.0, 21, np.zeros((1_000, 88), np.float32))
    )
    hand = outgoing.landmarks_message(
        LandmarkFrame(0, "top", 0, np.zeros((33, 3), np.float32), 1.0)
    )
    for message, topic in ((second, "keys/motion"), (hand, "camera/top/landmarks")):
        values = message.depth if topic == "keys/motion" else message.points
        assert isinstance(values, array.array)
        assert 4 * len(values) + 200 < pipeline_topics.topic(topic).largest
