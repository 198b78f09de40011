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

"""Where a session takes place: running drivers, their signals, and a recorder for each take."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.signals import SignalHandlerOptions

from kpm_ros import graph, pipeline_nodes, pipeline_topics
from kpm_ros.msg import ChannelSamples, Landmarks, SessionPrompt
from kpm_ros.msg import KeyEvent as KeyEventMessage
from kpm_ros.nodes import qos
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.operate.process import Command, Line
from kpm_ros.operate.process_ends import Policy
from kpm_ros.operate.session_prompt import Prompt
from kpm_ros.operate.supervisor import SENTENCE_PREFIX, Supervisor
from kpm_ros.pipeline_nodes import NodeSpec
from kpm_ros.pipeline_options import PipelineOptions
from kpm_ros.pipeline_topics import PROMPT
from kpm_ros.sense.samples import KeyEventKind
from kpm_ros.sense.signal_watch import EMG, KEYS, SignalWatch
from kpm_ros.wire import decode

STEP_S = 0.02
QUEUED = 1000
"""Messages of each topic that wait to be looked at while this process draws or waits."""
RECORDER = "recorder"


class Room:
    """Runs the nodes from the first prompt to the last; use it in a `with` block."""

    def __init__(
        self,
        options: PipelineOptions,
        nodes: Sequence[NodeSpec],
        watch: SignalWatch,
        listener: Callable[[Line], None],
    ) -> None:
        """Prepare to run the nodes and to listen; nothing is started yet."""
        self.watch = watch
        self.reports: dict[str, DiagnosticStatus] = {}
        """What each node said of itself last."""
        self._options = options
        self._nodes = nodes
        self._listener = listener
        self._views = watch.views
        commands = [
            Command(node.name, tuple(pipeline_nodes.command(node, options))) for node in nodes
        ]
        self._supervisor = Supervisor(commands, Policy(respawn=options.respawn), listener)
        self._recording: Recording | None = None

    def __enter__(self) -> Room:
        """Start the nodes, and listen."""
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        node = rclpy.create_node(
            "session", namespace=f"/{self._options.namespace}", context=self._context
        )
        self._node = node
        self._prompts = node.create_publisher(SessionPrompt, PROMPT.name, qos.of(PROMPT.name))

        def listen(kind: type, topic: str) -> PolledSubscription:
            return PolledSubscription(node, kind, topic, qos.deep(topic, QUEUED))

        self._frames = {view: listen(Landmarks, view) for view in self._views}
        self._keys = listen(KeyEventMessage, KEYS)
        self._emg = listen(ChannelSamples, EMG)
        self._diagnostics = listen(DiagnosticArray, "/diagnostics")
        self._supervisor.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop everything."""
        if self._recording is not None:
            self._recording.stop()
            while not self._recording.finished:
                self._recording.step()
        self._supervisor.__exit__(*error)
        self._node.destroy_node()
        self._context.try_shutdown()

    @property
    def problem(self) -> str:
        """Why the nodes cannot go on; empty while they can."""
        return self._supervisor.problems[-1] if self._supervisor.stopping else ""

    def now_ns(self) -> int:
        """Read the host's clock."""
        return time.time_ns()

    def step(self) -> None:
        """Let a moment pass, and take in what has come."""
        self._supervisor.step(STEP_S)
        if self._recording is not None:
            self._recording.step()
        for view, subscription in self._frames.items():
            for message, received_ns in subscription.take():
                with suppress(decode.RefusedMessageError):
                    self.watch.push_frame(view, decode.landmark_frame(message), received_ns)
        for event, received_ns in self._keys.take():
            pressed = event.kind == KeyEventKind.NOTE_ON
            self.watch.push_key_event(pressed, received_ns)
        for samples, received_ns in self._emg.take():
            with suppress(decode.RefusedMessageError):
                self.watch.push_emg(decode.channel_chunk(samples), received_ns)
        for array, _ in self._diagnostics.take():
            self.reports |= {status.name.rpartition("/")[2]: status for status in array.status}

    def show(self, prompt: Prompt) -> None:
        """Tell everybody who draws a screen, and whoever is simulated."""
        message = SessionPrompt(
            person=prompt.person,
            phase=int(prompt.phase),
            kind=prompt.step.kind if prompt.step else "",
            task=prompt.step.task if prompt.step else "",
            muscle=prompt.step.muscle if prompt.step else "",
            step=prompt.number,
            steps=prompt.count,
            take=prompt.take,
            text=prompt.text,
            note=prompt.note,
            left_s=float(prompt.left_s),
            picture=prompt.picture,
        )
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(self.now_ns(), 10**9)
        self._prompts.publish(message)

    def devices(self) -> Mapping[str, Mapping[str, str]]:
        """What the nodes that read devices say of them."""
        sensed = {
            node.name
            for node in self._nodes
            if any(pipeline_topics.topic(name).sensed for name in node.publishes)
        }
        return {
            name: {"hardware": status.hardware_id} | {v.key: v.value for v in status.values}
            for name, status in self.reports.items()
            if name in sensed
        }

    def complaint(self) -> str:
        """What a driver says is wrong with its device, if one does."""
        for name, status in self.reports.items():
            if status.level >= DiagnosticStatus.ERROR and name != RECORDER:
                return f"{name}: {status.message}"
        return ""

    def record(self, folder: Path) -> Recording:
        """Begin to record into a folder."""
        self._recording = Recording(
            self._options, folder, self.watch.signals, self._listener, self.reports
        )
        return self._recording


