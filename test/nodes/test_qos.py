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

"""Publishers and subscribers that cannot hear each other are named, and so is what would help."""

from __future__ import annotations

from typing import Any

import pytest
import rclpy
from kpm_ros.msg import KeyEvent, MuscleEffort
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes import qos
from kpm_ros.nodes.diagnostics import Level
from kpm_ros.nodes.midi_node import MidiNode
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.nodes.qos_check import mismatches
from kpm_ros.nodes.synchronizer_node import SynchronizerNode
from support.waiting import wait_for

BEST_EFFORT = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)


def said_of(node: Any, topic: str) -> str:
    """Wait for a node to say something about a topic."""
    return wait_for(
        lambda: next((s for s in mismatches(node) if s.startswith(topic)), None), f"word of {topic}"
    )


def test_a_publisher_that_is_never_heard_is_named_with_what_would_help(node, make_node):
    synchronizer = make_node(SynchronizerNode)
    topic = f"{node.get_namespace()}/keys/events"
    node.create_publisher(KeyEvent, topic, BEST_EFFORT)
    sentence = said_of(synchronizer, topic)
    assert sentence == (
        f"{topic}: {node.get_fully_qualified_name()} publishes it best effort, but it is read "
        "reliable: nothing of that is heard; publish it reliable, or start this node with "
        f"qos_overrides.{topic}.subscription.reliability: best_effort"
    )
    report = synchronizer.report()
    assert (report.level, report.message) == (Level.DEGRADED, sentence)


def test_what_helps_does(node, make_node):
    topic = f"{node.get_namespace()}/keys/events"
    name = f"qos_overrides.{topic}.subscription.reliability"
    synchronizer = make_node(SynchronizerNode, **{name: "best_effort"})
    publisher = node.create_publisher(KeyEvent, topic, BEST_EFFORT)
    wait_for(lambda: publisher.get_subscription_count(), "the synchronizer to subscribe")
    assert not list(mismatches(synchronizer))
    assert synchronizer.get_parameter(name).value == "best_effort"


def test_what_devices_say_may_be_published_otherwise(node, make_node):
    topic = f"{node.get_namespace()}/keys/events"
    wish = {f"qos_overrides.{topic}.publisher.reliability": "best_effort"}
    make_node(MidiNode, source="tcp_server", tcp_port=0, **wish)
    [offered] = wait_for(lambda: node.get_publishers_info_by_topic(topic), "the publisher")
    assert offered.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT


@pytest.mark.parametrize(
    ("policy", "value"), [("reliability", "perhaps"), ("depth", 0), ("depth", "deep")]
)
def test_a_quality_that_does_not_exist_is_refused_in_words(context, node, policy, value):
    name = f"qos_overrides.{node.get_namespace()}/keys/events.subscription.{policy}"
    with pytest.raises(ConfigurationError, match=f"qos_overrides of keys/events.*{policy}"):
        SynchronizerNode(
            context=context,
            namespace=node.get_namespace(),
            parameter_overrides=[Parameter(name, value=value)],
        )


def test_a_subscriber_that_is_never_reached_is_named(node, make_node):
    synchronizer = make_node(SynchronizerNode)
    topic = f"{node.get_namespace()}/aligned"
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_subscription(synchronizer._output.msg_type, topic, lambda _: None, latched)
    sentence = said_of(synchronizer, topic)
    assert "subscribes to it transient local, but it is published volatile" in sentence
    assert sentence.endswith("subscribe volatile")


def test_another_type_on_a_topic_is_told(node, make_node):
    synchronizer = make_node(SynchronizerNode)
    topic = f"{node.get_namespace()}/keys/events"
    elsewhere = rclpy.Context()  # one participant cannot have two types on a topic
    rclpy.init(context=elsewhere)
    try:
        other = rclpy.create_node("other", context=elsewhere)
        other.create_publisher(String, topic, 10)
        sentence = said_of(synchronizer, topic)
    finally:
        elsewhere.try_shutdown()
    assert "publishes it as std_msgs/msg/String, but here it is kpm_ros/msg/KeyEvent" in sentence


def test_who_fits_is_not_mentioned(node, make_node):
    synchronizer = make_node(SynchronizerNode)
    topic = f"{node.get_namespace()}/keys/events"
    publisher = node.create_publisher(KeyEvent, topic, qos.of("keys/events"))
    effort = node.create_publisher(MuscleEffort, "effort", qos.of("effort"))
    reader = PolledSubscription(node, MuscleEffort, "effort", qos.of("effort"))
    wait_for(lambda: publisher.get_subscription_count(), "the synchronizer to subscribe")
    wait_for(lambda: effort.get_subscription_count(), "the reader to subscribe")
    assert not list(mismatches(synchronizer))
    assert not list(mismatches(node))
    reader.close()


def test_a_piano_without_motion_sensors_is_not_waited_for(node, make_node):
    synchronizer = make_node(SynchronizerNode)
    namespace = node.get_namespace()
    assert f"{namespace}/keys/motion" in synchronizer.report().message
    node.create_publisher(KeyEvent, f"{namespace}/keys/events", qos.of("keys/events"))
    wait_for(
        lambda: (
            "nobody publishes" in (said := synchronizer.report().message) and "keys/" not in said
        ),
        "the keys to be no longer awaited",
    )
