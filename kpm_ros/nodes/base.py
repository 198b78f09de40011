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

"""What every node of the pipeline has in common: settings, steady loops, diagnostics."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any, ClassVar, Protocol

from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import InvalidQosOverridesError

from kpm_ros.core.settings import ConfigurationError, declared
from kpm_ros.core.signals import StopRequests
from kpm_ros.nodes import parameters, qos
from kpm_ros.nodes.diagnostics import DiagnosticsPublisher, Level, Report
from kpm_ros.nodes.loop import PeriodicThread
from kpm_ros.nodes.qos_check import mismatches

try:
    from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
except ImportError:  # its name in ROS 2 Humble
    from rclpy.qos_event import PublisherEventCallbacks, SubscriptionEventCallbacks

QUEUED_IF_SIMULATED = 1000
"""At ten times real time, a second of key motion."""


class UnfulfilledError(RuntimeError):
    """A node could not do what it was asked for; the message is one sentence for the user."""


class HasPublishers(Protocol):
    """Something that reads a topic."""

    @property
    def publishers(self) -> int:
        """How many publishers the topic has."""

    @property
    def topic(self) -> str:
        """Full name of the topic."""


class PipelineNode(Node):
    """A node whose work is done in steady loops, while the executor only serves ROS itself."""

    name: ClassVar[str]
    settings_type: ClassVar[type]
    settings: Any
    managed: ClassVar[bool] = False
    """Whether ROS's lifecycle tools manage it."""

    def __init__(self, *, stop: StopRequests | None = None, **node_arguments: Any) -> None:
        """Load and check the settings; a subclass then opens its topics and adds its loops."""
        super().__init__(self.name, **node_arguments)
        self.stop_requests = stop or StopRequests()
        """Asked between the steps of whatever takes long."""
        self.settings = parameters.load(self, self.settings_type, sys.argv)
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self._loops: list[PeriodicThread] = []
        self.failure: BaseException | None = None
        self._failed = threading.Event()
        self._finished = threading.Event()
        self._refused = self._refused_before = 0
        self._alone: list[HasPublishers] = []
        self._told: set[str] = set()
        """Sentences about others that are in the log already."""
        self._diagnostics = DiagnosticsPublisher(self)
        # A node whose /clock stands still has the more reason to say how it is.
        self.create_timer(
            1.0,
            lambda: self._diagnostics.send(self.report()),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def create_publisher(
        self, msg_type: type, topic: str, qos_profile: QoSProfile | int, **more: Any
    ) -> Any:
        """Publish; the user may choose the quality of service of what comes from devices."""
        more.setdefault("event_callbacks", PublisherEventCallbacks(use_default_callbacks=False))
        more.setdefault("qos_overriding_options", qos.overriding(msg_type))
        with self._refusing_overrides(topic):
            return super().create_publisher(msg_type, topic, copy(qos_profile), **more)

    def create_subscription(
        self,
        msg_type: type,
        topic: str,
        callback: Callable[..., None],
        qos_profile: QoSProfile | int,
        **more: Any,
    ) -> Any:
        """Subscribe, likewise."""
        more.setdefault("event_callbacks", SubscriptionEventCallbacks(use_default_callbacks=False))
        more.setdefault("qos_overriding_options", qos.overriding(msg_type))
        with self._refusing_overrides(topic):
            return super().create_subscription(msg_type, topic, callback, copy(qos_profile), **more)

    @contextmanager
    def _refusing_overrides(self, topic: str) -> Iterator[None]:
        try:
            yield
        except (InvalidQosOverridesError, RuntimeError, ParameterException) as error:
            if isinstance(error, RuntimeError) and "QoS override" not in str(error):
                raise
            raise ConfigurationError(
                f"{self.get_name()}: the qos_overrides of {topic} cannot be used: {error}"
            ) from None

    @property
    def readiness(self) -> str:
        """What the node says once it is served."""
        return "ready"

    def is_fixed(self, setting: str) -> bool:
        """Whether a setting that is not live is in use."""
        return True

    def how_to_change(self, setting: str) -> str:
        """What is to be done before such a setting can change."""
        return "give it another value in the parameters file or on the command line, and restart"

    def reconfigure(self, settings: Any) -> None:
        """Take over changed settings, all at once; a ConfigurationError refuses them.

        They become `self.settings` afterwards: nothing is to be done where only that is looked at.
        """

    def set_parameters_atomically(
        self, parameter_list: list[Parameter[Any]]
    ) -> SetParametersResult:
        """Change parameters, or say why not in a sentence that ROS itself has not got."""
        try:
            parameters.require_known(self, self.settings, parameter_list)
            parameters.changed(self, self.settings, parameter_list)
        except ConfigurationError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return super().set_parameters_atomically(
            [parameters.typed(parameter, self.settings) for parameter in parameter_list]
        )

    def _on_set_parameters(self, parameter_list: list[Parameter[Any]]) -> SetParametersResult:
        try:
            settings = parameters.changed(self, self.settings, parameter_list)
            # ROS's own parameters come by here as well, while a node is still being made.
            ours = declared(self.settings_type)
            if any(parameter.name in ours for parameter in parameter_list):
                self.reconfigure(settings)
        except ConfigurationError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self.settings = settings
        return SetParametersResult(successful=True)

    def now_ns(self) -> int:
        """The node's time: the host's clock, or /clock under use_sim_time."""
        return int(self.get_clock().now().nanoseconds)

    @property
    def simulated_time(self) -> bool:
        """Whether time comes from /clock and not from the host's clock."""
        return bool(self.get_parameter("use_sim_time").value)

    def input_profile(self, topic: str) -> QoSProfile:
        """How a topic is read: a time that may run many times as fast needs longer queues."""
        return qos.deep(topic, QUEUED_IF_SIMULATED) if self.simulated_time else qos.of(topic)

    def add_loop(
        self,
        period_s: float,
        work: Callable[[], None],
        wanted_s: Callable[[], float | None] = lambda: None,
    ) -> None:
        """Have `work` called steadily once the node is started, or when it is wanted."""
        name = f"{self.get_name()}-{len(self._loops)}"
        self._loops.append(PeriodicThread(name, period_s, work, self._fail, wanted_s))

    def start(self) -> None:
        """Begin the loops."""
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """End the loops."""
        for loop in self._loops:
            loop.stop()

    def expect_one_publisher(self, *subscriptions: HasPublishers) -> None:
        """Say so in diagnostics when more than one node publishes what is read here."""
        self._alone += subscriptions

    def refuse(self, reason: str) -> None:
        """Count a message that cannot be used, and say why, though not every time."""
        self._refused += 1
        self.get_logger().warning(f"refused a message: {reason}", throttle_duration_sec=5.0)

    def report(self) -> Report:
        """How the node is doing; subclasses add to it."""
        report = Report(values={"refused_messages": self._refused})
        report.values["overruns"] = sum(loop.overruns for loop in self._loops)
        report.values["cpu_s"] = time.process_time()
        for sentence in mismatches(self):
            report.worsen(Level.DEGRADED, sentence)
            if sentence not in self._told:
                self._told.add(sentence)
                self.get_logger().warning(sentence)
        for subscription in self._alone:
            if subscription.publishers > 1:
                report.worsen(Level.DEGRADED, f"{subscription.topic} has several publishers")
        lately = self._refused - self._refused_before
        if lately:
            report.worsen(Level.DEGRADED, f"{lately} messages were refused")
        self._refused_before = self._refused
        return report

    def _fail(self, error: BaseException) -> None:
        self.failure = error
        if isinstance(error, UnfulfilledError):
            print(f"kpm_ros: {error}", file=sys.stderr, flush=True)
        elif not isinstance(error, ConfigurationError):
            traceback.print_exception(error)
        self._failed.set()

    def finish(self) -> None:
        """End the node: its work is done."""
        self._finished.set()

    @property
    def finished(self) -> bool:
        """Whether the node's work is done."""
        return self._finished.is_set()

    @property
    def failed(self) -> bool:
        """Whether a loop has ended by an error."""
        return self._failed.is_set()
