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

"""Who is not heard here, or does not hear, because both ask for different quality of service."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import (
    DurabilityPolicy,
    QoSCompatibility,
    QoSProfile,
    ReliabilityPolicy,
    qos_check_compatible,
)

from kpm_ros.nodes import qos

NO_NODE = "_NODE_NAME_UNKNOWN_"
ENDLESS = Duration(nanoseconds=2**62)
OF_ROS = ("/rosout", "/parameter_events", "/clock")
"""Topics that ROS itself looks after."""


def mismatches(node: Node) -> Iterator[str]:
    """Say of each publisher that a node never hears, and of each subscriber it never reaches, why.

    The middleware tells neither who it is, nor anything at all where no executor serves the topic.
    """
    for subscription in list(node.subscriptions):
        topic = subscription.topic_name
        for other in [] if topic in OF_ROS else node.get_publishers_info_by_topic(topic):
            trouble = _other_type(other, subscription.msg_type) or _unheard(
                other.qos_profile, subscription.qos_profile, node, topic
            )
            if trouble:
                yield f"{topic}: {_name(other)} publishes {trouble}"
    for publisher in list(node.publishers):
        topic = publisher.topic_name
        for other in [] if topic in OF_ROS else node.get_subscriptions_info_by_topic(topic):
            trouble = _other_type(other, publisher.msg_type) or _unreached(
                publisher.qos_profile, other.qos_profile
            )
            if trouble:
                yield f"{topic}: {_name(other)} subscribes to {trouble}"


def _name(endpoint: Any) -> str:
    if endpoint.node_name == NO_NODE:
        return "a program that is no ROS node"
    return f"{endpoint.node_namespace.rstrip('/')}/{endpoint.node_name}"


def _other_type(endpoint: Any, kind: type) -> str:
    ours = qos.type_name(kind)
    if endpoint.topic_type in (ours, ""):
        return ""
    return f"it as {endpoint.topic_type}, but here it is {ours}: nothing of that arrives"


def _unheard(offered: QoSProfile, wanted: QoSProfile, node: Node, topic: str) -> str:
    """Why a publisher's messages do not come in, and what would mend that."""
    if _compare(offered, wanted)[0] != QoSCompatibility.ERROR:
        return ""
    policy, theirs, ours = _lack(offered, wanted)
    if not policy:
        return f"it in a way that cannot be read: {theirs}"
    mend = f"publish it {_words(ours)}"
    parameter = f"qos_overrides.{topic}.subscription.{policy}"
    if node.has_parameter(parameter):
        mend += f", or start this node with {parameter}: {theirs}"
    return f"it {_words(theirs)}, but it is read {_words(ours)}: nothing of that is heard; {mend}"


def _unreached(offered: QoSProfile, wanted: QoSProfile) -> str:
    """Why messages do not reach a subscriber, and what would mend that."""
    if _compare(offered, wanted)[0] != QoSCompatibility.ERROR:
        return ""
    policy, ours, theirs = _lack(offered, wanted)
    if not policy:
        return f"it in a way that is not served: {ours}"
    return (
        f"it {_words(theirs)}, but it is published {_words(ours)}: nothing reaches it; subscribe "
        f"{_words(ours)}"
    )


def _compare(offered: QoSProfile, wanted: QoSProfile) -> tuple[QoSCompatibility, str]:
    return qos_check_compatible(_without_endless(offered), _without_endless(wanted))


def _without_endless(profile: QoSProfile) -> QoSProfile:
    """Write "without end" as ROS does where nothing was asked for: as no time at all."""
    plain = copy(profile)
    for name in ("deadline", "lifespan", "liveliness_lease_duration"):
        if getattr(plain, name) >= ENDLESS:
            setattr(plain, name, Duration())
    return plain


def _lack(offered: QoSProfile, wanted: QoSProfile) -> tuple[str, str, str]:
    """Which policy offers too little, what is offered, and what is wanted."""
    if ReliabilityPolicy.BEST_EFFORT == offered.reliability != wanted.reliability:
        return "reliability", "best_effort", "reliable"
    if DurabilityPolicy.VOLATILE == offered.durability != wanted.durability:
        return "durability", "volatile", "transient_local"
    return "", _compare(offered, wanted)[1].removeprefix("ERROR: ").rstrip("; "), ""


def _words(policy: str) -> str:
    return policy.replace("_", " ")