class Recording:
    """One take's recorder, in a process of its own."""

    def __init__(
        self,
        options: PipelineOptions,
        folder: Path,
        signals: Sequence[str],
        listener: Callable[[Line], None],
        reports: Mapping[str, DiagnosticStatus],
    ) -> None:
        """Start it; it is ready once it hears all of these signals."""
        self._folder = str(folder.absolute())
        self._wanted = {f"/{options.namespace}/{signal}" for signal in signals}
        self._reports = reports
        options = replace(options, record=str(folder.absolute()))
        [node] = [each for each in graph.build(options) if each.name == RECORDER]
        topics = [*node.parameters["topics"], PROMPT.name]
        node = replace(node, parameters={**node.parameters, "topics": topics})
        command = Command(node.name, tuple(pipeline_nodes.command(node, options)))
        self._supervisor = Supervisor([command], Policy(respawn=False), listener)
        self._supervisor.start()

    @property
    def problem(self) -> str:
        """Why nothing is recorded any more, or what is wrong with what was; empty = nothing."""
        if self._said() and self._reports[RECORDER].level >= DiagnosticStatus.ERROR:
            return str(self._reports[RECORDER].message)
        [process] = self._supervisor.processes.values()
        own = [line for line in process.lines if line.startswith(SENTENCE_PREFIX)]
        if self._supervisor.problems and own:
            return own[-1].removeprefix(SENTENCE_PREFIX)
        return "; ".join(self._supervisor.problems)

    @property
    def finished(self) -> bool:
        """Whether the recorder has ended."""
        return self._supervisor.finished

    @property
    def ready(self) -> bool:
        """Whether what comes is recorded: publishers and a new recorder take a moment to meet."""
        return self._wanted <= {*self._said().get("heard", "").split()}

    def step(self) -> None:
        """Take in what the recorder has said."""
        if not self._supervisor.finished:
            self._supervisor.step(STEP_S)

    def stop(self) -> None:
        """Begin to end the recording."""
        if not self._supervisor.stopping:
            self._supervisor.stop()

    def _said(self) -> dict[str, str]:
        """What it reports of itself; not what an earlier take's recorder did."""
        report = self._reports.get(RECORDER)
        values = {each.key: each.value for each in report.values} if report else {}
        return values if values.get("folder") == self._folder else {}
