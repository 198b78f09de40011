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
from kpm_ros.core.params_file import Given
from kpm_ros.core.settings import (
    ConfigurationError,
    Setting,
    declared,
    make_settings,
    nearest,
    values_of,
    why_fixed,
)
from kpm_ros.nodes import given_parameters

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
    # An empty list on a command line has no type of its own, or no value; take it for the list
    # that it must be.
    lists = {name for name, setting in declared(kind).items() if setting.kind is list}
    values = {
        name: []
        if _is_empty(parameter.value) or (parameter.value is None and name in lists)
        else _plain(parameter.value)
        for name, parameter in node._parameter_overrides.items()
    }
    try:
        for_all = given_parameters.said_to_all(words, node.get_fully_qualified_name())
    except ForeignFileError as error:
        raise ConfigurationError(f"{node.get_name()}: {error}") from None
    given, strange = given_parameters.own(kind, Given(values, for_all))
    for sentence in strange:
        node.get_logger().warning(sentence)
    loaded = make_settings(node.get_name(), kind, given)
    for name, setting in declared(kind).items():
        descriptor = _descriptor(setting, why_fixed(kind, name))
        descriptor.read_only &= not node.managed
        node.declare_parameter(name, setting.of(loaded), descriptor, ignore_override=True)
    return loaded


def changed(node: Any, settings: Settings, parameters: Iterable[Parameter[Any]]) -> Settings:
    """Settings with some parameters changed at run time; ConfigurationError says why not."""
    kind, name = type(settings), node.get_name()
    now = values_of(settings)
    changes: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.name == "use_sim_time":
            _refuse_other_time(node, parameter.value)
        elif parameter.name in now:
            changes[parameter.name] = _plain(parameter.value)
    checked = make_settings(name, kind, {**now, **changes})
    for changed_name in changes:
        why = why_fixed(kind, changed_name)
        same = values_of(checked)[changed_name] == now[changed_name]
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
            near = nearest(parameter.name, declared(type(settings)))
            raise ConfigurationError(
                f"{node.get_name()}: there is no parameter {parameter.name!r}{near}"
            )


def typed(parameter: Parameter[Any], settings: Any) -> Parameter[Any]:
    """Take a whole number for a decimal one, and an empty list for one of strings, as `load` does.

    ROS itself refuses both.
    """
    kind = type(values_of(settings).get(parameter.name))
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


def _descriptor(setting: Setting, why: str) -> ParameterDescriptor:
    least, most = setting.least, setting.most
    constraints = [f"one of: {', '.join(setting.choices)}"] if setting.choices else []
    constraints += [f"fixed: {why}"] if why else []
    descriptor = ParameterDescriptor(
        type=_TYPES[setting.kind],
        description=setting.description,
        read_only=bool(why),
        additional_constraints="; ".join(constraints),
    )
    if least is not None and most is not None:
        if setting.kind is int:
            whole = IntegerRange(from_value=int(least), to_value=int(most), step=1)
            descriptor.integer_range = [whole]
        else:
            decimal = FloatingPointRange(from_value=float(least), to_value=float(most), step=0.0)
            descriptor.floating_point_range = [decimal]
    return descriptor
