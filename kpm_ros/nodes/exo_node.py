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

"""The exoskeleton node: effort in, bounded joint torques out. Disarmed until armed."""

from __future__ import annotations

import secrets
import sys
from dataclasses import replace
from typing import Any

from std_msgs.msg import Float64MultiArray, MultiArrayDimension

from kpm_ros.act.arming import Cause, Fault
from kpm_ros.act.assistance import Assistance
from kpm_ros.act.assistance_command import AssistanceState
from kpm_ros.act.assistance_config import AssistanceConfig
from kpm_ros.act.drive_watch import DriveWatch
from kpm_ros.act.muscle_weights import parse_weights
from kpm_ros.act.safety import Now
from kpm_ros.client import EffortReader
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.estimate.effort_info import intervals_of, meaning_of
from kpm_ros.msg import AssistCommand, DriveState, EffortInfo
from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.armed import ArmedNode
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.effort_settings import ExoSettings
from kpm_ros.nodes.managed import UNCONFIGURED
from kpm_ros.nodes.node_process import run
from kpm_ros.wire.commands import drive_echo

LIVE = "joint"
REPLAYED = "joint, by simulated time"
"""Label of the command's one dimension: a drive can tell by it what a replay has made."""


class ExoNode(ArmedNode):
    """Sends a command at a steady rate, whatever comes in; zero unless all is well."""

    name = "exo"
    what = "assistance"
    settings_type = ExoSettings
    settings: ExoSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Listen to effort, and offer `~/enable` and `~/stop`."""
        super().__init__("assist/state", **node_arguments)
        rules = self.settings.assistance
        self._reader = EffortReader(self, timeout_s=rules.timeout_s, max_age_s=rules.max_age_s)
        self._drive = self.listen(DriveState, "drive/state")
        self.expect_one_publisher(*self._reader.subscriptions, self._drive)
        self._output = self.create_publisher(
            Float64MultiArray, "assist/command", qos.of("assist/command")
        )
        self._stamped = self.create_publisher(
            AssistCommand, "assist/command_stamped", qos.of("assist/command_stamped")
        )
        self.prepare()

    def make(self) -> None:
        """Read the gains; nothing is known of effort yet, and nothing armed."""
        super().make()
        self._assistance = Assistance(_config(self.settings), self.arming)
        joints = self._assistance.config.joints
        session = secrets.randbits(63) or 1
        self._drive_watch = DriveWatch(joints, session, self.settings.drive_timeout_s)
        self._described: int | None = None
        self._misfit = ""
        self._last = self._assistance.command(self.now())
        self._joints = len(joints)
        self._message = Float64MultiArray()
        label = REPLAYED if self.simulated_time else LIVE
        self._message.layout.dim = [
            MultiArrayDimension(label=label, size=self._joints, stride=self._joints)
        ]
        self._command = AssistCommand(
            session=session, simulated_time=self.simulated_time, joints=list(joints)
        )

    def configure(self) -> None:
        """Begin to follow effort; no command leaves the node yet."""
        self.add_loop(1.0 / self.settings.rate_hz, self.step)

    def deactivate(self) -> None:
        """End with a command of zero, whatever the last one was."""
        with self.lock:
            now = self.now()
            self.halt(now, Cause.DEACTIVATED, f"the node is {self.state}")
            self._last = self._assistance.command(now)
            self._send(self._last.torque_nm.tolist(), now)
        self.state_output.tell_trace(self.arming)
        self.tell_whether_enabled()

    def step(self) -> None:
        """Take what has come, and send the command for this instant."""
        batch = self._reader.take()
        with self.lock:
            now = self.now()
            self._follow(self._reader.info)
            self._assistance.push_effort(batch.stamps_ns, batch.effort, batch.flags, now)
            if self._reader.trouble:
                self._assistance.inhibit(self._reader.trouble, now)
            beside = self._faults_beside(now)
            self._last = self._assistance.command(now, beside)
            self._send(self._last.torque_nm.tolist(), now)
            self.state_output.tell(
                self.arming,
                self._last.state.value,
                self._last.reason,
                lambda: self._assistance.missing(now, beside),
                now,
            )
        self.notice_a_change()

    def arm(self, now: Now, by: str) -> None:
        """Begin to assist, by a ramp."""
        self._assistance.arm(now, by, self._faults_beside(now))

    def halt(self, now: Now, cause: Cause, reason: str) -> None:
        """Drop to zero at once."""
        self._assistance.stop(now, cause, reason)

    def _faults_beside(self, now: Now) -> list[Fault]:
        """Take what the switch and the drive say; list what is at fault there."""
        found = self.switch_faults(now)
        for message, _ in self._drive.take():
            self._drive_watch.push(drive_echo(message), now)
        fault = self._drive_watch.fault(now) if self.settings.drive_echo else None
        return [*found, fault] if fault else found

    def _send(self, torque: list[float], now: Now) -> None:
        self._message.data = torque
        self._output.publish(self._message)
        self._command.sequence += 1
        self._command.header.stamp = outgoing.time_message(now.clock_ns)
        self._command.valid_s = self._assistance.config.valid_s
        self._command.torque_nm = torque
        self._stamped.publish(self._command)
        if self.active:
            self._drive_watch.sent(self._command.sequence, now)

    def _follow(self, info: EffortInfo | None) -> None:
        """Map joints to muscles anew when the stream is another than before."""
        if info is None or info.digest == self._described:
            return
        self._described, self._misfit = info.digest, ""
        try:
            self._assistance.describe(info.muscles, meaning_of(info), intervals_of(info))
        except ValueError as error:
            self._misfit = str(error)
            self.refuse(f"{self._reader.topic}/info: {error}")

    def reconfigure(self, settings: ExoSettings) -> None:
        """Assist by other gains and limits, or no longer, from the torque that there is."""
        config = _config(settings)
        if self.state == UNCONFIGURED:
            return  # all of it is taken up anew
        with self.lock:
            try:
                self._assistance.reconfigure(config)
                self.switch_to(settings)
            except ValueError as error:
                raise ConfigurationError(f"exo: {error}") from None

    def report(self) -> Report:
        """What assistance is doing, and what it made of the effort."""
        report = super().report()
        with self.lock:
            command, misfit = self._last, self._misfit
            counts = dict(self._assistance.guard.counts)
            disarmed = self.arming.disarmed
        report.values |= {
            "effort_messages": self._reader.messages,
            "effort_lost": self._reader.lost,
            "effort_restarts": self._reader.restarts,
            "state": command.state.value,
            "reason": command.reason,
            "disarmed": disarmed,
        }
        report.values |= {f"samples {kind}": count for kind, count in counts.items()}
        report.values |= {f"refused {kind}": n for kind, n in self._reader.refusals.copy().items()}
        if misfit:
            report.worsen(Level.ERROR, f"assistance is withheld: {misfit}")
        if command.state is AssistanceState.WITHHELD:
            report.worsen(Level.DEGRADED, f"assistance is withheld: {command.reason}")
        if disarmed and command.state is AssistanceState.DISARMED:
            report.worsen(Level.DEGRADED, f"assistance is disarmed: {command.reason}")
        return report


def _config(settings: ExoSettings) -> AssistanceConfig:
    period_s, valid_s = 1.0 / settings.rate_hz, settings.assistance.valid_s
    if 2 * period_s > valid_s:
        raise ConfigurationError(
            f"exo: commands hold for valid_s, {valid_s:g} s, but leave only every {period_s:g} s "
            f"(rate_hz): let them hold for at least {2 * period_s:g} s"
        )
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
