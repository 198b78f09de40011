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

"""One side of the effort topic, alone in its process: prints what it cost as JSON.

Used by pipeline.py: `_wire_roles.py ROLE SECONDS`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np
import rclpy
from kpm_ros.msg import EffortInfo, MuscleEffort
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from kpm_ros.client import EffortReader
from kpm_ros.estimate.effort_info import described, new_stream
from kpm_ros.models.pianokpm.published import MUSCLES, published_card
from kpm_ros.nodes import qos
from kpm_ros.nodes.effort_wire import effort_encoder

RATE_HZ = 2000
STEP_NS = 1_000_000_000 // RATE_HZ
SETTLE_S = 1.5
"""Before this, peers find each other; it is not measured."""

INFO = described(published_card(), "", new_stream())

Step = Callable[[], int]
"""Does what is due; returns the number of messages dealt with."""


def paced_publisher(node: Node) -> Step:
    """Ours: bytes, from a plain thread on an absolute schedule, due each millisecond."""
    publisher = node.create_publisher(MuscleEffort, "effort", qos.of("effort"))
    encoder = effort_encoder(len(MUSCLES), INFO["digest"])
    effort = np.full((RATE_HZ, len(MUSCLES)), 0.25, np.float32)
    flags = np.zeros(RATE_HZ, np.uint8)
    began_ns = time.time_ns()
    sent = 0

    def step() -> int:
        nonlocal sent
        due = min((time.time_ns() - began_ns) // STEP_NS - sent, RATE_HZ)
        stamps = began_ns + np.arange(sent, sent + due, dtype=np.int64) * STEP_NS
        for data in encoder.encode(stamps, sent, flags[:due], effort[:due]):
            publisher.publish(data)
        sent += due
        time.sleep(0.001)
        return due

    return step


def timer_publisher(node: Node) -> Step:
    """The plain way: a timer at 2 kHz whose callback builds and publishes a message."""
    publisher = node.create_publisher(MuscleEffort, "effort", qos.of("effort"))
    sent = 0

    def publish() -> None:
        nonlocal sent
        message = MuscleEffort(index=sent, info_digest=INFO["digest"])
        message.effort = [0.25] * len(MUSCLES)
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)
        sent += 1

    node.create_timer(1 / RATE_HZ, publish)
    return _spinning(node, lambda: sent)


def reader(node: Node) -> Step:
    """Ours: takes what is queued, 250 times a second."""
    made = EffortReader(node)

    def step() -> int:
        count = len(made.take())
        time.sleep(0.004)
        return count

    return step


def callback(node: Node) -> Step:
    """The plain way: an executor callback for every message."""
    newest: list[MuscleEffort] = []
    count = 0

    def take(message: MuscleEffort) -> None:
        nonlocal count
        newest[:] = [message]
        count += 1

    node.create_subscription(MuscleEffort, "effort", take, qos.of("effort"))
    return _spinning(node, lambda: count)


def _spinning(node: Node, total: Callable[[], int]) -> Step:
    executor = SingleThreadedExecutor()
    executor.add_node(node)

    def step() -> int:
        before = total()
        executor.spin_once(timeout_sec=0.01)
        return total() - before

    return step


ROLES = {
    "publish-paced": paced_publisher,
    "publish-timer": timer_publisher,
    "read": reader,
    "callback": callback,
}


def main() -> None:
    """Play one role, and print messages, seconds and CPU seconds of the measured part."""
    role, seconds = sys.argv[1], float(sys.argv[2])
    rclpy.init()
    node = rclpy.create_node(role.replace("-", "_"), namespace="bench")
    if role.startswith("publish"):
        info = node.create_publisher(EffortInfo, "effort/info", qos.of("effort/info"))
        info.publish(EffortInfo(**INFO))
    step = ROLES[role](node)
    settled = time.monotonic() + SETTLE_S
    while time.monotonic() < settled:
        step()
    began, cpu, messages = time.monotonic(), time.process_time(), 0
    while time.monotonic() - began < seconds:
        messages += step()
    wall_s = time.monotonic() - began
    print(json.dumps({"messages": messages, "wall_s": wall_s, "cpu_s": time.process_time() - cpu}))
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
