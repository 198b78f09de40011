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

"""How large the synchronizer grows while every one of its topics is flooded, over real DDS.

Several processes send as fast as they can: what devices send, only far more often, and messages as
large as their type allows. Resident memory is taken before, at its most, and after each flood.
"""

from __future__ import annotations

import argparse
import array
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import psutil
import rclpy
from _report import bench_options, machine, print_table, write_report
from diagnostic_msgs.msg import DiagnosticArray
from kpm_ros.msg import KeyEvent, KeyMotion, Landmarks

from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.sense.samples import HAND

PACKAGES = ("ros-rclpy", "ros-rmw-fastrtps-cpp", "numpy")
START_WITHIN_S = 60.0
SETTLE_S = 2.0
MB = 1e6

Make = Callable[[int], Any]


def hand(index: int, said: str = "right") -> Landmarks:
    """One frame's hand."""
    points = array.array("f", [0.5 + index % 7 / 100] * 63)
    return Landmarks(
        index=index, view="top", skeleton=HAND, side=said, confidence=1.0, points=points
    )


def event(index: int, frame_id: str = "") -> KeyEvent:
    """One heartbeat."""
    message = KeyEvent(index=index, kind=KeyEvent.HEARTBEAT)
    message.header.frame_id = frame_id
    return message


def motion(
    index: int, depth: array.array[float], keys: int = 88, rate_hz: float = 1e3
) -> KeyMotion:
    """One chunk of key depth."""
    samples = len(depth) // keys
    return KeyMotion(
        first_index=index * samples, rate_hz=rate_hz, first_note=21, keys=keys, depth=depth
    )


def values(count: int) -> array.array[float]:
    """So many zeros."""
    return array.array("f", bytes(4 * count))


def floods() -> dict[str, tuple[str, Make]]:
    """Topic and messages of each flood."""
    usual, wide, long = values(880), values(60_000), values(88 * 20_000)
    return {
        "hands": ("camera/top/landmarks", hand),
        "hands_fat": ("camera/top/landmarks", lambda i: hand(i, "r" * 400_000)),
        "events": ("keys/events", event),
        "events_fat": ("keys/events", lambda i: event(i, "x" * 2_000_000)),
        "motion": ("keys/motion", lambda i: motion(i, usual)),
        "motion_wide": ("keys/motion", lambda i: motion(i, wide, 60_000)),
        "motion_long": ("keys/motion", lambda i: motion(i, long, 88, 20e3)),
    }


def send(name: str, seconds: float, namespace: str) -> None:
    """Flood, in a process of its own."""
    rclpy.init(args=[])
    node = rclpy.create_node("flooder", namespace=namespace)
    topic, make = floods()[name]
    publisher = node.create_publisher(type(make(0)), topic, qos.of(topic))
    end = time.monotonic() + START_WITHIN_S
    while not publisher.get_subscription_count() and time.monotonic() < end:
        time.sleep(0.05)
    end, index = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        message = make(index)
        message.header.stamp = outgoing.time_message(time.time_ns())
        try:
            publisher.publish(message)
        except RuntimeError:
            time.sleep(0.01)  # the middleware has no room left for so large a message
        index += 1
    print(index)
    node.destroy_node()
    rclpy.shutdown()


class Flooded:
    """A synchronizer of its own, and what it says of itself."""

    def __init__(self, node: Any) -> None:
        """Start it in the node's namespace."""
        self._namespace = node.get_namespace()
        command = [sys.executable, "-m", "kpm_ros.nodes.synchronizer_node", "--ros-args"]
        self.process = subprocess.Popen([*command, "-r", f"__ns:={self._namespace}"])
        self._size = psutil.Process(self.process.pid).memory_info
        self._diagnostics = PolledSubscription(
            node, DiagnosticArray, "/diagnostics", qos.of("/diagnostics")
        )
        self.told: dict[str, str] = {}
        end = time.monotonic() + START_WITHIN_S
        while not self.told:
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                sys.exit("the synchronizer does not work")
            self.look()
            time.sleep(0.1)

    def look(self) -> float:
        """Resident memory in MB now; what it says is kept."""
        for message, _ in self._diagnostics.take():
            for status in message.status:
                self.told = {item.key: item.value for item in status.values}
        return float(self._size().rss / MB)

    def flood(self, name: str, seconds: float, senders: int) -> Sequence[float]:
        """Memory before, at its most, and after one flood, and the messages that were sent."""
        before = most = self.look()
        words = [sys.executable, __file__, "--send", name, "--seconds", str(seconds)]
        words += ["--namespace", self._namespace]
        sending = [
            subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(senders)
        ]
        while any(one.poll() is None for one in sending):
            most = max(most, self.look())
            time.sleep(0.05)
        sent = sum(int((one.communicate()[0] or "0").split()[-1]) for one in sending)
        time.sleep(SETTLE_S)
        return before, most, self.look(), sent


def main() -> None:
    """Run and write the report."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each flood")
    parser.add_argument("--senders", type=int, default=3, help="processes that send at once")
    parser.add_argument("--send", choices=list(floods()), help=argparse.SUPPRESS)
    parser.add_argument("--namespace", default=f"/flood_{os.getpid()}", help="of all nodes")
    arguments = parser.parse_args()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    if arguments.send:
        send(arguments.send, arguments.seconds, arguments.namespace)
        return
    here = machine()
    rclpy.init(args=[])
    node = rclpy.create_node("flood_watch", namespace=arguments.namespace)
    rows, figures = [], {}
    flooded = Flooded(node)
    try:
        for name in floods():
            before, most, after, sent = flooded.flood(name, arguments.seconds, arguments.senders)
            rows.append([name, sent, before, most, after])
            figures |= {f"{name}_most_mb": round(most, 1), f"{name}_after_mb": round(after, 1)}
            figures[f"{name}_sent"] = sent
    finally:
        flooded.process.terminate()
        status = flooded.process.wait(20)
        node.destroy_node()
        rclpy.shutdown()
    print_table(
        "Memory of the synchronizer in MB", ["flood", "sent", "before", "most", "after"], rows
    )
    for name in ("refused_messages", "refused_samples", "dropped"):
        figures[name] = int(flooded.told.get(name, 0))
        print(f"{name} {figures[name]}")
    write_report(arguments.out, figures, here, PACKAGES)
    if status:
        sys.exit(f"the synchronizer ended with status {status}")


if __name__ == "__main__":
    main()
