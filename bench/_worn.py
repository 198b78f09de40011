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

"""The exo node and the relay as processes, driven in real time by effort of somebody simulated."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import rclpy
from kpm_ros.msg import EffortInfo, MuscleEffort
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import SetBool

from kpm_ros.core.chunks import EFFORT_RATE_HZ
from kpm_ros.core.flags import FlagBits
from kpm_ros.estimate.effort_info import described, new_stream
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.nodes import qos
from kpm_ros.nodes.effort_wire import effort_encoder
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.simulate.exoskeleton import Array, AssistedHand

NODES = (("exo", "drive_echo:=true"), ("relay", "rate_hz:=500.0"))
PERIOD_S = 0.005
ARMED_WITHIN_S = 30.0
STEP_NS = 1_000_000_000 // EFFORT_RATE_HZ


def drive_live(
    hand: AssistedHand, effort: Sequence[Array], delay_s: float
) -> tuple[list[Array], int]:
    """Play passes in real time; give the torque (n, joints) at the drive in each, and commands.

    The first pass is played twice: in the first of these somebody arms.
    """
    namespace = f"bench_assist_{os.getpid()}"
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("pianist", namespace=f"/{namespace}", context=context)
    try:
        with running(namespace):
            return Played(hand, [effort[0], *effort], delay_s).through(node, context)
    finally:
        node.destroy_node()
        context.try_shutdown()


@contextmanager
def running(namespace: str) -> Iterator[None]:
    """Run the two nodes, with the settings that they have by themselves."""
    words = [sys.executable, "-m"]
    there = ["--ros-args", "-r", f"__ns:=/{namespace}"]
    started = [
        subprocess.Popen([*words, f"kpm_ros.nodes.{name}_node", *there, "-p", setting])
        for name, setting in NODES
    ]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(20)


class Played:
    """Effort of some passes, sent as an estimator sends it, and the torque that comes of it."""

    def __init__(self, hand: AssistedHand, passes: Sequence[Array], delay_s: float) -> None:
        """Lay out every sample."""
        self._hand, self._passes, self._late_ns = hand, len(passes), round(delay_s * 1e9)
        told = np.concatenate(passes)
        self._seconds = len(told) / hand.rate_hz
        at = np.arange(round(self._seconds * EFFORT_RATE_HZ)) / EFFORT_RATE_HZ
        place = np.arange(len(told)) / hand.rate_hz
        rows = [np.interp(at, place, column) for column in told.T]
        self._effort = np.stack(rows, axis=1).astype(np.float32)

    def through(self, node: rclpy.Node, context: rclpy.Context) -> tuple[list[Array], int]:
        """Send everything in its time, arm when that can be, and listen at the drive."""
        info = EffortInfo(**described(published_card(), "", new_stream()))
        encoder = effort_encoder(len(info.muscles), info.digest)
        node.create_publisher(EffortInfo, "effort/info", qos.of("effort/info")).publish(info)
        output = node.create_publisher(MuscleEffort, "effort", qos.of("effort"))
        topic = "drive/command"
        commands = PolledSubscription(node, Float64MultiArray, topic, qos.deep(topic, 1000))
        client = node.create_client(SetBool, "exo/enable")
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        if not client.wait_for_service(ARMED_WITHIN_S):
            raise TimeoutError("the exo node did not come up")
        heard: list[tuple[int, list[float]]] = []
        armed, asked = False, None
        sent = 0
        began_ns = time.time_ns() // STEP_NS * STEP_NS
        while sent < len(self._effort):
            time.sleep(PERIOD_S)
            settled = (time.time_ns() - self._late_ns - began_ns) // STEP_NS
            due = min(max(settled, sent), len(self._effort))
            stamps = began_ns + STEP_NS * np.arange(sent, due)
            flags = np.zeros(len(stamps), FlagBits)
            for message in encoder.encode(stamps, sent, flags, self._effort[sent:due]):
                output.publish(message)
            sent = due
            heard += [(ns, list(message.data)) for message, ns in commands.take()]
            if not armed:
                executor.spin_once(timeout_sec=0.0)
                if asked is None or asked.done():
                    armed = bool(asked and asked.result().success)
                    asked = client.call_async(SetBool.Request(data=True))
        executor.shutdown()
        if not armed:
            raise TimeoutError("the exo node was never armed")
        return self._on_the_grid(heard, began_ns), len(heard)

    def _on_the_grid(self, heard: list[tuple[int, list[float]]], began_ns: int) -> list[Array]:
        """Hold each command until the next; give the passes but for the first."""
        samples, rate_hz = self._hand.samples, self._hand.rate_hz
        times_s = (np.array([ns for ns, _ in heard]) - began_ns) / 1e9
        torque = np.array([row for _, row in heard])
        grid = np.arange(self._passes * samples) / rate_hz
        newest = np.maximum(np.searchsorted(times_s, grid, side="right") - 1, 0)
        held = torque[newest]
        return [held[k * samples : (k + 1) * samples] for k in range(1, self._passes)]
