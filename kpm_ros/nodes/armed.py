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

"""A node that moves a machine: it is armed and stopped by services, and says how it stands."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from typing import Any

from rclpy.parameter import Parameter
from sensor_msgs.msg import Joy
from std_srvs.srv import SetBool, Trigger

from kpm_ros.act.arming import Arming, Cause, Fault
from kpm_ros.act.dead_man import DeadMan
from kpm_ros.act.safety import Now
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes import qos
from kpm_ros.nodes.armed_settings import ArmedSettings
from kpm_ros.nodes.arming_output import ArmingOutput
from kpm_ros.nodes.managed import ManagedNode
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.wire.decode import time_ns

LARGEST_BYTES = 1 << 14
"""Nothing that a drive or a switch says is larger."""


class ArmedNode(ManagedNode):
    """Disarmed until `~/enable` arms it, or its parameter `enabled`, which reads what is so.

    A subclass moves something only while `arming` says so, makes that anew in `make`, and holds
    `lock` while it looks at it.
    """

    settings: ArmedSettings
    arming: Arming
    what = "it"
    """What is armed, for people."""

    def __init__(self, state_topic: str, **node_arguments: Any) -> None:
        """Offer `~/enable` and `~/stop`, and listen to the dead-man switch."""
        super().__init__(**node_arguments)
        self.lock = threading.Lock()
        self._switch = self.listen(Joy, "assist/deadman")
        self.expect_one_publisher(self._switch)
        self.state_output = ArmingOutput(self, state_topic)
        self._changed_itself = self.create_guard_condition(self.tell_whether_enabled)
        self.create_service(SetBool, "~/enable", self._on_enable)
        self.create_service(Trigger, "~/stop", self._on_stop)

    def make(self) -> None:
        """Know of nobody who holds the switch."""
        if self.settings.enabled:
            raise ConfigurationError(
                f"{self.get_name()}: enabled is true, but {self.what} starts disarmed: call "
                f"{self.get_name()}/enable once all is well"
            )
        self._deadman = DeadMan(self.settings.deadman_timeout_s)
        self.arming = Arming(self.settings.arming)

    @abstractmethod
    def arm(self, now: Now, by: str) -> None:
        """Begin to move; a NotHealthyError says what is missing."""

    @abstractmethod
    def halt(self, now: Now, cause: Cause, reason: str) -> None:
        """Move no more, from this instant on."""

    def listen(self, kind: type, topic: str) -> PolledSubscription[Any]:
        """Read a topic on which nothing large is said."""
        return PolledSubscription(self, kind, topic, qos.of(topic), LARGEST_BYTES)

    def now(self) -> Now:
        """Give this instant by both clocks."""
        return Now(self.now_ns(), time.monotonic_ns())

    def switch_faults(self, now: Now) -> list[Fault]:
        """Take what the dead-man switch says, and give what is at fault with it."""
        for data, _, publisher in self._switch.take_raw():
            message = self._switch.decode(data)
            if message is not None:
                button = self.settings.deadman_button
                held = 0 <= button < len(message.buttons) and message.buttons[button] > 0
                self._deadman.push(held, time_ns(message.header.stamp), publisher, now)
        fault = self._deadman.fault(now) if self.settings.deadman_button >= 0 else None
        return [fault] if fault else []

    def notice_a_change(self) -> None:
        """Have the parameter say what is so, where it does not."""
        if self.active and self.arming.armed != self.settings.enabled:
            self._changed_itself.trigger()

    def switch_to(self, settings: ArmedSettings) -> None:
        """Arm or disarm where that is what changes; a NotHealthyError says why it cannot be.

        What has disarmed itself a moment ago is not armed by a change of something else.
        """
        if settings.enabled and not self.active:
            raise ConfigurationError(
                f"{self.what} cannot be armed while the node is {self.state}: activate it first"
            )
        self.arming.rules = settings.arming
        if settings.enabled == self.settings.enabled:
            return
        now, by = self.now(), f"{self.get_name()}/enable"
        if settings.enabled:
            self.arm(now, by)
        else:
            self.arming.disarm(now, Cause.OPERATOR, f"disarmed by {by}")

    def tell_whether_enabled(self) -> None:
        """Let the parameter say what is so, whoever or whatever has changed it."""
        self.set_parameters([Parameter("enabled", value=self.arming.armed)])

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> Any:
        self.tell_whether_enabled()
        [result] = self.set_parameters([Parameter("enabled", value=request.data)])
        response.success = result.successful
        done = f"{self.what} is {'armed' if request.data else 'disarmed'}"
        response.message = done if result.successful else result.reason
        self.get_logger().info(response.message)
        return response

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Any:
        with self.lock:
            self.halt(self.now(), Cause.STOP, f"stopped by {self.get_name()}/stop")
        self.tell_whether_enabled()
        response.success = True
        response.message = f"{self.what} is stopped until it is armed again"
        self.get_logger().warning(response.message)
        return response
