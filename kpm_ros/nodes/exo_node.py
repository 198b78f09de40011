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

"""The exoskeleton node: effort in, bounded joint torques out. Disabled until enabled."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from typing import Any

from rclpy.parameter import Parameter
from std_msgs.msg import Float64MultiArray, MultiArrayDimension
from std_srvs.srv import SetBool, Trigger

from kpm_ros.act.assistance import Assistance, AssistanceState
from kpm_ros.act.assistance_config import AssistanceConfig
from kpm_ros.act.muscle_weights import parse_weights
from kpm_ros.act.safety import Now
from kpm_ros.client import EffortReader
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.estimate.effort_info import meaning_of
from kpm_ros.msg import EffortInfo
from kpm_ros.nodes import qos
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.effort_settings import ExoSettings
from kpm_ros.nodes.managed import UNCONFIGURED, ManagedNode
from kpm_ros.nodes.node_process import run

LIVE = "joint"
REPLAYED = "joint, by simulated time"
"""Label of the command's one dimension: a drive can tell by it what a replay has made."""


class ExoNode(ManagedNode):
    """Sends a command at a steady rate, whatever comes in; zero unless all is well."""

    name = "exo"
    settings_type = ExoSettings
    settings: ExoSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Listen to effort, and offer `~/enable` and `~/stop`."""
        super().__init__(**node_arguments)
        self._lock = threading.Lock()
        rules = self.settings.assistance
        self._reader = EffortReader(self, timeout_s=rules.timeout_s, max_age_s=rules.max_age_s)
        self.expect_one_publisher(*self._reader.subscriptions)
        self._output = self.create_publisher(
            Float64MultiArray, "assist/command", qos.of("assist/command")
        )
        self._changed_itself = self.create_guard_condition(self._tell_whether_enabled)
        self.create_service(SetBool, "~/enable", self._on_enable)
        self.create_service(Trigger, "~/stop", self._on_stop)
        self.prepare()

    def make(self) -> None:
        """Read the gains; nothing is known of effort yet, and nothing enabled."""
        self._assistance = Assistance(_config(self.settings))
        self._described: int | None = None
        self._misfit = ""
        self._last = self._assistance.command(self._now())
        self._joints = len(self._assistance.config.joints)
        self._message = Float64MultiArray()
        label = REPLAYED if self.simulated_time else LIVE
        self._message.layout.dim = [
            MultiArrayDimension(label=label, size=self._joints, stride=self._joints)
        ]

    def configure(self) -> None:
        """Begin to follow effort; no command leaves the node yet."""
        self.add_loop(1.0 / self.settings.rate_hz, self.step)

    def activate(self) -> None:
        """Begin to command, and to assist if the parameter says so."""
        if self.settings.enabled:
            with self._lock:
                self._assistance.enable(self._now())

    def deactivate(self) -> None:
        """End with a command of zero, whatever the last one was."""
        with self._lock:
            self._assistance.stop()
            self._send([0.0] * self._joints)
        self._tell_whether_enabled()

    def step(self) -> None:
        """Take what has come, and send the command for this instant."""
        batch = self._reader.take()
        with self._lock:
            now = self._now()
            self._follow(self._reader.info)
            self._assistance.push_effort(batch.stamps_ns, batch.effort, batch.flags, now)
            if self._reader.trouble:
                self._assistance.inhibit(self._reader.trouble, now)
            self._last = self._assistance.command(now)
            self._send(self._last.torque_nm.tolist())
        if self.active and self._assistance.enabled != self.settings.enabled:
            self._changed_itself.trigger()

    def _now(self) -> Now:
        return Now(self.now_ns(), time.monotonic_ns())

    def _send(self, torque: list[float]) -> None:
        self._message.data = torque
        self._output.publish(self._message)

    def _follow(self, info: EffortInfo | None) -> None:
        """Map joints to muscles anew when the stream is another than before."""
        if info is None or info.digest == self._described:
            return
        self._described, self._misfit = info.digest, ""
        try:
            self._assistance.describe(info.muscles, meaning_of(info))
        except ValueError as error:
            self._misfit = str(error)
            self.refuse(f"{self._reader.topic}/info: {error}")

    def reconfigure(self, settings: ExoSettings) -> None:
        """Assist by other gains and limits, or no longer, from the torque that there is."""
        config = _config(settings)
        if self.state == UNCONFIGURED:
            return  # all of it is taken up anew
        if settings.enabled and not (self.settings.enabled or self.active):
            raise ConfigurationError(
                f"exo: assistance cannot be enabled while the node is {self.state}: activate it "
                "first"
            )
        with self._lock:
            try:
                self._assistance.reconfigure(config)
            except ValueError as error:
                raise ConfigurationError(f"exo: gains cannot be taken over: {error}") from None
            if self.active and settings.enabled != self._assistance.enabled:
                change = self._assistance.enable if settings.enabled else self._assistance.disable
                change(self._now())

    def _tell_whether_enabled(self) -> None:
        """Let the parameter say what is so, whoever or whatever has changed it."""
        self.set_parameters([Parameter("enabled", value=self._assistance.enabled)])

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> Any:
        [result] = self.set_parameters([Parameter("enabled", value=request.data)])
        response.success = result.successful
        done = "assistance is enabled" if request.data else "assistance is disabled"
        response.message = done if result.successful else result.reason
        self.get_logger().info(response.message)
        return response

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Any:
        with self._lock:
            self._assistance.stop()
        self._tell_whether_enabled()
        response.success = True
        response.message = "assistance is stopped: torque is zero until it is enabled again"
        self.get_logger().warning(response.message)
        return response

    def report(self) -> Report:
        """What assistance is doing, and what it made of the effort."""
        report = super().report()
        with self._lock:
            command, misfit = self._last, self._misfit
            counts = dict(self._assistance.guard.counts)
        report.values |= {
            "effort_messages": self._reader.messages,
            "effort_lost": self._reader.lost,
            "effort_restarts": self._reader.restarts,
            "state": command.state.value,
            "reason": command.reason,
        }
        report.values |= {f"samples {kind}": count for kind, count in counts.items()}
        report.values |= {f"refused {kind}": n for kind, n in self._reader.refusals.copy().items()}
        if misfit:
            report.worsen(Level.ERROR, f"assistance is withheld: {misfit}")
        if command.state is AssistanceState.WITHHELD:
            report.worsen(Level.DEGRADED, f"assistance is withheld: {command.reason}")
        return report


def _config(settings: ExoSettings) -> AssistanceConfig:
    try:
        gain = parse_weights("gains", settings.gains, "index_abduction 1DI 0.2")
        return replace(settings.assistance, gain=gain)
    except ValueError as error:
        raise ConfigurationError(f"exo: {error}") from None


def main() -> None:
    """Run the node."""
    sys.exit(run(ExoNode))


if __name__ == "__main__":
    main()
