"""A node's settings as ROS parameters: declared with description and bounds, checked at start."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    ParameterType,
)
from rclpy.node import Node

from kpm_ros.nodes import settings as node_settings

Settings = TypeVar("Settings")

_TYPES = {
    bool: ParameterType.PARAMETER_BOOL,
    int: ParameterType.PARAMETER_INTEGER,
    float: ParameterType.PARAMETER_DOUBLE,
    str: ParameterType.PARAMETER_STRING,
    list: ParameterType.PARAMETER_STRING_ARRAY,
}
_NOT_OURS = ("use_sim_time", "start_type_description_service", "qos_overrides.")


def load(node: Node, settings: type[Settings]) -> Settings:
    """Check what the user gave for this node, declare every parameter, and return the settings."""
    given = {
        name: _plain(parameter.value)
        for name, parameter in node._parameter_overrides.items()
        if not name.startswith(_NOT_OURS)
    }
    defaults = {spec.name: getattr(settings(), spec.name) for spec in fields(settings)}  # type: ignore[arg-type]
    # An empty list on a command line has no type of its own; take it for the list it must be.
    given = {name: [] if _is_empty(value) else value for name, value in given.items()}
    loaded = node_settings.check(node.get_name(), settings, given)
    for spec in fields(settings):  # type: ignore[arg-type]
        default = defaults[spec.name]
        descriptor = _descriptor(type(default), dict(spec.metadata))
        node.declare_parameter(
            spec.name, getattr(loaded, spec.name), descriptor, ignore_override=True
        )
    return loaded


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value


def _is_empty(value: Any) -> bool:
    return isinstance(value, (list, bytes)) and len(value) == 0


def _descriptor(kind: type, metadata: dict[str, Any]) -> ParameterDescriptor:
    least, most, choices = metadata["least"], metadata["most"], metadata["choices"]
    descriptor = ParameterDescriptor(
        type=_TYPES[kind],
        description=metadata["description"],
        read_only=True,
        additional_constraints=f"one of: {', '.join(choices)}" if choices else "",
    )
    if kind is float and least is not None:
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=float(least), to_value=float(most), step=0.0)
        ]
    if kind is int and least is not None:
        descriptor.integer_range = [IntegerRange(from_value=int(least), to_value=int(most), step=1)]
    return descriptor
