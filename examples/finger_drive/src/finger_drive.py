#!/usr/bin/env python3
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

"""A drive in Python: it follows commands while they hold, and else gives its motors zero.

What it follows is decided by the relay's own rules, so it needs kpm_ros as a whole; the one in C++
needs the messages alone.
"""

import sys
import time
from contextlib import suppress

import rclpy
from kpm_ros.msg import AssistCommand, DriveState
from rclpy.qos import QoSProfile

from kpm_ros.act.relay import Relay, RelayRules, TimedCommand
from kpm_ros.act.safety import Now

JOINTS = [
    "thumb_abduction",
    "index_abduction",
    "middle_abduction",
    "ring_abduction",
    "little_abduction",
]


class FingerDrive:
    """Writes torques to motors, 500 times a second."""

    def __init__(self, node):
        """Follow the commands of this node's namespace."""
        self.node = node
        self.relay = Relay(RelayRules(joints=JOINTS, max_torque_nm=0.3))
        self.given = [0.0] * len(JOINTS)
        self.steps = 0
        node.create_subscription(
            AssistCommand, "assist/command_stamped", self.on_command, QoSProfile(depth=1)
        )
        self.state = node.create_publisher(DriveState, "drive/state", 100)
        node.create_timer(0.002, self.step)

    def now(self):
        """Give the time by the host's clock, and by one that nobody can set."""
        return Now(time.time_ns(), time.monotonic_ns())

    def on_command(self, message):
        """Take a command."""
        stamp = message.header.stamp
        command = TimedCommand(
            (b"", message.session),
            message.sequence,
            stamp.sec * 1_000_000_000 + stamp.nanosec,
            message.valid_s,
            message.simulated_time,
            list(message.joints),
            message.torque_nm.tolist(),
        )
        self.relay.push(command, self.now())

    def step(self):
        """Give the motors what holds now, and echo it."""
        self.given = self.relay.output(self.now())
        self.write_to_motors(self.given)
        self.steps += 1
        if self.steps % 10 == 0:
            message = DriveState(
                session=self.relay.sender[1] if self.relay.sender else 0,
                sequence=self.relay.sequence,
                following=self.relay.following,
                reason=self.relay.reason,
                joints=JOINTS,
                torque_nm=self.given,
            )
            message.header.stamp = self.node.get_clock().now().to_msg()
            self.state.publish(message)

    def write_to_motors(self, torque):
        """Yours: the bus of the motors. Let their own watchdog stop them when this is silent."""


def main():
    """Run until Ctrl-C."""
    rclpy.init()
    node = rclpy.create_node("finger_drive")
    FingerDrive(node)
    with suppress(KeyboardInterrupt):
        rclpy.spin(node)
    return 0


if __name__ == "__main__":
    sys.exit(main())
