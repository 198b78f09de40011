"""The QoS profiles of the wire, named in one place."""

from __future__ import annotations

from copy import copy

from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
    qos_profile_sensor_data,
)

from kpm_ros import graph


def _last(depth: int, reliability: ReliabilityPolicy, **more: DurabilityPolicy) -> QoSProfile:
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=reliability, **more)


PROFILES = {
    "sensor": _last(50, ReliabilityPolicy.BEST_EFFORT),
    "events": _last(100, ReliabilityPolicy.RELIABLE),
    "chunks": _last(50, ReliabilityPolicy.RELIABLE),
    "effort": _last(200, ReliabilityPolicy.BEST_EFFORT),
    "latched": _last(1, ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL),
    "command": _last(1, ReliabilityPolicy.RELIABLE),
    "diagnostics": _last(10, ReliabilityPolicy.RELIABLE),
    "image": qos_profile_sensor_data,
}


def of(topic: str) -> QoSProfile:
    """QoS profile of a topic of the graph."""
    return PROFILES[graph.topic(topic).qos]


def deep(name: str, depth: int) -> QoSProfile:
    """The same with a queue of at least this many messages, for who may be late to look."""
    profile = copy(of(name))
    profile.depth = max(profile.depth, depth)
    return profile
