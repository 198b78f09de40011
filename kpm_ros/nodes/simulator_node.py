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

"""The simulated devices: what camera, MIDI and EMG drivers would publish, of nobody's body."""

from __future__ import annotations

import sys
from typing import Any

from kpm_ros.act.gestures.rules import DEFAULT_GESTURES
from kpm_ros.core.sides import BOTH
from kpm_ros.core.stream_kinds import SIDES
from kpm_ros.core.subjects import find_subject
from kpm_ros.msg import ChannelSamples, KeyEvent, KeyMotion, Landmarks, SessionPrompt
from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.node_process import run
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.nodes.simulated_subjects import simulated_subject
from kpm_ros.nodes.simulator_settings import SimulatorSettings
from kpm_ros.pipeline_topics import PROMPT, landmarks_topic
from kpm_ros.sense import samples
from kpm_ros.simulate.prompted import GESTURE, REACTION_S, Act

GREATEST_LAG_S = 0.5
"""A simulator that fell behind by more than this begins anew at the present."""

GESTURES = {
    rule.name: tuple(muscle for muscle, weight in rule.weights.items() if weight > 0)
    for rule in DEFAULT_GESTURES
}
"""Muscles that act in the gestures which a simulated hand knows."""


class SimulatorNode(PipelineNode):
    """Plays in real time, delivering each sample when its driver would."""

    name = "simulator"
    settings_type = SimulatorSettings
    settings: SimulatorSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Make who is simulated, and what is around them."""
        super().__init__(**node_arguments)
        self._subject = simulated_subject(self.settings)
        self._delivered = 0
        self._reported = 0
        self._restarts = 0
        self._last_ns = 0
        self._both = self.settings.hand == BOTH
        self._views = {
            (view, side): self._open(Landmarks, landmarks_topic(view, side))
            for view in self.settings.views
            for side in (SIDES if self._both else ("",))
        }
        if find_subject(self.settings.subject).has_keys:
            self._events = self._open(KeyEvent, "keys/events")
            self._motion = self._open(KeyMotion, "keys/motion")
        self._emg = self._open(ChannelSamples, "emg/samples") if self.settings.emg else None
        self._prompts = (
            PolledSubscription(self, SessionPrompt, PROMPT.name, qos.of(PROMPT.name))
            if self._subject.prompted
            else None
        )
        self._begin(self.now_ns())
        self.add_loop(self.settings.period_s, self.step)

    def step(self) -> None:
        """Publish what is due."""
        now_ns = self.now_ns()
        lag_s = (now_ns - self._last_ns) / 1e9
        if not 0 <= lag_s < GREATEST_LAG_S and self._last_ns:
            self._restarts += 1
            self._begin(now_ns)
        self._last_ns = now_ns
        self._obey(now_ns)
        for delivery in self._session.advance(now_ns):
            self._publish(delivery.sample)
            self._delivered += 1

    def reconfigure(self, settings: SimulatorSettings) -> None:
        """Change what is around the one who performs, from the next moment on."""
        self._subject.reconfigure(settings)

    def report(self) -> Report:
        """How much was delivered."""
        report = super().report()
        report.values |= {
            "delivered": self._delivered,
            "restarts": self._restarts,
            "simulated": True,
        }
        if self._delivered == self._reported:
            report.worsen(Level.DEGRADED, "nothing was delivered in the last second")
        self._reported = self._delivered
        return report

    def _begin(self, now_ns: int) -> None:
        self._began_ns = now_ns
        self._session = self._subject.begin(now_ns)

    def _obey(self, now_ns: int) -> None:
        """Do what a session asks for, as soon as a person would."""
        if self._prompts is None or self._subject.prompted is None:
            return
        for prompt, _ in self._prompts.take():
            since_s = (now_ns - self._began_ns) / 1e9 + REACTION_S
            self._subject.prompted.obey(_act(prompt, since_s))

    def _open(self, kind: type, topic: str) -> Any:
        return self.create_publisher(kind, topic, qos.of(topic))

    def _publish(self, sample: Any) -> None:
        if isinstance(sample, samples.LandmarkFrame):
            side = sample.side if self._both else ""
            self._views[sample.view, side].publish(outgoing.landmarks_message(sample))
        elif isinstance(sample, samples.KeyEvent):
            self._events.publish(outgoing.key_event_message(sample))
        elif isinstance(sample, samples.KeyMotionChunk):
            self._motion.publish(outgoing.key_motion_message(sample))
        elif self._emg is not None:
            self._emg.publish(outgoing.channels_message(sample))


def _act(prompt: SessionPrompt, since_s: float) -> Act:
    """What a prompt asks for: a gesture by the muscles that its rule names, or to play."""
    asked = prompt.phase == SessionPrompt.RECORDING
    if asked and prompt.task in GESTURES:
        return Act(since_s, muscles=GESTURES[prompt.task], level=GESTURE)
    plays = prompt.phase == SessionPrompt.CHECKING or (asked and prompt.kind == "task")
    return Act(since_s, plays, (prompt.muscle,) if asked and prompt.muscle else ())


def main() -> None:
    """Run the node."""
    sys.exit(run(SimulatorNode))


if __name__ == "__main__":
    main()
