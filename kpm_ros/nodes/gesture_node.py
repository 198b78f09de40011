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

"""The gesture node: effort in, gestures out. Disabled until enabled."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from typing import Any

from rclpy.parameter import Parameter
from std_srvs.srv import SetBool

from kpm_ros.act.gestures import (
    NO_GESTURE,
    GestureConfig,
    GestureRecogniser,
    RecognisedGesture,
    gesture_rules,
)
from kpm_ros.act.safety import Now
from kpm_ros.client import EffortBatch, EffortReader
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.msg import Gesture
from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.effort_settings import GestureSettings
from kpm_ros.nodes.node_process import run


class GestureNode(PipelineNode):
    """Recognises gestures; says "none", not valid, while disabled or in doubt."""

    name = "gesture"
    settings_type = GestureSettings
    settings: GestureSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Subscribe to effort, and offer `~/enable`."""
        super().__init__(**node_arguments)
        self._enabled = self.settings.enabled
        self._lock = threading.Lock()
        self._config = _config(self.settings)
        self._recogniser: GestureRecogniser | None = None
        self._described: int | None = None
        self._misfit = ""
        self._last = _nothing("no effort stream yet")
        self._sent_ns = 0
        self._reader = EffortReader(
            self, timeout_s=self._config.timeout_s, max_age_s=self._config.max_age_s
        )
        self.expect_one_publisher(*self._reader.subscriptions)
        self._output = self.create_publisher(Gesture, "gesture", qos.of("gesture"))
        self.create_service(SetBool, "~/enable", self._on_enable)
        self.add_loop(1.0 / self.settings.rate_hz, self.step)

    def step(self) -> None:
        """Take what has come; send a gesture that changed, or the present one now and then."""
        batch = self._reader.take()
        now = Now(self.now_ns(), time.monotonic_ns())
        before = self._last
        with self._lock:
            self._last = self._recognise(batch, now) if self._enabled else _nothing("disabled")
        changed = (before.name, before.valid) != (self._last.name, self._last.valid)
        if changed or now.steady_ns - self._sent_ns >= 1e9 / self.settings.heartbeat_hz:
            self._sent_ns = now.steady_ns
            self._output.publish(_message(self._last, now.clock_ns))

    def _recognise(self, batch: EffortBatch, now: Now) -> RecognisedGesture:
        info = self._reader.info
        if info is None:
            return _nothing("no effort stream yet")
        if info.digest != self._described:
            self._described = info.digest
            self._recogniser, self._misfit = None, ""
            try:
                self._recogniser = GestureRecogniser(self._config, info.muscles)
            except ValueError as error:
                self._misfit = str(error)
                self.refuse(f"{self._reader.topic}/info: {error}")
        if self._recogniser is None:
            return _nothing(self._misfit)
        self._recogniser.push_effort(batch.stamps_ns, batch.effort, batch.flags, now)
        if self._reader.trouble:
            self._recogniser.guard.inhibit("in doubt", self._reader.trouble)
        return self._recogniser.current(now)

    def reconfigure(self, settings: GestureSettings) -> None:
        """Recognise by other limits, or no longer; what was recognised so far is forgotten."""
        config = _config(settings)
        with self._lock:
            self._config = config
            self._enabled = settings.enabled
            self._recogniser = self._described = None

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> Any:
        # The parameter says what is so, whoever has changed it.
        self.set_parameters([Parameter("enabled", value=request.data)])
        response.success = True
        response.message = "gestures are " + ("enabled" if request.data else "disabled")
        self.get_logger().info(response.message)
        return response

    def report(self) -> Report:
        """What is recognised, and what became of the effort."""
        report = super().report()
        report.values |= {
            "enabled": self._enabled,
            "gesture": self._last.name,
            "reason": self._last.reason,
            "effort_messages": self._reader.messages,
            "effort_lost": self._reader.lost,
        }
        report.values |= {f"refused {kind}": n for kind, n in self._reader.refusals.copy().items()}
        if self._enabled and self._misfit:
            report.worsen(Level.ERROR, f"no gestures: {self._misfit}")
        if self._enabled and not self._last.valid:
            report.worsen(Level.DEGRADED, f"no gestures: {self._last.reason}")
        return report


def _config(settings: GestureSettings) -> GestureConfig:
    try:
        return replace(settings.recognition, gestures=gesture_rules(settings.gestures))
    except ValueError as error:
        raise ConfigurationError(f"gesture: {error}") from None


def _nothing(reason: str) -> RecognisedGesture:
    return RecognisedGesture(NO_GESTURE, 0.0, False, 0.0, 0, False, reason)


def _message(gesture: RecognisedGesture, now_ns: int) -> Gesture:
    message = Gesture(
        name=gesture.name,
        confidence=gesture.confidence,
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
