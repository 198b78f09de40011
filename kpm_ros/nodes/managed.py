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

"""A node that ROS's lifecycle tools manage: configured, activated, and let go again on request."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, ClassVar

from rclpy.lifecycle import LifecycleNodeMixin, LifecyclePublisher, LifecycleState
from rclpy.lifecycle import TransitionCallbackReturn as Outcome
from rclpy.qos import QoSProfile

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.managed_settings import ManagedSettings

UNCONFIGURED, INACTIVE, ACTIVE = "unconfigured", "inactive", "active"


class ManagedNode(LifecycleNodeMixin, PipelineNode):
    """Opens what it needs when it is configured, and publishes while it is active.

    It configures and activates itself at its start unless `autostart` is false. Its loops run while
    it is configured; nothing that they publish leaves it before it is active. A subclass calls
    `prepare` at the end of its `__init__`, so that wrong settings are refused there.
    """

    managed: ClassVar[bool] = True
    read_once: ClassVar[tuple[str, ...]] = ("autostart",)
    """Settings that are looked at when the node is made, and never again."""
    settings: ManagedSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Load and check the settings; a subclass then opens what is there in every state."""
        PipelineNode.__init__(self, **node_arguments)
        LifecycleNodeMixin.__init__(self)
        self._refusal: ConfigurationError | None = None
        self._prepared_for: Any = None

    def make(self) -> None:
        """Make what the settings ask for, but open nothing; a ConfigurationError refuses them."""

    def configure(self) -> None:
        """Open devices, and add loops; a ConfigurationError says why that cannot be."""

    def activate(self) -> None:
        """Begin; publishers let messages through from here on."""

    def deactivate(self) -> None:
        """Say the last words; publishers let nothing more through afterwards."""

    def clean_up(self) -> None:
        """Let go of what was made and opened, or half so; loops have ended."""

    def prepare(self) -> None:
        """Make what the settings ask for, unless it is there already, and unused."""
        if self._prepared_for is not self.settings:
            self.make()
            self._prepared_for = self.settings

    @property
    def state(self) -> str:
        """Where the node is in its life, by ROS's own word for it."""
        return str(self._state_machine.current_state[1])

    @property
    def active(self) -> bool:
        """Whether what the node publishes leaves it."""
        return self.state == ACTIVE

    @property
    def readiness(self) -> str:
        """What the node says once it is served."""
        return "ready" if self.active else f"{self.state}: `ros2 lifecycle set` takes it from here"

    def is_fixed(self, setting: str) -> bool:
        """Whether a setting that is not live is in use."""
        return self.state != UNCONFIGURED or setting in self.read_once

    def how_to_change(self, setting: str) -> str:
        """What is to be done before a setting can change."""
        if setting in self.read_once:
            return super().how_to_change(setting)
        return (
            "take the node back first (`ros2 lifecycle set "
            f"{self.get_fully_qualified_name()} deactivate`, then `cleanup`), or restart it"
        )

    def start(self) -> None:
        """Configure and activate, unless somebody else is to do so."""
        steps = (self.trigger_configure, self.trigger_activate)
        for step in steps if self.settings.autostart else ():
            if step() != Outcome.SUCCESS:
                raise self._refusal or RuntimeError(f"{self.get_name()} is still {self.state}")

    def stop(self) -> None:
        """Deactivate and let everything go."""
        if self.state == ACTIVE:
            self.trigger_deactivate()
        if self.state == INACTIVE:
            self.trigger_cleanup()
        if self.state == UNCONFIGURED:
            self.trigger_shutdown()

    def create_publisher(
        self, msg_type: type, topic: str, qos_profile: QoSProfile | int, **more: Any
    ) -> Any:
        """Publish while active; how the node is doing is told in every state."""
        if topic.startswith("/"):
            return super().create_publisher(msg_type, topic, qos_profile, **more)
        publisher = super().create_publisher(
            msg_type, topic, qos_profile, publisher_class=LifecyclePublisher, **more
        )
        self.add_managed_entity(publisher)
        return publisher

    def destroy_publisher(self, publisher: Any) -> bool:
        """Publish no more."""
        if hasattr(self, "_managed_entities"):  # not where settings were refused
            self._managed_entities.discard(publisher)
        return super().destroy_publisher(publisher)

    def report(self) -> Report:
        """How the node is doing; subclasses add to it once it is configured."""
        report = super().report()
        report.values["lifecycle"] = self.state
        if self.state != ACTIVE:
            report.worsen(Level.DEGRADED, f"{self.state}: nothing is published")
        return report

    def on_configure(self, state: LifecycleState) -> Outcome:
        """Open what the settings ask for."""

        def configure() -> Outcome:
            self.prepare()
            self.configure()
            PipelineNode.start(self)
            return LifecycleNodeMixin.on_configure(self, state)

        outcome = self._tried(configure)
        if outcome != Outcome.SUCCESS:
            self._let_go()
        return outcome

    def on_activate(self, state: LifecycleState) -> Outcome:
        """Let messages through."""

        def activate() -> Outcome:
            outcome = LifecycleNodeMixin.on_activate(self, state)
            self.activate()
            return outcome

        return self._tried(activate)

    def on_deactivate(self, state: LifecycleState) -> Outcome:
        """Say the last words."""

        def deactivate() -> Outcome:
            self.deactivate()
            return LifecycleNodeMixin.on_deactivate(self, state)

        return self._tried(deactivate)

    def on_cleanup(self, state: LifecycleState) -> Outcome:
        """Let devices go."""
        self._let_go()
        return LifecycleNodeMixin.on_cleanup(self, state)

    def on_shutdown(self, state: LifecycleState) -> Outcome:
        """Do both, whatever the state was."""
        if state.label == ACTIVE:
            self.on_deactivate(state)
        self._let_go()
        return LifecycleNodeMixin.on_shutdown(self, state)

    def on_error(self, state: LifecycleState) -> Outcome:
        """Begin anew: a step that failed leaves nothing open, and nothing in motion."""

        def last_words() -> Outcome:
            self.deactivate()
            return Outcome.SUCCESS

        self._tried(last_words)
        self._let_go()
        return Outcome.SUCCESS

    def _tried(self, step: Callable[[], Outcome]) -> Outcome:
        """Do a step; ROS itself would keep quiet about what went wrong."""
        try:
            return step()
        except ConfigurationError as error:
            self._refusal = error
            self.get_logger().error(str(error))
            return Outcome.FAILURE
        except Exception as error:
            traceback.print_exception(error)
            return Outcome.ERROR

    def _let_go(self) -> None:
        PipelineNode.stop(self)
        self._loops.clear()
        self._prepared_for = None
        self.clean_up()
