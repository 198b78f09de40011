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

"""Dataclasses out of the plain values of a YAML or JSON file, each field checked by its type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from kpm_ros.core.settings import ConfigurationError, check_choice, check_number, nearest

Kind = TypeVar("Kind")


def from_plain(kind: type[Kind], value: Any, what: str) -> Kind:
    """Make a dataclass of a table; what does not fit is a ConfigurationError that names it.

    Types may be str, bool, int, float, Any, a Literal of words, such a dataclass, and tuples and
    mappings of them.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Lamp:
    ...     colour: str
    ...     hours: tuple[float, ...] = ()
    >>> from_plain(Lamp, {"colour": "red", "hours": [7, 8.5]}, "the lamp")
    Lamp(colour='red', hours=(7.0, 8.5))
    >>> try:
    ...     from_plain(Lamp, {"color": "red"}, "the lamp")
    ... except ConfigurationError as error:
    ...     print(error)
    the lamp has no field 'color' (did you mean 'colour'?)
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{what} is {value!r}, but must be a table of fields")
    hints = get_type_hints(kind)
    for name in value:
        if name not in hints:
            raise ConfigurationError(f"{what} has no field {name!r}{nearest(str(name), hints)}")
    made = {name: _checked(hints[name], each, f"{what}: {name}") for name, each in value.items()}
    for spec in fields(kind):  # type: ignore[arg-type]
        needed = spec.default is MISSING and spec.default_factory is MISSING
        if needed and spec.name not in made:
            raise ConfigurationError(f"{what} lacks the field {spec.name!r}")
    try:
        return kind(**made)
    except ConfigurationError as error:
        raise ConfigurationError(f"{what}: {error}") from None


def _checked(hint: Any, value: Any, what: str) -> Any:
    outer, inner = get_origin(hint), get_args(hint)
    if outer is tuple or outer is Mapping:
        return _collected(outer, inner[-1] if outer is Mapping else inner[0], value, what)
    if outer is Literal:
        return check_choice(what, value, inner)
    if is_dataclass(hint):
        return from_plain(hint, value, what)  # type: ignore[arg-type]
    if hint in (int, float):
        return check_number(what, value, whole=hint is int)
    if hint is not Any and type(value) is not hint:
        raise ConfigurationError(f"{what} is {value!r}, but must be {_WORDS[hint]}")
    return value


def _collected(outer: Any, hint: Any, value: Any, what: str) -> Any:
    """Check the values of a list or of a table by names."""
    if outer is tuple:
        if not isinstance(value, (list, tuple)):
            raise ConfigurationError(f"{what} is {value!r}, but must be a list")
        return tuple(_checked(hint, each, f"{what}[{k}]") for k, each in enumerate(value))
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ConfigurationError(f"{what} is {value!r}, but must be a table by names")
    return {name: _checked(hint, each, f"{what}.{name}") for name, each in value.items()}


_WORDS = {str: "a text", bool: "true or false"}
