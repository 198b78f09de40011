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
from _rigs import Rig
from kpm_ros.msg import AssistState, EffortInfo, MuscleEffort
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import SetBool

from kpm_ros.core.chunks import EFFORT_RATE_HZ
from kpm_ros.core.flags import FlagBits
from kpm_ros.estimate.effort_info import described, new_stream
from kpm_ros.nodes import qos
from kpm_ros.nodes.effort_wire import effort_encoder
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.simulate.exoskeleton import Array

NODES = ("exo", "relay")
PERIOD_S = 0.005
ARMED_WITHIN_S = 30.0
STEP_NS = 1_000_000_000 // EFFORT_RATE_HZ


def drive_live(rig: Rig, effort: Sequence[Array]) -> tuple[list[Array], int]:
    """Play passes in real time; give the torque (n, joints) at the drive in each, and commands.

    The first pass is played twice: in the first of these somebody arms.
    """
    namespace = f"bench_assist_{os.getpid()}"
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("person", namespace=f"/{namespace}", context=context)
    try:
        with running(rig, namespace):
            return Played(rig, [effort[0], *effort]).through(node, context)
    finally:
        node.destroy_node()
        context.try_shutdown()


@contextmanager
def running(rig: Rig, namespace: str) -> Iterator[None]:
    """Run the two nodes, with the settings of this exoskeleton."""
    started = []
    for name in NODES:
        command = [sys.executable, "-m", f"kpm_ros.nodes.{name}_node", "--ros-args"]
        command += ["-r", f"__ns:=/{namespace}"]
        for setting in rig.settings(name):
            command += ["-p", setting]
        started.append(subprocess.Popen(command))
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(20)


class Played:
    """Effort of some passes, sent as an estimator sends it, and the torque that comes of it."""

    def __init__(self, rig: Rig, passes: Sequence[Array]) -> None:
        """Lay out every sample; muscles of the model that nobody moves are at rest."""
        who = rig.worn
        self._who, self._card, self._passes = who, rig.card, len(passes)
        self._late_ns = round(rig.delay_s * 1e9)
        told = np.concatenate(passes)
        self._seconds = len(told) / who.rate_hz
        at = np.arange(round(self._seconds * EFFORT_RATE_HZ)) / EFFORT_RATE_HZ
        place = np.arange(len(told)) / who.rate_hz
        self._effort = np.zeros((len(at), len(rig.card.muscles)), np.float32)
        for muscle, column in zip(who.muscles, told.T, strict=True):
            self._effort[:, rig.card.muscles.index(muscle)] = np.interp(at, place, column)

    def through(self, node: rclpy.Node, context: rclpy.Context) -> tuple[list[Array], int]:
        """Send everything in its time, arm when that can be, and listen at the drive."""
        info = EffortInfo(**described(self._card, "", new_stream()))
        encoder = effort_encoder(len(info.muscles), info.digest)
        node.create_publisher(EffortInfo, "effort/info", qos.of("effort/info")).publish(info)
        output = node.create_publisher(MuscleEffort, "effort", qos.of("effort"))
        topic = "drive/command"
        commands = PolledSubscription(node, Float64MultiArray, topic, qos.deep(topic, 1000))
        topic = "assist/state"
        states = PolledSubscription(node, AssistState, topic, qos.of(topic))
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
            for state, _ in states.take():
                if state.disarmed:
                    raise RuntimeError(f"it was disarmed: {state.reason}: is the machine busy?")
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
        samples, rate_hz = self._who.samples, self._who.rate_hz
        times_s = (np.array([ns for ns, _ in heard]) - began_ns) / 1e9
        torque = np.array([row for _, row in heard])
        grid = np.arange(self._passes * samples) / rate_hz
        newest = np.maximum(np.searchsorted(times_s, grid, side="right") - 1, 0)
        held = torque[newest]
        return [held[k * samples : (k + 1) * samples] for k in range(1, self._passes)]
