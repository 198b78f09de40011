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

"""The relay node: sits at the drive, and gives it fresh commands of one sender, or zero."""

from __future__ import annotations

import sys
import time
from typing import Any

from std_msgs.msg import Float64MultiArray

from kpm_ros.act.relay import Relay
from kpm_ros.act.safety import Now
from kpm_ros.msg import AssistCommand, DriveState
from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.effort_settings import RelaySettings
from kpm_ros.nodes.managed import ManagedNode
from kpm_ros.nodes.node_process import run
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.wire.commands import timed_command

LARGEST_BYTES = 1 << 14
"""No command is larger: 100 joints with names take 4 kB."""


class RelayNode(ManagedNode):
    """Gives the drive something at a steady rate, whatever comes in; what it gives is echoed."""

    name = "relay"
    settings_type = RelaySettings
    settings: RelaySettings

    def __init__(self, **node_arguments: Any) -> None:
        """Listen to commands."""
        super().__init__(**node_arguments)
        self._commands = PolledSubscription(
            self,
            AssistCommand,
            "assist/command_stamped",
            qos.of("assist/command_stamped"),
            LARGEST_BYTES,
        )
        self.expect_one_publisher(self._commands)
        self._output = self.create_publisher(
            Float64MultiArray, "drive/command", qos.of("drive/command")
        )
        self._echo = self.create_publisher(DriveState, "drive/state", qos.of("drive/state"))
        self.prepare()

    def make(self) -> None:
        """Follow nobody yet."""
        self._relay = Relay(self.settings.relay)
        self._said = self._relay.reason
        self._echoed_ns = 0

    def configure(self) -> None:
        """Begin to look at commands."""
        self.add_loop(1.0 / self.settings.rate_hz, self.step)

    def deactivate(self) -> None:
        """End with zero, whatever the drive got last."""
        self._output.publish(Float64MultiArray(data=[0.0] * len(self.settings.relay.joints)))

    def step(self) -> None:
        """Take what has come, and give the drive its command for this instant."""
        relay = self._relay
        for data, _, publisher in self._commands.take_raw():
            message = self._commands.decode(data)
            if message is None:
                relay.refuse("something came that is no command")
            else:
                relay.push(timed_command(message, publisher), self._now())
        now = self._now()
        torque = relay.output(now)
        self._output.publish(Float64MultiArray(data=torque))
        if relay.reason != self._said or now.steady_ns - self._echoed_ns > 1e9 / ECHO_HZ:
            self._tell(now, torque)

    def _now(self) -> Now:
        return Now(self.now_ns(), time.monotonic_ns())

    def _tell(self, now: Now, torque: list[float]) -> None:
        relay = self._relay
        self._said, self._echoed_ns = relay.reason, now.steady_ns
        message = DriveState(
            session=relay.sender[1] if relay.sender else 0,
            sequence=relay.sequence,
            following=relay.following,
            reason=relay.reason,
            joints=list(relay.rules.joints),
            torque_nm=torque,
        )
        message.header.stamp = outgoing.time_message(now.clock_ns)
        self._echo.publish(message)

    def report(self) -> Report:
        """Whether the drive follows, and whom not."""
        report = super().report()
        relay = self._relay
        report.values |= {
            "following": relay.following,
            "refused_commands": relay.refused,
            "late_commands": relay.late,
        }
        if not relay.following:
            report.worsen(Level.DEGRADED, f"the drive gets zero: {relay.reason}")
        return report


ECHO_HZ = 50.0
"""How often the drive says what it does, when nothing changes."""


def main() -> None:
    """Run the node."""
    sys.exit(run(RelayNode))


if __name__ == "__main__":
    main()
