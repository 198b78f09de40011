"""The exoskeleton node: effort in, bounded joint torques out. Disabled until enabled."""

from __future__ import annotations

import sys
import threading
from dataclasses import fields
from typing import Any

from std_msgs.msg import Float64MultiArray, MultiArrayDimension
from std_srvs.srv import SetBool, Trigger

from kpm_ros.act.assistance import Assistance, AssistanceCommand, AssistanceConfig, AssistanceState
from kpm_ros.client import EffortReader
from kpm_ros.nodes import qos
from kpm_ros.nodes.base import PipelineNode, run
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.settings import ConfigurationError, ExoSettings


class ExoNode(PipelineNode):
    """Sends a command at a steady rate, whatever comes in; zero unless all is well."""

    name = "exo"
    settings_type = ExoSettings
    settings: ExoSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Read the gains, and offer `~/enable` and `~/stop`."""
        super().__init__(**node_arguments)
        self._config = _config(self.settings)
        self._assistance: Assistance | None = None
        self._enabled = self.settings.enabled
        self._lock = threading.Lock()
        self._last: AssistanceCommand | None = None
        self._reader = EffortReader(
            self, timeout_s=self.settings.timeout_s, max_age_s=self.settings.max_age_s
        )
        self.expect_one_publisher(self._reader)
        self._output = self.create_publisher(
            Float64MultiArray, "assist/command", qos.of("assist/command")
        )
        self._message = Float64MultiArray()
        self._message.layout.dim = [
            MultiArrayDimension(label=joint, size=1, stride=1) for joint in self._config.joints
        ]
        self.create_service(SetBool, "~/enable", self._on_enable)
        self.create_service(Trigger, "~/stop", self._on_stop)
        self.add_loop(1.0 / self.settings.rate_hz, self.step)

    def step(self) -> None:
        """Take what has come, and send the command for this instant."""
        batch = self._reader.take()
        now_ns = self.now_ns()
        with self._lock:
            assistance = self._ready_assistance(now_ns)
            if assistance is None:
                torque = [0.0] * len(self._config.joints)
            else:
                assistance.push(batch.stamps_ns, batch.effort, batch.flags, now_ns)
                self._last = assistance.command(now_ns)
                torque = self._last.torque_nm.tolist()
        self._send(torque)

    def stop(self) -> None:
        """End with a command of zero, whatever the last one was."""
        super().stop()
        self._send([0.0] * len(self._config.joints))

    def _send(self, torque: list[float]) -> None:
        self._message.data = torque
        self._output.publish(self._message)

    def _ready_assistance(self, now_ns: int) -> Assistance | None:
        """Assistance for the muscles that the stream has; None until it has said so."""
        if self._assistance is None and self._reader.muscles:
            try:
                self._assistance = Assistance(self._config, self._reader.muscles)
            except ValueError as error:
                raise ConfigurationError(f"exo: {error}") from None
            if self._enabled:
                self._assistance.enable(now_ns)
        return self._assistance

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> Any:
        with self._lock:
            self._enabled = request.data
            if self._assistance is not None:
                change = self._assistance.enable if request.data else self._assistance.disable
                change(self.now_ns())
        response.success = True
        response.message = "assistance is enabled" if request.data else "assistance is disabled"
        self.get_logger().info(response.message)
        return response

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Any:
        with self._lock:
            self._enabled = False
            if self._assistance is not None:
                self._assistance.stop()
        response.success = True
        response.message = "assistance is stopped: torque is zero until it is enabled again"
        self.get_logger().warning(response.message)
        return response

    def report(self) -> Report:
        """What assistance is doing, and what it made of the effort."""
        report = super().report()
        with self._lock:
            command, assistance = self._last, self._assistance
        report.values |= {
            "effort_messages": self._reader.messages,
            "effort_lost": self._reader.lost,
            "state": command.state.value if command else "waiting",
            "reason": command.reason if command else "no effort stream yet",
        }
        if assistance is not None:
            report.values |= {f"samples {k}": n for k, n in assistance.guard.counts.items()}
        withheld = command is not None and command.state is AssistanceState.WITHHELD
        if command is not None and withheld:
            report.worsen(Level.DEGRADED, f"assistance is withheld: {command.reason}")
        return report


def _config(settings: ExoSettings) -> AssistanceConfig:
    gain: dict[str, dict[str, float]] = {}
    for entry in settings.gains:
        words = entry.split()
        try:
            joint, muscle, value = words
            gain.setdefault(joint, {})[muscle] = float(value)
        except ValueError:
            raise ConfigurationError(
                f"exo: gains has {entry!r}, but each entry must be 'joint muscle Nm', "
                "such as 'index_abduction 1DI 0.2'"
            ) from None
    shared = {spec.name for spec in fields(AssistanceConfig)} & {
        spec.name for spec in fields(ExoSettings)
    }
    try:
        return AssistanceConfig(gain=gain, **{name: getattr(settings, name) for name in shared})
    except ValueError as error:
        raise ConfigurationError(f"exo: {error}") from None


def main() -> None:
    """Run the node."""
    sys.exit(run(ExoNode))


if __name__ == "__main__":
    main()
