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

"""Which parameters are in force in the nodes of a namespace, whoever's nodes they are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterEvent
from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile

LOOK_EVERY_S = 1.0


class ParameterSurvey:
    """Asks every node of a namespace for its parameters once, and follows their changes."""

    def __init__(self, node: Node) -> None:
        """Begin to ask, as the node's executor finds time."""
        self._node = node
        self._own = node.get_fully_qualified_name()
        self._asked: set[str] = set()
        self._clients: dict[str, Any] = {}
        self.values: dict[str, dict[str, Any]] = {}
        """Parameters of each node that has answered, by the node's full name."""
        node.create_subscription(
            ParameterEvent, "/parameter_events", self._changed, QoSProfile(depth=1000)
        )
        node.create_timer(LOOK_EVERY_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _look(self) -> None:
        """Ask the nodes that are new."""
        own_namespace = self._node.get_namespace().rstrip("/")
        for name, namespace in self._node.get_node_names_and_namespaces():
            full = f"{namespace.rstrip('/')}/{name}"
            inside = f"{namespace.rstrip('/')}/".startswith(f"{own_namespace}/")
            if not inside or full == self._own or full in self._asked:
                continue
            client = self._client(ListParameters, f"{full}/list_parameters")
            if client.service_is_ready():
                self._asked.add(full)
                answer = client.call_async(ListParameters.Request())
                answer.add_done_callback(partial(self._listed, full))

    def _client(self, kind: type, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._node.create_client(kind, service)
        return self._clients[service]

    def _listed(self, full: str, answer: Any) -> None:
        names = list(answer.result().result.names)
        client = self._client(GetParameters, f"{full}/get_parameters")
        call = client.call_async(GetParameters.Request(names=names))
        call.add_done_callback(partial(self._told, full, names))

    def _told(self, full: str, names: Sequence[str], answer: Any) -> None:
        values = answer.result().values
        self.values[full] = {
            name: _value(ParameterMessage(name=name, value=value))
            for name, value in zip(names, values, strict=False)
        }

    def _changed(self, event: ParameterEvent) -> None:
        known = self.values.get(event.node)
        if known is None:
            return  # it will tell all of them when it is asked
        for parameter in (*event.new_parameters, *event.changed_parameters):
            known[parameter.name] = _value(parameter)
        for parameter in event.deleted_parameters:
            known.pop(parameter.name, None)


def _value(parameter: ParameterMessage) -> Any:
    value = Parameter.from_parameter_msg(parameter).value
    plain = isinstance(value, (bool, int, float, str)) or value is None
    return value if plain else [v if isinstance(v, (int, float, str)) else str(v) for v in value]
