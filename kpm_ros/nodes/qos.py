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

"""The QoS profiles of the wire, named in one place."""

from __future__ import annotations

from copy import copy

from rcl_interfaces.msg import SetParametersResult
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
    qos_profile_sensor_data,
)
from rclpy.qos_overriding_options import QoSOverridingOptions

from kpm_ros import pipeline_topics


def _last(
    depth: int,
    reliability: ReliabilityPolicy,
    durability: DurabilityPolicy = DurabilityPolicy.VOLATILE,
) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=reliability,
        durability=durability,
    )


PROFILES = {
    "sensor": _last(50, ReliabilityPolicy.BEST_EFFORT),
    "events": _last(100, ReliabilityPolicy.RELIABLE),
    "chunks": _last(50, ReliabilityPolicy.RELIABLE),
    "effort": _last(200, ReliabilityPolicy.BEST_EFFORT),
    "latched": _last(1, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL),
    "command": _last(1, ReliabilityPolicy.RELIABLE),
    "diagnostics": _last(10, ReliabilityPolicy.RELIABLE),
    "log": _last(1000, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL),
    "image": qos_profile_sensor_data,
}


def of(topic: str) -> QoSProfile:
    """QoS profile of a topic of the graph."""
    return PROFILES[pipeline_topics.topic(topic).qos]


SENSED = (
    "kpm_ros/msg/Landmarks",
    "kpm_ros/msg/KeyEvent",
    "kpm_ros/msg/KeyMotion",
    "kpm_ros/msg/ChannelSamples",
    "sensor_msgs/msg/Image",
    "sensor_msgs/msg/CompressedImage",
    "sensor_msgs/msg/CameraInfo",
)
"""What devices say. Other people's devices may say it in another way: how it is read, and how ours
publish it, can be changed by the parameters `qos_overrides`. What follows is the pipeline's own."""


def type_name(message_type: type) -> str:
    """Name of a message's type as ROS has it."""
    return f"{message_type.__module__.partition('.')[0]}/msg/{message_type.__name__}"


def overriding(message_type: type) -> QoSOverridingOptions:
    """What the user may choose by parameters about topics of a type."""
    sensed = type_name(message_type) in SENSED
    return (
        QoSOverridingOptions.with_default_policies(callback=_usable)
        if sensed
        else QoSOverridingOptions([])
    )


def _usable(profile: QoSProfile) -> SetParametersResult:
    if profile.history == HistoryPolicy.KEEP_LAST and profile.depth < 1:
        return SetParametersResult(
            successful=False, reason=f"depth is {profile.depth}, but must be at least 1"
        )
    return SetParametersResult(successful=True)


def deep(name: str, depth: int) -> QoSProfile:
    """The same with a queue of at least this many messages, for who may be late to look."""
    profile = copy(of(name))
    profile.depth = max(profile.depth, depth)
    return profile
