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

"""Calls of a node's services, as other nodes and ROS's tools make them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.srv import GetParameters, SetParameters, SetParametersAtomically
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool


def called(context: Any, tester: Any, kind: Any, service: str, request: Any) -> Any:
    """Call a service of whichever process, and wait for its answer."""
    return _answer(context, [tester], kind, service, request)


def armed(context: Any, tester: Any, namespace: str) -> bool:
    """Arm assistance; False where something is still missing."""
    service = f"/{namespace.strip('/')}/exo/enable"
    client = tester.create_client(SetBool, service)
    assert client.wait_for_service(20), f"no service {service}"
    future = client.call_async(SetBool.Request(data=True))
    with _serving(context, [tester]) as executor:
        # One that was killed is still known for a while, and never answers.
        executor.spin_until_future_complete(future, 2)
    tester.destroy_client(client)
    if not future.done():
        return False
    print(future.result().message)
    return bool(future.result().success)


def _answer(context: Any, served: list[Any], kind: Any, service: str, request: Any) -> Any:
    client = served[0].create_client(kind, service)
    assert client.wait_for_service(20), f"no service {service}"
    future = client.call_async(request)
    with _serving(context, served) as executor:
        executor.spin_until_future_complete(future, 20)
    served[0].destroy_client(client)
    assert future.done(), f"{service} did not answer"
    return future.result()


@contextmanager
def _serving(context: Any, nodes: list[Any]) -> Iterator[SingleThreadedExecutor]:
    executor = SingleThreadedExecutor(context=context)
    for one in nodes:
        executor.add_node(one)
    try:
        yield executor
    finally:
        for one in nodes:
            executor.remove_node(one)
        executor.shutdown()


class Asking:
    """Calls a node's services, as other nodes do."""

    def __init__(self, context: Any, tester: Any, node: Any) -> None:
        """Take charge of a node of this process."""
        self.node = node
        self._tester = tester
        self._context = context

    def call(self, kind: Any, service: str, request: Any) -> Any:
        """Call one of its services, and let it answer."""
        name = f"{self.node.get_fully_qualified_name()}/{service}"
        return _answer(self._context, [self._tester, self.node], kind, name, request)

    def set_all(self, **values: Any) -> Any:
        request = SetParametersAtomically.Request(parameters=_messages(values))
        return self.call(SetParametersAtomically, "set_parameters_atomically", request).result

    def set_each(self, **values: Any) -> list[Any]:
        request = SetParameters.Request(parameters=_messages(values))
        return list(self.call(SetParameters, "set_parameters", request).results)

    def get(self, name: str) -> Any:
        request = GetParameters.Request(names=[name])
        [value] = self.call(GetParameters, "get_parameters", request).values
        return Parameter.from_parameter_msg(ParameterMessage(name=name, value=value)).value

    def settle(self) -> None:
        """Let the node serve what waits for it."""
        with _serving(self._context, [self._tester, self.node]) as executor:
            executor.spin_once(timeout_sec=0.0)


def _messages(values: dict[str, Any]) -> list[ParameterMessage]:
    return [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
