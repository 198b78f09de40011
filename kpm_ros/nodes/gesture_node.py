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

"""The gesture node: effort or other signals in, gestures out. Disabled until enabled."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from rclpy.parameter import Parameter
from std_srvs.srv import SetBool

from kpm_ros.act.gestures.gesture_model import GestureModel
from kpm_ros.act.gestures.learnt import LearntRecogniser
from kpm_ros.act.gestures.rules import (
    NO_GESTURE,
    GestureConfig,
    GestureRecogniser,
    RecognisedGesture,
    gesture_rules,
)
from kpm_ros.act.safety import Now
from kpm_ros.client import EffortReader
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.msg import Gesture
from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.effort_settings import GestureSettings
from kpm_ros.nodes.gesture_inputs import open_signals
from kpm_ros.nodes.node_process import run


class Recognising(Protocol):
    """A way to recognise gestures in what has come."""

    misfit: str
    """Why it cannot; empty while it can."""

    def step(self, now: Now, enabled: bool) -> RecognisedGesture:
        """Take what has come, and say what the hand is doing."""

    def reconfigure(self, settings: GestureSettings) -> None:
        """Recognise by other limits; what was recognised so far is forgotten."""

    def values(self) -> dict[str, Any]:
        """What became of the messages."""


class GestureNode(PipelineNode):
    """Recognises gestures; says "none", not valid, while disabled or in doubt."""

    name = "gesture"
    settings_type = GestureSettings
    settings: GestureSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Subscribe to what gestures are recognised by, and offer `~/enable`."""
        super().__init__(**node_arguments)
        self._enabled = self.settings.enabled
        self._lock = threading.Lock()
        self._last = _nothing("nothing has come yet")
        self._sent_ns = 0
        self._way: Recognising = (
            _ByModel(self, self.settings) if self.settings.model else _ByRules(self, self.settings)
        )
        self._output = self.create_publisher(Gesture, "gesture", qos.of("gesture"))
        self.create_service(SetBool, "~/enable", self._on_enable)
        self.add_loop(1.0 / self.settings.rate_hz, self.step)

    def step(self) -> None:
        """Take what has come; send a gesture that changed, or the present one now and then."""
        with self._lock:
            now = Now(self.now_ns(), time.monotonic_ns())
            before = self._last
            self._last = self._way.step(now, self._enabled)
        changed = (before.name, before.valid) != (self._last.name, self._last.valid)
        if changed or now.steady_ns - self._sent_ns >= 1e9 / self.settings.heartbeat_hz:
            self._sent_ns = now.steady_ns
            self._output.publish(_message(self._last, now.clock_ns))

    def reconfigure(self, settings: GestureSettings) -> None:
        """Recognise by other limits, or no longer; what was recognised so far is forgotten."""
        with self._lock:
            self._way.reconfigure(settings)
            self._enabled = settings.enabled

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> Any:
        # The parameter says what is so, whoever has changed it.
        self.set_parameters([Parameter("enabled", value=request.data)])
        response.success = True
        response.message = "gestures are " + ("enabled" if request.data else "disabled")
        self.get_logger().info(response.message)
        return response

    def report(self) -> Report:
        """What is recognised, and what became of the messages."""
        report = super().report()
        report.values |= {
            "enabled": self._enabled,
            "gesture": self._last.name,
            "reason": self._last.reason,
            **self._way.values(),
        }
        if self._enabled and self._way.misfit:
            report.worsen(Level.ERROR, f"no gestures: {self._way.misfit}")
        if self._enabled and not self._last.valid:
            report.worsen(Level.DEGRADED, f"no gestures: {self._last.reason}")
        return report


