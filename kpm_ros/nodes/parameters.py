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

"""A node's settings as ROS parameters: declared with description and bounds, always checked."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    ParameterType,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from kpm_ros.core.foreign_files import ForeignFileError
from kpm_ros.nodes import params_file
from kpm_ros.nodes import settings as node_settings
from kpm_ros.nodes.setting import why_fixed
from kpm_ros.nodes.settings import ConfigurationError

Settings = TypeVar("Settings")

_TYPES = {
    bool: ParameterType.PARAMETER_BOOL,
    int: ParameterType.PARAMETER_INTEGER,
    float: ParameterType.PARAMETER_DOUBLE,
    str: ParameterType.PARAMETER_STRING,
    list: ParameterType.PARAMETER_STRING_ARRAY,
}


def load(node: Any, kind: type[Settings], words: Sequence[str]) -> Settings:
    """Check what the user gave for this node, declare every parameter, and return the settings.

    `words` is the command line, whose files tell what was meant for this node in particular.
    """
    # An empty list on a command line has no type of its own; take it for the list it must be.
    values = {
        name: [] if _is_empty(parameter.value) else _plain(parameter.value)
        for name, parameter in node._parameter_overrides.items()
    }
    try:
        for_all = params_file.said_to_all(words, node.get_fully_qualified_name())
    except ForeignFileError as error:
        raise ConfigurationError(f"{node.get_name()}: {error}") from None
    given, strange = params_file.own(kind, params_file.Given(values, for_all))
    for sentence in strange:
        node.get_logger().warning(sentence)
    loaded = node_settings.check(node.get_name(), kind, given)
    for spec in fields(kind):  # type: ignore[arg-type]
        value = getattr(loaded, spec.name)
        descriptor = _descriptor(kind, spec.name, type(value), dict(spec.metadata))
        descriptor.read_only &= not node.managed
        node.declare_parameter(spec.name, value, descriptor, ignore_override=True)
    return loaded


def changed(node: Any, settings: Settings, parameters: Iterable[Parameter[Any]]) -> Settings:
    """Settings with some parameters changed at run time; ConfigurationError says why not."""
    kind, name = type(settings), node.get_name()
    ours = {spec.name for spec in fields(kind)}  # type: ignore[arg-type]
    changes: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.name == "use_sim_time":
            _refuse_other_time(node, parameter.value)
        elif parameter.name in ours:
            changes[parameter.name] = _plain(parameter.value)
    now = {spec: getattr(settings, spec) for spec in ours}
    checked = node_settings.check(name, kind, {**now, **changes})
    for changed_name in changes:
        why = why_fixed(kind, changed_name)
        same = getattr(checked, changed_name) == now[changed_name]
        if why and not same and node.is_fixed(changed_name):
            raise ConfigurationError(
                f"{name}: {changed_name} cannot change now, for {why}: "
                f"{node.how_to_change(changed_name)}"
            )
    return checked


def require_known(node: Node, settings: Any, parameters: Iterable[Parameter[Any]]) -> None:
    """Refuse a parameter that a node has not got."""
    for parameter in parameters:
        if not node.has_parameter(parameter.name):
            ours = [spec.name for spec in fields(settings)]
            near = node_settings.nearest(parameter.name, ours)
            raise ConfigurationError(
                f"{node.get_name()}: there is no parameter {parameter.name!r}{near}"
            )


def typed(parameter: Parameter[Any], settings: Any) -> Parameter[Any]:
    """Take a whole number for a decimal one, and an empty list for one of strings, as `load` does.

    ROS itself refuses both.
    """
    kind = type(getattr(settings, parameter.name, None))
    if kind is float and type(parameter.value) is int:
        return Parameter(parameter.name, value=float(parameter.value))
    if kind is list and _is_empty(parameter.value):
        return Parameter(parameter.name, Parameter.Type.STRING_ARRAY, [])
    return parameter


def _refuse_other_time(node: Node, value: Any) -> None:
    if value != node.get_parameter("use_sim_time").value:
        raise ConfigurationError(
            f"{node.get_name()}: use_sim_time cannot change while the node runs, for all that it "
            "has in hand is stamped by the other clock: restart the node"
        )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value


def _is_empty(value: Any) -> bool:
    return isinstance(value, (list, tuple, bytes, array)) and len(value) == 0


def _descriptor(
    settings: type, name: str, kind: type, metadata: dict[str, Any]
) -> ParameterDescriptor:
    least, most, choices = metadata["least"], metadata["most"], metadata["choices"]
    why = why_fixed(settings, name)
    constraints = [f"one of: {', '.join(choices)}"] if choices else []
    constraints += [f"fixed: {why}"] if why else []
    descriptor = ParameterDescriptor(
        type=_TYPES[kind],
        description=metadata["description"],
        read_only=bool(why),
        additional_constraints="; ".join(constraints),
    )
    if kind is float and least is not None:
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=float(least), to_value=float(most), step=0.0)
        ]
    if kind is int and least is not None:
        descriptor.integer_range = [IntegerRange(from_value=int(least), to_value=int(most), step=1)]
    return descriptor