class _ByRules:
    """By rules of effort."""

    def __init__(self, node: PipelineNode, settings: GestureSettings) -> None:
        self.misfit = ""
        self._node = node
        self._config = _config(settings)
        self._recogniser: GestureRecogniser | None = None
        self._described: int | None = None
        self._reader = EffortReader(
            node, timeout_s=self._config.timeout_s, max_age_s=self._config.max_age_s
        )
        node.expect_one_publisher(*self._reader.subscriptions)

    def step(self, now: Now, enabled: bool) -> RecognisedGesture:
        batch = self._reader.take()
        info = self._reader.info
        if not enabled:
            return _nothing("disabled")
        if info is None:
            return _nothing("no effort stream yet")
        if info.digest != self._described:
            self._described = info.digest
            self._recogniser, self.misfit = None, ""
            try:
                self._recogniser = GestureRecogniser(self._config, info.muscles)
            except ValueError as error:
                self.misfit = str(error)
                self._node.refuse(f"{self._reader.topic}/info: {error}")
        if self._recogniser is None:
            return _nothing(self.misfit)
        self._recogniser.push_effort(batch.stamps_ns, batch.effort, batch.flags, now)
        if self._reader.trouble:
            self._recogniser.guard.inhibit("in doubt", self._reader.trouble)
        return self._recogniser.current(now)

    def reconfigure(self, settings: GestureSettings) -> None:
        self._config = _config(settings)
        self._recogniser = self._described = None

    def values(self) -> dict[str, Any]:
        counts = {"effort_messages": self._reader.messages, "effort_lost": self._reader.lost}
        refused = self._reader.refusals.copy()
        return counts | {f"refused {kind}": count for kind, count in refused.items()}


class _ByModel:
    """By a model that was trained on recorded gestures."""

    def __init__(self, node: PipelineNode, settings: GestureSettings) -> None:
        self.misfit = ""
        try:
            self._model = GestureModel.load(Path(settings.model).expanduser())
        except ValueError as error:
            raise ConfigurationError(f"gesture: model: {error}") from None
        card = self._model.card
        self._recogniser = LearntRecogniser(self._model, settings.recognition)
        self._signals = open_signals(node, card, settings.view, settings.recognition)
        people = "simulated people" if card.simulated else f"{len(card.people)} people"
        node.get_logger().info(
            f"gestures {', '.join(card.gestures)}, trained on {card.executions} executions of "
            f"{people}, from {', '.join(self._signals)}"
        )

    def step(self, now: Now, enabled: bool) -> RecognisedGesture:
        batches = {name: signal.take() for name, signal in self._signals.items()}
        self.misfit = next((each.misfit for each in self._signals.values() if each.misfit), "")
        if not enabled:
            return _nothing("disabled")
        if self.misfit:
            return _nothing(self.misfit)
        came = {name: batch for name, batch in batches.items() if batch is not None}
        self._recogniser.push(came, now)
        for name, signal in self._signals.items():
            if signal.trouble:
                self._recogniser.inhibit(name, "in doubt", signal.trouble)
        return self._recogniser.current(now)

    def reconfigure(self, settings: GestureSettings) -> None:
        self._recogniser = LearntRecogniser(self._model, settings.recognition)

    def values(self) -> dict[str, Any]:
        card = self._model.card
        counts = {f"{name}_messages": each.messages for name, each in self._signals.items()}
        about = {"model_simulated": card.simulated, "model_gestures": ", ".join(card.gestures)}
        return counts | about


def _config(settings: GestureSettings) -> GestureConfig:
    try:
        return replace(settings.recognition, gestures=gesture_rules(settings.gestures))
    except ValueError as error:
        raise ConfigurationError(f"gesture: {error}") from None


def _nothing(reason: str) -> RecognisedGesture:
    return RecognisedGesture(NO_GESTURE, 0.0, 0.0, False, 0.0, 0, False, reason)


def _message(gesture: RecognisedGesture, now_ns: int) -> Gesture:
    message = Gesture(
        name=gesture.name,
        confidence=gesture.confidence,
        strength=gesture.strength,
        valid=gesture.valid,
        since_s=gesture.since_s,
    )
    message.header.stamp = outgoing.time_message(gesture.stamp_ns or now_ns)
    return message


def main() -> None:
    """Run the node."""
    sys.exit(run(GestureNode))


if __name__ == "__main__":
    main()
